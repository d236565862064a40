package stanza

import "foyer/internal/stream"

// Message processing hints (XEP-0334), and what they decide together with what a
// message says.

// lasting are the payloads that matter without a body: they change what people
// see of the conversation when it is read again.
var lasting = map[stream.Name]bool{
	{Space: NSReceipts, Local: "received"}:        true,
	{Space: NSChatMarkers, Local: "received"}:     true,
	{Space: NSChatMarkers, Local: "displayed"}:    true,
	{Space: NSChatMarkers, Local: "acknowledged"}: true,
	{Space: NSReactions, Local: "reactions"}:      true,
	{Space: NSRetract, Local: "retract"}:          true,
	{Space: NSFasten, Local: "apply-to"}:          true,
	{Space: NSCorrect, Local: "replace"}:          true,
	{Space: NSOMEMO, Local: "encrypted"}:          true,
	{Space: NSOldOMEMO, Local: "encrypted"}:       true,
	{Space: NSConference, Local: "x"}:             true,
}

// HasHint reports whether a message carries a hint, such as no-copy.
func HasHint(m *stream.Element, name string) bool {
	_, ok := m.Find(NSHints, name)
	return ok
}

// IsSubstantial reports whether a message says something that lasts: it has a
// body, or a payload that changes what is read later.
func IsSubstantial(m *stream.Element) bool {
	if _, ok := m.Find(stream.NSClient, "body"); ok {
		return true
	}
	for c := range m.Children() {
		if lasting[c.Name] {
			return true
		}
	}
	return false
}

// ShouldArchive reports whether a message is to be kept, whatever its type: it
// says something that lasts, and no hint forbids it (XEP-0334 §4).
func ShouldArchive(m *stream.Element) bool {
	switch {
	case HasHint(m, "no-store"), HasHint(m, "no-permanent-store"):
		return false
	case HasHint(m, "store"):
		return true
	}
	return IsSubstantial(m)
}
