// Package netaddr tells addresses of the internet from those inside a network, for what
// leads to where somebody else says, and which the system can have.
package netaddr

import (
	"net/netip"
	"strings"
)

// IsPublic reports whether an address is one of the internet's, and not of this machine,
// of its network, or of a translator that could lead back there (RFC 6890). One that stands
// for an IPv4 address counts as that.
func IsPublic(ip netip.Addr) bool {
	ip = embedded(ip.Unmap().WithZone(""))
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}

// nat64 is the well-known prefix of translators, whose name servers give each IPv4 address a place below it, where
// a machine has IPv6 alone (RFC 6052 §2.1). Those of one's own prefixes cannot be told from others.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// embedded is the IPv4 address that a translator makes of one, or the address itself.
func embedded(ip netip.Addr) netip.Addr {
	if !nat64.Contains(ip) {
		return ip
	}
	b := ip.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// IsLoopback reports whether a host is this machine by its name or address alone: localhost,
// whatever the DNS says, or an address of RFC 5735 §3 or RFC 4291 §2.5.3.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && ip.Unmap().IsLoopback())
}
