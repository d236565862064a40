package xmppgw

import (
	"net/url"
	"slices"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// A gateway serves one domain, a site's (Config.Domain), or several that have nothing in
// common (Config.Domains): there is no site then, and no cookie says who is calling.

// host is a domain that is served, with its server.
type host struct {
	domain string // prepared
	server stream.Server
}

// hostOf returns the domain that a client names in to (RFC 7622 §3.2); no other is ever
// served. The error is a *stream.Error: host-gone for a domain that was served once (RFC 6120
// §4.9.3.5), otherwise host-unknown (§4.9.3.6).
func (g *Gateway) hostOf(to string) (host, error) {
	if len(g.cfg.Domains) == 0 && stanza.SameDomain(g.cfg.Domain, to) {
		return host{g.cfg.Domain, g.cfg.Server}, nil
	}
	domain, err := stanza.PrepareDomain(to)
	if err != nil {
		return host{}, &stream.Error{Condition: stream.HostUnknown}
	}
	switch server, served := g.cfg.Domains[domain]; {
	case served:
		return host{domain, server}, nil
	case g.cfg.Gone[domain]:
		return host{}, &stream.Error{Condition: stream.HostGone}
	}
	return host{}, &stream.Error{Condition: stream.HostUnknown}
}

// takesRoute reports whether a BOSH client of a domain may name this route (XEP-0124 §7.1,
// B-19): none, or an address of that domain's own server. It chooses nothing: the stream
// goes where all of the domain go.
func (g *Gateway) takesRoute(domain, route string) bool {
	return route == "" || g.cfg.Routes == nil || slices.Contains(g.cfg.Routes[domain], strings.ToLower(route))
}

// Route is how a BOSH client writes a server's address, such as chat.example:5222, as its
// route (XEP-0124 §7.1, "proto:host:port"); in lower case.
func Route(address string) string { return "xmpp:" + strings.ToLower(address) }

// discoverable reports whether a name that discovery is asked by is a domain that is
// served, or the gateway's own; a site answers by any name.
func (g *Gateway) discoverable(name string) bool {
	if len(g.cfg.Domains) == 0 {
		return true
	}
	_, err := g.hostOf(name)
	return err == nil || name == hostIn(g.cfg.BaseURL())
}

// hostIn returns the host that a URL names, without a port; empty: none.
func hostIn(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// saidFrom returns the account of a domain that a client says it is in the from of its
// header (RFC 6120 §4.7.1, XEP-0124 §7.1), prepared and without a resource; "" for anything
// else. It is a hint, and never an identity (B-20).
func saidFrom(from, domain string) string {
	if from == "" {
		return ""
	}
	a, err := stanza.ParseAddress(from)
	if err != nil || a.User == "" || a.Domain != domain {
		return ""
	}
	return a.Bare()
}

// fromAttr is how a stream header names the domain; of one that is not served, not at all.
func fromAttr(domain string) string {
	if domain == "" {
		return ""
	}
	return ` from="` + domain + `"`
}
