package xmppgw

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// pages are origins, and how far each is trusted.
func (s *site) pages() map[string]Trust {
	return map[string]Trust{s.base: TrustCookies, sameSite: TrustCookies, otherSite: TrustTokens, "https://evil.example": TrustNone, "null": TrustNone}
}

// request asks the BOSH endpoint as a page of that origin does, with the cookie.
func (s *site) request(method, origin, body string) reply {
	s.t.Helper()
	req, err := http.NewRequest(method, s.base+BOSHPath, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Origin", origin)
	req.Header.Set("Cookie", "s=alice")
	return (&boshClient{site: s}).do(req)
}

const boshOpen = `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="h" ver="1.6" wait="5" hold="1" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0"/>`

// B-06: every answer that a page of a trusted origin gets, it may read; others may
// not. A preflight says what may be asked (Fetch standard §3.2).
func TestBOSH_Origins(t *testing.T) {
	s := newSite(t, nil)
	for origin, trust := range s.pages() {
		for name, c := range map[string]struct {
			method, body string
			status       int
		}{
			"preflight":      {"OPTIONS", "", 204},
			"session":        {"POST", boshOpen, 200},
			"no XML":         {"POST", "<", 200},
			"a legacy error": {"POST", `<body xmlns="http://jabber.org/protocol/httpbind" to="h"/>`, 400},
			"other methods":  {"GET", "", 405},
		} {
			r := s.request(c.method, origin, c.body)
			want := origin
			if trust == TrustNone {
				want = ""
				if c.method == "POST" {
					c.status = 403
				}
			}
			if r.status != c.status || r.header.Get("Access-Control-Allow-Origin") != want || r.header.Get("Vary") != "Origin" {
				t.Errorf("%s from %s: %d %v", name, origin, r.status, r.header)
			}
			if (r.header.Get("Access-Control-Allow-Credentials") == "true") != (want != "") {
				t.Errorf("%s from %s: %v", name, origin, r.header)
			}
		}
	}
	r := s.request("OPTIONS", otherSite, "")
	for name, want := range map[string]string{"Methods": "POST", "Headers": "Content-Type"} {
		if got := r.header.Get("Access-Control-Allow-" + name); got != want {
			t.Errorf("a preflight allows the %s %q", name, got)
		}
	}
	if got, err := strconv.Atoi(r.header.Get("Access-Control-Max-Age")); err != nil || got < 600 {
		t.Errorf("a preflight is good for %q seconds", r.header.Get("Access-Control-Max-Age"))
	}
}

// The cookie proves who is calling for pages of the same site; those of others need a
// token or a password, and neither is of any use to the rest.
func TestOrigins_WhoIsCalling(t *testing.T) {
	s := newSite(t, nil)
	for origin, trust := range s.pages() {
		conn, _, err := s.dial(http.Header{"Origin": {origin}, "Cookie": {"s=alice"}})
		if trust == TrustNone {
			if err == nil {
				t.Errorf("a WebSocket of %s", origin)
			}
			continue
		}
		if err != nil {
			t.Fatal(origin, err)
		}
		conn.send(wsOpen)
		conn.read()
		for transport, features := range map[string]string{"WebSocket": conn.read(), "BOSH": s.request("POST", origin, boshOpen).body} {
			external, plain := strings.Contains(features, "EXTERNAL"), strings.Contains(features, "PLAIN")
			if external != (trust == TrustCookies) || plain != (trust == TrustTokens) {
				t.Errorf("%s, %s: %s", origin, transport, features)
			}
		}
	}
}

// A session that was opened under the cookie does not answer pages that the cookie
// proves nothing for, even if they had it.
func TestBOSH_CookieSessionAndOtherSites(t *testing.T) {
	s := newSite(t, nil)
	opened := s.request("POST", s.base, boshOpen)
	_, rest, _ := strings.Cut(opened.body, `sid="`)
	sid, _, _ := strings.Cut(rest, `"`)
	poll := `<body xmlns="http://jabber.org/protocol/httpbind" rid="2" sid="` + sid + `" type="terminate"/>`
	if r := s.request("POST", otherSite, poll); !strings.Contains(r.body, "item-not-found") {
		t.Errorf("another site: %d %s", r.status, r.body)
	}
	if r := s.request("POST", sameSite, poll); strings.Contains(r.body, "item-not-found") {
		t.Errorf("the same site: %d %s", r.status, r.body)
	}
}
