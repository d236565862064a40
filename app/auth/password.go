// Package auth is signing in: passwords, user names, cookies and the tokens
// that protect forms.
package auth

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// params are OWASP's first choice for argon2id with little memory: 19 MiB, two
// passes, one lane.
var params = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Passwords hashes and checks passwords, a bounded number at once, so that
// sign-ins cannot exhaust memory. It is safe for concurrent use.
type Passwords struct {
	slots chan struct{}
	dummy string // the hash of nobody's password
}

// NewPasswords returns Passwords that work on at most n at once; each takes 19
// MiB.
func NewPasswords(n int) (*Passwords, error) {
	dummy, err := argon2id.CreateHash("nobody", params)
	if err != nil {
		return nil, err
	}
	return &Passwords{slots: make(chan struct{}, n), dummy: dummy}, nil
}

func (p *Passwords) acquire(ctx context.Context) (release func(), err error) {
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Hash returns what is stored of a password.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	release, err := p.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return argon2id.CreateHash(password, params)
}

// Check compares a password with a stored hash. An empty hash stands for an
// account that does not exist: it takes as long and fails. renew reports that
// the hash is of an older make and should be replaced.
func (p *Passwords) Check(ctx context.Context, password, hash string) (ok, renew bool, err error) {
	release, err := p.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	exists := hash != ""
	if !exists {
		hash = p.dummy
	}
	ok, used, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, err
	}
	return ok && exists, *used != *params, nil
}

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
