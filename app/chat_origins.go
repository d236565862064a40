package app

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"foyer/xmppgw"

	"golang.org/x/net/publicsuffix"
)

// Origins is a list of them in the settings, separated by commas; each is in its
// normal form, and one that people can reach safely.
type Origins []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Origins) UnmarshalText(text []byte) error {
	list := Origins{}
	for raw := range strings.SplitSeq(string(text), ",") {
		raw = strings.TrimSpace(raw)
		if raw == "" {
			continue
		}
		origin, err := normalOrigin(raw)
		if err == nil {
			err = checkBaseURL(origin)
		}
		if raw == "*" {
			err = errors.New("all of them would be everybody's pages; name those that you trust")
		}
		if err != nil {
			return fmt.Errorf("%q must be like https://app.example.org: %w", raw, err)
		}
		list = append(list, origin)
	}
	*o = list
	return nil
}

// hosts are their names, without ports.
func (o Origins) hosts() []string {
	hosts := make([]string, 0, len(o))
	for _, origin := range o {
		if u, err := url.Parse(origin); err == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// trust is how far the chat trusts the pages of an origin: the site's own, and those
// of CHAT_ORIGINS. Cookies are believed where browsers send them, from the same site
// (RFC 6265bis §5.2); a page of another site has a token or a password, or nothing.
func (s *site) trust(origin string) xmppgw.Trust {
	if s.isOrigin(origin) {
		return xmppgw.TrustCookies
	}
	normal, err := normalOrigin(origin)
	switch {
	case err != nil || !slices.Contains(s.cfg.ChatOrigins, normal):
		return xmppgw.TrustNone
	case sameSite(normal, s.BaseURL()):
		return xmppgw.TrustCookies
	}
	return xmppgw.TrustTokens
}

// sameSite reports whether two origins, in their normal form, belong to one site: to
// one scheme, and one domain that somebody registered (HTML standard, "schemelessly
// same site" and "same site").
func sameSite(a, b string) bool {
	first, err := url.Parse(a)
	if err != nil {
		return false
	}
	second, err := url.Parse(b)
	if err != nil || first.Scheme != second.Scheme {
		return false
	}
	if first.Hostname() == second.Hostname() {
		return true
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(first.Hostname())
	if err != nil {
		return false // an address, or a public suffix itself
	}
	other, err := publicsuffix.EffectiveTLDPlusOne(second.Hostname())
	return err == nil && registered == other
}
