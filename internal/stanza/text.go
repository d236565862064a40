package stanza

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"foyer/internal/stream"
)

const (
	nsEncryption = "urn:xmpp:eme:0"   // how a message is encrypted (XEP-0380 §3)
	nsReply      = "urn:xmpp:reply:0" // XEP-0461
)

// NewText returns the text of a message that says something new, as SaidText does, and whether
// what it says is encrypted, the text being for clients that cannot read it. It is "" for
// corrections, reactions and retractions, whose text is for clients that do not know them.
func NewText(m *stream.Element) (text string, encrypted bool) {
	text = SaidText(m)
	if text == "" || CorrectedID(m) != "" {
		return "", false
	}
	for c := range m.Children() {
		switch c.Name.Local {
		case "retract", "reactions", "moderate", "apply-to": // XEP-0424, XEP-0444
			return "", false
		}
	}
	return text, IsEncrypted(m)
}

// IsEncrypted reports whether what a message says is encrypted: its text is for clients that
// cannot read it.
func IsEncrypted(m *stream.Element) bool {
	_, encrypted := m.Find(nsEncryption, "encryption")
	return encrypted
}

// SaidText returns the text of a message without the copy of what it answers, which stands
// in it for clients that do not know answers (XEP-0461 §3.1; XEP-0428 §2.3, whose offsets
// count characters). A range that is none in the text takes nothing away.
func SaidText(m *stream.Element) string {
	chars := []rune(BodyText(m))
	start, end := quoted(m, len(chars))
	return string(slices.Delete(chars, start, end))
}

// quoted is where the copy of what a message answers begins and ends in its text of so many characters; nowhere if
// there is none.
func quoted(m *stream.Element, length int) (start, end int) {
	for c := range m.Children() {
		if c.Name != (stream.Name{Space: NSFallback, Local: "fallback"}) {
			continue
		}
		if what, _ := c.Attr("for"); what != nsReply {
			continue
		}
		if part, ok := c.Find(NSFallback, "body"); ok {
			from, _ := part.Attr("start")
			to, _ := part.Attr("end")
			start, errStart := strconv.Atoi(from)
			end, errEnd := strconv.Atoi(to)
			if errStart != nil || errEnd != nil || start < 0 || end < start || end > length {
				return 0, 0
			}
			return start, end
		}
	}
	return 0, 0
}

// AnsweredNick returns the nickname of whom a message in a room answers (XEP-0461 §3); "" if it
// answers nobody, or does not say whom.
func AnsweredNick(m *stream.Element) string {
	at, err := ParseAddress(replyAttr(m, "to"))
	if err != nil {
		return ""
	}
	return at.Resource
}

// AnsweredID returns the id of the message that one answers (XEP-0461 §3): in a room the one that
// the room gave it; "" if it answers none.
func AnsweredID(m *stream.Element) string { return replyAttr(m, "id") }

func replyAttr(m *stream.Element, name string) string {
	reply, ok := m.Find(nsReply, "reply")
	if !ok {
		return ""
	}
	value, _ := reply.Attr(name)
	return value
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
