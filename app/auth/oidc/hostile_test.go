package oidc_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"foyer/app/auth/oidc"
	"foyer/app/auth/oidc/oidctest"

	"github.com/golang-jwt/jwt/v5"
)

// What others were caught by. Each of these was let in somewhere.

// TestHostile_State: RFC 6749 §10.12; an answer counts in the browser that began, once, and for what it began.
func TestHostile_State(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	mine, theirs := s.visit(s.start()), s.visit(s.start())
	for name, change := range map[string]func(answer) answer{
		"another browser's":     func(r answer) answer { r.Secret = theirs.Secret; return r },
		"no cookie":             func(r answer) answer { r.Secret = ""; return r },
		"no state":              func(r answer) answer { r.Query.Del("state"); return r },
		"neither":               func(r answer) answer { r.Secret = ""; r.Query.Set("state", ""); return r },
		"the cookie as state":   func(r answer) answer { r.Query.Set("state", r.Secret); return r },
		"an error without one":  func(r answer) answer { r.Query = url.Values{"error": {"access_denied"}}; return r },
		"another issuer":        func(r answer) answer { r.Query.Set("iss", "https://evil.example"); return r },
		"no issuer where it is": func(r answer) answer { r.Query.Del("iss"); return r }, // RFC 9207 §2.4
	} {
		r := mine
		r.Query = maps.Clone(mine.Query)
		if who, err := s.finish(change(r)); !errors.Is(err, oidc.ErrNotBegun) {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
	if n := idp.Hits("/token"); n != 0 {
		t.Error("a code was taken to the provider", n, "times")
	}
	if _, err := s.finish(mine); err != nil {
		t.Error("after all that, the browser's own answer:", err)
	}
	if _, err := s.finish(mine); !errors.Is(err, oidc.ErrInvalid) { // a code used twice
		t.Error(err)
	}
}

// TestHostile_CodeOfAnother: a code that somebody else got does nothing in another browser, whose verifier it does not
// fit (RFC 9700 §4.5).
func TestHostile_CodeOfAnother(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	mine, theirs := s.visit(s.start()), s.visit(s.start())
	mine.Query.Set("code", theirs.Query.Get("code"))
	if who, err := s.finish(mine); !errors.Is(err, oidc.ErrInvalid) {
		t.Errorf("%+v %v", who, err)
	}
}

// TestHostile_MixUp: what begins with one provider ends with it (RFC 9700 §4.4), with the same client id at both.
func TestHostile_MixUp(t *testing.T) {
	honest, evil := oidctest.Start(t), oidctest.Start(t)
	// The evil one sends people on to the honest one, and gives itself away by nothing.
	evil.Metadata = func(m map[string]any) {
		m["authorization_endpoint"] = honest.URL + "/authorize"
		m["authorization_response_iss_parameter_supported"] = false
	}
	evil.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			t.Error("the honest provider's code was given to the other")
		}
		return false
	}
	atEvil := newSite(t, evil, func(c *oidc.Config) { c.Name = "evil" })
	back := atEvil.visit(atEvil.start())
	if who, err := atEvil.finish(back); !errors.Is(err, oidc.ErrNotBegun) {
		t.Errorf("%+v %v", who, err)
	}
	// Nor at the other's address, even of a provider that knows no RFC 9207.
	honest.Metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = false }
	back.Query.Del("iss")
	if who, err := newSite(t, honest, nil).finish(back); !errors.Is(err, oidc.ErrNotBegun) {
		t.Errorf("%+v %v", who, err)
	}
}

