package relay

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// setUserTimeout ends a connection whose peer does not acknowledge what was sent (RFC
// 5482). It fits net.Dialer.Control.
func setUserTimeout(network, _ string, raw syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	return raw.Control(func(fd uintptr) {
		// An error means that the system's own time counts.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(dead.Milliseconds()))
	})
}
