package xmppgw

import (
	"net/http"
	"strings"
	"testing"

	"foyer/internal/stream"
)

// newDomains is a gateway of two domains, and their servers.
func newDomains(t *testing.T) (s *site, h, other *echo) {
	t.Helper()
	return newDomainsWith(t, func(*Config) {})
}

func newDomainsWith(t *testing.T, change func(*Config)) (s *site, h, other *echo) {
	t.Helper()
	h, other = &echo{}, &echo{}
	s = newSite(t, func(c *Config) {
		c.Domain, c.Auth, c.Server, c.External = "", nil, nil, false
		c.Domains = map[string]stream.Server{"h": h, "bücher.example": other}
		change(c)
	})
	return s, h, other
}

// Each domain has its own server, by whatever of its forms a client names it (RFC 7622
// §3.2); no other is served, and without Routes a route is not looked at (XEP-0124 §7.1, B-19).
func TestDomains(t *testing.T) {
	s, h, other := newDomains(t)
	for to, want := range map[string]*echo{"h": h, "BÜCHER.example": other, "xn--bcher-kva.example": other} {
		c, _, err := s.dial(http.Header{"Origin": {otherSite}})
		if err != nil {
			t.Fatal(err)
		}
		c.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + to + `" version="1.0"/>`)
		if back := c.read(); !strings.Contains(back, ` from="`) || strings.Contains(back, ` from="h"`) != (want == h) {
			t.Errorf("%s answers %s", to, back)
		}
		c.expect(features)
		c.conn.Close()
		b := s.bosh(false)
		b.wants(b.post(strings.Replace(boshOpen, `to="h"`, `to="`+to+`" route="xmpp:127.0.0.1:5222"`, 1)), "<stream:features")
		h.wasAsked(t, want == h)
		other.wasAsked(t, want == other)
	}
	for _, to := range []string{"evil.example", "127.0.0.1", "sub.h", "h:5222", "a@h", "."} {
		c, _, err := s.dial(http.Header{"Origin": {otherSite}})
		if err != nil {
			t.Fatal(err)
		}
		c.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + to + `" version="1.0"/>`)
		if back := c.read(); strings.Contains(back, "from=") {
			t.Errorf("%s answers %s", to, back)
		}
		if said := c.read(); !strings.Contains(said, "host-unknown") {
			t.Errorf("%s: %s", to, said)
		}
		b := s.bosh(false)
		b.wants(b.post(strings.Replace(boshOpen, `to="h"`, `to="`+to+`"`, 1)), `condition="host-unknown"`)
	}
}

// wasAsked checks whether streams were served since it was called last.
func (e *echo) wasAsked(t *testing.T, wanted bool) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if (e.served > 0) != wanted {
		t.Errorf("%d streams were served, wanted: %v", e.served, wanted)
	}
	e.served = 0
}

// XEP-0124 §7.1, §17.2 (B-19): a client may name its domain's own server as its route, and
// nothing else: above all not the server of another domain.
func TestDomains_Route(t *testing.T) {
	s, h, other := newDomainsWith(t, func(c *Config) {
		c.Routes = map[string][]string{"h": {Route("Chat.Example:5222"), Route("[2001:db8::1]:5223")}, "bücher.example": nil}
	})
	for _, tt := range []struct {
		to, route string
		want      *echo // nil: it is refused
	}{
		{"h", "", h},
		{"h", "xmpp:chat.example:5222", h},
		{"h", "XMPP:Chat.Example:5222", h},
		{"h", "xmpp:[2001:db8::1]:5223", h},
		{"h", "xmpp:chat.example:22", nil},
		{"h", "xmpp:chat.example", nil},
		{"h", "xmpp:127.0.0.1:5222", nil},
		{"h", "http://169.254.169.254/latest", nil},
		{"bücher.example", "", other},
		{"bücher.example", "xmpp:chat.example:5222", nil},
	} {
		b := s.bosh(false)
		answer := b.post(strings.Replace(boshOpen, `to="h"`, `to="`+tt.to+`" route="`+tt.route+`"`, 1))
		if tt.want == nil {
			b.wants(answer, `condition="host-unknown"`)
		} else {
			b.wants(answer, "<stream:features")
		}
		h.wasAsked(t, tt.want == h)
		other.wasAsked(t, tt.want == other)
	}
}

