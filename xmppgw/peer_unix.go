//go:build unix

package xmppgw

import (
	"net"
	"syscall"
)

// peerGone returns a function that reports whether the peer has closed the
// connection. The HTTP server does not tell: it would notice only when writing.
func peerGone(c net.Conn) func() bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return func() (gone bool) {
		var b [1]byte
		err := raw.Control(func(fd uintptr) {
			n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			gone = (n == 0 && err == nil) || err == syscall.ECONNRESET
		})
		return gone || err != nil
	}
}
