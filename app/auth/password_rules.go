package auth

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"golang.org/x/text/unicode/norm"
)

// Bounds of a password, in characters and bytes.
const (
	MinPassword = 10
	MaxPassword = 512
)

// minScore is the zxcvbn score (0 to 4) that a password must reach: more than 10^8 guesses by
// somebody who tries the usual passwords first.
const minScore = 3

// maxRated is how much of a password is rated, in bytes: the time that takes grows
// faster than its length.
const maxRated = 40

// minRefusedUsername is the length, in characters, from which a user name is refused as part of
// a password: two or three letters are part of many words.
const minRefusedUsername = 4

// CheckPasswordStrength refuses a password that is too easy to guess for an account with
// that user name and name. The error is a Refusal that says why.
func (s *Service) CheckPasswordStrength(password, username, name string) error {
	password = preparePassword(password)
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return Refusal(fmt.Sprintf("Use at least %d characters. A few words in a row are easy to remember.", MinPassword))
	case len(password) > MaxPassword:
		return Refusal("That password is too long.")
	case utf8.RuneCountInString(username) >= minRefusedUsername && strings.Contains(strings.ToLower(password), strings.ToLower(username)):
		return Refusal("Your user name is the first thing others would try. Choose something else.")
	}
	// What others know of the person and the site.
	personal := append(strings.Fields(name), username, s.cfg.SiteName, s.cfg.Domain, "chat")
	plain := withoutMarks(password)
	for _, form := range slices.Compact([]string{password, plain}) {
		if err := rate(form, personal); err != nil {
			return err
		}
	}
	// What the ratings do not see: words with something between them, and letters that are not Latin.
	switch {
	case isMadeOf(plain, personal):
		return errPersonal
	case isRepeated(password):
		return errRepeated
	}
	return nil
}

const (
	errPersonal = Refusal("Your name and the name of this site are among the first things others would try. Choose something else.")
	errRepeated = Refusal("Repeating something hardly makes a password harder to guess. Use a few different words in a row.")
)

// rate refuses a password that the usual guesses come to soon.
func rate(password string, personal []string) error {
	rated := zxcvbn.PasswordStrength(truncate(password, maxRated), personal)
	if rated.Score >= minScore {
		return nil
	}
	for _, m := range rated.Sequence {
		switch {
		case m.Pattern == "dictionary" && m.DictionaryName == "user_inputs":
			return errPersonal
		case m.Pattern == "dictionary" && m.DictionaryName == "passwords":
			return Refusal("That is one of the passwords that others would try first, or close to one. Use a few unrelated words in a row.")
		case m.Pattern == "repeat":
			return errRepeated
		case m.Pattern == "spatial" || m.Pattern == "sequence":
			return Refusal("Neighbouring keys and sequences of characters are easy to guess. Use a few words in a row.")
		}
	}
	return Refusal("That is easy to guess. Use a few unrelated words in a row.")
}

// withoutMarks is a text without accents, as people who guess try it, too.
func withoutMarks(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(text))
}

// What may stand beside names in a password that still is made of them: a year, a letter or two.
const (
	maxBesideLetters = 2
	maxBesideDigits  = 4
	minNamePart      = 3 // shorter ones are part of many words
)

// isMadeOf reports whether a password is little but the words of these names, whatever stands
// between them: "Foyer Foyer!!", "GreenValley2026".
func isMadeOf(password string, of []string) bool {
	rest, found := lettersAndDigits(password), false
	for _, word := range nameParts(of) {
		if strings.Contains(rest, word) {
			rest, found = strings.ReplaceAll(rest, word, " "), true
		}
	}
	letters, digits := 0, 0
	for _, r := range rest {
		switch {
		case unicode.IsDigit(r):
			digits++
		case r != ' ':
			letters++
		}
	}
	return found && letters <= maxBesideLetters && digits <= maxBesideDigits
}

// nameParts are the words of names, the longest first.
func nameParts(of []string) []string {
	var parts []string
	for _, name := range of {
		for _, word := range strings.FieldsFunc(withoutMarks(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(word) >= minNamePart {
				parts = append(parts, strings.ToLower(word))
			}
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return len(b) - len(a) })
	return parts
}

func lettersAndDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// maxRepeated is the maximum length, in characters, of what makes a password easy when it is
// repeated throughout.
const maxRepeated = 5

// isRepeated reports whether a password is a few characters again and again.
func isRepeated(password string) bool {
	runes := []rune(password)
	for n := 1; n <= min(maxRepeated, len(runes)/2); n++ {
		if slices.Equal(runes[n:], runes[:len(runes)-n]) {
			return true
		}
	}
	return false
}
