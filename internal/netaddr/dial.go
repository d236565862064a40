package netaddr

import (
	"fmt"
	"net/netip"
	"syscall"
)

// OnlyPublic is a net.Dialer's Control that lets nothing through but to public addresses. It
// looks at the address that is dialled, after the name was resolved.
func OnlyPublic(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && !IsPublic(at.Addr()) {
		err = fmt.Errorf("netaddr: %s is no public address", at.Addr())
	}
	return err
}
