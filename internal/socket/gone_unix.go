//go:build unix && !linux

package socket

import "syscall"

// PeerGone reports whether the peer has closed its side of a connection.
func PeerGone(raw syscall.RawConn) (gone bool) {
	var b [1]byte
	err := raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = (n == 0 && err == nil) || err == syscall.ECONNRESET
	})
	return gone || err != nil
}
