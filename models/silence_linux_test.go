package models

import (
	"net"
	"testing"
	"time"

	"foyer/internal/socket"

	"golang.org/x/sys/unix"
)

// A database that acknowledges nothing any more is gone after a while (RFC 5482), whoever waits for it.
func TestPool_Silence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg, err := poolConfig("postgres://foyer@"+l.Addr().String()+"/foyer", 1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cfg.ConnConfig.DialFunc(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(socket.Conn).Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ms int
	if controlErr := raw.Control(func(fd uintptr) { ms, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
	if time.Duration(ms)*time.Millisecond != tcpUserTimeout {
		t.Errorf("gone after %d ms", ms)
	}
}
