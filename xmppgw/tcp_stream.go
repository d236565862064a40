package xmppgw

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// A TCP stream (RFC 6120 §4):
//
//	opening ──TLS, header──▶ running ──Close or </stream:stream>──▶ closing ──▶ gone
//
// Its goroutine reads, and calls the server for each element. A writer runs
// only while something is queued, so that an idle stream costs one goroutine.

const streamEnd = `</stream:stream>`

type tcpStream struct {
	traffic
	gateway *Gateway
	raw     *progressConn
	reader  *stream.Reader
	peer    *stream.Peer
	queue   *stream.Queue
	shaper  shaper
	written chan struct{} // closed when the writer has written the end
	signIn  *time.Timer
	used    atomic.Int64 // when something was last read or written; Unix seconds

	writing sync.Mutex // held while something is written, and during the TLS handshake
	conn    net.Conn   // raw, or TLS over it; nil: nothing can be written
	greeted bool       // our header is queued or written
}

var (
	_ carrier        = (*tcpStream)(nil)
	_ stream.Batcher = (*tcpStream)(nil)
)

func (g *Gateway) newTCPStream(nc net.Conn, o TCPOptions) *tcpStream {
	raw := &progressConn{Conn: nc, timeout: g.cfg.WriteTimeout}
	s := &tcpStream{gateway: g, raw: raw, conn: raw, peer: g.nativePeer(nc, o), shaper: g.newShaper(), written: make(chan struct{})}
	s.queue = stream.NewQueue(g.cfg.Queue, s.startWriter)
	s.reader = stream.NewReader(shapedReader{s, raw}, g.cfg.Limits)
	s.touch()
	return s
}

// shapedReader reads no faster than a stream may send; white space counts.
type shapedReader struct {
	s    *tcpStream
	conn net.Conn
}

func (r shapedReader) Read(b []byte) (int, error) {
	n, err := r.conn.Read(b)
	if n > 0 {
		r.s.touch()
		if err := r.s.shaper.bytes.WaitN(r.s.gateway.ctx, n); err != nil {
			return 0, err // the gateway is stopping
		}
	}
	return n, err
}

func (s *tcpStream) info() *stream.Peer { return s.peer }

func (s *tcpStream) reason() error {
	reason, _ := s.queue.Closed()
	return reason
}

func (s *tcpStream) touch() { s.used.Store(time.Now().Unix()) }

// keepAlive sends white space over an idle stream (RFC 6120 §4.6.1), so that
// what stands between keeps it open, and a peer that is gone is noticed: where
// the system can, what it does not acknowledge ends the connection.
func (s *tcpStream) keepAlive(now time.Time) {
	if now.Unix()-s.used.Load() >= int64(s.gateway.cfg.Idle.Seconds()) {
		_ = s.queue.Push([]byte(" "))
	}
}

// readHeader reads the client's header and answers it (RFC 6120 §4.7).
func (s *tcpStream) readHeader() error {
	h, err := s.reader.Header()
	if err != nil {
		return s.readError(err)
	}
	s.greet(h.From)
	s.peer.Lang, s.peer.From = stream.Language(h.Lang), saidFrom(h.From, s.peer.Domain)
	return s.check(h)
}

// greet sends our header.
func (s *tcpStream) greet(to string) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.greeted = s.queue.Push(s.header(to)) == nil
}

// resetHeader waits for another header: errors need one of ours before them.
func (s *tcpStream) resetHeader() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.greeted = false
}

// check refuses what cannot be served (RFC 6120 §4.7, §4.8).
func (s *tcpStream) check(h stream.Header) error {
	switch {
	case h.Name.Space != stream.NSStream || h.Default != stream.NSClient:
		return &stream.Error{Condition: stream.InvalidNamespace} // §4.9.3.10
	case h.Name.Local != "stream":
		return &stream.Error{Condition: stream.BadFormat} // §4.9.3.1
	case h.To == "":
		return &stream.Error{Condition: stream.ImproperAddressing} // §4.9.3.7
	case !stanza.SameDomain(s.peer.Domain, h.To):
		return &stream.Error{Condition: stream.HostUnknown} // §4.9.3.6
	case !atLeast1(h.Version):
		return &stream.Error{Condition: stream.UnsupportedVersion} // §4.7.5
	}
	return nil
}

