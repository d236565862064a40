package xmppd

import (
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Unique and stable stanza ids (XEP-0359): the id that a message has in the
// archive that the recipient may read.

const nsSID = "urn:xmpp:sid:0"

// isForgedID reports whether c claims an id that only the server gives: by one
// of the addresses whose archives it keeps (XEP-0359 §5, S-53).
func isForgedID(c stream.Child, owners ...string) bool {
	if c.Name != (stream.Name{Space: nsSID, Local: "stanza-id"}) {
		return false
	}
	by, _ := c.Attr("by")
	a, err := ParseAddress(by)
	if err != nil {
		return true
	}
	for _, o := range owners {
		if a.Bare() == o {
			return true
		}
	}
	return false
}

// isForgedDelay reports whether c is a delay in the server's name, or nobody's.
func isForgedDelay(c stream.Child, domain string) bool {
	if c.Name != (stream.Name{Space: "urn:xmpp:delay", Local: "delay"}) {
		return false
	}
	from, _ := c.Attr("from")
	a, err := ParseAddress(from)
	return err != nil || a == (Address{Domain: domain})
}

// withStanzaID returns the message with its id in owner's archive (XEP-0313
// §3.5, S-54), or as it is when it is in none.
func withStanzaID(m *stream.Element, owner string, id uuid.UUID) []byte {
	if id == uuid.Nil {
		return m.Raw
	}
	sid := AppendAttr([]byte(`<stanza-id xmlns="`+nsSID+`"`), "by", owner)
	sid = append(AppendAttr(sid, "id", id.String()), "/>"...)
	return m.Edit().Append(sid).Bytes()
}

// archivedID returns the id that a delivered message has in owner's archive.
func archivedID(m *stream.Element, owner string) (uuid.UUID, bool) {
	for c := range m.Children() {
		if c.Name != (stream.Name{Space: nsSID, Local: "stanza-id"}) {
			continue
		}
		if by, _ := c.Attr("by"); by != owner {
			continue
		}
		text, _ := c.Attr("id")
		id, err := uuid.Parse(text)
		return id, err == nil
	}
	return uuid.Nil, false
}
