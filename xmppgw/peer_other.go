//go:build !unix

package xmppgw

import "syscall"

func peerGone(syscall.RawConn) bool { return false }
