package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// FormToken returns a token that proves that a form came from our own page, for the
// one who holds the cookie's secret: an HMAC of it, so that nothing is stored. It is
// another one in every page, since pages are compressed together with what people
// typed: with a secret that stays the same, its length would give it away (BREACH).
func (s *Service) FormToken(secret string) string {
	pad := make([]byte, sha256.Size)
	_, _ = rand.Read(pad) // never fails (crypto/rand)
	masked := make([]byte, sha256.Size)
	subtle.XORBytes(masked, s.formMAC(secret), pad)
	return base64.RawURLEncoding.EncodeToString(append(pad, masked...))
}

// ValidFormToken reports whether token is one for secret; no secret, no token.
func (s *Service) ValidFormToken(token, secret string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 2*sha256.Size || secret == "" {
		return false
	}
	mac := make([]byte, sha256.Size)
	subtle.XORBytes(mac, raw[:sha256.Size], raw[sha256.Size:])
	return hmac.Equal(mac, s.formMAC(secret))
}

func (s *Service) formMAC(secret string) []byte {
	m := hmac.New(sha256.New, s.formKey)
	m.Write([]byte("form\x00" + secret))
	return m.Sum(nil)
}
