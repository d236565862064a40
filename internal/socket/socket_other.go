//go:build !linux

package socket

import (
	"net"
	"syscall"
	"time"
)

// SetUserTimeout cannot be done here: the system's own time counts.
func SetUserTimeout(syscall.RawConn, time.Duration) {}

// Unacknowledged cannot be told here: only what a write takes counts.
func Unacknowledged(net.Conn) int { return 0 }

// WriteAtOnce takes nothing here: a write that waits does it.
func WriteAtOnce(net.Conn, []byte) (int, error) { return 0, nil }

// AwaitEnd waits until c's deadline for reading has come, and reads nothing: that the peer
// has closed its side cannot be told here. It does not wait for what is not itself a socket.
func AwaitEnd(c net.Conn) {
	own, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := own.SyscallConn(); err == nil {
		_ = raw.Read(func(uintptr) bool { return false })
	}
}

// Read is c.Read, before which it calls waits, unless that is nil.
func Read(c net.Conn, b []byte, waits func()) (int, error) {
	if waits != nil {
		waits()
	}
	return c.Read(b)
}

// Write is c.Write.
func Write(c net.Conn, b []byte) (int, error) { return c.Write(b) }
