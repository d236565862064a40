package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// FormToken returns the token that proves that a form came from our own page, for
// the one who holds the cookie's secret: an HMAC of it, so that nothing is stored.
func (s *Service) FormToken(secret string) string {
	m := hmac.New(sha256.New, s.formKey)
	m.Write([]byte("form\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// ValidFormToken reports whether token is the one for secret; no secret, no
// token.
func (s *Service) ValidFormToken(token, secret string) bool {
	return secret != "" && hmac.Equal([]byte(token), []byte(s.FormToken(secret)))
}
