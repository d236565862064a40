package xmppgw

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// A BOSH request may wait for a minute, and that is most of the time of a client
// that nothing happens to. Its connection leaves the HTTP server meanwhile, whose
// buffers are as large as the largest header (upgrade.go), and comes back after
// the answer.

// soonAnswered is how long a request waits within the server: those of a
// conversation are answered by then.
const soonAnswered = 250 * time.Millisecond

// parkedBOSH is what the answer to a request needs, without the request.
type parkedBOSH struct {
	server *fasthttp.Server
	origin string // for Access-Control-Allow-Origin; empty: none
	last   bool   // the client wants the connection closed after it
	answer *boshAwaited
}

// parkBOSH lets a request wait without the HTTP server, and answers it.
func (g *Gateway) parkBOSH(c *fasthttp.RequestCtx, server *fasthttp.Server, answer *boshAwaited) {
	p := parkedBOSH{
		server: server, answer: answer, last: c.Request.ConnectionClose(),
		origin: string(c.Response.Header.Peek("Access-Control-Allow-Origin")),
	}
	hijack(c, true, func(nc net.Conn, early *bytes.Reader) {
		if g.answerParked(p, nc) {
			_ = p.server.ServeConn(resumed(nc, early)) // it closes the connection
		} else {
			nc.Close()
		}
	})
}

// answerParked waits for the answer and writes it. It reports whether the
// connection goes on.
func (g *Gateway) answerParked(p parkedBOSH, nc net.Conn) bool {
	done, stopping := g.working()
	defer done()
	reply := p.answer.await()
	if reply.status == 0 {
		return false
	}
	p.last = p.last || stopping()
	conn := &patientConn{Conn: nc, patience: g.cfg.WritePatience}
	w := bufio.NewWriter(conn)
	err := p.write(w, reply)
	if err == nil {
		err = w.Flush()
	}
	return err == nil && !p.last && nc.SetDeadline(time.Time{}) == nil
}

func (p parkedBOSH) write(w *bufio.Writer, reply boshReply) error {
	r := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseResponse(r)
	r.SetStatusCode(reply.status)
	r.Header.SetNoDefaultContentType(true)
	r.Header.Set("Cache-Control", "no-store")
	r.Header.Set("Content-Type", boshContentType) // B-03
	r.Header.Set("Vary", "Origin")
	if p.origin != "" {
		r.Header.Set("Access-Control-Allow-Origin", p.origin)
		r.Header.Set("Access-Control-Allow-Credentials", "true")
	}
	if p.last {
		r.SetConnectionClose()
	}
	r.SetBodyRaw(reply.body)
	return r.Write(w)
}

// working lets Shutdown wait for something that answers a client. done ends that;
// stopping reports whether Shutdown has begun.
func (g *Gateway) working() (done func(), stopping func() bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	stopping = func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.closed
	}
	if g.closed {
		return func() {}, stopping
	}
	g.served.Add(1)
	return g.served.Done, stopping
}

// resumed is a connection with what was read of it already.
func resumed(nc net.Conn, early *bytes.Reader) net.Conn {
	if early.Len() == 0 {
		return nc
	}
	return &earlyConn{nc, early}
}

// earlyConn is a connection of which something was read already.
type earlyConn struct {
	net.Conn
	early *bytes.Reader
}

// withoutEarly takes earlyConn off a connection of which everything that came early
// has been read: one that is parked many times would be wrapped as often, and keep
// all that ever came early.
func withoutEarly(nc net.Conn) net.Conn {
	if c, ok := nc.(*earlyConn); ok && c.early.Len() == 0 {
		return c.Conn
	}
	return nc
}

// NetConn returns the connection itself, for those who count connections.
func (c *earlyConn) NetConn() net.Conn { return c.Conn }

// SyscallConn implements syscall.Conn.
func (c *earlyConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Read implements net.Conn.
func (c *earlyConn) Read(b []byte) (int, error) {
	if n, _ := c.early.Read(b); n > 0 {
		return n, nil
	}
	return c.Conn.Read(b)
}
