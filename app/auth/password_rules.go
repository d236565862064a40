package auth

import (
	"strings"
	"unicode/utf8"
)

// Bounds of a password, in characters and bytes.
const (
	MinPassword = 10
	MaxPassword = 512
)

// common are passwords that many would try first and that are long enough to
// pass the length.
var common = []string{"1234567890", "0123456789", "password123", "password12", "passwort123", "qwertyuiop", "qwerty12345", "iloveyou12", "letmein1234", "1q2w3e4r5t", "administrator", "changeme123"}

// CheckNew refuses a password that is too easy to guess. The error is a
// sentence for people.
func CheckNew(password, username string) error {
	lower := strings.ToLower(password)
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return Refusal("Use at least 10 characters. A few words in a row are easy to remember.")
	case len(password) > MaxPassword:
		return Refusal("That is longer than a password can be here.")
	case username != "" && strings.Contains(lower, strings.ToLower(username)):
		return Refusal("Your user name is the first thing others would try. Choose something else.")
	case strings.Count(lower, lower[:1]) == len(lower):
		return Refusal("That is easy to guess. Choose something else.")
	}
	for _, c := range common {
		if lower == c {
			return Refusal("That is one of the first passwords others would try. Choose something else.")
		}
	}
	return nil
}
