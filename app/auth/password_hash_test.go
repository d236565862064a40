package auth

import (
	"testing"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"
)

// RFC 8265 §4.2.2: a password is the same from every keyboard. One that was hashed as it was typed
// is still right, and is the same from every keyboard from then on.
func TestPassword_Forms(t *testing.T) {
	const composed, spaces = "pässwörter für Zoë", "pässwörter\u00a0für\u202fZoë"
	decomposed := norm.NFD.String(composed)
	s := newSite(t, func(c *Config) { c.FailuresPerAddress = 2 })
	older := s.account("older")
	hash, err := argon2id.CreateHash(decomposed, &s.passwords.hasher.params)
	if err == nil {
		err = s.db.Accounts.RenewPasswordHash(t.Context(), older.ID, older.PasswordVersion, hash)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAccount(t.Context(), NewAccount{Username: "zoe", Name: "Zoe", Password: decomposed}); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"zoe", "older"} {
		for _, typed := range []string{decomposed, composed, spaces} {
			_, err := s.signIn(user, typed)
			is(t, err, nil)
		}
	}
	wrong := norm.NFD.String("ganz anders für Zoë") // compared twice, and one failure
	for range 2 {
		_, err := s.signIn("zoe", wrong)
		is(t, err, ErrInvalidCredentials)
	}
	if _, err := s.signIn("zoe", composed); !throttled(err) {
		t.Errorf("a third guess: %v", err)
	}
	if typed := "no text: \xff\u00a0"; preparePassword(typed) != typed {
		t.Errorf("%q", preparePassword(typed))
	}
	// What is counted is what is hashed.
	if err := s.CheckPasswordStrength(norm.NFD.String("äöüéè"), "", ""); err == nil {
		t.Error("five letters are taken for ten")
	}
}
