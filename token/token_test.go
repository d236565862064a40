package token

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func signers(t testing.TB) (ed, hs *Signer) {
	t.Helper()
	key := []byte(strings.Repeat("k", 32))
	ed, err1 := NewEd25519(key, "h")
	hs, err2 := NewHS256(key, "h")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return ed, hs
}

func TestSigned_RoundTrip(t *testing.T) {
	ed, hs := signers(t)
	for _, s := range []*Signer{ed, hs} {
		text, err := s.Sign(strings.Repeat("ü", 32)+"@h", "session", time.Now())
		if err != nil || len(text) > MaxLength {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
		c, err := s.Verify(text)
		if err != nil || c.JID != strings.Repeat("ü", 32)+"@h" || c.Session != "session" || c.ID == "" {
			t.Errorf("%+v %v", c, err)
		}
	}
}

func TestSigned_Refuses(t *testing.T) {
	ed, hs := signers(t)
	other, err := NewEd25519([]byte(strings.Repeat("o", 32)), "h")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := NewEd25519([]byte(strings.Repeat("k", 32)), "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	sign := func(s *Signer, at time.Time) string {
		text, err := s.Sign("a@h", "", at)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	long, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, Claims{RegisteredClaims: jwt.RegisteredClaims{ID: "x", Audience: jwt.ClaimStrings{"h"},
		IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(time.Now().Add(24 * time.Hour))}, JID: "a@h"}).SignedString(ed.sign)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"another key":       sign(other, time.Now()),
		"another algorithm": sign(hs, time.Now()),
		"another audience":  sign(elsewhere, time.Now()),
		"expired":           sign(ed, time.Now().Add(-time.Hour)),
		"from the future":   sign(ed, time.Now().Add(time.Hour)),
		"lives too long":    long,
		"none":              "eyJhbGciOiJub25lIn0.eyJqaWQiOiJhQGgifQ.",
		"empty":             "",
		"huge":              strings.Repeat("a", 5000),
		"changed":           sign(ed, time.Now())[:40] + "A" + sign(ed, time.Now())[41:],
	} {
		if c, err := ed.Verify(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
	}
	if c, err := ed.Verify(sign(ed, time.Now().Add(-time.Hour))); !errors.Is(err, ErrExpired) || c.JID != "a@h" {
		t.Errorf("expired: %+v %v", c, err)
	}
	if _, err := NewEd25519([]byte("short"), "h"); err == nil {
		t.Error("a short seed was taken")
	}
	if _, err := NewHS256([]byte("short"), "h"); err == nil {
		t.Error("a short key was taken")
	}
}

func TestTemporary(t *testing.T) {
	a, hashA := New()
	b, hashB := New()
	if a == b || string(hashA) == string(hashB) || string(Hash(a)) != string(hashA) || len(a) != 43 {
		t.Errorf("%s %s", a, b)
	}
}

// FuzzVerify: nothing but what was signed is accepted.
func FuzzVerify(f *testing.F) {
	ed, _ := signers(f)
	text, err := ed.Sign("a@h", "", time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("x.y.z")
	f.Add(text[:len(text)-2])
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ed.Verify(s); err == nil && s != text {
			t.Fatalf("%q is accepted as %+v", s, c)
		}
	})
}

// RFC 8037 appendix A.2 and A.3: the public key of RFC 8032's first test, and its
// thumbprint.
func TestJWK(t *testing.T) {
	seed, err := base64.RawURLEncoding.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	if err != nil {
		t.Fatal(err)
	}
	ed, err := NewEd25519(seed, "h")
	if err != nil {
		t.Fatal(err)
	}
	want := JWK{Type: "OKP", Curve: "Ed25519", X: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		ID: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", Algorithm: "EdDSA", Use: "sig"}
	if key, ok := ed.PublicJWK(); !ok || key != want {
		t.Errorf("%+v", key)
	}
	if _, ok := ed.SecretJWK(); ok {
		t.Error("the private key is given away")
	}
	_, hs := signers(t)
	if key, ok := hs.PublicJWK(); ok {
		t.Errorf("a shared secret is published: %+v", key)
	}
	if key, ok := hs.SecretJWK(); !ok || key.Type != "oct" || key.K == "" || key.ID != hs.ID() {
		t.Errorf("%+v", key)
	}
}

func TestKeyID(t *testing.T) {
	ed, _ := signers(t)
	text, err := ed.Sign("a@h", "", time.Now())
	if err != nil || KeyID(text) != ed.ID() {
		t.Errorf("%q, want %q: %v", KeyID(text), ed.ID(), err)
	}
	for _, nonsense := range []string{"", "x.y.z", "eyJhbGciOiJub25lIn0.e30.", "correct horse battery staple", strings.Repeat("a.", 600)} {
		if id := KeyID(nonsense); id != "" {
			t.Errorf("%q has %q", nonsense, id)
		}
	}
}
