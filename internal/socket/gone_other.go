//go:build !unix

package socket

import "syscall"

// PeerGone cannot be told here.
func PeerGone(syscall.RawConn) bool { return false }
