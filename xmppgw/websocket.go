package xmppgw

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/stream"

	"github.com/fasthttp/websocket"
)

// A WebSocket stream (RFC 7395):
//
//	opening ──<open/>──▶ running ──Close or <close/>──▶ closing ──▶ gone
//
// Its goroutine reads, and calls the server for each element. A writer runs
// only while something is queued, so that an idle stream costs one goroutine.
// Whatever is written goes out as whole frames in one write.

// How long a write, and the peer's part of closing, may take.
const (
	writePatience = 20 * time.Second
	closePatience = 3 * time.Second
)

// The exact bytes that Strophe recognises as the end (W-22).
const wsClose = `<close xmlns="` + stream.NSFraming + `" />`

type wsStream struct {
	gateway *Gateway
	conn    *websocket.Conn
	peer    stream.Peer
	queue   *stream.Queue
	shaper  shaper
	written chan struct{} // closed when the writer has written the end
	gone    atomic.Bool   // the peer has closed its side: nothing may be sent after that (RFC 6455 §5.5.1)
	signIn  *time.Timer

	lending sync.Mutex // held by others than our own goroutines while they use conn
	over    bool       // conn was given back, and may be somebody else's by now
}

var _ carrier = (*wsStream)(nil)

// serveWebSocket serves an upgraded connection until it ends.
func (g *Gateway) serveWebSocket(conn *websocket.Conn, c caller, authErr error) {
	defer conn.Close()
	if authErr != nil {
		// The database is away: an unclean end, so that Converse comes back.
		g.log.Error("sign-in could not be checked", "err", authErr)
		return
	}
	s := &wsStream{gateway: g, conn: conn, peer: g.peer(c, stream.WebSocket), shaper: g.newShaper(), written: make(chan struct{})}
	s.queue = stream.NewQueue(g.cfg.Queue, s.startWriter)
	defer s.giveBack()
	release, err := g.track(s)
	if err != nil {
		s.refuse(err)
		return
	}
	defer release()
	defer expire(s)()
	s.signIn = time.AfterFunc(g.cfg.Unauthenticated, func() {
		s.Close(&stream.Error{Condition: stream.PolicyViolation, Text: "sign in sooner"})
	})
	defer s.signIn.Stop()
	conn.SetPongHandler(func(string) error { return s.alive() })
	_ = s.alive()
	if err := s.open(g.ctx); err != nil {
		s.Close(err)
	} else if err := g.cfg.Server.Serve(g.ctx, s, s.peer); err != nil {
		g.log.Debug("websocket ended", "conn", s.peer.Conn, "reason", err)
	}
	s.finish()
}

// refuse ends a stream that was not admitted: an error needs a header before it
// (RFC 7395 §3.5).
func (s *wsStream) refuse(err error) {
	_ = s.queue.Push(s.header(""))
	s.Close(err)
	s.finish()
}

// finish waits, within bounds, until the end is written and the peer has closed
// its side (RFC 7395 §3.6).
func (s *wsStream) finish() {
	s.Close(nil)
	<-s.written
	_ = s.conn.SetReadDeadline(time.Now().Add(closePatience))
	for {
		if _, _, err := s.conn.NextReader(); err != nil {
			return
		}
	}
}

func (s *wsStream) info() *stream.Peer { return &s.peer }

// borrow lets a goroutine that is not the stream's own use the connection, while
// it is there: fasthttp gives it to another client after serveWebSocket.
func (s *wsStream) borrow(use func(*websocket.Conn)) {
	s.lending.Lock()
	defer s.lending.Unlock()
	if !s.over {
		use(s.conn)
	}
}

func (s *wsStream) giveBack() {
	s.lending.Lock()
	defer s.lending.Unlock()
	s.over = true
}

// alive notes that the peer is there.
func (s *wsStream) alive() error {
	return s.conn.SetReadDeadline(time.Now().Add(3*s.gateway.cfg.Ping + closePatience))
}

