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
	h, other = &echo{}, &echo{}
	s = newSite(t, func(c *Config) {
		c.Domain, c.Auth, c.Server, c.External = "", nil, nil, false
		c.Domains = map[string]stream.Server{"h": h, "bücher.example": other}
	})
	return s, h, other
}

// Each domain has its own server, by whatever of its forms a client names it (RFC 7622
// §3.2); no other is served, and a route leads nowhere else (XEP-0124 §7.1, B-19).
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
	} {
		cfg := whole
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
}
