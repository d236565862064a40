package xmppgw

import (
	"bytes"
	"errors"
	"net"
	"syscall"
)

// resumed is a connection with what was read of it already.
func resumed(nc net.Conn, early *bytes.Reader) net.Conn {
	if early.Len() == 0 {
		return nc
	}
	return &earlyConn{nc, early}
}

// earlyConn is a connection of which something was read already.
type earlyConn struct {
	net.Conn
	early *bytes.Reader
}

// withoutEarly takes earlyConn off a connection of which everything that came early
// has been read: one that is parked many times would be wrapped as often, and keep
// all that ever came early.
func withoutEarly(nc net.Conn) net.Conn {
	if c, ok := nc.(*earlyConn); ok && c.early.Len() == 0 {
		return c.Conn
	}
	return nc
}

// NetConn returns the connection itself, for those who count connections.
func (c *earlyConn) NetConn() net.Conn { return c.Conn }

// SyscallConn implements syscall.Conn.
func (c *earlyConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Read implements net.Conn.
func (c *earlyConn) Read(b []byte) (int, error) {
	if n, _ := c.early.Read(b); n > 0 {
		return n, nil
	}
	return c.Conn.Read(b)
}
