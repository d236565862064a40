package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Forms carries the tokens that prove a form came from our own page: an HMAC of
// the cookie's secret, so that nothing is stored.
type Forms struct{ key []byte }

// NewForms returns Forms with the site's key.
func NewForms(key []byte) Forms { return Forms{key} }

// Token returns the token for whoever holds secret.
func (f Forms) Token(secret string) string {
	m := hmac.New(sha256.New, f.key)
	m.Write([]byte("form\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// Valid reports whether token is the one for secret; no secret, no token.
func (f Forms) Valid(token, secret string) bool {
	return secret != "" && hmac.Equal([]byte(token), []byte(f.Token(secret)))
}