// TestHostile_Denied: a no is a no, and is not taken for the site's trouble.
func TestHostile_Denied(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	for problem, want := range map[string]error{"access_denied": oidc.ErrDenied, "login_required": oidc.ErrDenied, "temporarily_unavailable": oidc.ErrUnreachable} {
		idp.Change(func() {
			idp.Answer = func(q url.Values) { q.Del("code"); q.Set("error", problem) }
		})
		if who, err := s.signIn(); !errors.Is(err, want) {
			t.Errorf("%s: %+v %v", problem, who, err)
		}
	}
	idp.Change(func() { idp.Answer = func(q url.Values) { q.Del("code") } })
	if who, err := s.signIn(); !errors.Is(err, oidc.ErrInvalid) {
		t.Errorf("%+v %v", who, err)
	}
}

// claim returns what sets claims of an ID token; nil takes one away.
func claim(set map[string]any) func(claims, header map[string]any) {
	return func(claims, _ map[string]any) {
		for name, value := range set {
			if value == nil {
				delete(claims, name)
			} else {
				claims[name] = value
			}
		}
	}
}

func header(set map[string]any) func(claims, header map[string]any) {
	return func(_, header map[string]any) { maps.Copy(header, set) }
}

// TestHostile_IDToken: OpenID Connect Core 1.0 §3.1.3.7, and what is signed with the right key all the same.
func TestHostile_IDToken(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	now := time.Now().Unix()
	for name, change := range map[string]func(claims, header map[string]any){
		"another issuer":             claim(map[string]any{"iss": "https://evil.example"}),
		"a longer issuer":            claim(map[string]any{"iss": idp.URL + "/"}),
		"no issuer":                  claim(map[string]any{"iss": nil}),
		"another audience":           claim(map[string]any{"aud": "another client"}),
		"no audience":                claim(map[string]any{"aud": nil}),
		"an empty audience":          claim(map[string]any{"aud": []string{}}),
		"several, for nobody":        claim(map[string]any{"aud": []string{oidctest.ClientID, "another"}}),
		"several, for another":       claim(map[string]any{"aud": []string{oidctest.ClientID, "another"}, "azp": "another"}),
		"for another (azp)":          claim(map[string]any{"azp": "another"}),
		"azp is no text":             claim(map[string]any{"azp": []string{oidctest.ClientID}}),
		"no nonce":                   claim(map[string]any{"nonce": nil}),
		"an empty nonce":             claim(map[string]any{"nonce": ""}),
		"another nonce":              claim(map[string]any{"nonce": "another"}),
		"Nonce":                      func(claims, _ map[string]any) { claims["Nonce"] = claims["nonce"]; delete(claims, "nonce") },
		"it has expired":             claim(map[string]any{"exp": now - 61}),
		"no expiry":                  claim(map[string]any{"exp": nil}),
		"expiry is no time":          claim(map[string]any{"exp": "tomorrow"}),
		"expiry is too far":          claim(map[string]any{"exp": 1e300}),
		"from the future":            claim(map[string]any{"iat": now + 120}),
		"an old one":                 claim(map[string]any{"iat": now - 3600}),
		"no iat":                     claim(map[string]any{"iat": nil}),
		"not yet":                    claim(map[string]any{"nbf": now + 120}),
		"nbf is no time":             claim(map[string]any{"nbf": []int{1}}),
		"another access token":       claim(map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
		"no subject":                 claim(map[string]any{"sub": nil}),
		"an empty subject":           claim(map[string]any{"sub": ""}),
		"a long subject":             claim(map[string]any{"sub": strings.Repeat("s", 256)}),
		"a subject with a NUL":       claim(map[string]any{"sub": "admin\x00"}),
		"a subject that is none":     claim(map[string]any{"sub": 1}),
		"two subjects":               claim(map[string]any{"\u017fub": "2"}), // to decoders that ignore case it is sub, and the last counts
		"a logout token":             claim(map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}),
		"a logout token by type":     header(map[string]any{"typ": "logout+jwt"}),
		"an access token by type":    header(map[string]any{"typ": "at+jwt"}),
		"a larger hash":              header(map[string]any{"alg": "RS512"}),
		"an unknown key":             header(map[string]any{"kid": "another"}),
		"another key's name":         header(map[string]any{"kid": "ec"}),
		"critical, and not known":    header(map[string]any{"crit": []string{"x"}, "x": 1}), // RFC 7515 §4.1.11
		"endless":                    claim(map[string]any{"filler": strings.Repeat("x", 70<<10)}),
		"sources that are not there": claim(map[string]any{"_claim_names": map[string]string{"groups": "nowhere"}}),
	} {
		idp.Change(func() { idp.IDToken = change })
		if who, err := s.signIn(); !errors.Is(err, oidc.ErrInvalid) && !errors.Is(err, oidc.ErrUnreachable) {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
	// Two clocks may differ a little.
	for name, set := range map[string]map[string]any{
		"a fast clock": {"iat": now + 30, "nbf": now + 30}, "a slow clock": {"exp": now - 30, "iat": now - 90},
		"several, for us": {"aud": []string{"another", oidctest.ClientID}, "azp": oidctest.ClientID},
	} {
		idp.Change(func() { idp.IDToken = claim(set) })
		if _, err := s.signIn(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostile_NonceTwice: an ID token that was good for an earlier sign-in is no good for the next.
func TestHostile_NonceTwice(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	var first string
	idp.Signed = func(claims map[string]any) string {
		delete(claims, "at_hash")
		if first == "" {
			first = idp.Sign(claims, nil)
		}
		return first
	}
	if _, err := s.signIn(); err != nil {
		t.Fatal(err)
	}
	if who, err := s.signIn(); !errors.Is(err, oidc.ErrInvalid) {
		t.Errorf("%+v %v", who, err)
	}
}

// TestHostile_Signature: RFC 8725 §2.1, §2.7; who signs with something else, or says himself which key is to be believed.
func TestHostile_Signature(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	asked := make(chan string, 100)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	t.Cleanup(elsewhere.Close)
	theirs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(idp.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	sign := func(method jwt.SigningMethod, key any, header map[string]any) func(map[string]any) string {
		return func(claims map[string]any) string { return oidctest.SignWith(method, key, claims, header) }
	}
	jwk := map[string]any{"kty": "RSA", "kid": "rsa", "e": "AQAB", "n": b64(theirs.N.Bytes())}
	for name, signed := range map[string]func(map[string]any) string{
		"none":                        sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"None":                        sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"alg": "None", "kid": "rsa"}),
		"HS256, the public key":       sign(jwt.SigningMethodHS256, public, map[string]any{"kid": "rsa"}),
		"HS256, its DER":              sign(jwt.SigningMethodHS256, der, map[string]any{"kid": "rsa"}),
		"HS256, the secret":           sign(jwt.SigningMethodHS256, []byte(oidctest.ClientSecret), nil),
		"another key":                 sign(jwt.SigningMethodRS256, theirs, map[string]any{"kid": "rsa"}),
		"another key, no name":        sign(jwt.SigningMethodRS256, theirs, nil),
		"its own key (jwk)":           sign(jwt.SigningMethodRS256, theirs, map[string]any{"jwk": jwk}),
		"its own key, our name":       sign(jwt.SigningMethodRS256, theirs, map[string]any{"jwk": jwk, "kid": "rsa"}),
		"its own address (jku)":       sign(jwt.SigningMethodRS256, theirs, map[string]any{"jku": elsewhere.URL + "/jku", "kid": "rsa"}),
		"its own address (x5u)":       sign(jwt.SigningMethodRS256, theirs, map[string]any{"x5u": elsewhere.URL + "/x5u", "kid": "new"}),
		"a key id that is an address": sign(jwt.SigningMethodRS256, theirs, map[string]any{"kid": elsewhere.URL + "/kid"}),
		"no signature":                func(c map[string]any) string { raw := idp.Sign(c, nil); return raw[:strings.LastIndex(raw, ".")+1] },
		"not a token":                 func(map[string]any) string { return "a.b.c" },
		"none at all":                 func(map[string]any) string { return "" },
		"JSON serialisation":          func(c map[string]any) string { return `{"payload":"","signatures":[]}` },
	} {
		idp.Change(func() { idp.Signed = signed })
		// ErrUnreachable: an unknown key was asked for often enough just now.
		if who, err := s.signIn(); !errors.Is(err, oidc.ErrInvalid) && !errors.Is(err, oidc.ErrUnreachable) {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
	select {
	case path := <-asked:
		t.Error("an address out of a token was asked for:", path)
	default:
	}
	if n := idp.Hits("/keys"); n > 4 {
		t.Error("the keys were asked for", n, "times")
	}
}

// TestHostile_Keys: keys that are not for signatures, or too short, or of a kind that is not known, are none; one that
// the provider withdrew counts no more after an hour, and a new one at once.
func TestHostile_Keys(t *testing.T) {
	idp := oidctest.Start(t)
	clock := time.Now()
	s := newSite(t, idp, func(c *oidc.Config) { c.Now = func() time.Time { return clock } })
	idp.IDToken = func(claims, _ map[string]any) {
		claims["iat"], claims["exp"] = clock.Unix(), clock.Add(time.Minute).Unix()
	}
	if _, err := s.signIn(); err != nil {
		t.Fatal(err)
	}
	withdrawn := idp.RSA
	fresh, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	idp.Change(func() { idp.RSA = fresh })
	if _, err := s.signIn(); err != nil {
		t.Error("a new key under the old name:", err)
	}
	clock = clock.Add(2 * time.Hour)
	idp.Change(func() {
		idp.Signed = func(claims map[string]any) string {
			return oidctest.SignWith(jwt.SigningMethodRS256, withdrawn, claims, map[string]any{"kid": "rsa"})
		}
	})
	if who, err := s.signIn(); !errors.Is(err, oidc.ErrInvalid) && !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("a withdrawn key: %+v %v", who, err)
	}

	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n, x := b64(short.N.Bytes()), b64(ed.Public().(ed25519.PublicKey))
	for name, set := range map[string]string{
		"short":     `{"keys":[{"kty":"RSA","kid":"k","e":"AQAB","n":"` + n + `"}]}`,
		"encrypts":  `{"keys":[{"kty":"OKP","kid":"k","crv":"Ed25519","use":"enc","x":"` + x + `"}]}`,
		"is secret": `{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}`,
		"none":      `{"keys":[]}`, "null": `null`, "not JSON": `<html>`,
		"too many": `{"keys":[` + strings.Repeat(`{"kty":"OKP","kid":"k","crv":"Ed25519","x":"`+x+`"},`, 64) + `{}]}`,
	} {
		idp := oidctest.Start(t)
		idp.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/keys" {
				_, _ = w.Write([]byte(set))
			}
			return r.URL.Path == "/keys"
		}
		idp.Signed = func(claims map[string]any) string {
			delete(claims, "at_hash")
			if name == "short" {
				return oidctest.SignWith(jwt.SigningMethodRS256, short, claims, map[string]any{"kid": "k"})
			}
			return oidctest.SignWith(jwt.SigningMethodEdDSA, ed, claims, map[string]any{"kid": "k"})
		}
		if who, err := newSite(t, idp, nil).signIn(); !errors.Is(err, oidc.ErrUnreachable) {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
}

// TestHostile_Log: strangers who begin sign-ins that end in nothing do not fill the log.
func TestHostile_Log(t *testing.T) {
	var log bytes.Buffer
	idp := oidctest.Start(t)
	s := newSite(t, idp, func(c *oidc.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	const tries = 100
	for range tries {
		bad := s.visit(s.start())
		bad.Query.Set("code", "guessed")
		if _, err := s.finish(bad); err == nil {
			t.Fatal("a guessed code signs in")
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines == 0 || lines > tries/2 {
		t.Errorf("%d lines of %d failures", lines, tries)
	}
}
