package xmppgw

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// A WebSocket stream (RFC 7395):
//
//	opening ──<open/>──▶ running ──Close or <close/>──▶ closing ──▶ gone
//
// Its goroutine reads, and calls the server for each element. A writer runs
// only while something is queued, so that an idle stream costs one goroutine; and
// that waits in few and small frames (serve, Recv), so that the collector can
// halve its stack to the smallest. Nobody else writes: pings, pongs and the close frame go through the queue, too,
// so that none is in the middle of a frame, and no deadline of one cuts another
// off.

// How long a peer may take nothing of what is written; how long its part of
// closing may take; and how long the end of a stream may take, with all that was
// queued before it.
const (
	writeTimeout = 20 * time.Second
	closeTimeout = 3 * time.Second
	endTimeout   = 20 * time.Second
)

// How much is put together for one write.
const writeBatch = 64 << 10

// The exact bytes that Strophe recognises as the end (W-22).
const wsClose = `<close xmlns="` + stream.NSFraming + `" />`

type wsStream struct {
	traffic
	gateway *Gateway
	conn    progressConn
	frames  frameReader
	peer    *stream.Peer
	queue   *stream.Queue // elements; and frames, which do not begin with '<'
	shaper  shaper
	written chan struct{} // closed when the writer has written the end
	release func()        // gives back what the stream holds of the gateway
	signIn  *time.Timer   // nil: the client has signed in; the reader's own, as are the next five
	early   *bytes.Reader // what came with the handshake; nil: it was read
	cut     bool          // the rest of a frame, which is too large, was not read
	waits   func()        // is called before the reader waits; nil: nothing
	acked   int64         // what the peer had taken when it was last looked for
	lived   time.Time     // when its silence was last counted from
	closing atomic.Int32  // code of a close frame to end with, and nothing else: the peer has closed its side (RFC 6455 §5.5.1), or broken the rules (§7.1.7)

	pongMu sync.Mutex
	pong   []byte // what the pong in the queue answers; nil: there is none
}

var (
	_ carrier        = (*wsStream)(nil)
	_ stream.Corker  = (*wsStream)(nil)
	_ stream.Batcher = (*wsStream)(nil)
	_ stream.Waiter  = (*wsStream)(nil)
)

// serveWebSocket serves an upgraded connection until it ends. early is what the
// client sent together with the handshake.
func (g *Gateway) serveWebSocket(nc net.Conn, early *bytes.Reader, c *caller, authErr error) {
	if authErr != nil {
		// The database is away: an unclean end, so that Converse comes back.
		g.failed.Error(g.log, "sign-in", "sign-in could not be checked", "err", authErr)
		nc.Close()
		return
	}
	if s, ok := g.admitWebSocket(nc, early, c); ok {
		s.serve()
	}
}

// admitWebSocket makes the stream of a connection; one that is not admitted has
// ended when it returns.
func (g *Gateway) admitWebSocket(nc net.Conn, early *bytes.Reader, c *caller) (*wsStream, bool) {
	s := &wsStream{gateway: g, peer: g.peer(c, stream.WebSocket), shaper: g.newShaper(), written: make(chan struct{}), early: early}
	s.conn.Conn, s.conn.timeout = nc, g.cfg.WriteTimeout
	s.frames = newFrameReader(keepAliveReader{s}, s.handleControl)
	s.queue = stream.NewQueue(g.cfg.Queue, s.startWriter)
	release, err := g.track(s)
	if err != nil {
		s.refuse(err)
		nc.Close()
		return nil, false
	}
	stopExpiry := expire(s)
	s.release = func() { stopExpiry(); release() }
	s.signIn = time.AfterFunc(g.cfg.Unauthenticated, func() {
		s.Close(&stream.Error{Condition: stream.PolicyViolation, Text: "sign in sooner"})
	})
	_ = s.extendDeadline()
	return s, true
}

// serve lets the server serve the stream until it ends.
func (s *wsStream) serve() {
	if server, err := s.open(s.gateway.ctx); err != nil {
		s.Close(err)
	} else {
		s.note(server.Serve(s.gateway.ctx, s, s.peer))
	}
	s.finish()
	s.StopAuthDeadline()
	s.release()
	s.conn.Close()
}

func (s *wsStream) note(err error) {
	if err != nil {
		s.gateway.log.Debug("websocket ended", "conn", s.peer.Conn, "reason", err)
	}
}

