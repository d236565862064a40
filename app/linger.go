package app

import (
	"net"
	"time"
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
}

// defaultLingering is as long as a request may take to arrive, and more than the
// largest file that may be sent by default. A connection that lingers keeps its
// place among all, and no buffer of a request.
func defaultLingering() lingering {
	return lingering{silence: 5 * time.Second, total: readTimeout, bytes: 64 << 20}
}

// linger ends our side of a connection, and returns when the client has ended its
// own or has come to a bound.
func (l lingering) linger(c *net.TCPConn) {
	if c.CloseWrite() != nil {
		return // the client is gone
	}
	until := time.Now().Add(l.total)
	buffer := make([]byte, 1<<10)
	for left := l.bytes; left > 0; {
		deadline := time.Now().Add(l.silence)
		if until.Before(deadline) {
			deadline = until
		}
		if c.SetReadDeadline(deadline) != nil {
			return
		}
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		left -= int64(n)
	}
}
