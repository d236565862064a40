package xmppd

import "foyer/internal/stream"

// Message processing hints (XEP-0334) and what they, with the kind of message,
// decide: whether it is archived, and whether it waits for its recipient.

const nsHints = "urn:xmpp:hints"

// worthKeeping are the payloads that matter without a body: they change what
// people see of the conversation when it is read again.
var worthKeeping = map[stream.Name]bool{
	{Space: "urn:xmpp:receipts", Local: "received"}:               true, // XEP-0184
	{Space: "urn:xmpp:chat-markers:0", Local: "received"}:         true, // XEP-0333
	{Space: "urn:xmpp:chat-markers:0", Local: "displayed"}:        true,
	{Space: "urn:xmpp:chat-markers:0", Local: "acknowledged"}:     true,
	{Space: "urn:xmpp:reactions:0", Local: "reactions"}:           true, // XEP-0444
	{Space: "urn:xmpp:message-retract:1", Local: "retract"}:       true, // XEP-0424
	{Space: "urn:xmpp:message-correct:0", Local: "replace"}:       true, // XEP-0308
	{Space: "urn:xmpp:omemo:2", Local: "encrypted"}:               true, // XEP-0384
	{Space: "eu.siacs.conversations.axolotl", Local: "encrypted"}: true,
	{Space: "jabber:x:conference", Local: "x"}:                    true, // XEP-0249
}

func hint(m *stream.Element, name string) bool {
	_, ok := m.Find(nsHints, name)
	return ok
}

// substantial reports whether a message says something that lasts.
func substantial(m *stream.Element) bool {
	if _, ok := m.Find(stream.NSClient, "body"); ok {
		return true
	}
	for c := range m.Children() {
		if worthKeeping[c.Name] {
			return true
		}
	}
	return false
}

// Lasting reports whether a message is to be kept, whatever its type: it says
// something that lasts, and no hint forbids it (XEP-0334 §4).
func Lasting(m *stream.Element) bool {
	switch {
	case hint(m, "no-store"), hint(m, "no-permanent-store"):
		return false
	case hint(m, "store"):
		return true
	}
	return substantial(m)
}

// archives reports whether a message goes into the archives (XEP-0313 §6.1.1,
// XEP-0334 §4, S-63, S-64).
func archives(m *stream.Element) bool {
	switch messageType(m) {
	case "chat", "normal":
	default:
		return false
	}
	return Lasting(m)
}

// storesOffline reports whether a message waits for its recipient (XEP-0160 §3,
// S-31): chat states alone do not.
func storesOffline(m *stream.Element) bool {
	switch messageType(m) {
	case "chat", "normal":
	default:
		return false
	}
	return !hint(m, "no-store") && (hint(m, "store") || substantial(m))
}
