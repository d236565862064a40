// Package names holds the one rule for the names that people go by: what they
// enter on the site, what a client sends in a vCard, and nicknames in rooms. A name
// that the site takes is one that every room takes, letter for letter.
//
// The rule is the Nickname profile of PRECIS (RFC 8266), since a room's nickname is
// part of an address (RFC 7622 §3.4, XEP-0045 §17.1). What people type without
// knowing is tidied first, so that they are not refused for it.
package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// Max is the maximum length of a name in characters.
const Max = 64

// maxMarks is the maximum number of accents and other marks on one letter; more
// would run over the lines above and below.
const maxMarks = 8

// Refusal says to people why a name cannot be taken.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// The refusals that need no further word.
const (
	ErrNoText    = Refusal("A name is text, in UTF-8.")
	ErrEmpty     = Refusal("A name needs a letter or a digit.")
	ErrTooLong   = Refusal("A name has at most 64 characters.")
	ErrInvisible = Refusal("A name cannot have invisible characters.")
	ErrMarks     = Refusal("A name cannot have that many marks on one letter.")
	ErrMixed     = Refusal("These characters cannot be in one name.")
)

// Prepare returns a name as it is kept and shown. Preparing it again changes
// nothing. The error is a Refusal.
func Prepare(typed string) (string, error) {
	if len(typed) > 16*Max || utf8.RuneCountInString(typed) > 4*Max {
		return "", ErrTooLong
	}
	if !utf8.ValidString(typed) {
		return "", ErrNoText
	}
	tidied := tidy(typed)
	name, err := precis.Nickname.String(tidied)
	switch {
	case tidied == "" || !isVisible(tidied):
		return "", ErrEmpty
	case err != nil:
		return "", reason(tidied)
	case utf8.RuneCountInString(name) > Max:
		return "", ErrTooLong
	case marks(name) > maxMarks:
		return "", ErrMarks
	}
	if _, err := Key(name); err != nil {
		return "", ErrMixed
	}
	return name, nil
}

// Clean returns the nearest name that Prepare would take, for names that come from
// elsewhere and that nobody can be asked about; empty if nothing is left.
func Clean(name string) string {
	if prepared, err := Prepare(name); err == nil {
		return prepared
	}
	var kept strings.Builder
	for i, r := range norm.NFKC.String(name) {
		if i > 16*Max {
			break
		}
		if _, err := Prepare(kept.String() + string(r)); err == nil || unicode.IsSpace(r) {
			kept.WriteRune(r)
		}
	}
	prepared, err := Prepare(kept.String())
	if err != nil {
		return ""
	}
	return prepared
}

// Key is what names are compared by: two with the same key are the same to people
// (RFC 8266 §2.3). The error tells that it is no name.
func Key(name string) (string, error) { return precis.Nickname.CompareKey(name) }

// tidy makes one line of a name, and removes or replaces what cannot be in an
// address but comes with ordinary typing: the signs that choose how an emoji looks
// (U+FE0F and its kind), joiners where they join nothing, and middle dots (RFC 5892
// appendix A.3 and A.7 allow them in a few words only) for one that looks the same.
func tidy(typed string) string {
	runes := []rune(norm.NFKC.String(strings.Join(strings.Fields(typed), " ")))
	var out strings.Builder
	for i, r := range runes {
		switch {
		case unicode.Is(unicode.Variation_Selector, r) || isEmojiTag(r):
		case isJoiner(r) && !joins(runes, i):
		case r == '·' && !isBetweenLs(runes, i), r == '・' && !isEastAsian(runes):
			out.WriteRune('‧')
		default:
			out.WriteRune(r)
		}
	}
	return strings.TrimSpace(out.String())
}

// isEmojiTag: a flag such as Scotland's is spelt with invisible tags.
func isEmojiTag(r rune) bool { return r >= 0xE0020 && r <= 0xE007F }

// isJoiner: the zero-width non-joiner and joiner, which Persian, Hindi, Malayalam,
// Sinhala and others are written with.
func isJoiner(r rune) bool { return r == 0x200C || r == 0x200D }

// IsPart reports whether a character that is not drawn itself is part of what is: joiners, of
// words and of emoji; tags, of flags; and the signs that choose how something looks.
func IsPart(r rune) bool {
	return isJoiner(r) || isEmojiTag(r) || unicode.Is(unicode.Variation_Selector, r)
}

// joins reports whether the joiner at i changes how the word around it is written
// (RFC 5892 appendix A.1 and A.2).
func joins(runes []rune, i int) bool {
	isWord := func(r rune) bool { return unicode.In(r, unicode.L, unicode.M) }
	from, to := i, i+1
	for from > 0 && isWord(runes[from-1]) {
		from--
	}
	for to < len(runes) && isWord(runes[to]) {
		to++
	}
	_, err := precis.Nickname.String(string(runes[from:to]))
	return err == nil
}

// isBetweenLs reports whether the middle dot at i is Catalan's, as in "Gal·la".
func isBetweenLs(runes []rune, i int) bool {
	return i > 0 && i+1 < len(runes) && runes[i-1] == 'l' && runes[i+1] == 'l'
}

// isEastAsian reports whether a name is one in which the katakana middle dot may
// stand.
func isEastAsian(runes []rune) bool {
	for _, r := range runes {
		if unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) {
			return true
		}
	}
	return false
}

// isVisible reports whether people see anything of a name.
func isVisible(name string) bool {
	const brailleBlank = 0x2800
	return strings.ContainsFunc(name, func(r rune) bool {
		return r != brailleBlank && !isInvisible(r) && !unicode.In(r, unicode.M, unicode.Z)
	})
}

// isInvisible: controls, the marks that turn the direction of writing, and whatever
// else is not drawn.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// marks returns the length of the longest run of marks.
func marks(name string) int {
	longest, n := 0, 0
	for _, r := range name {
		if n++; !unicode.Is(unicode.M, r) {
			n = 0
		}
		longest = max(longest, n)
	}
	return longest
}

// reason says why a name is refused.
func reason(name string) Refusal {
	for _, r := range name {
		if isInvisible(r) && !isJoiner(r) {
			return ErrInvisible
		}
	}
	for _, r := range name {
		if _, err := precis.Nickname.String("a" + string(r)); err != nil && !isJoiner(r) {
			return Refusal("A name cannot have “" + string(r) + "”.")
		}
	}
	return ErrMixed
}

// Line returns a text of one line that people see beside names, such as a room's
// title, without what is not seen: it may have any sign that is drawn. Empty: nothing
// of it is.
func Line(text string) string {
	visible := strings.Map(func(r rune) rune {
		if isInvisible(r) && !IsPart(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	if !isVisible(visible) {
		return ""
	}
	return strings.Join(strings.Fields(visible), " ")
}
