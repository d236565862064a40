package xmppgw

import (
	"errors"
	"math"
	"net"
	"os"
	"sync/atomic"
	"time"

	"foyer/internal/socket"
)

// progressConn is a connection whose writes take as long as they need, while the
// peer takes something: a slow line is no dead one. It is for one writer.
type progressConn struct {
	net.Conn
	timeout time.Duration // for which a peer may take nothing
	closing atomic.Int64  // when the stream's end began, Unix nanoseconds; 0: it did not
	written atomic.Int64  // bytes given to the system
}

// beginCloseDeadline bounds what is still to be written: the peer is silent, or is to hear of
// the end.
func (c *progressConn) beginCloseDeadline() {
	now := time.Now()
	if c.closing.CompareAndSwap(0, now.UnixNano()) {
		_ = c.SetWriteDeadline(now.Add(closeTimeout))
	}
}

// deadline is for the next piece: at the end all that is left has its time.
func (c *progressConn) deadline() time.Time {
	began := c.closing.Load()
	if began == 0 {
		return time.Now().Add(c.timeout)
	}
	next, last := time.Now().Add(closeTimeout), time.Unix(0, began).Add(endTimeout)
	if last.Before(next) {
		return last
	}
	return next
}

// overdue reports whether the end has taken all the time that it may.
func (c *progressConn) overdue() bool {
	began := c.closing.Load()
	return began != 0 && time.Since(time.Unix(0, began)) >= endTimeout
}

// Read implements net.Conn.
func (c *progressConn) Read(b []byte) (int, error) { return socket.Read(c.Conn, b, nil) }

// Write implements net.Conn.
func (c *progressConn) Write(b []byte) (int, error) {
	total := len(b)
	for waiting := math.MaxInt; ; {
		_ = c.SetWriteDeadline(c.deadline())
		n, err := socket.Write(c.Conn, b)
		c.written.Add(int64(n))
		if b = b[n:]; err == nil {
			return total, nil
		}
		now := socket.Unacknowledged(c.Conn)
		moved := n > 0 || now < waiting
		waiting = now
		if !errors.Is(err, os.ErrDeadlineExceeded) || !moved || c.overdue() {
			return total - len(b), err
		}
	}
}

// writeNow writes what the system takes at once, and returns how much that was.
func (c *progressConn) writeNow(b []byte) int {
	n, err := socket.WriteAtOnce(c.Conn, b)
	if errors.Is(err, os.ErrDeadlineExceeded) { // of an earlier write
		_ = c.SetWriteDeadline(time.Time{})
		n, _ = socket.WriteAtOnce(c.Conn, b)
	}
	c.written.Add(int64(n))
	return n
}

// acknowledged is how many bytes the peer has taken so far.
func (c *progressConn) acknowledged() int64 {
	return c.written.Load() - int64(socket.Unacknowledged(c.Conn))
}
