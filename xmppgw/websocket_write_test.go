package xmppgw

import (
	"io"
	"net"
	"testing"
	"time"

	"foyer/internal/stream"
)

// The peer closes its side (RFC 6455 §5.5.1) in the moment in which the writer has found
// nothing more to write: the stream ends once.
func TestWebSocket_ClosedWhenNothingIsLeft(t *testing.T) {
	ours, theirs := net.Pipe()
	s := &wsStream{written: make(chan struct{})}
	s.conn.Conn, s.conn.timeout = ours, time.Minute
	s.queue = stream.NewQueue(1<<10, s.startWriter)
	s.closing.Store(1001)
	s.write()
	s.queue.Close(nil)
	got, err := io.ReadAll(theirs)
	if err != nil || len(got) != 4 || got[2] != 0x03 || got[3] != 0xe9 { // one close frame, with the same code
		t.Errorf("%x, %v", got, err)
	}
	<-s.written
}
