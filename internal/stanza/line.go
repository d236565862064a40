package stanza

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"foyer/internal/stream"
)

const (
	nsReference = "urn:xmpp:reference:0" // whom a part of a text names (XEP-0372)
	nsStyling   = "urn:xmpp:styling:0"   // XEP-0393
)

// How far apart the two marks of a span may be, and how many spans may be within each other:
// both bound what a text costs.
const (
	maxSpan  = 512 // bytes
	maxSpans = 4
)

// LineText returns MarkedText as plain text: without the marks of styling.
func LineText(m *stream.Element) string {
	text, styled := MarkedText(m)
	if !styled {
		return text
	}
	return Unstyled(text)
}

// Action is what the author of a message does, of a text that says so: of “/me waves”, “waves”
// (XEP-0245 §2). It is read after their name.
func Action(text string) (does string, ok bool) { return strings.CutPrefix(text, "/me ") }

// MarkedText returns SaidText with an @ before whoever is named (XEP-0372 §3.1; Converse takes it
// away when it makes the reference), and whether marks in it are styling: a message can say that it
// has none (XEP-0393 §8).
func MarkedText(m *stream.Element) (text string, styled bool) {
	_, unstyled := m.Find(nsStyling, "unstyled")
	return withMentions(m, BodyText(m)), !unstyled
}

// withMentions is a text without the copy of what is answered, with an @ before each name that the message says is one.
// References count in UTF-16, as Converse does; one that is not between characters, or within the copy, names nobody.
func withMentions(m *stream.Element, text string) string {
	named := map[int]bool{}
	for c := range m.Children() {
		if c.Name != (stream.Name{Space: nsReference, Local: "reference"}) {
			continue
		}
		kind, _ := c.Attr("type")
		begin, _ := c.Attr("begin")
		if i, err := strconv.Atoi(begin); err == nil && kind == "mention" {
			named[i] = true
		}
	}
	if len(named) == 0 {
		return SaidText(m)
	}
	chars := []rune(text)
	start, end := quoted(m, len(chars))
	var b strings.Builder
	at := 0 // in UTF-16
	for i, r := range chars {
		if i < start || i >= end {
			if named[at] && r != '@' && (i == 0 || chars[i-1] != '@') {
				b.WriteByte('@')
			}
			b.WriteRune(r)
		}
		at += utf16.RuneLen(r)
	}
	return b.String()
}

// Unstyled is a text without the marks of styling (XEP-0393): of spans (§6.2), quotations (§5.1.3)
// and blocks of code (§5.1.2).
func Unstyled(text string) string {
	var lines []string
	fenced := false
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
			continue
		case !fenced:
			for strings.HasPrefix(line, ">") {
				line = strings.TrimPrefix(line[1:], " ")
			}
			line = unstyledLine(line, maxSpans)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func unstyledLine(line string, depth int) string {
	if depth == 0 || !strings.ContainsAny(line, "*_~`") {
		return line
	}
	var b strings.Builder
	plain := 0
	for at := 0; at < len(line); at++ {
		end := spanEnd(line, at)
		if end < 0 {
			continue
		}
		b.WriteString(line[plain:at])
		if inner := line[at+1 : end]; line[at] == '`' {
			b.WriteString(inner)
		} else {
			b.WriteString(unstyledLine(inner, depth-1))
		}
		plain, at = end+1, end
	}
	b.WriteString(line[plain:])
	return b.String()
}

func isMark(r rune) bool { return r == '*' || r == '_' || r == '~' || r == '`' }

// spanEnd is where a span that opens at a byte of a line ends; -1: none opens there.
func spanEnd(line string, at int) int {
	mark := line[at]
	if !isMark(rune(mark)) || at+1 == len(line) {
		return -1
	}
	if before, _ := utf8.DecodeLastRuneInString(line[:at]); at > 0 && !unicode.IsSpace(before) && (before == rune(mark) || !isMark(before)) {
		return -1
	}
	if after, _ := utf8.DecodeRuneInString(line[at+1:]); unicode.IsSpace(after) {
		return -1
	}
	for end := at + 2; end < min(len(line), at+maxSpan); end++ {
		if line[end] != mark {
			continue
		}
		if before, _ := utf8.DecodeLastRuneInString(line[:end]); !unicode.IsSpace(before) {
			return end
		}
	}
	return -1
}
