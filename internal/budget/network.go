package budget

import "net/netip"

// Network is the name that an address spends under: what one client can hold. Of
// IPv6 that is 64 bits, which a client chooses itself (RFC 6177 §2).
func Network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return addr
	}
	return p.String()
}
