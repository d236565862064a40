package app

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"foyer/internal/stanza"
	"foyer/xmppgw/relay"
)

// GatewayConfig is every setting of `foyer gateway`, the gateway by itself, from the
// environment. `desc` is what docs/GATEWAY.md says of it, `list` that it has several values.
type GatewayConfig struct {
	Env       string    `env:"APP_ENV" envDefault:"production" desc:"production, or development (plain HTTP, on loopback only)"`
	Addr      string    `env:"ADDR" envDefault:"localhost:3000" desc:"address to listen on, behind the web server that has the certificate"`
	BaseURL   string    `env:"BASE_URL" desc:"public URL of the gateway, such as https://xmpp.example.org; follows ADDR in development"`
	Upstreams Upstreams `env:"GATEWAY_UPSTREAMS" list:"true" desc:"the domains that are served, each with its XMPP server, separated by commas: example.org=xmpp://10.0.0.5:5222, example.net=xmpp+srv://example.net; addresses as in XMPP_UPSTREAM, and several nodes of one domain follow each other"`
	Private   Domains   `env:"GATEWAY_PRIVATE_UPSTREAMS" list:"true" desc:"domains, separated by commas, whose server's name may resolve to an address inside your network; not needed for localhost and for addresses written out in GATEWAY_UPSTREAMS"`
	Gone      Domains   `env:"GATEWAY_GONE_DOMAINS" list:"true" desc:"domains, separated by commas, that used to be served here: clients get host-gone instead of host-unknown"`
	CA        string    `env:"XMPP_UPSTREAM_CA" desc:"PEM file with the CA certificate for the servers; empty: the system's CAs"`
	Origins   Origins   `env:"GATEWAY_ORIGINS" list:"true" desc:"origins of the pages that may use the chat, such as https://www.example.org, separated by commas; clients that are not browsers have no origin and are always allowed"`

	SeeOther        string `env:"XMPP_SEE_OTHER" desc:"URL of another site or gateway, such as https://new.example.org, to which new streams are redirected while this one moves (RFC 7395, XEP-0124); empty: none"`
	BOSHCompression bool   `env:"BOSH_COMPRESSION" envDefault:"false" desc:"compress BOSH responses for clients that ask for it; somebody who can see the sizes of responses, and can write to a person, may then guess what others write at the same moment"`

	TrustedProxies string `env:"TRUSTED_PROXIES" list:"true" desc:"addresses or networks of the web servers in front, separated by commas, whose X-Forwarded-* headers are trusted, such as 127.0.0.1"`

	StreamsPerDomain      int     `env:"GATEWAY_STREAMS_PER_DOMAIN" envDefault:"10000" desc:"streams of each domain"`
	FailuresPerAddress    int     `env:"GATEWAY_FAILURES_PER_ADDRESS" envDefault:"100" desc:"sign-ins from one address that a domain's server may refuse within 15 minutes; successful ones do not count"`
	ConnectionsPerAddress int     `env:"CONNECTIONS_PER_ADDRESS" envDefault:"16000" desc:"network connections from one address"`
	StreamsPerAddress     int     `env:"STREAMS_PER_ADDRESS" envDefault:"1000" desc:"streams from one address"`
	NewStreamsPerAddress  float64 `env:"NEW_STREAMS_PER_ADDRESS" envDefault:"20" desc:"new streams a second from one address; bursts of up to 30 times as many"`
	RefusalsPerAddress    float64 `env:"REFUSALS_PER_ADDRESS" envDefault:"5" desc:"refused requests a second that are allowed from one address, such as stanzas that are too large and streams that nobody signs in to; bursts of up to 100 times as many, after which refusals are answered more slowly"`

	MetricsToken string `env:"METRICS_TOKEN" secret:"true" desc:"bearer token for /metrics; empty: no access (in development: open)"`
	MetricsAddr  string `env:"METRICS_ADDR" desc:"separate address for /metrics, without a token, such as localhost:9100; empty: none"`
	LogLevel     string `env:"LOG_LEVEL" envDefault:"info" desc:"debug, info, warn or error"`
}

// Upstreams are domains, prepared (RFC 7622 §3.2), each with its XMPP server.
type Upstreams map[string]relay.Upstream

const howToWriteUpstreams = "write DOMAIN=xmpp://HOST:5222, separated by commas, such as example.org=xmpp://10.0.0.5:5222, example.net=xmpp+srv://example.net"

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *Upstreams) UnmarshalText(text []byte) error {
	written := make(map[string]string)
	last := ""
	for part := range strings.SplitSeq(string(text), ",") {
		part = strings.TrimSpace(part)
		name, address, named := strings.Cut(part, "=")
		switch {
		case part == "":
			continue
		case !named && last == "":
			return fmt.Errorf("%q names no domain: %s", part, howToWriteUpstreams)
		case !named:
			written[last] += "," + part // another node
			continue
		}
		domain, err := stanza.PrepareDomain(strings.TrimSpace(name))
		if err != nil {
			return fmt.Errorf("%q is no domain: %s", name, howToWriteUpstreams)
		}
		if !fitsDNS(domain) {
			return fmt.Errorf("%q is too long: %s", name, domainLengths)
		}
		if _, twice := written[domain]; twice {
			return fmt.Errorf("the domain %s stands there twice; write its nodes one after the other: %s=xmpp://a:5222, xmpp://b:5222", domain, domain)
		}
		written[domain], last = address, domain
	}
	all := make(Upstreams, len(written))
	for domain, address := range written {
		upstream, err := relay.ParseUpstream(address)
		if err != nil {
			return fmt.Errorf("%s: %w", domain, err)
		}
		all[domain] = upstream
	}
	*u = all
	return nil
}

