//go:build !linux

package xmppgw

import (
	"net"
	"syscall"
)

// setUserTimeout cannot be done here: the system's own patience counts.
func setUserTimeout(syscall.Conn) {}

// unacknowledgedBytes cannot be told here: only what a write takes counts.
func unacknowledgedBytes(net.Conn) int { return 0 }

// writeAtOnce takes nothing here: a writer does it.
func writeAtOnce(net.Conn, []byte) (int, error) { return 0, nil }
