package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Lifetime of a signed token: long enough to travel, no longer.
const Lifetime = time.Minute

// MaxLength is the length that every chat server takes as a password: Prosody
// refuses 1024 bytes (RFC 4013 on PLAIN).
const MaxLength = 1023

// ErrInvalid is returned for a token that does not prove anything: forged,
// expired, for somebody else.
var ErrInvalid = errors.New("token: invalid")

// ErrExpired is ErrInvalid for a token that was good once.
var ErrExpired = fmt.Errorf("%w: it has expired", ErrInvalid)

// Claims are what a signed token says. jid is the claim that ejabberd reads; MongooseIM wants
// the local part alone, which is the subject.
type Claims struct {
	jwt.RegisteredClaims
	JID     string `json:"jid"`           // bare
	Session string `json:"sid,omitempty"` // the site session that asked for it
}

// Signer signs and verifies tokens for one chat server.
type Signer struct {
	id       string // of the key
	method   jwt.SigningMethod
	sign     any
	verify   any
	audience string
	parser   *jwt.Parser
}

// SeedSize is the length of NewEd25519's seed, in bytes.
const SeedSize = ed25519.SeedSize

// NewEd25519 returns a Signer for EdDSA (RFC 8037). The server that checks needs
// only the public key.
func NewEd25519(seed []byte, audience string) (*Signer, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("token: the key must be %d bytes, not %d", SeedSize, len(seed))
	}
	key := ed25519.NewKeyFromSeed(seed)
	return newSigner(jwt.SigningMethodEdDSA, key, key.Public(), audience), nil
}

// NewHS256 returns a Signer for HMAC with SHA-256, for servers that know
// nothing better.
func NewHS256(key []byte, audience string) (*Signer, error) {
	if len(key) < 32 {
		return nil, fmt.Errorf("token: the key must be at least 32 bytes, not %d", len(key))
	}
	return newSigner(jwt.SigningMethodHS256, key, key, audience), nil
}

func newSigner(method jwt.SigningMethod, sign, verify any, audience string) *Signer {
	return &Signer{
		id: thumbprint(verify), method: method, sign: sign, verify: verify, audience: audience,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{method.Alg()}), // the algorithm is ours to choose (RFC 8725 §3.1)
			jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
		),
	}
}

// ID names the key (RFC 7638), as the token's header kid does.
func (s *Signer) ID() string { return s.id }

// Sign returns a token that proves jid, a bare address, until Lifetime from now.
func (s *Signer) Sign(jid, session string, now time.Time) (string, error) {
	c := Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			ID:        rand.Text(),
			Subject:   localPart(jid),
			Audience:  jwt.ClaimStrings{s.audience},
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(Lifetime)),
		},
		JID: jid, Session: session,
	}
	t := jwt.NewWithClaims(s.method, c)
	t.Header["kid"] = s.id
	signed, err := t.SignedString(s.sign)
	if err == nil && len(signed) > MaxLength {
		err = fmt.Errorf("token: %d bytes are more than chat servers take", len(signed))
	}
	return signed, err
}

func localPart(jid string) string {
	local, _, _ := strings.Cut(jid, "@")
	return local
}

// Verify returns what a token says, or ErrInvalid; with ErrExpired, which is one
// too, it says what it was good for. The one who accepts a token must see to it that
// its ID is used once.
func (s *Signer) Verify(text string) (Claims, error) {
	var c Claims
	if len(text) > MaxLength {
		return c, ErrInvalid
	}
	_, err := s.parser.ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return s.verify, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidAudience):
		return c, ErrExpired // the signature is checked first
	case err != nil:
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	case c.ID == "" || c.JID == "" || c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > Lifetime:
		return Claims{}, ErrInvalid
	}
	return c, nil
}
