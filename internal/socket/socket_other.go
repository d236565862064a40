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

// Read is c.Read, before which it calls waits, unless that is nil.
func Read(c net.Conn, b []byte, waits func()) (int, error) {
	if waits != nil {
		waits()
	}
	return c.Read(b)
}

// Write is c.Write.
func Write(c net.Conn, b []byte) (int, error) { return c.Write(b) }
