//go:build !linux

package xmppgw

import "net"

// setUserTimeout cannot be done here: the system's own patience counts.
func setUserTimeout(*net.TCPConn) {}
