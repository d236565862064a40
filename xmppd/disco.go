package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stream"
)

// Service discovery (XEP-0030): what the server and its accounts really do.

const (
	nsDiscoInfo  = "http://jabber.org/protocol/disco#info"
	nsDiscoItems = "http://jabber.org/protocol/disco#items"
)

// serverFeatures are those of the domain (S-45). Clients look for carbons and
// blocking here, and Converse asks for items only if disco#items is listed.
var serverFeatures = []string{
	nsDiscoInfo, nsDiscoItems, nsCarbons, nsBlocking, nsPing, nsVersion, nsTime,
	"vcard-temp", "msgoffline", nsSID, nsPrivate, nsForward,
}

// accountFeatures are those of an account's bare JID (S-46).
var accountFeatures = []string{nsDiscoInfo, nsDiscoItems, nsMAM, nsMAMExtended, nsSID, nsRSM, "vcard-temp"}

func discoHandlers() map[iqKey]iqHandler {
	info := stream.Name{Space: nsDiscoInfo, Local: "query"}
	items := stream.Name{Space: nsDiscoItems, Local: "query"}
	return map[iqKey]iqHandler{
		{toServer, "get", info}:   handleServerInfo,
		{toServer, "get", items}:  handleNoItems,
		{toSelf, "get", info}:     handleAccountInfo,
		{toSelf, "get", items}:    handleNoItems,
		{toAccount, "get", info}:  handleContactInfo,
		{toAccount, "get", items}: handleNoItems,
	}
}

func handleServerInfo(_ context.Context, _ *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	return discoInfo(query, `<identity category="server" type="im" name="Foyer"/>`, serverFeatures)
}

func handleAccountInfo(_ context.Context, _ *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	return discoInfo(query, `<identity category="account" type="registered"/>`, accountFeatures)
}

// handleContactInfo: only those who see the account's presence learn that it
// exists (XEP-0030 §8, S-47).
func handleContactInfo(ctx context.Context, s *session, iq *stream.Element, query stream.Child) ([]byte, error) {
	to, err := parseAddress(iq.To)
	if err != nil {
		return nil, err
	}
	if !s.server.subscribedFrom(ctx, to.user, s.bare) {
		return nil, errServiceUnavailable
	}
	if _, err := s.server.stores.Accounts.Account(ctx, to.user); err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil, errServiceUnavailable
		}
		return nil, err
	}
	return discoInfo(query, `<identity category="account" type="registered"/>`, []string{nsDiscoInfo, nsDiscoItems})
}

// discoInfo builds a reply; the node is mirrored, and only the empty one exists
// (XEP-0030 §3.2, §7).
func discoInfo(query stream.Child, identity string, features []string) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return nil, errItemNotFound
	}
	dst := append([]byte(`<query xmlns="`+nsDiscoInfo+`">`), identity...)
	for _, f := range features {
		dst = append(appendAttr(append(dst, "<feature"...), "var", f), "/>"...)
	}
	return append(dst, "</query>"...), nil
}

// handleNoItems: nothing is beneath (S-47).
func handleNoItems(_ context.Context, _ *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	node, _ := query.Attr("node")
	return append(appendAttr([]byte(`<query xmlns="`+nsDiscoItems+`"`), "node", node), "/>"...), nil
}
