package app

import (
	"net/http"
	"testing"

	"foyer/internal/stream"
	"foyer/xmppgw"
)

func TestCookieValue(t *testing.T) {
	for header, want := range map[string]string{
		"foyer=a":                       "a",
		"x=1; foyer=a; y=2":             "a",
		"x=1;foyer=a":                   "a",
		"x=1;\tfoyer = a ; y":           "a",
		`foyer="a"`:                     "a",
		`g_state={"i_l":0}; foyer=a`:    "a",
		`x="a; foyer=a`:                 "a",
		"name=Zoë; foyer=a":             "a",
		"name=\xff\xfe\x01; foyer=a":    "a",
		`path=C:\temp\; foyer=a`:        "a",
		"alone; ; =; =x; foyer=a":       "a",
		"foyer=a; foyer=b":              "a", // the longer path comes first (RFC 6265 §5.4)
		"foyer=a=b":                     "a=b",
		"Foyer=b; xfoyer=c; foyer-x=d":  "",
		"foyer":                         "",
		"":                              "",
		"x=foyer=a":                     "",
		`foyer="`:                       `"`,
		"__Host-foyer=b; foyer=a":       "a",
		"foyer=; x=1":                   "",
		"a=b,foyer=c; foyer=a; d e=f g": "a",
	} {
		if got := cookieValue(header, "foyer"); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

// headerOf is a request's header, for the gateway.
type headerOf map[string]string

func (h headerOf) Get(name string) string { return h[name] }

// what other programs of the domain set is in nobody's way: pages and the
// chat read cookies alike (RFC 6265 §5.4).
func TestCookies_OfOthers(t *testing.T) {
	s, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	own := "foyer=" + b.cookies["foyer"].Value
	b.cookies = map[string]*http.Cookie{}
	for _, header := range []string{own, `g_state={"i_l":0}; ` + own, own + `; "x`, `a="; ` + own, "n=Zoë; " + own, "n=\xff; " + own, `p=\; ` + own, "alone; " + own, "; ;" + own, own + "; a=1, b=2"} {
		b.headers["Cookie"] = header
		b.get("/settings").wants(200, "Devices")
		b.get("/xmpp/me").wants(200, `"alice"`)
		id, err := s.FromRequest(t.Context(), headerOf{"Cookie": header}, "127.0.0.1")
		if err != nil || id.User != "alice" {
			t.Errorf("%q: the chat sees %+v, %v", header, id, err)
		}
	}
	if id, err := s.FromRequest(t.Context(), headerOf{"Cookie": "x" + own}, "127.0.0.1"); err != xmppgw.ErrNoSession || id != (stream.Identity{}) {
		t.Errorf("another cookie: %+v, %v", id, err)
	}
	// Several lines, as a proxy passes on what came over HTTP/2 (RFC 9113 §8.2.3).
	req, err := http.NewRequest("GET", base+"/xmpp/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Cookie"] = []string{"a=1", own, "b=2"}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("in several lines: %d", resp.StatusCode)
	}
}
