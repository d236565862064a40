package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"foyer/internal/netaddr"
	"foyer/internal/stanza"
)

// Upstream is where the XMPP server is: some addresses, each as good as the others, or
// a domain whose SRV records tell them. The zero Upstream is none.
type Upstream struct {
	written string
	targets []target
	srv     string // the domain to look up, as the DNS has it; empty: targets tell
}

// target is one address that may be dialled; no other ever is.
type target struct {
	network string // tcp or unix
	host    string // a name or an address without brackets; of a unix socket its path
	port    string // empty for a unix socket
	direct  bool   // TLS from the first byte (XEP-0368); otherwise STARTTLS
	local   bool   // a unix socket or loopback: the link may go without TLS
	literal bool   // host is an address that the configuration names itself
}

const howToWrite = "write xmpp://HOST:5222 (STARTTLS), xmpps://HOST:5223 (TLS from the first byte), xmpp+srv://DOMAIN (found by its SRV records) or xmpp+unix:///PATH (a socket on this machine)"

// ParseUpstream reads XMPP_UPSTREAM:
//
//	xmpp://host:5222       STARTTLS, required unless the host is this machine (RFC 6120 §5)
//	xmpps://host:5223      TLS from the first byte (XEP-0368)
//	xmpp+srv://domain      the SRV records of the domain tell hosts and ports (RFC 6120 §3.2.1, XEP-0368)
//	xmpp+unix:///path      a unix socket
//
// Several of the first two and the last, separated by commas, are the nodes of a
// cluster. The errors say what to write instead.
func ParseUpstream(s string) (Upstream, error) {
	u := Upstream{written: strings.TrimSpace(s)}
	if u.written == "" {
		return Upstream{}, errors.New("no XMPP server is named: " + howToWrite)
	}
	parts := strings.Split(u.written, ",")
	for _, part := range parts {
		if err := u.add(strings.TrimSpace(part)); err != nil {
			return Upstream{}, err
		}
	}
	if u.srv != "" && len(parts) > 1 {
		return Upstream{}, fmt.Errorf("%q: a domain that is found by its SRV records stands alone: its records name the nodes", s)
	}
	return u, nil
}

func (u *Upstream) add(part string) error {
	parsed, err := url.Parse(part)
	if err != nil || !strings.Contains(part, "://") {
		if strings.Contains(part, "@") { // it may hold a password, and is not shown
			return errors.New("no account belongs here; people sign in each for themselves: " + howToWrite)
		}
		return fmt.Errorf("%q is no address of an XMPP server: %s", part, howToWrite)
	}
	if parsed.User != nil {
		return fmt.Errorf("%q: no account belongs here; people sign in each for themselves", parsed.Redacted())
	}
	if parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("%q: nothing may follow the host and the port", part)
	}
	if parsed.Scheme == "xmpp+unix" {
		return u.addSocket(part, parsed)
	}
	if p := parsed.Path; p != "" && p != "/" {
		return fmt.Errorf("%q: nothing may follow the host and the port", part)
	}
	if parsed.Hostname() == "" {
		return fmt.Errorf("%q names no host: %s", part, howToWrite)
	}
	switch parsed.Scheme {
	case "xmpp":
		return u.addHost(part, parsed, "5222", false)
	case "xmpps":
		return u.addHost(part, parsed, "5223", true)
	case "xmpp+srv":
		return u.addDomain(part, parsed)
	}
	return fmt.Errorf("%q: the scheme %s is not known here: %s", part, parsed.Scheme, howToWrite)
}

func (u *Upstream) addSocket(part string, parsed *url.URL) error {
	if parsed.Host != "" || len(parsed.Path) < 2 {
		return fmt.Errorf("%q names no socket: write xmpp+unix:///run/xmpp/c2s.sock, with three slashes", part)
	}
	if err := netaddr.CheckUnixPath(parsed.Path); err != nil {
		return fmt.Errorf("%q %w", part, err)
	}
	u.targets = append(u.targets, target{network: "unix", host: parsed.Path, local: true})
	return nil
}

func (u *Upstream) addHost(part string, parsed *url.URL, usual string, direct bool) error {
	port := parsed.Port()
	if port == "" {
		port = usual
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q: the port must be between 1 and 65535; usual is %s", part, usual)
	}
	host := parsed.Hostname()
	_, err := netip.ParseAddr(host)
	if err != nil && !isHostName(host) { // as the DNS has it, then
		domain, wrong := stanza.PrepareDomain(host)
		if host = stanza.ASCIIDomain(domain); wrong != nil || !isHostName(host) {
			return fmt.Errorf("%q: this is no host; %s", part, howToWrite)
		}
	}
	u.targets = append(u.targets, target{network: "tcp", host: host, port: port, direct: direct, local: netaddr.IsLoopback(host), literal: err == nil})
	return nil
}

// isHostName reports whether a name can be looked up: letters, digits, hyphens and dots
// (RFC 1123 §2.1), and the underscores that container networks have.
func isHostName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

func (u *Upstream) addDomain(part string, parsed *url.URL) error {
	if parsed.Port() != "" {
		return fmt.Errorf("%q: leave the port out, the SRV records tell it; or write xmpp://%s", part, parsed.Host)
	}
	if _, err := netip.ParseAddr(parsed.Hostname()); err == nil {
		return fmt.Errorf("%q: an address has no SRV records; write xmpp://%s:5222", part, parsed.Host)
	}
	domain, err := stanza.PrepareDomain(parsed.Hostname())
	if err != nil {
		return fmt.Errorf("%q: this is no domain", part)
	}
	u.srv = stanza.ASCIIDomain(domain)
	return nil
}

// IsZero reports whether no server is named.
func (u Upstream) IsZero() bool { return u.written == "" }

// String returns what was written; there is no secret in it.
func (u Upstream) String() string { return u.written }

// PublicName returns the first host that others can look up as well: no address, no loopback (the
// names below localhost among it, RFC 6761 §6.3), and no name without a dot, as container networks
// have. Empty: there is none, or SRV records tell.
func (u Upstream) PublicName() string {
	for _, t := range u.targets {
		name := strings.TrimSuffix(t.host, ".")
		if !t.local && !t.literal && strings.Contains(name, ".") && !strings.HasSuffix(name, ".localhost") {
			return name
		}
	}
	return ""
}

// Addresses returns host:port of each server that was spelled out, in the order of the
// setting; none for a domain that is found by its SRV records, nor for a unix socket.
func (u Upstream) Addresses() []string {
	var all []string
	for _, t := range u.targets {
		if t.network == "tcp" {
			all = append(all, t.address())
		}
	}
	return all
}

// address is what to dial.
func (t target) address() string {
	if t.network == "unix" {
		return t.host
	}
	return net.JoinHostPort(t.host, t.port)
}

func (t target) String() string { return t.address() }
