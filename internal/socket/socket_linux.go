package socket

import (
	"cmp"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// SetUserTimeout ends a connection whose peer does not acknowledge for d what was sent
// (RFC 5482). Where it cannot be set the system's own time counts.
func SetUserTimeout(raw syscall.RawConn, d time.Duration) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}

// Unacknowledged is how many bytes of what was written the peer has not acknowledged yet
// (tcp(7), SIOCOUTQ); 0 of a connection that is no socket of its own, such as TLS.
func Unacknowledged(c net.Conn) (n int) {
	if raw := rawConn(c); raw != nil {
		_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	}
	return n
}

// WriteAtOnce writes what the system takes without waiting, and returns how much that
// was: nothing of a connection that is no socket of its own, such as TLS.
func WriteAtOnce(c net.Conn, b []byte) (n int, err error) {
	raw := rawConn(c)
	if raw == nil {
		return 0, nil
	}
	var written error
	err = raw.Write(func(fd uintptr) bool {
		n, written = syscall.Write(int(fd), b)
		return true // it is not called again: nobody waits
	})
	return max(n, 0), cmp.Or(err, written)
}

// rawConn returns nil for a connection that is no socket of its own.
func rawConn(c net.Conn) syscall.RawConn {
	own, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := own.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