// refuse ends a stream that was not admitted: an error needs a header before it
// (RFC 7395 §3.5).
func (s *wsStream) refuse(err error) {
	_ = s.queue.Push(s.header(""))
	s.Close(err)
	s.finish()
}

// finish waits, within bounds, until the end is written and the peer has closed
// its side (RFC 7395 §3.6, RFC 6455 §7.1.1). What is too large is not read to its end.
func (s *wsStream) finish() {
	s.Close(nil)
	<-s.written
	code := s.closing.Load()
	ended := code != 0 && code != codeProtocolError
	if code == 0 && !s.cut {
		_ = s.conn.SetReadDeadline(time.Now().Add(closeTimeout))
		ended = s.frames.skip(s.gateway.cfg.Limits.Bytes)
	}
	d := s.gateway.holdFor(s, code == codeProtocolError)
	if ended {
		s.conn.Close()
	}
	if d > 0 || !ended {
		s.gateway.hold(s.conn.Conn, d)
	}
}

func (s *wsStream) info() *stream.Peer { return s.peer }

func (s *wsStream) reason() error {
	reason, _ := s.queue.Closed()
	return reason
}

// open handles the client's first message and answers it (RFC 7395 §3.4). It returns the
// server of the domain that the stream is to.
func (s *wsStream) open(ctx context.Context) (stream.Server, error) {
	el, err := s.read(ctx)
	if err != nil {
		_ = s.queue.Push(s.header("")) // RFC 7395 §3.5: the header precedes the error
		return nil, err
	}
	to, unserved := s.gateway.hostOf(el.To)
	if unserved == nil {
		if elsewhere := s.gateway.seeOther(stream.WebSocket); elsewhere != "" {
			return nil, seeOther(elsewhere) // instead of a header
		}
		s.gateway.mu.Lock() // it is counted by it meanwhile
		s.peer.Domain = to.domain
		s.gateway.mu.Unlock()
	}
	s.Cork() // the features go out with it
	_ = s.queue.Push(s.header(el.From))
	if err := checkOpen(el, unserved); err != nil {
		return nil, err
	}
	s.peer.Lang, s.peer.From = stream.Language(el.Lang), saidFrom(el.From, to.domain)
	return to.server, nil
}

// checkOpen refuses a header that cannot be served (RFC 6120 §4.7, §4.9.3); unserved
// tells why the domain that it names is not served here, nil: it is.
func checkOpen(el *stream.Element, unserved error) error {
	version, _ := el.Attr("version")
	switch {
	case el.Name != stream.Name{Space: stream.NSFraming, Local: "open"}:
		return &stream.Error{Condition: stream.InvalidNamespace, Text: "a stream begins with <open xmlns='" + stream.NSFraming + "'/>"}
	case el.To == "":
		return &stream.Error{Condition: stream.ImproperAddressing} // §4.9.3.7
	case unserved != nil:
		return unserved // §4.9.3.5, §4.9.3.6
	case !atLeast1(version):
		return &stream.Error{Condition: stream.UnsupportedVersion} // §4.7.5
	}
	return nil
}

// header is the server's <open/>, with a fresh id each time (RFC 7395 §3.4,
// §3.7, RFC 6120 §4.7).
func (s *wsStream) header(from string) []byte {
	h := `<open xmlns="` + stream.NSFraming + `"` + fromAttr(s.peer.Domain) + ` id="` + rand.Text() + `"`
	if from != "" {
		h += ` to="` + stream.Escape(from) + `"`
	}
	return []byte(h + ` version="1.0" xml:lang="en" />`)
}

// Recv implements stream.Stream.
func (s *wsStream) Recv(ctx context.Context) (*stream.Element, error) {
	s.Uncork()
	if err := s.frames.await(); err != nil { // an idle stream is here
		return nil, s.readError(err)
	}
	return s.recv(ctx)
}

func (s *wsStream) recv(ctx context.Context) (*stream.Element, error) {
	el, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if el.Name.Space == stream.NSFraming {
		if el.Name.Local == "close" {
			return nil, io.EOF
		}
		// RFC 7395 §3.4: one stream per connection.
		return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "the stream is open already"}
	}
	s.received(el.Raw)
	return el, nil
}