// atLeast1 reports whether a stream's version is 1.0 or later, which 1.0 is a
// part of; clients from before say none (RFC 6120 §4.7.5).
func atLeast1(version string) bool {
	major, minor, ok := strings.Cut(version, ".")
	return ok && isNumber(major) && isNumber(minor) && strings.Trim(major, "0") != ""
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// header is the server's, with a fresh id each time (RFC 6120 §4.7.3).
func (s *tcpStream) header(to string) []byte {
	h := `<?xml version="1.0"?><stream:stream xmlns="` + stream.NSClient + `" xmlns:stream="` + stream.NSStream +
		`" from="` + s.peer.Domain + `" id="` + rand.Text() + `"`
	if to != "" {
		h += ` to="` + stream.Escape(to) + `"`
	}
	return []byte(h + ` version="1.0" xml:lang="en">`)
}

// Recv implements stream.Stream.
func (s *tcpStream) Recv(ctx context.Context) (*stream.Element, error) {
	el, err := s.reader.Next()
	if err != nil {
		return nil, s.readError(err)
	}
	if err := s.shaper.stanzas.Wait(ctx); err != nil {
		return nil, stream.ErrDisconnected // the gateway is stopping
	}
	s.received(el.Raw)
	return el, nil
}

// Restart implements stream.Stream.
func (s *tcpStream) Restart(context.Context) error {
	s.resetHeader()
	err := s.readHeader()
	s.StopAuthDeadline()
	return err
}

// StopAuthDeadline implements stream.AuthDeadliner.
func (s *tcpStream) StopAuthDeadline() { s.signIn.Stop() }

// readError tells our own closing, an orderly end, a broken rule and a lost
// peer apart. A connection that closes without </stream:stream> is a lost peer:
// the stream may be resumed (RFC 6120 §4.4, XEP-0198 §5).
func (s *tcpStream) readError(err error) error {
	if reason, closed := s.queue.Closed(); closed {
		if reason == nil {
			return stream.ErrClosed
		}
		return reason
	}
	var broken *stream.Error
	if errors.Is(err, io.EOF) || errors.As(err, &broken) {
		return err
	}
	return stream.ErrDisconnected
}

// Send implements stream.Stream.
func (s *tcpStream) Send(raw []byte) error {
	s.gateway.countSent(s, raw)
	return s.checkQueue(s.queue.Push(raw))
}

// SendBatched implements stream.Batcher.
func (s *tcpStream) SendBatched(raw []byte) error {
	return s.checkQueue(s.gateway.sendBatched(s, s.queue, raw))
}

// checkQueue sees to a queue that has overflowed, and so has closed.
func (s *tcpStream) checkQueue(err error) error {
	if errors.Is(err, stream.ErrOverflow) {
		s.beginCloseDeadline()
	}
	return err
}

// Ready implements stream.Stream.
func (s *tcpStream) Ready(ctx context.Context) error { return s.queue.Ready(ctx) }

// Close implements stream.Stream.
func (s *tcpStream) Close(reason error) error {
	if s.queue.Close(reason) {
		s.beginCloseDeadline()
	}
	return nil
}

// beginCloseDeadline bounds what remains: our reader may be waiting for a peer that is
// silent, and our writer for one that does not read.
func (s *tcpStream) beginCloseDeadline() {
	s.raw.beginCloseDeadline()
	_ = s.raw.SetReadDeadline(time.Now().Add(closeTimeout))
}

// finish waits, within bounds, until the end is written and the peer has closed
// its side (RFC 6120 §4.4).
func (s *tcpStream) finish() {
	s.Close(nil)
	<-s.written
	if s.conn == nil {
		return
	}
	_ = s.raw.SetReadDeadline(time.Now().Add(closeTimeout))
	_, _ = io.Copy(io.Discard, io.LimitReader(s.raw, 1<<20))
}

// hold keeps the place of a stream that was refused too often.
func (s *tcpStream) hold() {
	if d := s.gateway.holdFor(s, false); d > 0 {
		s.gateway.hold(s.raw.Conn, d)
	}
}

// flushWaiting implements flusher.
func (s *tcpStream) flushWaiting() {
	if s.queue.Flush() {
		s.startWriter()
	}
}

// startWriter is called when there is something to write and no writer.
func (s *tcpStream) startWriter() { go s.write() }

// write writes until nothing is queued, and the end when the queue is closed.
func (s *tcpStream) write() {
	s.writing.Lock()
	defer s.writing.Unlock()
	for {
		items, reason, closed := s.queue.Next(writeBatch)
		switch {
		case closed:
			s.writeEndLocked(reason)
			return
		case len(items) == 0:
			return
		case !s.writeAllLocked(items):
			s.abortLocked()
			return
		}
	}
}

// abortLocked ends a stream whose peer takes nothing more.
func (s *tcpStream) abortLocked() {
	s.queue.Close(stream.ErrDisconnected)
	s.conn = nil
	s.raw.Close()
	close(s.written)
}

// writeAllLocked writes elements together. Its lock is s.writing.
func (s *tcpStream) writeAllLocked(items [][]byte) bool {
	if s.conn == nil {
		return false
	}
	size := 0
	for _, it := range items {
		size += len(it)
	}
	buf := make([]byte, 0, size)
	for _, it := range items {
		buf = append(buf, it...)
	}
	if _, err := s.conn.Write(buf); err != nil {
		return false
	}
	s.touch()
	return true
}

// writeEndLocked writes the error, if any, and the end tag (RFC 6120 §4.4, §4.9.1.1).
// ErrDisconnected ends without either.
func (s *tcpStream) writeEndLocked(reason error) {
	defer close(s.written)
	if s.conn == nil || errors.Is(reason, stream.ErrDisconnected) {
		s.conn = nil
		s.raw.Close()
		return
	}
	var last [][]byte
	if !s.greeted {
		last = append(last, s.header("")) // RFC 6120 §4.9.1.2
	}
	var se *stream.Error
	if errors.As(reason, &se) {
		last = append(last, se.Append(nil))
	}
	if !s.writeAllLocked(append(last, []byte(streamEnd))) {
		return
	}
	// TLS says goodbye too, and both halves of TCP close in order.
	conn := s.conn
	if conn == net.Conn(s.raw) {
		conn = s.raw.Conn
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
