package app

import (
	"strings"
	"testing"
)

// A page that says what went wrong leads back to the form, where that is this site's, and is kept
// to the same rules as others, whenever the request was refused.
func TestErrorPage(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	large := strings.Repeat("x", maxFormBody+1)
	for _, c := range []struct{ name, referer, field, title, back string }{
		{"a form that was open for too long", base + "/settings?a=b", "", "This page has expired", `href="/settings?a=b"`},
		{"too large", base + "/settings", large, "Too large", `href="/settings"`},
		{"another site's", "https://evil.example/settings", "", "This page has expired", ""},
		{"a path that browsers take for a host", base + "//evil.example/", "", "This page has expired", ""},
		{"unknown", "", "", "This page has expired", ""},
	} {
		b.headers["Referer"] = c.referer
		b.submit("/settings", "/settings/theme", "csrf", "x", "name", c.field)
		if !strings.Contains(b.body, "<h1>"+c.title+"</h1>") || !strings.Contains(b.body, c.back) {
			t.Errorf("%s: %s", c.name, b.body)
		}
		if c.back == "" && strings.Contains(b.body, "Go back</a>") {
			t.Errorf("%s: a way to %s", c.name, c.referer)
		}
		if strings.Contains(b.body, `href="/signup"`) {
			t.Errorf("%s: whoever is signed in is asked to join", c.name)
		}
		if b.last.Header.Get("Content-Security-Policy") == "" || b.last.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", c.name, b.last.Header)
		}
	}
}

// A path is compared letter by letter, by routes and by what looks at it besides: none is served
// under another one's rules. BOSH has a slash at its end with some clients.
func TestErrorPage_OtherLetters(t *testing.T) {
	_, base := start(t, map[string]string{"BOSH_COMPRESSION": "true"})
	b := newBrowser(t, base)
	b.get("/xmpp/me").wants(401, `{"error":`)
	for _, path := range []string{"/XMPP/me", "/Settings", "/HTTP-BIND", "/HealthZ"} {
		b.get(path).wants(404, "<h1>Page not found</h1>")
	}
	b.headers["Content-Encoding"] = "br"
	if b.do("POST", "/http-bind/", nil).wants(415, "without compression"); strings.Contains(b.body, "<") {
		t.Errorf("a page: %s", b.body)
	}
	b.headers["Content-Encoding"] = "gzip"
	b.do("POST", "/http-bind/", nil).wants(200, "bad-request")
}
