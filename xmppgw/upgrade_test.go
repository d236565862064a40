package xmppgw

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/gofiber/fiber/v2"
)

// detaching is a listener of connections that can leave the HTTP server, as the
// program's are.
type detaching struct{ net.Listener }

func (l detaching) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &detachable{TCPConn: nc.(*net.TCPConn)}, nil
}

type detachable struct {
	*net.TCPConn
	detached atomic.Bool
}

func (c *detachable) Detach() net.Conn {
	c.detached.Store(true)
	return &detachable{TCPConn: c.TCPConn}
}

func (c *detachable) Close() error {
	if c.detached.Load() {
		return nil
	}
	return c.TCPConn.Close()
}

// A listener whose connections are no Detachers is served as well.
func TestHijack_PlainListener(t *testing.T) {
	s := newSiteOn(t, fiber.Config{DisableStartupMessage: true, Immutable: true}, nil)
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	s.gw.Mount(app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(l) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	s.base = "http://" + l.Addr().String()
	s.browser().signIn()
}
