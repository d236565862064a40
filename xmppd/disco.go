package xmppd

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/stream"
)

// Service discovery (XEP-0030): what the server and its accounts really do.

const (
	nsDiscoInfo  = "http://jabber.org/protocol/disco#info"
	nsDiscoItems = "http://jabber.org/protocol/disco#items"

	identityAccount = `<identity category="account" type="registered"/>`
	identityPEP     = `<identity category="pubsub" type="pep"/>`
)

// serverFeatures are those of the domain (S-45). Clients look for carbons and
// blocking here, and Converse asks for items only if disco#items is listed.
var serverFeatures = []string{
	nsDiscoInfo, nsDiscoItems, nsCarbons, nsBlocking, nsPing, nsVersion, nsTime,
	"vcard-temp", "msgoffline", nsSID, nsPrivate, nsForward, nsRetract, nsCaps,
	formPublishOptions, // XEP-0223 §5 looks for it here
	nsMAM,              // that of accounts; Profanity looks for it here
}

// accountFeatures are those of an account's bare JID (S-46).
var accountFeatures = append(ArchiveFeatures(), nsDiscoInfo, nsDiscoItems, "vcard-temp")

func discoHandlers() map[iqKey]iqHandler {
	info := stream.Name{Space: nsDiscoInfo, Local: "query"}
	items := stream.Name{Space: nsDiscoItems, Local: "query"}
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
	return DiscoInfo(query, identityAccount+identityPEP, slices.Concat(accountFeatures, pubsubFeatures()))
}

// handleContactInfo: only those who see the account's presence learn that it
// exists (XEP-0030 §8, S-47).
func handleContactInfo(ctx context.Context, s *session, iq *stream.Element, query stream.Child) ([]byte, error) {
	to, err := ParseAddress(iq.To)
	if err != nil {
		return nil, err
	}
	if !s.server.subscribedFrom(ctx, to.User, s.bare) {
		return nil, ErrServiceUnavailable
	}
	if _, err := s.server.stores.Accounts.Account(ctx, to.User); err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil, ErrServiceUnavailable
		}
		return nil, err
	}
	if node, ok := query.Attr("node"); ok && node != "" {
		return s.nodeInfo(ctx, to.User, node)
	}
	return DiscoInfo(query, identityAccount+identityPEP, slices.Concat([]string{nsDiscoInfo, nsDiscoItems}, pubsubFeatures()))
}

// handleServerItems lists the services (S-45).
func handleServerItems(_ context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return nil, ErrItemNotFound
	}
	dst := []byte(`<query xmlns="` + nsDiscoItems + `">`)
	for _, svc := range s.server.services {
		dst = AppendAttr(append(dst, "<item"...), "jid", svc.Domain())
		dst = append(AppendAttr(dst, "name", svc.Name()), "/>"...)
	}
	return append(dst, "</query>"...), nil
}

// DiscoInfo builds the payload that answers disco#info: the identities and forms
// are complete elements. Only the empty node exists here (XEP-0030 §3.2, §7);
// another is item-not-found.
func DiscoInfo(query stream.Child, identities string, features []string, forms ...[]byte) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return nil, ErrItemNotFound
	}
	return discoAnswer("", identities, features, forms...), nil
}

func discoAnswer(node, identities string, features []string, forms ...[]byte) []byte {
	dst := AppendAttr([]byte(`<query xmlns="`+nsDiscoInfo+`"`), "node", node)
	dst = append(append(dst, '>'), identities...)
	for _, f := range features {
		dst = append(AppendAttr(append(dst, "<feature"...), "var", f), "/>"...)
	}
	for _, f := range forms {
		dst = append(dst, f...)
	}
	return append(dst, "</query>"...)
}
