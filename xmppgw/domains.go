package xmppgw

import (
	"net/url"

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
// served.
func (g *Gateway) hostOf(to string) (host, bool) {
	if len(g.cfg.Domains) == 0 {
		return host{g.cfg.Domain, g.cfg.Server}, stanza.SameDomain(g.cfg.Domain, to)
	}
	domain, err := stanza.PrepareDomain(to)
	if err != nil {
		return host{}, false
	}
	server, ok := g.cfg.Domains[domain]
	return host{domain, server}, ok
}

// discoverable reports whether a name that discovery is asked by is a domain that is
// served, or the gateway's own; a site answers by any name.
func (g *Gateway) discoverable(name string) bool {
	if len(g.cfg.Domains) == 0 {
		return true
	}
	_, ok := g.hostOf(name)
	return ok || name == hostIn(g.cfg.BaseURL())
}

// hostIn returns the host that a URL names, without a port; empty: none.
func hostIn(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// fromAttr is how a stream header names the domain; of one that is not served, not at all.
func fromAttr(domain string) string {
	if domain == "" {
		return ""
	}
	return ` from="` + domain + `"`
}
