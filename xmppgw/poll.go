package xmppgw

import (
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// poller tells BOSH connections that something has arrived, or that the peer has
// closed its side (boshConn.notice); once each time, and perhaps without cause. It
// reads and writes without waiting.
type poller interface {
	watch(*boshConn) bool                       // false: it has stopped
	forget(*boshConn)                           // before the connection is closed, or used otherwise
	read(*boshConn, []byte) (n int, err error)  // nothing there: 0, nil
	write(*boshConn, []byte) (n int, err error) // as much as there is room for
	closeIdle(before instant)
	stop() // closes what is still watched
}

// pollers are the system's, if it has one, and another for connections that the
// system knows nothing of.
type pollers struct{ system, portable poller }

func newPollers(portable bool) pollers {
	p := pollers{portable: &portablePoller{conns: make(map[*boshConn]*portableRead)}}
	if !portable {
		p.system = newSystemPoller()
	}
	return p
}

// of returns the poller for a connection; raw is nil when the system does not know
// it.
func (p pollers) of(raw syscall.RawConn) poller {
	if p.system != nil && raw != nil {
		return p.system
	}
	return p.portable
}

func (p pollers) each(do func(poller)) {
	do(p.portable)
	if p.system != nil {
		do(p.system)
	}
}

// portablePoller has a goroutine for each connection, for systems without anything
// better.
type portablePoller struct {
	mu      sync.Mutex
	conns   map[*boshConn]*portableRead
	stopped bool
}

// portableRead is what a connection's goroutine has read.
type portableRead struct {
	mu    sync.Mutex
	data  []byte
	err   error
	taken chan struct{} // the data was taken: read more
	ended chan struct{} // closed with the goroutine
}

func (p *portablePoller) watch(c *boshConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return false
	}
	r := &portableRead{taken: make(chan struct{}, 1), ended: make(chan struct{})}
	p.conns[c] = r
	go r.run(c)
	return true
}

func (r *portableRead) run(c *boshConn) {
	defer close(r.ended)
	buf := make([]byte, 1024)
	for {
		n, err := c.nc.Read(buf)
		r.mu.Lock()
		r.data, r.err = append(r.data, buf[:n]...), err
		r.mu.Unlock()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return // it is forgotten
		}
		c.readable(err != nil)
		if err != nil {
			return
		}
		<-r.taken
	}
}

func (p *portablePoller) of(c *boshConn) *portableRead {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns[c]
}

func (p *portablePoller) read(c *boshConn, buf []byte) (int, error) {
	r := p.of(c)
	if r == nil {
		return 0, io.ErrClosedPipe
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := copy(buf, r.data)
	if n == 0 {
		return 0, r.err
	}
	if r.data = r.data[n:]; len(r.data) == 0 {
		r.data = nil
		r.resume()
	}
	return n, nil
}

// resume lets the goroutine read more.
func (r *portableRead) resume() {
	select {
	case r.taken <- struct{}{}:
	default:
	}
}

// write leaves it all to a goroutine.
func (*portablePoller) write(*boshConn, []byte) (int, error) { return 0, nil }

// forget ends the connection's goroutine. What that has read comes with what came
// early.
func (p *portablePoller) forget(c *boshConn) {
	p.mu.Lock()
	r := p.conns[c]
	delete(p.conns, c)
	p.mu.Unlock()
	if r == nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	r.resume()
	<-r.ended
	_ = c.nc.SetReadDeadline(time.Time{})
	c.mu.Lock() // the connection may be read from while it is closed
	c.early = append(c.early, r.data...)
	c.mu.Unlock()
}

func (p *portablePoller) watched() []*boshConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.conns))
}

func (p *portablePoller) closeIdle(before instant) {
	for _, c := range p.watched() {
		c.closeIdle(before)
	}
}

func (p *portablePoller) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	for _, c := range p.watched() {
		c.close()
	}
}
