package relay

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
)

// XMPP_UPSTREAM: what is read from each form, and what is said of the others.
func TestParseUpstream(t *testing.T) {
	for in, want := range map[string][]target{
		"xmpp://chat.example.test:5222":   {{network: "tcp", host: "chat.example.test", port: "5222"}},
		"xmpp://chat.example.test":        {{network: "tcp", host: "chat.example.test", port: "5222"}},
		"xmpps://chat.example.test/":      {{network: "tcp", host: "chat.example.test", port: "5223", direct: true}},
		"xmpp://LocalHost:15222":          {{network: "tcp", host: "LocalHost", port: "15222", local: true}},
		"xmpp://127.0.0.2":                {{network: "tcp", host: "127.0.0.2", port: "5222", local: true, literal: true}},
		"xmpp://[::1]:5222":               {{network: "tcp", host: "::1", port: "5222", local: true, literal: true}},
		"xmpps://[2001:db8::1]:443":       {{network: "tcp", host: "2001:db8::1", port: "443", direct: true, literal: true}},
		"xmpp+unix:///run/prosody/c.sock": {{network: "unix", host: "/run/prosody/c.sock", local: true}},
		"xmpp://a, xmpps://b:1":           {{network: "tcp", host: "a", port: "5222"}, {network: "tcp", host: "b", port: "1", direct: true}},
		"xmpp://Bücher.example":           {{network: "tcp", host: "xn--bcher-kva.example", port: "5222"}},
		"xmpp://chat_prosody_1":           {{network: "tcp", host: "chat_prosody_1", port: "5222"}},
		// Loopback is what is written, not what somebody's DNS may say of a name.
		"xmpp://localhost.example.test": {{network: "tcp", host: "localhost.example.test", port: "5222"}},
	} {
		u, err := ParseUpstream(in)
		if err != nil || !slices.Equal(u.targets, want) {
			t.Errorf("%s: %+v, %v; want %+v", in, u.targets, err, want)
		}
		if u.String() != in || u.IsZero() {
			t.Errorf("%s: written as %q", in, u)
		}
	}
	if u, err := ParseUpstream("xmpp+srv://Bücher.example"); err != nil || u.srv != "xn--bcher-kva.example" || len(u.targets) > 0 {
		t.Errorf("a domain is %+v, %v", u, err)
	}
}

// The name that can be written into a record of the DNS is one that others look up, too.
func TestUpstream_PublicName(t *testing.T) {
	for in, want := range map[string]string{
		"xmpp://chat.example.test":                        "chat.example.test",
		"xmpps://chat.example.test.:443":                  "chat.example.test",
		"xmpp://10.0.0.5, xmpp://two.Bücher.example:5222": "two.xn--bcher-kva.example",
		"xmpp://localhost":                                "",
		"xmpp://chat.localhost":                           "",
		"xmpp://10.0.0.5":                                 "",
		"xmpp://prosody":                                  "",
		"xmpp+unix:///run/prosody.d/c.sock":               "",
		"xmpp+srv://example.test":                         "",
	} {
		u, err := ParseUpstream(in)
		if name := u.PublicName(); name != want || err != nil {
			t.Errorf("%s: %q, %v", in, name, err)
		}
	}
}

// What a setting spells out, as a BOSH client may name it (XEP-0124 §7.1, B-19).
func TestUpstream_Addresses(t *testing.T) {
	for in, want := range map[string][]string{
		"xmpp://a":                               {"a:5222"},
		"xmpps://[2001:db8::1]:443, xmpp://b:1":  {"[2001:db8::1]:443", "b:1"},
		"xmpp+srv://example.test":                nil,
		"xmpp+unix:///run/xmpp.sock, xmpp://b:1": {"b:1"},
	} {
		if u, err := ParseUpstream(in); err != nil || !slices.Equal(u.Addresses(), want) {
			t.Errorf("%s: %v, %v; want %v", in, u.Addresses(), err, want)
		}
	}
}

