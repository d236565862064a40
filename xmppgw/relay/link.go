package relay

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/socket"
	"foyer/internal/stream"
)

const (
	streamEnd = `</stream:stream>`

	// closeTimeout bounds the end of a link: what is left to write, and the answer.
	closeTimeout = 5 * time.Second

	// writeBatch is how many bytes are written to the upstream together.
	writeBatch = 64 << 10
)

// link is one stream to the upstream (RFC 6120 §4). Until somebody is signed in, one
// goroutine negotiates, writing and reading in turn (negotiate.go). After that one
// goroutine reads (next), any may send, and a writer runs only while something is
// queued.
//
//	negotiating ──signed in──▶ carrying ──close──▶ closing ──▶ gone
//	     └───────────abort──────────┴─────────────────┴──────────▲
type link struct {
	relay  *Relay
	target target
	raw    net.Conn
	conn   net.Conn // raw, or TLS over it
	reader *stream.Reader
	queue  *stream.Queue
	read   atomic.Int64 // when something last came, Unix nanoseconds
	sent   atomic.Int64 // when something was last written, likewise

	// beforeRead, if there is any, is what the goroutine that reads does before it may have
	// to wait. The reader sets it.
	beforeRead func()

	over atomic.Bool // the end of our side was written
}

func newLink(r *Relay, t target, raw net.Conn) *link {
	l := &link{relay: r, target: t, raw: raw}
	l.queue = stream.NewQueue(r.cfg.Queue, func() { go l.write() })
	l.setConn(raw)
	l.touch(&l.read)
	return l
}

// setConn reads and writes over c from here on.
func (l *link) setConn(c net.Conn) {
	l.conn = c
	l.reader = stream.NewReader(touchingReader{l, c}, l.relay.cfg.Limits)
}

// touchingReader notes every sign of life, and tells before it waits for one.
type touchingReader struct {
	link *link
	src  net.Conn
}

func (t touchingReader) Read(b []byte) (int, error) {
	n, err := socket.Read(t.src, b, t.link.beforeRead)
	if n > 0 {
		t.link.touch(&t.link.read)
	}
	return n, err
}

func (l *link) touch(at *atomic.Int64) { at.Store(time.Now().UnixNano()) }

// idleTimes returns for how long nothing has come, and for how long nothing was written.
func (l *link) idleTimes(now time.Time) (read, sent time.Duration) {
	since := func(at *atomic.Int64) time.Duration { return now.Sub(time.Unix(0, at.Load())) }
	return since(&l.read), since(&l.sent)
}

// setDeadline bounds everything on the connection by ctx until clearDeadline is called.
func (l *link) setDeadline(ctx context.Context) (clearDeadline func()) {
	if at, ok := ctx.Deadline(); ok {
		_ = l.raw.SetDeadline(at)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.raw.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			_ = l.raw.SetDeadline(time.Time{})
		}
	}
}

// writeNow writes while negotiating.
func (l *link) writeNow(s string) error {
	_, err := l.conn.Write([]byte(s))
	return err
}

// enqueue queues an element for flush, and never waits: stream.ErrClosed after the link was
// closed, stream.ErrOverflow when the upstream reads too slowly for those who did not
// wait.
func (l *link) enqueue(raw []byte) error {
	l.queue.Cork()
	return l.queue.Push(raw)
}

// flush writes what the system takes of what was queued, and never waits.
func (l *link) flush() {
	if l.queue.Uncork() {
		l.writeAtOnce()
	}
}

// send is enqueue and flush.
func (l *link) send(raw []byte) error {
	err := l.enqueue(raw)
	l.flush()
	return err
}

// ready waits until the upstream has taken most of what was sent, so that a slow one
// slows its clients down.
func (l *link) ready(ctx context.Context) error {
	if !l.queue.HasRoom() {
		l.flush()
	}
	return l.queue.Ready(ctx)
}

// next returns the upstream's next element. Errors: io.EOF after its orderly end, a
// *stream.Error when it broke a rule, any other when the connection was lost.
func (l *link) next() (*stream.Element, error) { return l.reader.Next() }

// keepAlive sends white space over a link on which nothing was sent for a while (RFC
// 6120 §4.6.1). The system ends a connection whose peer does not acknowledge it.
func (l *link) keepAlive(now time.Time) {
	if _, sent := l.idleTimes(now); sent >= l.relay.cfg.KeepAlive {
		_ = l.send([]byte(" "))
	}
}