// Domains are a list of them in the settings, separated by commas; prepared.
type Domains map[string]bool

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Domains) UnmarshalText(text []byte) error {
	all := make(Domains)
	for _, name := range strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r == ' ' }) {
		domain, err := stanza.PrepareDomain(name)
		if err != nil {
			return fmt.Errorf("%q is no domain; write domains, separated by commas, such as example.org, example.net", name)
		}
		all[domain] = true
	}
	*d = all
	return nil
}

// LoadGatewayConfig reads the settings of `foyer gateway`. The error says what to mend.
func LoadGatewayConfig(environ map[string]string) (GatewayConfig, error) {
	c, err := loadGatewayConfig(environ)
	return c, hidePasswords(err)
}

func loadGatewayConfig(environ map[string]string) (GatewayConfig, error) {
	var c GatewayConfig
	if err := readSettings(&c, maps.Clone(environ)); err != nil {
		return c, err
	}
	for _, setting := range []*string{&c.BaseURL, &c.SeeOther} {
		if origin, err := normalOrigin(*setting); err == nil {
			*setting = origin
		}
	}
	return c, c.validate()
}

// front is what these settings have in common with those of a site: what the parts of the
// program need that stand in front of both.
func (c GatewayConfig) front() Config {
	return Config{
		Env: c.Env, Addr: c.Addr, BaseURL: c.BaseURL, UpstreamCA: c.CA, TrustedProxies: c.TrustedProxies,
		ConnectionsPerAddress: c.ConnectionsPerAddress, MetricsToken: c.MetricsToken, MetricsAddr: c.MetricsAddr, LogLevel: c.LogLevel,
		SeeOther: c.SeeOther, BOSHCompression: c.BOSHCompression,
	}
}

// validate returns everything that is wrong.
func (c GatewayConfig) validate() error {
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	front := c.front()
	oneOf(check, "APP_ENV", c.Env, "development", "production")
	oneOf(check, "LOG_LEVEL", c.LogLevel, "debug", "info", "warn", "error")
	err := CheckAddr(c.Addr)
	check(err == nil, "ADDR=%q %v", c.Addr, err)
	_, err = front.upstreamRoots()
	check(err == nil, "%v", err)
	front.checkMetrics(check)
	front.checkSeeOther(check)
	check(len(c.Upstreams) > 0, "GATEWAY_UPSTREAMS is empty: %s", howToWriteUpstreams)
	for domain := range c.Private {
		_, served := c.Upstreams[domain]
		check(served, "GATEWAY_PRIVATE_UPSTREAMS names %s, which GATEWAY_UPSTREAMS does not have", domain)
	}
	for domain := range c.Gone {
		_, served := c.Upstreams[domain]
		check(!served, "GATEWAY_GONE_DOMAINS names %s, which GATEWAY_UPSTREAMS serves: take it out of one of them", domain)
	}
	for setting, n := range map[string]int{
		"GATEWAY_STREAMS_PER_DOMAIN": c.StreamsPerDomain, "GATEWAY_FAILURES_PER_ADDRESS": c.FailuresPerAddress,
		"CONNECTIONS_PER_ADDRESS": c.ConnectionsPerAddress, "STREAMS_PER_ADDRESS": c.StreamsPerAddress,
	} {
		check(n >= 1, "%s=%d must be at least 1", setting, n)
	}
	checkRate(check, "NEW_STREAMS_PER_ADDRESS", c.NewStreamsPerAddress)
	checkRate(check, "REFUSALS_PER_ADDRESS", c.RefusalsPerAddress)
	c.checkPublic(check)
	return errors.Join(wrong...)
}

// checkPublic checks how the gateway is reached: passwords come with every stream, so that
// nobody reaches it without TLS except on this machine (RFC 6120 §13.8.3).
func (c GatewayConfig) checkPublic(check func(bool, string, ...any)) {
	if c.BaseURL != "" {
		origin, err := normalOrigin(c.BaseURL)
		if err == nil {
			err = checkBaseURL(origin)
		}
		check(err == nil, "BASE_URL=%q must be like https://xmpp.example.org: %v", c.BaseURL, err)
	}
	proxies, err := parseProxies(c.TrustedProxies)
	check(err == nil, "TRUSTED_PROXIES: %v", err)
	if c.front().Development() {
		check(c.front().loopback(), "ADDR=%q: development listens on loopback only; use localhost:PORT, or APP_ENV=production", c.Addr)
		return
	}
	check(strings.HasPrefix(strings.ToLower(c.BaseURL), "https://"), "BASE_URL=%q must begin with https://, since passwords travel: put nginx or another web server with a certificate in front (docs/GATEWAY.md), or set APP_ENV=development", c.BaseURL)
	check(len(proxies) > 0 || err != nil, "TRUSTED_PROXIES is empty: name the web server in front, such as 127.0.0.1,::1; otherwise all clients would count as one address, and share its limits")
}
