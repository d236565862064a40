package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"foyer/xmppgw"
)

func TestOrigins_UnmarshalText(t *testing.T) {
	for given, want := range map[string][]string{
		"": {}, "https://app.example.org": {"https://app.example.org"},
		" HTTPS://App.example.org:443/ , http://localhost:8080,": {"https://app.example.org", "http://localhost:8080"},
		"*": nil, "null": nil, "https://*.example.org": nil, "app.example.org": nil, "https://app.example.org/chat": nil, "http://app.example.org": nil,
		"https://good.example, ftp://bad.example": nil,
	} {
		var got Origins
		err := got.UnmarshalText([]byte(given))
		if (err == nil) != (want != nil) || (err == nil && !slices.Equal(got, want)) {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
	_, err := LoadConfig(map[string]string{"APP_ENV": "development", "CHAT_ORIGINS": "https://app.example.org,*"})
	if err == nil || !strings.Contains(err.Error(), `CHAT_ORIGINS: "*" must be like https://app.example.org`) {
		t.Errorf("a wrong setting: %v", err)
	}
}

// Browsers send a SameSite=Lax cookie along only from the same site, and only those
// pages are believed by it.
func TestTrust(t *testing.T) {
	s := &site{cfg: Config{Env: "production", BaseURL: "https://chat.example.co.uk", ChatOrigins: Origins{
		"https://app.example.co.uk", "https://chat.example.co.uk:8443", "http://localhost:8080", "https://other.co.uk", "https://co.uk", "https://192.0.2.1",
	}}}
	s.baseURL.Store("https://chat.example.co.uk")
	for origin, want := range map[string]xmppgw.Trust{
		"https://chat.example.co.uk":      xmppgw.TrustCookies,
		"https://app.example.co.uk":       xmppgw.TrustCookies,
		"https://APP.example.co.uk:443":   xmppgw.TrustCookies,
		"https://chat.example.co.uk:8443": xmppgw.TrustCookies,
		"https://other.co.uk":             xmppgw.TrustTokens,
		"https://co.uk":                   xmppgw.TrustTokens,
		"https://192.0.2.1":               xmppgw.TrustTokens,
		"http://localhost:8080":           xmppgw.TrustTokens,
		"http://app.example.co.uk":        xmppgw.TrustNone,
		"https://evil.example.co.uk":      xmppgw.TrustNone,
		"null":                            xmppgw.TrustNone,
		"":                                xmppgw.TrustNone,
	} {
		if got := s.trust(origin); got != want {
			t.Errorf("%q: %d, want %d", origin, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"http://localhost:1", "http://localhost:2", true}, {"http://192.0.2.1", "http://192.0.2.1:8080", true}, {"http://192.0.2.1", "http://192.0.2.2", false},
		{"https://a.github.io", "https://b.github.io", false}, {"https://example.org", "http://example.org", false}, {"https://example.org", "https://a.b.example.org", true},
	} {
		if got := sameSite(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

// B-06: pages elsewhere may read every answer of the chat's endpoints, errors of
// what stands before them included; those of the same site get what signs in, too.
func TestChatOrigins(t *testing.T) {
	const near, far, evil = "http://localhost:1", "https://elsewhere.example", "https://evil.example"
	_, base := start(t, map[string]string{"XMPP_LOGIN": "token", "CHAT_ORIGINS": near + "," + far})
	b := newBrowser(t, base)
	b.signIn("alice")
	for _, c := range []struct {
		origin, method, path string
		more                 map[string]string
		status               int
		reads                bool
	}{
		{near, "GET", "/xmpp/credentials", map[string]string{"Sec-Fetch-Site": "same-site", "Referer": near + "/x"}, 200, true},
		{near, "GET", "/xmpp/prebind", nil, 404, true},
		{far, "GET", "/xmpp/credentials", nil, 403, true}, // what it may read says no
		{evil, "GET", "/xmpp/credentials", nil, 403, false},
		{near, "GET", "/xmpp/credentials", map[string]string{"Referer": evil + "/x"}, 403, true},
		{near, "GET", "/xmpp/credentials", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, true},
		{far, "OPTIONS", "/http-bind", map[string]string{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}, 204, true},
		{far, "POST", "/http-bind", map[string]string{"Content-Encoding": "gzip"}, 415, true},
		{far, "POST", "/http-bind", map[string]string{"X-Large": strings.Repeat("x", maxHeader)}, 431, true},
		{evil, "POST", "/http-bind", nil, 403, false},
		{near, "GET", "/", nil, 200, false}, // pages are the site's own
	} {
		b.headers = map[string]string{"Origin": c.origin}
		for name, value := range c.more {
			b.headers[name] = value
		}
		h := b.do(c.method, c.path, nil).wants(c.status, "").last.Header
		want := ""
		if c.reads {
			want = c.origin
		}
		if h.Get("Access-Control-Allow-Origin") != want || (c.path != "/" && !strings.Contains(h.Get("Vary"), "Origin")) {
			t.Errorf("%s %s of %s: %v", c.method, c.path, c.origin, h)
		}
	}
	b.headers = map[string]string{"Sec-Fetch-Site": "same-site"}
	b.get("/xmpp/credentials").wants(http.StatusForbidden, "")
}

// Files may be on another origin, and pages elsewhere may show this site's.
func TestUploadOrigins(t *testing.T) {
	_, base := start(t, map[string]string{"UPLOAD_ORIGINS": "https://files.example.org", "CHAT_ORIGINS": "https://app.example.org"})
	b := newBrowser(t, base).get("/")
	policy := b.last.Header.Get("Content-Security-Policy")
	for _, part := range []string{"connect-src 'self' https://files.example.org;", "img-src 'self' data: blob: https://files.example.org;", "media-src 'self' blob: https://files.example.org;", "script-src 'self' 'wasm"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s is missing in %s", part, policy)
		}
	}
	if got := b.get("/upload/x/y").last.Header.Get("Cross-Origin-Resource-Policy"); got != "cross-origin" {
		t.Errorf("files are shown by %s", got)
	}
}
