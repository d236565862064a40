package remote

import (
	"context"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// nsPush is XEP-0357.
const nsPush = "urn:xmpp:push:0"

// OffersPush reports whether the server tells others of its accounts' messages (XEP-0357
// §4.1).
func (s *Session) OffersPush(ctx context.Context) (bool, error) {
	el, err := s.iq(ctx, "get", "", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`)
	if err != nil {
		return false, err
	}
	query, _ := el.Find(stanza.NSDiscoInfo, "query")
	for c := range query.Children() {
		if name, _ := c.Attr("var"); c.Name.Local == "feature" && name == nsPush {
			return true, nil
		}
	}
	return false, nil
}

// EnablePush has the server tell of the account's messages by publishing to a node at an
// address, until DisablePush or until that refuses it (XEP-0357 §5).
func (s *Session) EnablePush(ctx context.Context, at, node string) error {
	_, err := s.iq(ctx, "set", "", `<enable xmlns="`+nsPush+`" jid="`+stream.Escape(at)+`" node="`+stream.Escape(node)+`"/>`)
	return err
}

// DisablePush ends that (XEP-0357 §6).
func (s *Session) DisablePush(ctx context.Context, at, node string) error {
	_, err := s.iq(ctx, "set", "", `<disable xmlns="`+nsPush+`" jid="`+stream.Escape(at)+`" node="`+stream.Escape(node)+`"/>`)
	if isRefusal(err, "item-not-found") {
		return nil
	}
	return err
}

// PushedNode returns the node to which a server publishes that there is a message (XEP-0357
// §7). Clients publish nothing: what comes from a resource is none (§3.2).
func PushedNode(iq *stream.Element) (node string, ok bool) {
	pubsub, ok := iq.Find(stanza.NSPubsub, "pubsub")
	if !ok || iq.Type != "set" || strings.Contains(iq.From, "/") {
		return "", false
	}
	publish, ok := pubsub.Find(stanza.NSPubsub, "publish")
	if !ok {
		return "", false
	}
	return publish.Attr("node")
}
