package relay

import (
	"fmt"
	"net/netip"
	"syscall"
)

// Where names lead (Config.Public). The system connects to the very address that is
// looked at here, after the name was resolved, so that a name which means something
// else a moment later (DNS rebinding) leads nowhere else.

// control returns what looks at an address before it is dialled: a net.Dialer's Control.
func (r *Relay) control(t target) func(network, address string, raw syscall.RawConn) error {
	return func(network, address string, raw syscall.RawConn) error {
		if r.cfg.Public && t.network != "unix" && !t.literal {
			if err := t.mayBe(address); err != nil {
				return err
			}
		}
		return setUserTimeout(network, address, raw)
	}
}

// mayBe refuses an address inside the network for a name. localhost is this machine,
// and nothing else is.
func (t target) mayBe(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s is no address: %w", address, err)
	}
	ip := at.Addr().Unmap().WithZone("")
	if (t.local && ip.IsLoopback()) || (!t.local && isPublic(ip)) {
		return nil
	}
	return fmt.Errorf("the DNS leads %s to %s, which is no public address: write the address itself, or name the domain in GATEWAY_PRIVATE_UPSTREAMS if that is right", t.host, ip)
}

// isPublic reports whether an address is one of the internet's, and not of this machine,
// of its network, or of a translator that could lead back there (RFC 6890).
func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}
