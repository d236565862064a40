package relay

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// Every link costs a file descriptor, also that of a BOSH session whose client has no
// connection open, and one that is held. They have their part of those that the system
// gives.

// errNoLinkSlot: there may be no more links.
var errNoLinkSlot = errors.New("connections to it that there may be are in use; the site needs more open files (ulimit -n)")

// acquireLinkSlot takes a place for a link, which leave gives back. Links that are held for
// lost clients give way.
func (r *Relay) acquireLinkSlot() (leave func(), err error) {
	for {
		select {
		case r.linkSlots <- struct{}{}:
			return sync.OnceFunc(func() { <-r.linkSlots }), nil
		default:
		}
		if !r.hibernating.evictOldest() {
			return nil, fmt.Errorf("all %d %w", r.cfg.Links, errNoLinkSlot)
		}
	}
}

// slotConn gives its place back when it is closed.
type slotConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *slotConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// SyscallConn implements syscall.Conn.
func (c *slotConn) SyscallConn() (syscall.RawConn, error) {
	if own, ok := c.Conn.(syscall.Conn); ok {
		return own.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite ends our side of a connection that has sides.
func (c *slotConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
