package xmppgw

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"foyer/internal/socket"

	"github.com/valyala/fasthttp"
)

// A BOSH client's connection waits nearly all of its time, for an answer or for the
// next request. It has left the HTTP server (upgrade.go), and while it waits it costs
// no goroutine and no buffer:
//
//	idle ──something arrives──▶ reading ──a request──▶ waiting ──the answer──▶ idle
//	                               └──anything else──▶ the HTTP server
//
// The poller tells what arrives. Who has an answer writes it, as far as that does
// not block; a goroutine writes the rest, at the pace of the client (write_deadline.go).

type connState uint8

const (
	connArriving connState = iota // with its first request, still in the HTTP server's hands
	connIdle
	connReading
	connWaiting
	connGone // closed, or back at the HTTP server
)

// How long a connection may be idle between two requests.
const connIdleFor = 2 * time.Minute

// What is read of a request here; a longer one is for the HTTP server.
const plainRead = 8 << 10

// What is written at once without anybody waiting.
const plainWrite = 32 << 10

type boshConn struct {
	gateway *Gateway
	server  *fasthttp.Server // reads what is no plain request
	peer    string           // the TCP peer's address

	nc     net.Conn // set with begin
	raw    syscall.RawConn
	poller poller
	left   chan struct{} // closed when this is done with nc; nil: nobody waits for that

	mu       sync.Mutex
	state    connState
	since    instant      // when it became idle
	exchange exchange     // of the request that was read last
	early    []byte       // what came behind it
	arrived  bool         // something may have arrived that was not read
	vanished bool         // the peer has closed its side
	reply    *boshReply   // while arriving: the answer that is there already
	session  *boshSession // whose answer is awaited, or was
}

var _ boshAsker = (*boshConn)(nil)

// begin takes over the connection from the HTTP server. Where that closes the
// connection when this returns, it waits until all is done.
func (c *boshConn) begin(nc net.Conn, early *bytes.Reader) {
	ahead, _ := io.ReadAll(early) // never fails
	if e, ok := nc.(*prefixedConn); ok {
		more, _ := io.ReadAll(e.prefix)
		ahead, nc = append(ahead, more...), e.Conn
	}
	if _, ok := nc.(Detacher); !ok {
		c.left = make(chan struct{})
		defer func() { <-c.left }()
	}
	c.mu.Lock()
	c.nc, c.early = nc, ahead
	if sc, ok := nc.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
	}
	c.poller = c.gateway.polled.of(c.raw)
	c.state = connWaiting
	reply := c.reply
	c.reply = nil
	c.mu.Unlock()
	if !c.poller.watch(c) {
		c.close()
	}
	if reply != nil {
		c.write(*reply) // also when it reaches nobody: that counts as answered (Shutdown)
	}
}

// submit lets the session answer a request.
func (c *boshConn) submit(ctx context.Context, r boshHTTP) {
	c.gateway.asked.Add(1)
	s := c.gateway.post(ctx, r, c)
	c.mu.Lock()
	c.session = s
	vanished := c.vanished
	c.mu.Unlock()
	if vanished && s != nil {
		s.peerVanished()
	}
}

// readable is called by the poller: something arrived, or the peer has closed its
// side.
func (c *boshConn) readable(closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived = true
	c.vanished = c.vanished || (closed && (c.raw == nil || socket.PeerGone(c.raw)))
	switch {
	case c.state == connIdle:
		c.state = connReading
		go c.read()
	case c.state == connWaiting && c.vanished && c.session != nil:
		go c.session.peerVanished()
	}
}

// gone implements boshAsker. What the poller has not told yet is looked for.
func (c *boshConn) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.vanished || (c.raw != nil && socket.PeerGone(c.raw))
}

var readBuffers = sync.Pool{New: func() any { b := make([]byte, plainRead); return &b }}

// read reads a request and lets the session answer it.
func (c *boshConn) read() {
	buf := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buf)
	n, ok := c.fill(*buf)
	if !ok {
		return
	}
	r, rest, ok := cutRequest((*buf)[:n])
	if !ok {
		c.returnToServer(slices.Clone((*buf)[:n]))
		return
	}
	c.mu.Lock()
	if c.state == connGone { // closed meanwhile
		c.mu.Unlock()
		return
	}
	c.early = append(slices.Clone(rest), c.early...)
	c.exchange = exchange{last: r.last, origin: c.gateway.allowedOrigin(r.header), gzip: c.gateway.compressesFor(r.header), site: c.gateway.cfg.Auth != nil}
	c.state = connWaiting
	c.mu.Unlock()
	c.submit(c.gateway.ctx, boshHTTP{header: r.header, peer: c.peer, body: slices.Clone(r.body)})
}

