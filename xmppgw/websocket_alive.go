package xmppgw

import (
	"errors"
	"os"
	"time"

	"foyer/internal/socket"
)

// maxSilence is how long a peer may say nothing, pongs included.
func (g *Gateway) maxSilence() time.Duration { return 3*g.cfg.Ping + closeTimeout }

// noteReceived notes that something came from the peer. Until the end that is enough once in a
// while.
func (s *wsStream) noteReceived() {
	if _, closed := s.queue.Closed(); closed || time.Since(s.lived) >= s.gateway.maxSilence()/32 {
		_ = s.extendDeadline()
	}
}

// extendDeadline notes that the peer is there.
func (s *wsStream) extendDeadline() error {
	s.lived = time.Now()
	err := s.conn.SetReadDeadline(s.lived.Add(s.gateway.maxSilence()))
	if _, closed := s.queue.Closed(); closed {
		err = s.conn.SetReadDeadline(time.Now().Add(closeTimeout))
	}
	return err
}

// keepAliveReader reads from a peer for as long as it lives. Over a slow line our
// ping waits behind all that was written before, and its answer with it: a peer
// that has taken some of that meanwhile is not gone.
type keepAliveReader struct{ s *wsStream }

// Read implements io.Reader.
func (r keepAliveReader) Read(b []byte) (int, error) {
	if r.s.early != nil && r.s.early.Len() > 0 {
		return r.s.early.Read(b)
	}
	r.s.early = nil
	for {
		n, err := socket.Read(r.s.conn.Conn, b, r.s.waits)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !r.s.peerReads() {
			return n, err
		}
	}
}

// peerReads reports whether the peer has taken something since it was last asked, of
// which more is waiting.
func (s *wsStream) peerReads() bool {
	if _, closed := s.queue.Closed(); closed {
		return false
	}
	acked := s.conn.acknowledged()
	waiting := acked < s.conn.written.Load() || s.queue.Len() > 0
	moved := acked > s.acked
	s.acked = acked
	return moved && waiting && s.extendDeadline() == nil
}

// ping asks an idle peer for a sign of life (RFC 6455 §5.5.2).
func (s *wsStream) ping() {
	if s.queue.Len() == 0 {
		_ = s.queue.Push(s.gateway.ping)
	}
}

// handleControl answers a ping, the latest if there are many (RFC 6455 §5.5.3).
// Each counts as a stanza does.
func (s *wsStream) handleControl(op opcode, data []byte) error {
	if err := waitFor(s.gateway.ctx, time.Now(), s.shaper.stanzas, 1, s.waits); err != nil {
		return err // the gateway is stopping
	}
	if op == opPing {
		s.pongMu.Lock()
		queued := s.pong != nil
		s.pong = append(make([]byte, 0, len(data)), data...)
		s.pongMu.Unlock()
		if !queued {
			_ = s.queue.Push([]byte{pongToCome})
		}
	}
	return s.extendDeadline()
}

// pongToCome stands in the queue for a pong whose content is known when it is
// written.
const pongToCome = 0x80 | byte(opPong)

// takePong returns what the next pong answers.
func (s *wsStream) takePong() []byte {
	s.pongMu.Lock()
	defer s.pongMu.Unlock()
	data := s.pong
	s.pong = nil
	return data
}

// pingAll pings every WebSocket, so that proxies keep it open and a vanished
// peer is noticed (RFC 6455 §5.5.2); and looks after idle TCP streams, and BOSH
// connections on which nothing is asked.
func (g *Gateway) pingAll() {
	t := time.NewTicker(g.cfg.Ping)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-g.ctx.Done():
			return
		}
		idleSince := g.now() - connIdleFor
		g.polled.each(func(p poller) { p.closeIdle(idleSince) })
		for _, c := range g.all() {
			switch s := c.(type) {
			case *wsStream:
				s.ping()
			case *tcpStream:
				s.keepAlive(time.Now())
			}
		}
	}
}
