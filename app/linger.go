package app

import (
	"net"
	"sync"
	"time"

	"foyer/internal/budget"
	"foyer/internal/socket"
)

// A connection that ends with an answer is closed in stages (RFC 9112 §9.6): if the
// client still sends when the socket is closed, the system resets the connection,
// and the client may never see the answer, such as why its file was refused. So our
// side ends first, what the client still sends is read and dropped until it ends
// too, and then the socket is closed.

// lingering bounds that.
type lingering struct {
	silence time.Duration // without a byte
	total   time.Duration
	bytes   int64
	each    *budget.Rate // bytes that are dropped of one address; nil: as many as there are
}

// What is dropped of one address a second, and at once: a few files of the largest kind.
// Beyond that nothing is read, so that the system takes no more of it either.
const (
	droppedPerSecond = 4 << 20
	droppedBurst     = 256 << 20
)

// defaultLingering is as long as a request may take to arrive, and more than the
// largest file that may be sent by default. A connection that lingers keeps its
// place among all, and no buffer of a request.
func defaultLingering(recorder budget.Recorder) lingering {
	return lingering{silence: 5 * time.Second, total: readTimeout, bytes: 64 << 20,
		each: budget.NewRate(budget.Limit{Name: "bytes of one address behind an early answer"}, droppedPerSecond, droppedBurst, recorder)}
}

// dropBuffers are what is dropped is read into, in few reads.
var dropBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// linger ends our side of a connection, and returns when the client has ended its
// own or has come to a bound. network pays for what is dropped; empty: nobody does.
func (l lingering) linger(c *net.TCPConn, network string) {
	if c.CloseWrite() != nil {
		return // the client is gone
	}
	until := time.Now().Add(l.total)
	buffer := dropBuffers.Get().(*[]byte)
	defer dropBuffers.Put(buffer)
	for left := l.bytes; left > 0; {
		deadline := time.Now().Add(l.silence)
		if until.Before(deadline) {
			deadline = until
		}
		if c.SetReadDeadline(deadline) != nil {
			return
		}
		n, err := c.Read(*buffer)
		if err != nil {
			return
		}
		if left -= int64(n); network != "" && l.each != nil && !l.each.Allow(network, n) {
			socket.AwaitEnd(c) // until the deadline
			return
		}
	}
}
