package xmppgw

import (
	"bytes"
	"errors"
	"net"
	"syscall"
)

// withPrefix puts what was read of a connection already in front of it.
func withPrefix(nc net.Conn, prefix *bytes.Reader) net.Conn {
	if prefix.Len() == 0 {
		return nc
	}
	return &prefixedConn{nc, prefix}
}

// prefixedConn is a connection of which something was read already.
type prefixedConn struct {
	net.Conn
	prefix *bytes.Reader
}

// unwrapPrefixed takes prefixedConn off a connection of which everything that came early
// has been read: one that is parked many times would be wrapped as often, and keep
// all that ever came early.
func unwrapPrefixed(nc net.Conn) net.Conn {
	if c, ok := nc.(*prefixedConn); ok && c.prefix.Len() == 0 {
		return c.Conn
	}
	return nc
}

// NetConn returns the connection itself, for those who count connections.
func (c *prefixedConn) NetConn() net.Conn { return c.Conn }

// SyscallConn implements syscall.Conn.
func (c *prefixedConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Read implements net.Conn.
func (c *prefixedConn) Read(b []byte) (int, error) {
	if n, _ := c.prefix.Read(b); n > 0 {
		return n, nil
	}
	return c.Conn.Read(b)
}
