package stanza

import (
	"strings"
	"unicode/utf8"

	"foyer/internal/stream"
)

// nsEncryption says how a message is encrypted (XEP-0380 §3).
const nsEncryption = "urn:xmpp:eme:0"

// NewText returns the text of a message that says something new, and whether what it says
// is encrypted, the text being for clients that cannot read it. It is "" for corrections,
// reactions and retractions, whose text is for clients that do not know them.
func NewText(m *stream.Element) (text string, encrypted bool) {
	text = BodyText(m)
	if text == "" || CorrectedID(m) != "" {
		return "", false
	}
	for c := range m.Children() {
		switch c.Name.Local {
		case "retract", "reactions", "moderate", "apply-to": // XEP-0424, XEP-0444
			return "", false
		}
	}
	_, encrypted = m.Find(nsEncryption, "encryption")
	return text, encrypted
}

// CutText shortens a text to so many bytes, between characters.
func CutText(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.Clone(text[:n])
}