// writeAtOnce is write for senders, which saves the change to another goroutine:
// what the system does not take at once is left to one.
func (l *link) writeAtOnce() {
	for {
		items, _, closed := l.queue.Next(writeBatch)
		switch {
		case closed:
			go l.write()
			return
		case len(items) == 0:
			return
		}
		if rest := l.writeSome(items); len(rest) > 0 {
			go l.writeRest(rest)
			return
		}
	}
}

var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// What a buffer may hold that is used again.
const bufferKept = 16 << 10

// writeSome writes what the system takes at once, and returns the rest.
func (l *link) writeSome(items [][]byte) (rest []byte) {
	defer l.touch(&l.sent)
	if len(items) == 1 {
		n, _ := socket.WriteAtOnce(l.conn, items[0]) // an error comes again
		return items[0][n:]
	}
	buf := writeBuffers.Get().(*[]byte)
	all := (*buf)[:0]
	for _, it := range items {
		all = append(all, it...)
	}
	if n, _ := socket.WriteAtOnce(l.conn, all); n < len(all) {
		return all[n:] // which keeps the buffer
	}
	if *buf = all; cap(all) <= bufferKept {
		writeBuffers.Put(buf)
	}
	return nil
}

// writeRest writes the rest of a batch, and goes on as write.
func (l *link) writeRest(buf []byte) {
	if l.writeAll(buf) {
		l.write()
	}
}

// write writes until nothing is queued, and the end when the queue is closed.
func (l *link) write() {
	for {
		items, reason, closed := l.queue.Next(writeBatch)
		switch {
		case closed:
			l.writeEnd(reason)
			return
		case len(items) == 0 || !l.writeAll(join(items)):
			return
		}
	}
}

func join(items [][]byte) []byte {
	if len(items) == 1 {
		return items[0]
	}
	return slices.Concat(items...)
}

// writeAll waits for the upstream to take buf. It reports false when the connection is
// lost, which the reader notices then.
func (l *link) writeAll(buf []byte) bool {
	_ = l.raw.SetWriteDeadline(time.Now().Add(l.timeout()))
	_, err := socket.Write(l.conn, buf)
	l.touch(&l.sent)
	if err != nil {
		l.queue.Close(stream.ErrDisconnected)
		l.raw.Close()
		return false
	}
	// Once it is past, nothing could be written at once any more, nor could TLS answer a
	// peer that renews its keys (RFC 8446 §4.6.3).
	_ = l.raw.SetWriteDeadline(time.Time{})
	return true
}

// timeout is how long the upstream may take for one batch.
func (l *link) timeout() time.Duration {
	if _, closed := l.queue.Closed(); closed {
		return l.ending()
	}
	return l.relay.cfg.Stalled
}

// writeEnd ends our side in order (RFC 6120 §4.4), or drops the connection.
func (l *link) writeEnd(reason error) {
	if errors.Is(reason, stream.ErrDisconnected) {
		l.raw.Close()
		return
	}
	_ = l.raw.SetReadDeadline(time.Now().Add(l.ending()))
	if !l.writeAll([]byte(streamEnd)) {
		return
	}
	l.over.Store(true)
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// close ends the stream in order, so that the server ends the session at once and
// nothing can be resumed. It does not wait: the reader goes on to the upstream's own
// end, within bounds. It reports whether the link was not closed before.
func (l *link) close() bool {
	first := l.queue.Close(nil)
	if first {
		// A writer that is stuck has its time cut short.
		_ = l.raw.SetDeadline(time.Now().Add(l.ending()))
	}
	return first
}

// interrupt lets the goroutine that reads give up, and another one go on after
// resumeReading.
func (l *link) interrupt() { _ = l.raw.SetReadDeadline(time.Unix(1, 0)) }

func (l *link) resumeReading() {
	_ = l.raw.SetReadDeadline(time.Time{})
	if _, closed := l.queue.Closed(); closed { // meanwhile, which set a deadline
		_ = l.raw.SetReadDeadline(time.Now().Add(l.ending()))
	}
}

// abort drops the connection without a closing element, after which the server keeps
// the session for resumption, if it was agreed (XEP-0198 §5).
func (l *link) abort() {
	l.queue.Close(stream.ErrDisconnected)
	l.raw.Close()
}

// ending is how long the end may take.
func (l *link) ending() time.Duration { return min(closeTimeout, l.relay.cfg.Stalled) }

// finish reads to the upstream's end after close, and gives the connection back. It
// reports whether the upstream has learnt that the stream is over: it closes its own side
// then, while one that stands still lets the time run out.
func (l *link) finish() (told bool) {
	for {
		_, err := l.reader.Next()
		if err != nil {
			l.raw.Close()
			return l.over.Load() && !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}