func TestParseUpstream_Refused(t *testing.T) {
	for in, says := range map[string]string{
		"":                           "xmpp://HOST:5222",
		"chat.example.test":          "xmpp://HOST:5222",
		"chat.example.test:5222":     "xmpp://HOST:5222",
		"https://chat.example.test":  "scheme https is not known",
		"xmpp://":                    "names no host",
		"xmpp://h:0":                 "between 1 and 65535",
		"xmpp://h:70000":             "between 1 and 65535",
		"xmpp://h:x":                 "is no address",
		"xmpp://alice:secret@h":      "no account belongs here",
		"xmpp://alice:secret@h:x":    "no account belongs here",
		"xmpp://alice:secret%@h":     "no account belongs here",
		"alice:secret@h":             "no account belongs here",
		"xmpp://h==":                 "this is no host",
		"xmpp://a;b":                 "this is no host",
		"xmpp://\u200b":              "this is no host",
		"xmpp://h/path":              "nothing may follow",
		"xmpp://h?x=1":               "nothing may follow",
		"xmpp+srv://example.test:1":  "leave the port out",
		"xmpp+srv://192.0.2.1":       "no SRV records",
		"xmpp+unix://run/x.sock":     "three slashes",
		"xmpp+srv://a.test,xmpp://b": "stands alone",
		// A socket that the system cannot have, among nodes that it can.
		"xmpp://b,xmpp+unix:///" + strings.Repeat("s", 200): "has a path of 201 bytes, and a unix socket's has at most",
	} {
		_, err := ParseUpstream(in)
		contains(t, err, says)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the password: %v", in, err)
		}
	}
}

// dns answers SRV queries: by service, or with an error.
type dns map[string][]*net.SRV

func (d dns) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if proto != "tcp" || name != domain {
		return "", nil, errors.New("asked for " + name)
	}
	records, ok := d[service]
	switch {
	case !ok:
		return "", nil, &net.DNSError{IsNotFound: true}
	case records == nil:
		return "", nil, &net.DNSError{IsTimeout: true, Err: "time-out"}
	}
	return "", records, nil
}

// RFC 6120 §3.2.1, RFC 2782, XEP-0368 §2: both kinds of records are one list, by priority;
// within one, heavy ones are mostly first.
func TestTargets_SRV(t *testing.T) {
	u, _ := ParseUpstream("xmpp+srv://" + domain)
	targets := func(d dns) ([]target, error) {
		r := newRelay(t, &site{}, func(c *Config) { c.Upstream, c.Resolver = u, d })
		return r.targets(context.Background())
	}
	got, err := targets(dns{
		"xmpp-client":  {{Target: "c.test.", Port: 5222, Priority: 20}, {Target: "a.test.", Port: 5222, Priority: 5}},
		"xmpps-client": {{Target: "b.test.", Port: 443, Priority: 10}},
	})
	want := []target{{network: "tcp", host: "a.test", port: "5222"}, {network: "tcp", host: "b.test", port: "443", direct: true}, {network: "tcp", host: "c.test", port: "5222"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("targets are %v, %v", got, err)
	}

	first := 0
	for range 1000 {
		list := order([]ranked{{target{host: "light"}, 1, 0}, {target{host: "heavy"}, 1, 9}, {target{host: "medium"}, 1, 1}})
		if len(list) != 3 {
			t.Fatalf("ordered: %v", list)
		}
		if list[0].host == "heavy" {
			first++
		}
	}
	if first < 800 || first == 1000 {
		t.Errorf("the heavy one is first in %d of 1000", first)
	}

	// A service that has no records at all: the domain itself (§3.2.2).
	got, err = targets(dns{})
	if err != nil || !slices.Equal(got, []target{{network: "tcp", host: domain, port: "5222"}}) {
		t.Errorf("targets are %v, %v", got, err)
	}
	// One that is said not to be there is not looked for.
	_, err = targets(dns{"xmpp-client": {{Target: "."}}})
	contains(t, err, "no XMPP service")
	// The other kind may still be there.
	got, err = targets(dns{"xmpp-client": {{Target: "."}}, "xmpps-client": {{Target: "b.test.", Port: 443}}})
	if err != nil || len(got) != 1 {
		t.Errorf("targets are %v, %v", got, err)
	}
	// A DNS that does not answer says nothing about the domain.
	_, err = targets(dns{"xmpp-client": nil})
	contains(t, err, "time-out")
}
