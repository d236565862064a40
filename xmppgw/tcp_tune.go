package xmppgw

import (
	"net"
	"syscall"
	"time"

	"foyer/internal/socket"
)

// How long a peer may leave what was sent unacknowledged, before it counts as
// gone. Phones lose their network for less.
const unacknowledged = 90 * time.Second

// tuneTCP lets the system notice a peer that vanished: an idle one by probes,
// one that something was sent to by its silence.
func tuneTCP(nc net.Conn) {
	c, ok := nc.(interface {
		syscall.Conn
		SetKeepAliveConfig(net.KeepAliveConfig) error
	})
	if !ok {
		return
	}
	// Errors mean that the system's own ways count.
	_ = c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 3 * time.Minute, Interval: 20 * time.Second, Count: 4})
	if raw, err := c.SyscallConn(); err == nil {
		socket.SetUserTimeout(raw, unacknowledged)
	}
}
