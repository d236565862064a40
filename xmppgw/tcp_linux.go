package xmppgw

import (
	"net"

	"golang.org/x/sys/unix"
)

// setUserTimeout ends a connection whose peer does not acknowledge what was
// sent (RFC 5482).
func setUserTimeout(c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledged.Milliseconds()))
	})
}
