package xmppgw

import (
	"cmp"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// setUserTimeout ends a connection whose peer does not acknowledge what was
// sent (RFC 5482).
func setUserTimeout(c syscall.Conn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledged.Milliseconds()))
	})
}

// unacknowledgedBytes is how much of what was written the peer has not
// acknowledged yet (tcp(7), SIOCOUTQ).
func unacknowledgedBytes(nc net.Conn) int {
	c, ok := nc.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n
}

// writeAtOnce writes what the system takes without waiting. Of a connection that is
// no socket of its own, such as TLS, it takes nothing.
func writeAtOnce(nc net.Conn, b []byte) (n int, err error) {
	socket, ok := nc.(syscall.Conn)
	if !ok {
		return 0, nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	var written error
	err = raw.Write(func(fd uintptr) bool {
		n, written = syscall.Write(int(fd), b)
		return true // it is not called again: nobody waits
	})
	return max(n, 0), cmp.Or(err, written)
}
