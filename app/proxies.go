package app

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// parseProxies reads addresses and networks separated by commas.
func parseProxies(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(item)
		if err != nil {
			var a netip.Addr
			a, err = netip.ParseAddr(item)
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address (192.0.2.1) nor a network (192.0.2.0/24)", item)
		}
		const mapped = 96 // bits before an IPv4 address that is written as IPv6 (RFC 4291 §2.5.5.2), as ss and logs show some
		if p.Addr().Is4In6() && p.Bits() >= mapped {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func trusted(proxies []netip.Prefix, addr string) bool {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return false
	}
	a = a.Unmap()
	for _, p := range proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientAddress is the rightmost hop that is no trusted proxy: the ones to its
// left could have been written by anybody.
func clientAddress(proxies []netip.Prefix, peer, forwardedFor string) string {
	if !trusted(proxies, peer) {
		return peer
	}
	client := peer
	hops := strings.Split(forwardedFor, ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := hopAddress(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		client = hop
		if !trusted(proxies, hop) {
			break
		}
	}
	return client
}

// hopAddress reads one hop. Some proxies write the port too, and brackets around
// an IPv6 address (RFC 7239 §6 has both).
func hopAddress(hop string) (address string, ok bool) {
	if a, err := netip.ParseAddr(strings.Trim(hop, "[]")); err == nil {
		return a.String(), true
	}
	p, err := netip.ParseAddrPort(hop)
	return p.Addr().String(), err == nil
}

// address is the address of the person behind a request.
func (s *site) address(c *fiber.Ctx) string {
	// each proxy may add a line of its own; together they are one list (RFC
	// 9110 §5.3).
	lines := c.Request().Header.PeekAll("X-Forwarded-For")
	peer := c.Context().RemoteIP().String()
	if len(lines) > 0 && !trusted(s.proxies, peer) {
		s.sayUntrusted(peer)
	}
	return clientAddress(s.proxies, peer, string(bytes.Join(lines, []byte(","))))
}

// sayUntrusted says once that somebody is not believed for whom they ask. It may be the proxy, or anybody.
func (s *site) sayUntrusted(peer string) {
	if s.cfg.Development() {
		return
	}
	s.untrusted.Do(func() {
		s.log.Warn("X-Forwarded-For of an address that is not one of TRUSTED_PROXIES is not believed; if that is your proxy, add it there, since all people count as that one address", "address", peer)
	})
}

// warnProxies says at the start that all people will count as one address.
func (s *site) warnProxies() {
	if len(s.proxies) == 0 && strings.HasPrefix(s.cfg.BaseURL, "https:") && !isLoopbackURL(s.cfg.BaseURL) {
		s.log.Warn("TRUSTED_PROXIES is empty, while BASE_URL is https, for which a proxy is in front: all people count as one address, its own, and one of them who meets a limit shuts out everybody; set it to the proxy's address as the site sees it, such as 127.0.0.1")
	}
}

// secure reports whether a request came over TLS, as the proxy in front tells;
// nobody else is believed.
func secure(proxies []netip.Prefix, peer, forwardedProto string) bool {
	return trusted(proxies, peer) && strings.EqualFold(strings.TrimSpace(forwardedProto), "https")
}

// TrustedProxy tells trusted proxies from others, as TRUSTED_PROXIES has them; nil:
// there are none.
func (c Config) TrustedProxy() func(address string) bool {
	proxies, err := parseProxies(c.TrustedProxies)
	if err != nil || len(proxies) == 0 {
		return nil
	}
	return func(address string) bool { return trusted(proxies, address) }
}