// BeforeWait implements stream.Waiter.
func (s *wsStream) BeforeWait(f func()) { s.waits = f }

// Restart implements stream.Stream.
func (s *wsStream) Restart(ctx context.Context) error {
	s.StopAuthDeadline()
	s.Uncork()
	el, err := s.read(ctx)
	if err != nil {
		return err
	}
	switch el.Name {
	case stream.Name{Space: stream.NSFraming, Local: "open"}:
	case stream.Name{Space: stream.NSFraming, Local: "close"}: // it changed its mind (RFC 7395 §3.6)
		return io.EOF
	default:
		return &stream.Error{Condition: stream.NotAuthorized, Text: "open the stream again after signing in"}
	}
	s.Cork() // the features go out with it
	if err := s.queue.Push(s.header(el.From)); err != nil {
		return err
	}
	if stanza.SameDomain(s.peer.Domain, el.To) {
		return checkOpen(el, nil)
	}
	return checkOpen(el, &stream.Error{Condition: stream.HostUnknown}) // whatever else is served
}

// StopAuthDeadline implements stream.AuthDeadliner.
func (s *wsStream) StopAuthDeadline() {
	if s.signIn != nil {
		s.signIn.Stop()
		s.signIn = nil
	}
}

// errTooBig is closed with its own code (W-05).
var errTooBig = &stream.Error{Condition: stream.PolicyViolation, Text: "the stanza is too large"}

// errBinary is for data that is no text (RFC 7395 §3.2).
var errBinary = &stream.Error{Condition: stream.NotWellFormed, Text: "only text messages are allowed"}

// read reads one message, which must be one element (RFC 7395 §3.3.3).
func (s *wsStream) read(ctx context.Context) (*stream.Element, error) {
	op, raw, err := s.frames.message(s.gateway.cfg.Limits.Bytes)
	switch {
	case errors.Is(err, errTooBig):
		s.cut = true
		return nil, errTooBig
	case err != nil:
		return nil, s.readError(err)
	case op != opText:
		return nil, errBinary
	}
	if err := s.shaper.wait(ctx, len(raw), s.waits); err != nil {
		return nil, stream.ErrDisconnected // the gateway is stopping
	}
	s.noteReceived()
	return stream.Parse(raw, s.gateway.cfg.Limits)
}

// readError tells our own closing, an orderly end and a lost peer apart. A
// socket that closes without <close/> is a lost peer, whatever its code: the
// stream may be resumed (RFC 7395 §3.6, §3.10).
func (s *wsStream) readError(err error) error {
	var closed *closedFrame
	switch {
	case errors.As(err, &closed):
		s.closing.Store(int32(closed.code)) // RFC 6455 §5.5.1: the same code goes back
	case errors.Is(err, errProtocol):
		s.closing.Store(codeProtocolError)
	}
	if reason, closed := s.queue.Closed(); closed {
		if reason == nil {
			return stream.ErrClosed
		}
		return reason
	}
	return stream.ErrDisconnected
}

// Send implements stream.Stream.
func (s *wsStream) Send(raw []byte) error {
	s.gateway.countSent(s, raw)
	return s.closeOnOverflow(s.queue.Push(raw))
}

// SendBatched implements stream.Batcher.
func (s *wsStream) SendBatched(raw []byte) error {
	return s.closeOnOverflow(s.gateway.sendBatched(s, s.queue, raw))
}

// closeOnOverflow begins the bounded end of a connection whose queue has overflowed; the queue
// takes no more then. It returns err.
func (s *wsStream) closeOnOverflow(err error) error {
	if errors.Is(err, stream.ErrOverflow) {
		s.beginCloseDeadline()
	}
	return err
}

// Ready implements stream.Stream.
func (s *wsStream) Ready(ctx context.Context) error {
	if !s.queue.HasRoom() {
		s.Uncork()
	}
	return s.queue.Ready(ctx)
}

// Close implements stream.Stream.
func (s *wsStream) Close(reason error) error {
	if s.queue.Close(reason) {
		s.beginCloseDeadline()
	}
	return nil
}

// beginCloseDeadline bounds what remains: our reader may be waiting for a peer that is
// silent, and our writer for one that does not read.
func (s *wsStream) beginCloseDeadline() {
	s.conn.beginCloseDeadline()
	_ = s.conn.SetReadDeadline(time.Now().Add(closeTimeout))
}
