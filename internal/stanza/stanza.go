// Package stanza is what every XMPP server says again and again: addresses,
// stanza errors, replies, data forms, result sets, delays, hints, stanza ids and
// service discovery, and the names of the namespaces. It knows no session and no
// store; everything in it is safe for concurrent use.
package stanza

import "foyer/internal/stream"

// AppendAttr appends an attribute unless its value is empty.
func AppendAttr(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, ' '), name...), `="`...)
	return append(stream.AppendEscaped(dst, value), '"')
}

// Result builds the result of an IQ, from the address it was sent to. No payload:
// an empty result.
func Result(iq *stream.Element, to string, payload []byte) []byte {
	dst := append(make([]byte, 0, 128+len(payload)), `<iq xmlns="jabber:client" type="result"`...)
	dst = AppendAttr(dst, "id", iq.ID)
	dst = AppendAttr(dst, "from", iq.To)
	dst = AppendAttr(dst, "to", to)
	if payload == nil {
		return append(dst, "/>"...)
	}
	return append(append(append(dst, '>'), payload...), "</iq>"...)
}

// MessageType is the type of a message; a missing or unknown one counts as normal
// (RFC 6121 §5.2.2).
func MessageType(m *stream.Element) string {
	switch m.Type {
	case "chat", "groupchat", "headline", "error":
		return m.Type
	}
	return "normal"
}

// IsConversation reports whether a message is from one person to another.
func IsConversation(m *stream.Element) bool {
	kind := MessageType(m)
	return kind == "chat" || kind == "normal"
}

// BodyText returns the plain text of a message, or "".
func BodyText(m *stream.Element) string {
	body, ok := m.Find(stream.NSClient, "body")
	if !ok {
		return ""
	}
	return body.Text()
}

// CorrectedID returns the stanza id of the message that m corrects (XEP-0308
// §3), or "".
func CorrectedID(m *stream.Element) string {
	r, ok := m.Find(NSCorrect, "replace")
	if !ok {
		return ""
	}
	id, _ := r.Attr("id")
	return id
}
