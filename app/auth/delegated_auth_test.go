package auth

import (
	"errors"
	"testing"
	"time"

	"foyer/internal/stream"
)

func everything(c *Config) {
	external(c)
	c.Servers = Accepted{Tokens: true, SignedTokens: true, AppPasswords: true, Passwords: true}
}

func (s *site) check(user, password string) error {
	_, err := s.DelegatedAuth.CheckForServer(s.t.Context(), user, password)
	return err
}

// What another server is told is what the site would say itself.
func TestCheckForServer(t *testing.T) {
	s := newSite(t, everything)
	ctx := t.Context()
	alice := s.account("alice")
	s.account("bob")
	id := s.identity(alice)
	phone, err := s.AppPasswords.Create(ctx, alice, id.Session, "Phone")
	is(t, err, nil)
	temporary, err := s.OperatorToken(ctx, alice, time.Hour)
	is(t, err, nil)
	stolen, err := s.OperatorToken(ctx, alice, time.Hour)
	is(t, err, nil)
	signed := func(id stream.Identity) string {
		t.Helper()
		_, secret, err := s.Upstream(ctx, id)
		is(t, err, nil)
		return secret
	}
	jwt, service := signed(id), signed(stream.Identity{User: ServiceUser})
	for _, c := range []struct {
		what, user, password string
		want                 error
	}{
		{"the password", "alice", testPassword, nil},
		{"another case of the name", "Alice", testPassword, nil},
		{"a wrong one", "alice", "wrong", ErrInvalidCredentials},
		{"nobody", "nobody", testPassword, ErrInvalidCredentials},
		{"no name", "", testPassword, ErrInvalidCredentials},
		{"what cannot be a name", "a b", testPassword, ErrInvalidCredentials},
		{"an app password", "alice", phone, nil},
		{"again", "alice", phone, nil},
		{"of somebody else", "bob", phone, ErrInvalidCredentials},
		{"a token of somebody else", "bob", stolen, ErrInvalidCredentials},
		{"which is used up then", "alice", stolen, ErrInvalidCredentials},
		{"a token", "alice", temporary, nil},
		{"twice", "alice", temporary, ErrInvalidCredentials},
		{"a signed token of somebody else", "bob", jwt, ErrInvalidCredentials},
		{"a signed token", "alice", jwt, nil},
		{"twice", "alice", jwt, ErrInvalidCredentials},
		{"the site itself", ServiceUser, service, nil},
		{"twice", ServiceUser, service, ErrInvalidCredentials},
		{"a person as the site", ServiceUser, signed(id), ErrInvalidCredentials},
		{"a password as the site", ServiceUser, testPassword, ErrInvalidCredentials},
		{"the site as a person", "alice", signed(stream.Identity{User: ServiceUser}), ErrInvalidCredentials},
	} {
		if err := s.check(c.user, c.password); !errors.Is(err, c.want) || (c.want == nil && err != nil) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}

	// Nothing is left when the account is blocked.
	late := signed(id)
	token, err := s.OperatorToken(ctx, alice, time.Hour)
	is(t, err, nil)
	is(t, s.SetBlocked(ctx, alice, true), nil)
	for _, password := range []string{testPassword, phone, late, token} {
		is(t, s.check("alice", password), ErrInvalidCredentials)
	}
}

// Each way is taken only where the settings say so.
func TestCheckForServer_Accepted(t *testing.T) {
	s := newSite(t, external)
	ctx := t.Context()
	alice := s.account("alice")
	id := s.identity(alice)
	phone, err := s.AppPasswords.Create(ctx, alice, id.Session, "Phone")
	is(t, err, nil)
	temporary, err := s.OperatorToken(ctx, alice, time.Hour)
	is(t, err, nil)
	_, jwt, err := s.Upstream(ctx, id)
	is(t, err, nil)
	for _, accepted := range []Accepted{{}, {Passwords: true}, {AppPasswords: true}, {SignedTokens: true}, {Tokens: true}} {
		s.DelegatedAuth.accepted = accepted
		for password, want := range map[string]bool{testPassword: accepted.Passwords, phone: accepted.AppPasswords, jwt: accepted.SignedTokens, temporary: accepted.Tokens} {
			if err := s.check("alice", password); (err == nil) != want || (err != nil && !errors.Is(err, ErrInvalidCredentials)) {
				t.Errorf("%+v: %v", accepted, err)
			}
		}
	}
}

// Guesses at one account are bounded, and are nobody else's: another server does not
// tell from where they come. The secrets that nobody guesses go on working.
func TestCheckForServer_Throttle(t *testing.T) {
	s := newSite(t, func(c *Config) { everything(c); c.FailuresPerAddress = 1 })
	ctx := t.Context()
	alice := s.account("alice")
	s.account("bob")
	phone, err := s.AppPasswords.Create(ctx, alice, s.identity(alice).Session, "Phone")
	is(t, err, nil)
	for _, user := range []string{"alice", "nobody"} {
		for range FailuresPerAccount {
			is(t, s.check(user, "wrong"), ErrInvalidCredentials)
		}
		for _, password := range []string{"wrong", testPassword} {
			if _, ok := errors.AsType[*ThrottledError](s.check(user, password)); !ok {
				t.Errorf("%s may guess on", user)
			}
		}
	}
	is(t, s.check("alice", phone), nil)
	is(t, s.check("bob", testPassword), nil)
}

// Other servers prepare names by an older rule: what would be somebody else there signs
// nobody in, and what is written in another way is told as it is.
func TestCheckForServer_Names(t *testing.T) {
	s := newSite(t, everything)
	ctx := t.Context()
	s.account("strasse")
	other := s.account("straße")
	is(t, s.check("straße", testPassword), ErrInvalidCredentials)
	if there, err := s.DelegatedAuth.UserExists(ctx, "straße"); err != nil || there {
		t.Error(there, err)
	}
	_, _, err := s.Upstream(ctx, s.identity(other))
	is(t, err, ErrNotPortable)
	if name, err := s.DelegatedAuth.CheckForServer(ctx, " Strasse", testPassword); err != nil || name != "strasse" {
		t.Errorf("%q %v", name, err)
	}
	for name, want := range map[string]bool{"alice": true, "müller": true, "łukasz": true, "иван": true, "山田": true, "σίσυφος": false, "a.b-c_9": true} {
		if isPortable(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestUserExists(t *testing.T) {
	s := newSite(t, external)
	s.account("alice")
	is(t, s.SetBlocked(t.Context(), s.account("bob"), true), nil)
	for user, want := range map[string]bool{"alice": true, "ALICE": true, "bob": false, "nobody": false, "": false, "a b": false, ServiceUser: true} {
		if got, err := s.DelegatedAuth.UserExists(t.Context(), user); err != nil || got != want {
			t.Errorf("%q: %v %v", user, got, err)
		}
	}
}
