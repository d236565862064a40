package xmppd

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// Service discovery (XEP-0030): what the server and its accounts really do.

// serverFeatures are those of the domain (S-45). Clients look for carbons and
// blocking here, and Converse asks for items only if disco#items is listed.
var serverFeatures = []string{
	stanza.NSDiscoInfo, stanza.NSDiscoItems, nsCarbons, nsBlocking, stanza.NSPing, nsVersion, stanza.NSTime, nsLast,
	stanza.NSVCard, "msgoffline", stanza.NSSID, stanza.NSPrivate, stanza.NSForward, stanza.NSRetract, stanza.NSCaps,
	stanza.NSMAM, // that of accounts; Profanity looks for it here
}

// accountFeatures are those of an account's bare JID (S-46).
var accountFeatures = append(archive.Features(), stanza.NSDiscoInfo, stanza.NSDiscoItems, stanza.NSVCard, nsLast)

func discoHandlers() map[iqKey]iqHandler {
	info := stream.Name{Space: stanza.NSDiscoInfo, Local: "query"}
	items := stream.Name{Space: stanza.NSDiscoItems, Local: "query"}
	return map[iqKey]iqHandler{
		{toServer, "get", info}:   handleServerInfo,
		{toServer, "get", items}:  handleServerItems,
		{toSelf, "get", info}:     handleAccountInfo,
		{toSelf, "get", items}:    handleNodes,
		{toAccount, "get", info}:  handleContactInfo,
		{toAccount, "get", items}: handleNodes,
	}
}

func handleServerInfo(_ context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	return s.server.serverInfo(query)
}

func handleAccountInfo(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return s.nodeInfo(ctx, s.user, node)
	}
	return s.server.accountInfo(accountFeatures).Answer(query)
}

// handleContactInfo: only those who see the account's presence learn that it
// exists (XEP-0030 §8, S-47).
func handleContactInfo(ctx context.Context, s *session, iq *stream.Element, query stream.Child) ([]byte, error) {
	to, err := stanza.ParseAddress(iq.To)
	if err != nil {
		return nil, err
	}
	if !s.server.subscribedFrom(ctx, to.User, s.bare) {
		return nil, stanza.ErrServiceUnavailable
	}
	if _, err := s.server.stores.Accounts.Account(ctx, to.User); err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil, stanza.ErrServiceUnavailable
		}
		return nil, err
	}
	if node, ok := query.Attr("node"); ok && node != "" {
		return s.nodeInfo(ctx, to.User, node)
	}
	return s.server.accountInfo([]string{stanza.NSDiscoInfo, stanza.NSDiscoItems}).Answer(query)
}

// accountInfo is what an account is and can do: features are those of the server
// itself, and what is mounted on the accounts has its own.
func (srv *Server) accountInfo(features []string) stanza.Info {
	mounted := srv.mounted.discovery
	return stanza.Info{
		Identities: slices.Concat([]stanza.Identity{{Category: "account", Type: "registered"}}, mounted.Identities),
		Features:   slices.Concat(features, mounted.Features),
	}
}

// handleServerItems lists the services (S-45).
func handleServerItems(_ context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return nil, stanza.ErrItemNotFound
	}
	var items []stanza.Item
	for _, svc := range s.server.services {
		items = append(items, stanza.Item{JID: svc.Domain(), Name: svc.Name()})
	}
	return stanza.ItemsPayload("", items), nil
}