// A domain that was served once is told from one that never was, however its name is
// written: host-gone over BOSH (XEP-0124 §17.2, B-18), and as a stream error over WebSocket
// (RFC 6120 §4.9.3.5, not §4.9.3.6).
func TestDomains_Gone(t *testing.T) {
	s, _, _ := newDomainsWith(t, func(c *Config) { c.Gone = map[string]bool{"bäume.example": true} })
	for to, want := range map[string]string{"bäume.example": "host-gone", "xn--bume-loa.example": "host-gone", "baeume.example": "host-unknown", "sub.bäume.example": "host-unknown"} {
		c, _, err := s.dial(http.Header{"Origin": {otherSite}})
		if err != nil {
			t.Fatal(err)
		}
		c.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + to + `" version="1.0"/>`)
		if back := c.read(); !strings.HasPrefix(back, "<open ") || strings.Contains(back, " from=") {
			t.Errorf("%s is answered with %s", to, back)
		}
		if said := c.read(); !strings.Contains(said, `<`+want+` xmlns="urn:ietf:params:xml:ns:xmpp-streams"`) {
			t.Errorf("%s: %s, want %s", to, said, want)
		}
		b := s.bosh(false)
		b.wants(b.post(strings.Replace(boshOpen, `to="h"`, `to="`+to+`"`, 1)), `type="terminate" condition="`+want+`"`)
	}
}

// Discovery is answered by the name of a domain, or the gateway's own (XEP-0156 §2);
// pages need no cookie (B-06), and get no leave to send one.
func TestDomains_Web(t *testing.T) {
	s, _, _ := newDomains(t)
	for host, status := range map[string]int{"h": 200, "h:8080": 200, "xn--bcher-kva.example": 200, "127.0.0.1": 200, "evil.example": 404} {
		for _, path := range []string{"host-meta", "host-meta.json"} {
			req, _ := http.NewRequest("GET", s.base+"/.well-known/"+path, nil)
			req.Host = host
			req.Header.Set("X-Forwarded-Host", "h")
			if r := s.bosh(false).do(req); r.status != status || (status == 200) != strings.Contains(r.body, s.base+"/http-bind") {
				t.Errorf("%s at %s: %d %s", path, host, r.status, r.body)
			}
		}
	}
	r := s.request("POST", otherSite, boshOpen)
	if r.header.Get("Access-Control-Allow-Origin") != otherSite || r.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("headers are %v", r.header)
	}
	if r := s.request("POST", "https://evil.example", boshOpen); r.status != http.StatusForbidden {
		t.Errorf("a foreign origin gets %d", r.status)
	}
}

func TestDomains_Config(t *testing.T) {
	whole := Config{BaseURL: func() string { return "" }, Origin: func(string) Trust { return TrustNone }}
	for name, change := range map[string]func(*Config){
		"nothing": func(*Config) {},
		"both": func(c *Config) {
			c.Domain, c.Auth, c.Server, c.Domains = "h", &cookies{}, &echo{}, map[string]stream.Server{"h": &echo{}}
		},
		"not prepared": func(c *Config) { c.Domains = map[string]stream.Server{"H": &echo{}} },
		"no server":    func(c *Config) { c.Domains = map[string]stream.Server{"h": nil} },
		"served and gone": func(c *Config) {
			c.Domains, c.Gone = map[string]stream.Server{"h": &echo{}}, map[string]bool{"h": true}
		},
		"gone, not prepared": func(c *Config) {
			c.Domains, c.Gone = map[string]stream.Server{"h": &echo{}}, map[string]bool{"Gone": true}
		},
	} {
		cfg := whole
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
}
