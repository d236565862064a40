package app

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream/streamtest"

	"github.com/valyala/fasthttp"
)

// exhausted is a listener that fails a few times, as when no file can be opened.
type exhausted struct {
	net.Listener
	mu   sync.Mutex
	left int
}

func (e *exhausted) Accept() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left > 0 {
		e.left--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return e.Listener.Accept()
}

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// too many open files pass, and are said in the log.
func TestListener_WaitsOutErrors(t *testing.T) {
	var out strings.Builder
	inner := &exhausted{Listener: listenLocal(t), left: 3}
	l := newConnections(100, 100, nil, slog.New(slog.NewTextHandler(&out, nil)), nil).listen(inner)
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if n := strings.Count(out.String(), "too many open files"); n != 3 {
		t.Errorf("said %d times:\n%s", n, &out)
	}
}

// an address has its share, others get in beside it, and more than there is
// room for waits.
func TestListener_Bounded(t *testing.T) {
	proxies, err := parseProxies("127.0.0.9")
	if err != nil {
		t.Fatal(err)
	}
	l := newConnections(4, 100, proxies, slog.New(slog.DiscardHandler), nil).listen(listenLocal(t))
	defer l.Close()
	accepted := make(chan net.Conn, 20)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial := func(from string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: streamtest.Timeout}
		c, err := d.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	isClosed := func(c net.Conn) bool {
		_ = c.SetReadDeadline(time.Now().Add(streamtest.Timeout))
		_, err := c.Read(make([]byte, 1))
		return !errors.Is(err, os.ErrDeadlineExceeded)
	}
	for range 3 {
		dial("127.0.0.1")
	}
	held := []net.Conn{<-accepted, <-accepted, <-accepted}
	if !isClosed(dial("127.0.0.1")) {
		t.Error("an address has more than its share")
	}
	dial("127.0.0.9") // a proxy
	other := <-accepted
	dial("127.0.0.2") // waits
	select {
	case <-accepted:
		t.Error("more were accepted than there is room for")
	case <-time.After(50 * time.Millisecond):
	}
	other.Close()
	other.Close() // gives its place back once
	(<-accepted).Close()
	for _, c := range held {
		c.Close()
	}
	dial("127.0.0.1")
	(<-accepted).Close()
}

// givenBack is a connection as the gateway gives it back.
type givenBack struct{ net.Conn }

func (c givenBack) NetConn() net.Conn { return c.Conn }

// a request on a connection that a BOSH request has waited on counts as well.
func TestListener_GivenBack(t *testing.T) {
	conns := newConnections(100, 100, nil, slog.New(slog.DiscardHandler), nil)
	conn := &boundedConn{countedConn: &countedConn{network: "192.0.2.1"}}
	conns.follow(givenBack{conn}, fasthttp.StateActive)
	if conn.request.Load() == nil {
		t.Error("the request is not counted")
	}
	conns.follow(givenBack{conn}, fasthttp.StateIdle)
	if conn.request.Load() != nil {
		t.Error("it is counted after its end")
	}
}

// requests whose headers do not end take the buffers of half of all that
// there may be at once, and those of another address are served.
func TestListener_SlowHeaders(t *testing.T) {
	conns := newConnections(100, 100, nil, slog.New(slog.DiscardHandler), nil)
	conns.busy = budget.NewKeyedSemaphore(budget.Limit{}, 4, 2, nil)
	l := conns.listen(listenLocal(t))
	server := &fasthttp.Server{Handler: func(*fasthttp.RequestCtx) {}, ConnState: conns.follow, ReduceMemoryUsage: true}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-served); err != nil {
			t.Error(err)
		}
	})
	host := l.Addr().String()
	begin := func(from string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: streamtest.Timeout}
		c, err := d.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: h\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(streamtest.Timeout))
		return c
	}
	ended := make(chan net.Conn, 3)
	var slow []net.Conn
	for range 3 {
		c := begin("127.0.0.1")
		slow = append(slow, c)
		go func() {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
				ended <- c
			}
		}()
	}
	<-ended // one of the three is too many
	other := begin("127.0.0.2")
	if _, err := other.Write([]byte("\r\n")); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, 15)
	if _, err := io.ReadFull(other, status); err != nil || string(status) != "HTTP/1.1 200 OK" {
		t.Errorf("another address: %q %v", status, err)
	}
	for _, c := range slow {
		c.Close()
	}
}
