package oidc_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"foyer/app/auth/oidc"
	"foyer/app/auth/oidc/oidctest"
)

// TestLogoutToken: OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6.
func TestLogoutToken(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	typ := map[string]any{"typ": "logout+jwt"}
	for name, c := range map[string]struct{ subject, session string }{"one session": {"1", "s"}, "all of a person": {"1", ""}, "a session alone": {"", "s"}} {
		out, err := s.p.Logout(t.Context(), idp.LogoutToken(c.subject, c.session))
		if err != nil || out.Issuer != idp.URL || out.Subject != c.subject || out.Session != c.session || out.ID == "" || time.Until(out.Until) < time.Minute {
			t.Errorf("%s: %+v %v", name, out, err)
		}
	}
	for _, header := range []map[string]any{{"typ": "application/logout+jwt"}, {"typ": "JWT"}, {"typ": "LOGOUT+JWT"}, {"alg": "ES256"}} {
		if _, err := s.p.Logout(t.Context(), idp.Sign(idp.LogoutClaims("1", ""), header)); err != nil {
			t.Error(header, err)
		}
	}
	now := time.Now().Unix()
	event := "http://schemas.openid.net/event/backchannel-logout"
	for name, set := range map[string]map[string]any{
		"another issuer": {"iss": "https://evil.example"}, "no issuer": {"iss": nil},
		"another audience": {"aud": "another"}, "no audience": {"aud": nil}, "for another": {"azp": "another"},
		"several, for nobody": {"aud": []string{oidctest.ClientID, "another"}},
		"a nonce":             {"nonce": "n"}, "an empty nonce": {"nonce": ""}, "a nonce that is null": {"nonce": json.RawMessage("null")},
		"no events": {"events": nil}, "another event": {"events": map[string]any{"x": map[string]any{}}},
		"events are a list": {"events": []string{event}}, "an event that is null": {"events": map[string]any{event: nil}}, "an event that is text": {"events": map[string]any{event: "x"}},
		"no id": {"jti": nil}, "an empty id": {"jti": ""}, "an id that is none": {"jti": 1}, "a long id": {"jti": strings.Repeat("j", 256)},
		"neither": {"sub": nil, "sid": nil}, "empty": {"sub": "", "sid": nil}, "a session that is none": {"sid": 1}, "a subject with a NUL": {"sub": "1\x00"},
		"expired": {"exp": now - 61}, "no expiry": {"exp": nil}, "for ever": {"exp": now + 100*24*3600},
		"from the future": {"iat": now + 120}, "old": {"iat": now - 3600}, "no iat": {"iat": nil}, "not yet": {"nbf": now + 120},
		"Events": {"events": nil, "Events": map[string]any{event: map[string]any{}}},
	} {
		claims := idp.LogoutClaims("1", "s")
		claim(set)(claims, nil)
		if out, err := s.p.Logout(t.Context(), idp.Sign(claims, typ)); !errors.Is(err, oidc.ErrInvalid) {
			t.Errorf("%s: %+v %v", name, out, err)
		}
	}
	for name, raw := range map[string]string{
		"an ID token":     idp.Sign(idp.Claims("nonce", "access"), nil),
		"by type":         idp.Sign(idp.LogoutClaims("1", ""), map[string]any{"typ": "at+jwt"}),
		"none":            unsigned(idp.LogoutClaims("1", "")),
		"nothing":         "",
		"nonsense":        "a.b.c",
		"too long":        strings.Repeat("x", oidc.MaxLogoutToken+1),
		"another's token": oidctest.Start(t).LogoutToken("1", ""),
	} {
		if out, err := s.p.Logout(t.Context(), raw); !errors.Is(err, oidc.ErrInvalid) {
			t.Errorf("%s: %+v %v", name, out, err)
		}
	}
}

func unsigned(claims map[string]any) string {
	raw, _ := json.Marshal(claims)
	return b64([]byte(`{"alg":"none","typ":"logout+jwt"}`)) + "." + b64(raw) + "."
}

// TestLogoutToken_Flood: tokens of unknown keys, which anybody can bring, make the site ask for keys three times and then once in 10 seconds.
func TestLogoutToken_Flood(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	for range 50 {
		header := map[string]any{"typ": "logout+jwt", "kid": "unknown"}
		if out, err := s.p.Logout(t.Context(), idp.Sign(idp.LogoutClaims("1", ""), header)); err == nil {
			t.Fatal(out)
		}
	}
	if n := idp.Hits("/keys"); n > 3 {
		t.Error("the keys were asked for", n, "times")
	}
	// And the provider's own are heard in between.
	if _, err := s.p.Logout(t.Context(), idp.LogoutToken("1", "")); err != nil {
		t.Error(err)
	}
}

// TestLogoutToken_Away: what cannot be checked is not done.
func TestLogoutToken_Away(t *testing.T) {
	idp := oidctest.Start(t)
	raw := idp.LogoutToken("1", "")
	for _, path := range []string{steps[0], "/keys"} {
		idp.Change(func() {
			idp.Before = at(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		})
		if out, err := newSite(t, idp, nil).p.Logout(t.Context(), raw); !errors.Is(err, oidc.ErrUnreachable) {
			t.Errorf("%s: %+v %v", path, out, err)
		}
	}
}

// FuzzLogoutToken: whatever anybody posts, nothing falls over, and nothing counts.
func FuzzLogoutToken(f *testing.F) {
	idp := oidctest.Start(f)
	s := newSite(f, idp, nil)
	good := idp.LogoutToken("1", "s")
	f.Add("")
	f.Add("a.b.c")
	f.Add(good[:len(good)-4])
	f.Add(unsigned(maps.Clone(idp.LogoutClaims("1", ""))))
	f.Fuzz(func(t *testing.T, raw string) {
		if raw == good {
			return
		}
		if out, err := s.p.Logout(t.Context(), raw); err == nil {
			t.Errorf("%q: %+v", raw, out)
		}
	})
}