// pingAll pings every WebSocket, so that proxies keep it open and a vanished
// peer is noticed (RFC 6455 §5.5.2); and looks after idle TCP streams.
func (g *Gateway) pingAll() {
	t := time.NewTicker(g.cfg.Ping)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-g.ctx.Done():
			return
		}
		for _, c := range g.all() {
			switch s := c.(type) {
			case *wsStream:
				s.borrow(func(conn *websocket.Conn) {
					_ = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
				})
			case *tcpStream:
				s.keepAlive(time.Now())
			}
		}
	}
}

// open handles the client's first message and answers it (RFC 7395 §3.4).
func (s *wsStream) open(ctx context.Context) error {
	el, err := s.read(ctx)
	if err != nil {
		_ = s.queue.Push(s.header("")) // RFC 7395 §3.5: the header precedes the error
		return err
	}
	_ = s.queue.Push(s.header(el.From))
	switch {
	case el.Name.Space != stream.NSFraming || el.Name.Local != "open":
		return &stream.Error{Condition: stream.InvalidNamespace, Text: "a stream begins with <open xmlns='" + stream.NSFraming + "'/>"}
	case el.To != s.gateway.cfg.Domain:
		return &stream.Error{Condition: stream.HostUnknown}
	}
	if version, _ := el.Attr("version"); version != "1.0" {
		return &stream.Error{Condition: stream.UnsupportedVersion}
	}
	s.peer.Lang = el.Lang
	return nil
}

// header is the server's <open/>, with a fresh id each time (RFC 7395 §3.4,
// §3.7, RFC 6120 §4.7).
func (s *wsStream) header(from string) []byte {
	h := `<open xmlns="` + stream.NSFraming + `" from="` + s.gateway.cfg.Domain + `" id="` + rand.Text() + `"`
	if from != "" {
		h += ` to="` + stream.Escape(from) + `"`
	}
	return []byte(h + ` version="1.0" xml:lang="en" />`)
}

// Recv implements stream.Stream.
func (s *wsStream) Recv(ctx context.Context) (*stream.Element, error) {
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
	return el, nil
}

// Restart implements stream.Stream.
func (s *wsStream) Restart(ctx context.Context) error {
	s.signIn.Stop()
	el, err := s.read(ctx)
	if err != nil {
		return err
	}
	if el.Name != (stream.Name{Space: stream.NSFraming, Local: "open"}) {
		return &stream.Error{Condition: stream.NotAuthorized, Text: "open the stream anew after signing in"}
	}
	return s.queue.Push(s.header(el.From))
}

// SignedIn implements stream.Lasting.
func (s *wsStream) SignedIn() { s.signIn.Stop() }

// errTooBig is closed with its own code (W-05).
var errTooBig = &stream.Error{Condition: stream.PolicyViolation, Text: "the stanza is too large"}

// errBinary is for data that is no text (RFC 7395 §3.2).
var errBinary = &stream.Error{Condition: stream.NotWellFormed, Text: "only text messages are allowed"}

// read reads one message, which must be one element (RFC 7395 §3.3.3).
func (s *wsStream) read(ctx context.Context) (*stream.Element, error) {
	kind, r, err := s.conn.NextReader()
	if err != nil {
		return nil, s.readError(err)
	}
	if kind != websocket.TextMessage {
		return nil, errBinary
	}
	limit := s.gateway.cfg.Limits.Bytes
	raw, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return nil, s.readError(err)
	case len(raw) > limit:
		return nil, errTooBig
	}
	if err := s.shaper.wait(ctx, len(raw)); err != nil {
		return nil, stream.ErrDisconnected // the gateway is stopping
	}
	_ = s.alive()
	return stream.Parse(raw, s.gateway.cfg.Limits)
}

