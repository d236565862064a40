package auth

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
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
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return Refusal(fmt.Sprintf("Use at least %d characters. A few words in a row are easy to remember.", MinPassword))
	case len(password) > MaxPassword:
		return Refusal("That is longer than a password can be here.")
	case utf8.RuneCountInString(username) >= minRefusedUsername && strings.Contains(strings.ToLower(password), strings.ToLower(username)):
		return Refusal("Your user name is the first thing others would try. Choose something else.")
	}
	// What others know of the person and the site.
	personal := append(strings.Fields(name), username, s.cfg.SiteName, s.cfg.Domain, "chat")
	rated := zxcvbn.PasswordStrength(truncate(password, maxRated), personal)
	if rated.Score >= minScore {
		return nil
	}
	for _, m := range rated.Sequence {
		switch {
		case m.Pattern == "dictionary" && m.DictionaryName == "user_inputs":
			return Refusal("Your name and the name of this site are among the first things others would try. Choose something else.")
		case m.Pattern == "dictionary" && m.DictionaryName == "passwords":
			return Refusal("That is one of the passwords others would try first, or close to one. Use a few words in a row that have nothing to do with each other.")
		case m.Pattern == "repeat":
			return Refusal("Repeating something makes it hardly harder to guess. Use a few different words in a row.")
		case m.Pattern == "spatial" || m.Pattern == "sequence":
			return Refusal("Keys or characters in a row are easy to guess. Use a few words in a row.")
		}
	}
	return Refusal("That is easy to guess. Use a few words in a row that have nothing to do with each other.")
}
