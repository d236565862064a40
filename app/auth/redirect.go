package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
)

// A redirect of the browser to a source's own pages, and back. What has to be known at its end is
// sealed under a key of the site, in a cookie of the browser that began it, one for each redirect: an answer that
// comes to another browser finds none (RFC 9700 §4.7). It is good for RedirectLifetime, and for
// the source that it was made for.

// RedirectLifetime is how long a redirect may take.
const RedirectLifetime = 10 * time.Minute

// RedirectPurpose says what somebody proves themselves for.
type RedirectPurpose string

// The purposes.
const (
	ToSignIn  RedirectPurpose = "signin"
	ToConfirm RedirectPurpose = "confirm" // that it is still them (Confirmed)
	ToLink    RedirectPurpose = "link"    // that the identity is theirs, to link it to their account
)

// RedirectRecord is what is known again when the browser comes back.
type RedirectRecord struct {
	Source  string
	State   string // of the Redirect
	Purpose RedirectPurpose
	Session string // in which it began, unless it is to sign in
	Fresh   bool
	Next    string // where to go then; checked by the one who goes
	Trusted bool
	Began   time.Time
}

// ErrNoRedirect: this browser began no such redirect, or too long ago.
var ErrNoRedirect = errors.New("auth: this browser began no such redirect")

// SealRedirect returns the value of the redirect's cookie.
func (s *Service) SealRedirect(r RedirectRecord) (string, error) {
	r.Began = s.now()
	text, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	sealed, err := sealFor(s.redirectKey, sealRedirect, text, []byte(r.Source))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// OpenRedirect returns what a cookie holds for a source: ErrNoRedirect.
func (s *Service) OpenRedirect(cookie string, source Source) (RedirectRecord, error) {
	var r RedirectRecord
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || cookie == "" {
		return r, ErrNoRedirect
	}
	text, err := openFor(s.redirectKey, sealRedirect, sealed, []byte(source.Name()))
	if err != nil {
		return r, ErrNoRedirect
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, err
	}
	if age := s.now().Sub(r.Began); age > RedirectLifetime || age < -time.Minute {
		return r, ErrNoRedirect
	}
	return r, nil
}