// readError tells our own closing, an orderly end and a lost peer apart. A
// socket that closes without <close/> is a lost peer, whatever its code: the
// stream may be resumed (RFC 7395 §3.6, §3.10).
func (s *wsStream) readError(err error) error {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		s.gone.Store(true)
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
func (s *wsStream) Send(raw []byte) error { return s.queue.Push(raw) }

// Ready implements stream.Stream.
func (s *wsStream) Ready(ctx context.Context) error { return s.queue.Ready(ctx) }

// Close implements stream.Stream.
func (s *wsStream) Close(reason error) error {
	if s.queue.Close(reason) {
		// Our reader may be waiting for a peer that is silent.
		s.borrow(func(conn *websocket.Conn) { _ = conn.SetReadDeadline(time.Now().Add(closePatience)) })
	}
	return nil
}

// startWriter is called when there is something to write and no writer.
func (s *wsStream) startWriter() { go s.write() }

// write writes until nothing is queued, and the end when the queue is closed.
func (s *wsStream) write() {
	for {
		items, reason, closed := s.queue.Next()
		switch {
		case closed:
			s.writeEnd(reason)
			return
		case len(items) == 0:
			return
		case s.gone.Load() || !s.writeFrames(items):
			s.lose()
			return
		}
	}
}

// lose ends a stream whose peer takes nothing more.
func (s *wsStream) lose() {
	s.queue.Close(stream.ErrDisconnected)
	s.conn.Close()
	close(s.written)
}

// writeFrames writes each element as one text frame, all in one write. The
// underlying connection serialises it with control frames.
func (s *wsStream) writeFrames(items [][]byte) bool {
	size := 0
	for _, it := range items {
		size += len(it) + 10
	}
	buf := make([]byte, 0, size)
	for _, it := range items {
		buf = append(appendFrameHeader(buf, len(it)), it...)
	}
	return s.writeAll(buf)
}

func (s *wsStream) writeAll(buf []byte) bool {
	nc := s.conn.NetConn()
	_ = nc.SetWriteDeadline(time.Now().Add(writePatience))
	_, err := nc.Write(buf)
	return err == nil
}

// appendFrameHeader appends the header of an unmasked, final text frame (RFC
// 6455 §5.2).
func appendFrameHeader(dst []byte, n int) []byte {
	const finalText = 0x81
	switch {
	case n < 126:
		return append(dst, finalText, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, finalText, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, finalText, 127), uint64(n))
}

// writeEnd writes the error, if any, the closing element and the close frame
// (RFC 7395 §3.5, §3.6). ErrDisconnected ends without any of them.
func (s *wsStream) writeEnd(reason error) {
	defer close(s.written)
	if errors.Is(reason, stream.ErrDisconnected) || s.gone.Load() {
		s.drop()
		return
	}
	var last [][]byte
	var se *stream.Error
	if errors.As(reason, &se) {
		last = append(last, se.Append(nil))
	}
	last = append(last, []byte(wsClose))
	s.writeFrames(last)
	code := closeCode(reason)
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(closePatience))
}

// drop closes the socket so that the client sees an abnormal end (code 1006).
func (s *wsStream) drop() {
	if tcp, ok := s.conn.NetConn().(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	s.conn.Close()
}

// closeCode maps the reason to a WebSocket close code (W-05).
func closeCode(reason error) int {
	var se *stream.Error
	switch {
	case reason == nil || errors.Is(reason, io.EOF):
		return websocket.CloseNormalClosure
	case errors.Is(reason, errTooBig):
		return websocket.CloseMessageTooBig
	case errors.Is(reason, errBinary):
		return websocket.CloseUnsupportedData
	case !errors.As(reason, &se):
		return websocket.CloseInternalServerErr
	}
	switch se.Condition {
	case stream.UnsupportedEncoding:
		return websocket.CloseInvalidFramePayloadData
	case stream.SystemShutdown:
		return websocket.CloseGoingAway
	case stream.InternalServerError:
		return websocket.CloseInternalServerErr
	case stream.Conflict, stream.NotAuthorized, stream.Reset, stream.ConnectionTimeout:
		return websocket.CloseNormalClosure
	}
	return websocket.ClosePolicyViolation
}
