package stanza

import "foyer/internal/stream"

// Service discovery (XEP-0030).

// Identity says what an entity is (§3.1).
type Identity struct{ Category, Type, Name string }

// Info is what an entity answers to disco#info.
type Info struct {
	Node       string
	Identities []Identity
	Features   []string
	Forms      [][]byte // complete (XEP-0128)
}

// Payload builds the answer's payload.
func (i Info) Payload() []byte {
	dst := append(AppendAttr([]byte(`<query xmlns="`+NSDiscoInfo+`"`), "node", i.Node), '>')
	for _, id := range i.Identities {
		dst = AppendAttr(append(dst, "<identity"...), "category", id.Category)
		dst = append(AppendAttr(AppendAttr(dst, "type", id.Type), "name", id.Name), "/>"...)
	}
	for _, f := range i.Features {
		dst = append(AppendAttr(append(dst, "<feature"...), "var", f), "/>"...)
	}
	for _, f := range i.Forms {
		dst = append(dst, f...)
	}
	return append(dst, "</query>"...)
}

// Answer answers a disco#info query where only the empty node exists (§3.2, §7);
// another is item-not-found.
func (i Info) Answer(query stream.Child) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return nil, ErrItemNotFound
	}
	return i.Payload(), nil
}

// Item is something that belongs to an entity (§4.1).
type Item struct{ JID, Node, Name string }

// ItemsPayload builds the payload that answers disco#items. more is what comes
// after the items, such as the description of the page.
func ItemsPayload(node string, items []Item, more ...[]byte) []byte {
	dst := append(AppendAttr([]byte(`<query xmlns="`+NSDiscoItems+`"`), "node", node), '>')
	for _, it := range items {
		dst = AppendAttr(append(dst, "<item"...), "jid", it.JID)
		dst = append(AppendAttr(AppendAttr(dst, "node", it.Node), "name", it.Name), "/>"...)
	}
	for _, m := range more {
		dst = append(dst, m...)
	}
	return append(dst, "</query>"...)
}
