package stanza

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"foyer/internal/stream"
)

// Bounds of what is looked at to know whom a message is to.
const (
	maxNamed    = 20      // people
	maxLookedAt = 4 << 10 // bytes of a text
)

// Addressed is what a message in a room says of whom it is to, among all who have it. Pages go by the same rule
// (static/js/chat/unread/mentions.js).
type Addressed struct {
	answers string   // a nickname (XEP-0461 §3)
	named   []string // nicknames and user names (XEP-0372 §3.2)
	text    string   // in lower case; empty where it is encrypted
}

// AddressedBy reads it from a message, of which nothing is kept.
func AddressedBy(m *stream.Element) Addressed {
	a := Addressed{answers: strings.Clone(AnsweredNick(m)), named: Named(m)}
	if !IsEncrypted(m) {
		a.text = strings.ToLower(CutText(LineText(m), maxLookedAt))
	}
	return a
}

// To reports whether it is to somebody with these names: it answers them, or refers to them, or has one of the names
// with an @ before it, or one of several words without; ordinary words are names, too.
func (a Addressed) To(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		is := func(other string) bool { return strings.EqualFold(other, name) }
		return name != "" && (is(a.answers) || slices.ContainsFunc(a.named, is) || hasName(a.text, strings.ToLower(name)))
	})
}

// hasName reports whether a name stands in a text, and is no part of another word or name.
func hasName(text, name string) bool {
	isPlain := !strings.ContainsFunc(name, unicode.IsSpace)
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(name)
		before, isNamed := strings.CutSuffix(text[:start], "@")
		if !isPlain && isNamed {
			before = text[:start]
		}
		if (isNamed || !isPlain) && !endsInWord(before) && !goesOn(text[end:]) {
			return true
		}
		from = end
	}
}

func endsInWord(text string) bool {
	r, _ := utf8.DecodeLastRuneInString(text)
	return isWord(r)
}

// goesOn reports whether what stands before a text goes on there: with a letter, or one after a sign that names have.
func goesOn(text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	if r == '.' || r == '-' {
		r, _ = utf8.DecodeRuneInString(text[size:])
		return r != '_' && isWord(r)
	}
	return isWord(r)
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r))
}

// Named returns who is referred to in what a message says (XEP-0372 §3.2): the nicknames of a room's occupants, and the
// user names of others. What is copied from what it answers refers to nobody.
func Named(m *stream.Element) []string {
	var names []string
	start, end := quotedUTF16(m)
	for c := range m.Children() {
		if c.Name != (stream.Name{Space: nsReference, Local: "reference"}) || len(names) == maxNamed {
			continue
		}
		kind, _ := c.Attr("type")
		begin, _ := c.Attr("begin")
		at, err := strconv.Atoi(begin)
		if kind != "mention" || (err == nil && at >= start && at < end) {
			continue
		}
		uri, _ := c.Attr("uri")
		if name := nameIn(uri); name != "" {
			names = append(names, strings.Clone(name))
		}
	}
	return names
}

// nameIn is whom the address of somebody names (RFC 5122).
func nameIn(uri string) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(uri, "xmpp:"), "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return ""
	}
	at, err := ParseAddress(plain)
	if err != nil {
		return ""
	}
	if at.Resource != "" {
		return at.Resource
	}
	return at.User
}

// quotedUTF16 is where the copy of what a message answers stands, as references count.
func quotedUTF16(m *stream.Element) (start, end int) {
	chars := []rune(BodyText(m))
	from, to := quoted(m, len(chars))
	length := func(part []rune) (n int) {
		for _, r := range part {
			n += utf16.RuneLen(r)
		}
		return n
	}
	start = length(chars[:from])
	return start, start + length(chars[from:to])
}
