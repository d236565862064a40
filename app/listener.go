package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/budget"
	"foyer/internal/socket"

	"github.com/valyala/fasthttp"
)

// Connections, whatever they carry, cost a file descriptor each. All listeners
// share one count of them, which leaves enough for the database, files and the
// log; and one address may have its share.

// Descriptors that are left for everything but connections and files that people send.
const reservedFiles = 256

// connections counts them.
type connections struct {
	share   *budget.KeyedSemaphore
	busy    *budget.KeyedSemaphore // those on which a request is read or answered
	free    chan struct{}          // a place in the whole; nil: as many as the system gives
	proxies []netip.Prefix         // these speak for many
	linger  lingering
	log     *slog.Logger
}

// Requests that are read or answered at once. Each has a buffer as large as the
// largest header, for as long as its client takes to send that; what waits for
// long, WebSockets and BOSH, does not count.
const maxConcurrentRequests = 4096

// divideFiles divides the descriptors that the system gives: so many connections of clients, and
// as many to an external chat server if there is one; and so many files that come or go, each of which
// needs one besides its connection.
func divideFiles(all int, external bool) (connections, transfers int) {
	left := all - reservedFiles
	transfers = max(min(left/8, maxConcurrentRequests), 16)
	connections = left - transfers
	if external {
		connections /= 2
	}
	return max(connections, 64), transfers
}

// maxConnections is how many connections of clients there may be.
func (c Config) maxConnections() int {
	connections, _ := divideFiles(maxFiles(), c.External())
	return connections
}

// maxTransfers is how many files of people may come or go at once.
func (c Config) maxTransfers() int {
	_, transfers := divideFiles(maxFiles(), c.External())
	return transfers
}

// newConnections returns a count of at most so many, of which each address may
// have its part.
func newConnections(most, perAddress int, proxies []netip.Prefix, log *slog.Logger, recorder budget.Recorder) *connections {
	limit := budget.Limit{Name: "connections of one address", Setting: "CONNECTIONS_PER_ADDRESS"}
	// One address never has all: others get in beside it.
	perAddress = max(min(perAddress, most*3/4), 1)
	return &connections{
		share:   budget.NewKeyedSemaphore(limit, int64(most), int64(perAddress), recorder),
		busy:    budget.NewKeyedSemaphore(budget.Limit{Name: "requests of one address at once"}, maxConcurrentRequests, maxConcurrentRequests/2, recorder),
		free:    make(chan struct{}, most),
		proxies: proxies,
		linger:  defaultLingering(recorder),
		log:     log,
	}
}

// listen bounds what a listener accepts.
func (c *connections) listen(l net.Listener) net.Listener {
	ctx, stop := context.WithCancel(context.Background())
	return &boundedListener{Listener: l, conns: c, ctx: ctx, stop: stop}
}

// boundedListener accepts connections while there is room for them. It returns
// an error only when it is closed: the others, such as too many open files, pass.
type boundedListener struct {
	net.Listener
	conns *connections
	ctx   context.Context // ends with Close
	stop  context.CancelFunc
}

// Accept implements net.Listener. One that there is no room for waits in the
// system's queue; one of an address that has its share is closed.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		select {
		case l.conns.free <- struct{}{}:
		case <-l.ctx.Done():
			return nil, net.ErrClosed
		}
		nc, err := l.accept()
		if err != nil {
			<-l.conns.free
			return nil, err
		}
		if conn, ok := l.conns.admit(nc); ok {
			return conn, nil
		}
		nc.Close()
		<-l.conns.free
	}
}

// accept waits out errors that pass.
func (l *boundedListener) accept() (net.Conn, error) {
	for wait := time.Duration(0); ; {
		nc, err := l.Listener.Accept()
		if err == nil {
			return nc, nil
		}
		if l.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		l.conns.log.Error("a connection could not be accepted; more open files may be needed (ulimit -n)", "err", err)
		select {
		case <-time.After(wait):
		case <-l.ctx.Done():
		}
	}
}

// Close implements net.Listener.
func (l *boundedListener) Close() error {
	l.stop()
	return l.Listener.Close()
}

// admit takes a place for a connection. Proxies that are trusted have no share of
// their own: they bring everybody.
func (c *connections) admit(nc net.Conn) (net.Conn, bool) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc, true
	}
	conn := &boundedConn{countedConn: &countedConn{TCPConn: tcp, conns: c}}
	if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok && !trusted(c.proxies, a.IP.String()) {
		conn.network = budget.Network(a.IP.String())
		conn.release, ok = c.share.TryAcquire(conn.network, 1)
		return conn, ok
	}
	return conn, true
}

// boundedConn gives its place back when it is closed, unless it was detached.
type boundedConn struct {
	*countedConn
	detached  atomic.Bool
	answering atomic.Bool // a request is read or answered; closed now, it ends with that
}

// Detach implements xmppgw.Detacher.
func (c *boundedConn) Detach() net.Conn {
	c.detached.Store(true)
	return &boundedConn{countedConn: c.countedConn}
}

// Read implements net.Conn.
func (c *boundedConn) Read(b []byte) (int, error) { return socket.Read(c.TCPConn, b, nil) }

// Write implements net.Conn.
func (c *boundedConn) Write(b []byte) (int, error) { return socket.Write(c.TCPConn, b) }

// countedConn is a connection that has a place.
type countedConn struct {
	*net.TCPConn
	closed  sync.Once
	conns   *connections
	network string                 // who pays; empty: nobody
	release func()                 // of the address's share; nil: it has none
	request atomic.Pointer[func()] // ends the request that is under way; nil: there is none
}

// follow counts the requests that are under way. One too many of an address ends
// its connection without an answer.
func (c *connections) follow(nc net.Conn, state fasthttp.ConnState) {
	if wrapped, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = wrapped.NetConn() // one that the gateway gives back
	}
	conn, ok := nc.(*boundedConn)
	if !ok {
		return
	}
	if state != fasthttp.StateActive {
		conn.answering.Store(false)
		conn.endRequest()
		return
	}
	if conn.network != "" {
		end, ok := c.busy.TryAcquire(conn.network, 1)
		if !ok {
			conn.Close()
			return
		}
		conn.request.Store(&end)
	}
	conn.answering.Store(true)
}

func (c *countedConn) endRequest() {
	if end := c.request.Swap(nil); end != nil {
		(*end)()
	}
}

// Close implements net.Conn. While a request is answered it waits until the client
// has seen the answer, or has come to a bound.
func (c *boundedConn) Close() error {
	if c.detached.Load() {
		return nil
	}
	if c.answering.CompareAndSwap(true, false) {
		c.endRequest()
		c.conns.linger.linger(c.TCPConn, c.network)
	}
	err := c.TCPConn.Close()
	c.closed.Do(func() {
		c.endRequest()
		if c.release != nil {
			c.release()
		}
		<-c.conns.free
	})
	return err
}
