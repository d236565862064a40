package token

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// JWK is a key as other programs read it (RFC 7517; RFC 8037 §2 for Ed25519).
type JWK struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"` // the public key
	K         string `json:"k,omitempty"` // the shared secret
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

// Public reports whether everybody may know the key.
func (k JWK) Public() bool { return k.Type == "OKP" }

// JWKSet is a set of keys (RFC 7517 §5).
type JWKSet struct {
	Keys []JWK `json:"keys"`
}

// PublicJWK returns the key with which others check what this Signer signs. There is
// none for HS256: who checks could sign as well.
func (s *Signer) PublicJWK() (key JWK, ok bool) {
	public, ok := s.verify.(ed25519.PublicKey)
	if !ok {
		return JWK{}, false
	}
	return JWK{Type: "OKP", Curve: "Ed25519", X: base64url(public), ID: s.id, Algorithm: s.method.Alg(), Use: "sig"}, true
}

// SecretJWK returns the secret that this Signer shares with the server that checks.
// There is none for EdDSA, where nobody else needs it.
func (s *Signer) SecretJWK() (key JWK, ok bool) {
	secret, ok := s.sign.([]byte)
	if !ok {
		return JWK{}, false
	}
	return JWK{Type: "oct", K: base64url(secret), ID: s.id, Algorithm: s.method.Alg(), Use: "sig"}, true
}

// thumbprint names a key by what it is (RFC 7638 §3). That of a secret tells nothing
// about it, since it is random.
func thumbprint(verify any) string {
	var members string
	switch key := verify.(type) {
	case ed25519.PublicKey:
		members = `{"crv":"Ed25519","kty":"OKP","x":"` + base64url(key) + `"}`
	case []byte:
		members = `{"k":"` + base64url(key) + `","kty":"oct"}`
	}
	sum := sha256.Sum256([]byte(members))
	return base64url(sum[:])
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// KeyID returns the id of the key that a token says it was signed with, or "" if it
// says nothing. Nothing is checked: it only tells which Signer is to verify.
func KeyID(text string) string {
	if len(text) > MaxLength || strings.Count(text, ".") != 2 {
		return ""
	}
	t, _, err := jwt.NewParser().ParseUnverified(text, &Claims{})
	if err != nil {
		return ""
	}
	id, _ := t.Header["kid"].(string)
	return id
}
