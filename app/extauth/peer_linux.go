package extauth

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// peerOf returns who is at the other end of a unix socket, as the system says
// (SO_PEERCRED).
func peerOf(conn net.Conn) (uid, gid int, err error) {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, 0, errors.New("no unix socket")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var cred *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return 0, 0, err
	}
	if failed != nil {
		return 0, 0, failed
	}
	return int(cred.Uid), int(cred.Gid), nil
}
