package oidc_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/app/auth"
	"foyer/app/auth/oidc"
	"foyer/app/auth/oidc/oidctest"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// steps are the addresses of a provider that a sign-in asks, in order.
var steps = []string{"/.well-known/openid-configuration", "/token", "/keys", "/userinfo"}

// at answers one address of a provider instead.
func at(path string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path {
			_ = r.ParseForm() // only behind the body does a server see that the client has gone
			answer(w, r)
		}
		return r.URL.Path == path
	}
}

// tryOut signs in at a provider, by whichever step fails first.
func tryOut(s site) error {
	redirect, err := s.p.Start(s.t.Context(), auth.RedirectRequest{Callback: callback})
	if err == nil {
		_, err = s.finish(s.visit(redirect))
	}
	return err
}

// TestOutbound_Bounds: at every step, an answer without end, one that does not come, and one that leads elsewhere.
func TestOutbound_Bounds(t *testing.T) {
	elsewhere := oidctest.Start(t)
	for name, answer := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			part := []byte(strings.Repeat(" ", 64<<10))
			for {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a slow trickle": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"broken": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"large header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Filler", strings.Repeat("x", 100<<10))
		},
	} {
		for _, step := range steps {
			t.Run(name+step, func(t *testing.T) {
				t.Parallel()
				idp := oidctest.Start(t)
				idp.Before = at(step, answer)
				idp.IDToken = func(claims, _ map[string]any) { delete(claims, "name") }
				s := newSite(t, idp, func(c *oidc.Config) {
					if strings.Contains(name, "slow") {
						c.Timeout = 300 * time.Millisecond
					}
				})
				if err := tryOut(s); !errors.Is(err, oidc.ErrUnreachable) {
					t.Error(err)
				}
			})
		}
	}
	t.Cleanup(func() {
		for _, step := range steps {
			if n := elsewhere.Hits(step); n != 0 {
				t.Error("a redirect was followed to", step)
			}
		}
	})
}

// TestDiscovery_Metadata: what a provider must not say of itself.
func TestDiscovery_Metadata(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer":      func(m map[string]any) { m["issuer"] = "https://evil.example" },
		"a longer issuer":     func(m map[string]any) { m["issuer"] = m["issuer"].(string) + "/" },
		"no issuer":           func(m map[string]any) { delete(m, "issuer") },
		"no token endpoint":   func(m map[string]any) { delete(m, "token_endpoint") },
		"no keys":             func(m map[string]any) { delete(m, "jwks_uri") },
		"no authorization":    func(m map[string]any) { delete(m, "authorization_endpoint") },
		"tokens in clear":     func(m map[string]any) { m["token_endpoint"] = "http://idp.example/token" },
		"keys in clear":       func(m map[string]any) { m["jwks_uri"] = "http://idp.example/keys" },
		"userinfo in clear":   func(m map[string]any) { m["userinfo_endpoint"] = "http://idp.example/userinfo" },
		"a script":            func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" },
		"a file":              func(m map[string]any) { m["jwks_uri"] = "file:///etc/passwd" },
		"a logout script":     func(m map[string]any) { m["end_session_endpoint"] = "javascript:alert(1)" },
		"PKCE in clear alone": func(m map[string]any) { m["code_challenge_methods_supported"] = []string{"plain"} },
	} {
		idp := oidctest.Start(t)
		idp.Metadata = change
		if err := tryOut(newSite(t, idp, nil)); !errors.Is(err, oidc.ErrUnreachable) {
			t.Error(name, err)
		}
	}
	// A provider with TLS names no address without, not even here.
	idp := oidctest.StartTLS(t)
	idp.Metadata = func(m map[string]any) { m["token_endpoint"] = "http://127.0.0.1:9/token" }
	s := newSite(t, idp, func(c *oidc.Config) { c.Roots = rootsOf(idp) })
	if err := tryOut(s); !errors.Is(err, oidc.ErrUnreachable) || !strings.Contains(err.Error(), "without TLS") {
		t.Error(err)
	}
}

// TestDiscovery_BackOff: a provider that is away is asked again after 1, 2, 4 … seconds, 60 at most, and not by
// everybody who would like to sign in; what it said counts on while it is away.
func TestDiscovery_BackOff(t *testing.T) {
	idp := oidctest.Start(t)
	var mu sync.Mutex
	clock := time.Now()
	pass := func(d time.Duration) { mu.Lock(); clock = clock.Add(d); mu.Unlock() }
	s := newSite(t, idp, func(c *oidc.Config) {
		c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
	})
	away := at(steps[0], func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	idp.Change(func() { idp.Before = away })
	start := func() error {
		_, err := s.p.Start(t.Context(), auth.RedirectRequest{Callback: callback})
		return err
	}
	asked := 0
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		for range 5 {
			if err := start(); !errors.Is(err, oidc.ErrUnreachable) {
				t.Fatal(err)
			}
		}
		if asked++; idp.Hits(steps[0]) != asked {
			t.Fatalf("asked %d times, not %d", idp.Hits(steps[0]), asked)
		}
		pass(pause * time.Second)
	}
	idp.Change(func() { idp.Before = nil })
	var everybody sync.WaitGroup
	for range 20 {
		everybody.Go(func() {
			if err := start(); err != nil {
				t.Error(err)
			}
		})
	}
	everybody.Wait()
	known := idp.Hits(steps[0])
	idp.Change(func() { idp.Before = away })
	pass(2 * time.Hour)
	if err := start(); err != nil || idp.Hits(steps[0]) != known+1 {
		t.Error("old metadata:", err, idp.Hits(steps[0])-known)
	}
	pass(23 * time.Hour)
	if err := start(); !errors.Is(err, oidc.ErrUnreachable) {
		t.Error("metadata of yesterday:", err)
	}
}
