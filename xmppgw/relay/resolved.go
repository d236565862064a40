package relay

import (
	"fmt"
	"net/netip"
	"syscall"

	"foyer/internal/netaddr"
	"foyer/internal/socket"
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
		if network != "unix" {
			socket.SetUserTimeout(raw, dead)
		}
		return nil
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
	if (t.local && ip.IsLoopback()) || (!t.local && netaddr.IsPublic(ip)) {
		return nil
	}
	return fmt.Errorf("the DNS leads %s to %s, which is no public address: write the address itself, or name the domain in GATEWAY_PRIVATE_UPSTREAMS if that is right", t.host, ip)
}
