//go:build !linux

package extauth

import (
	"errors"
	"net"
)

// peerOf would return who is at the other end of a unix socket. Here nobody can be told
// apart, so nobody is let in: listeners are on loopback.
func peerOf(net.Conn) (uid, gid int, err error) {
	return 0, 0, errors.New("this system does not tell who is at the other end of a unix socket")
}