// fill takes what has arrived. Without anything the connection is idle, or at its
// end; then it reports false.
func (c *boshConn) fill(buf []byte) (n int, ok bool) {
	for {
		c.mu.Lock()
		if c.state == connGone { // closed meanwhile, as when the gateway stops
			c.mu.Unlock()
			return 0, false
		}
		if len(c.early) > 0 {
			n = copy(buf, c.early)
			if c.early = c.early[n:]; len(c.early) == 0 {
				c.early = nil
			}
			c.mu.Unlock()
			return n, true
		}
		if !c.arrived {
			c.state, c.since = connIdle, c.gateway.now()
			c.mu.Unlock()
			return 0, false
		}
		c.arrived = false
		c.mu.Unlock()
		n, err := c.poller.read(c, buf)
		switch {
		case n > 0:
			if n == len(buf) {
				c.mu.Lock()
				c.arrived = true // there may be more, which the poller does not tell again
				c.mu.Unlock()
			}
			return n, true
		case err != nil:
			c.close()
			return 0, false
		}
	}
}

// answer implements boshAsker.
func (c *boshConn) answer(reply boshReply) {
	c.mu.Lock()
	if c.state == connArriving {
		c.reply = &reply
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.write(reply)
}

var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// write writes an answer, and lets the connection go on.
func (c *boshConn) write(reply boshReply) {
	last := c.exchange.last || c.gateway.stopping.Load()
	if reply.status == 0 {
		c.afterAnswer(nil, true)
		return
	}
	if c.exchange.gzip {
		reply = reply.pack()
	}
	buf := writeBuffers.Get().(*[]byte)
	head := c.exchange.appendHead((*buf)[:0], reply, last)
	rest := reply.body
	if len(rest) <= plainWrite {
		head, rest = append(head, rest...), nil
	}
	n, err := c.poller.write(c, head)
	if err == nil && (n < len(head) || len(rest) > 0) {
		go c.writeSlowly(slices.Clone(head[n:]), rest, last)
	} else {
		c.afterAnswer(err, last)
	}
	if *buf = head; cap(head) <= plainWrite {
		writeBuffers.Put(buf)
	}
}

// writeSlowly writes what could not be written at once.
func (c *boshConn) writeSlowly(head, body []byte, last bool) {
	conn := &progressConn{Conn: c.nc, timeout: c.gateway.cfg.WriteTimeout}
	_, err := conn.Write(head)
	if err == nil && len(body) > 0 {
		_, err = conn.Write(body)
	}
	if err == nil {
		err = c.nc.SetWriteDeadline(time.Time{})
	}
	c.afterAnswer(err, last)
}

// afterAnswer follows an answer.
func (c *boshConn) afterAnswer(err error, last bool) {
	defer c.gateway.asked.Add(-1)
	if err != nil || last {
		c.close()
		return
	}
	c.mu.Lock()
	if c.state == connGone { // closed meanwhile; once is enough
		c.mu.Unlock()
		return
	}
	more := c.arrived || len(c.early) > 0
	c.state, c.since = connIdle, c.gateway.now()
	if more {
		c.state = connReading
	}
	c.mu.Unlock()
	if more {
		go c.read()
	}
}

// returnToServer lets the HTTP server read what has arrived, and go on.
func (c *boshConn) returnToServer(arrived []byte) {
	if c.unwatch() {
		arrived = append(arrived, c.early...)
		_ = c.server.ServeConn(withPrefix(c.nc, bytes.NewReader(arrived))) // it closes the connection
		c.done()
	}
}

// close ends the connection.
func (c *boshConn) close() {
	if c.unwatch() {
		c.nc.Close()
		c.done()
	}
}

// closeIdle ends a connection on which nothing is asked, and was not since before.
func (c *boshConn) closeIdle(before instant) {
	c.mu.Lock()
	idle := c.state == connIdle && c.since <= before
	if idle {
		c.state = connReading // nobody else takes it
	}
	c.mu.Unlock()
	if idle {
		c.close()
	}
}

// unwatch takes the connection away from the poller. It reports whether this call
// did.
func (c *boshConn) unwatch() bool {
	c.mu.Lock()
	was := c.state
	c.state = connGone
	c.mu.Unlock()
	if was != connGone {
		c.poller.forget(c)
	}
	return was != connGone
}

func (c *boshConn) done() {
	if c.left != nil {
		close(c.left)
	}
}
