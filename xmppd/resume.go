package xmppd

import (
	"context"
	"strconv"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Resumption (XEP-0198 §5): a session whose stream was lost waits for a new one,
// for a time and in a number that are bounded.

// hibernate keeps the session for resumption after st was lost. It reports
// false when the session cannot be resumed.
func (srv *Server) hibernate(s *session, st stream.Stream) bool {
	s.mu.Lock()
	if s.state != connected || s.stream != st || s.sm == nil || !s.sm.resumable {
		s.mu.Unlock()
		return false
	}
	s.hibernateLocked()
	s.mu.Unlock()
	srv.limitHibernating(s.account)
	return true
}

func (s *session) hibernateLocked() {
	now := time.Now()
	s.state, s.stream, s.sm.since = hibernating, nil, now
	s.sm.expiry = time.AfterFunc(s.server.cfg.ResumeTimeout, func() { s.server.expire(s, now) })
}

// expire ends a session that has hibernated since then, unless it was resumed
// meanwhile.
func (srv *Server) expire(s *session, since time.Time) {
	srv.endIf(s, nil, func() bool { return s.state == hibernating && s.sm.since.Equal(since) })
}

// limitHibernating ends the oldest hibernating session beyond the bound: a
// browser leaves one behind with every reload that does not resume.
func (srv *Server) limitHibernating(a *account) {
	var oldest *session
	var since time.Time
	n := 0
	for _, s := range a.all() {
		s.mu.Lock()
		if s.state == hibernating {
			n++
			if oldest == nil || s.sm.since.Before(since) {
				oldest, since = s, s.sm.since
			}
		}
		s.mu.Unlock()
	}
	if n > srv.cfg.Hibernating {
		srv.expire(oldest, since)
	}
}

// resume takes over a session. Only the same account can; for everybody else
// the id does not exist (S-94). answer makes of <resumed/> what the client is
// sent before what it missed. No session: the client is to be told that it
// failed, and may bind.
func (c *conn) resume(ctx context.Context, el attributed, answer func(resumed []byte) [][]byte) (s *session, failed []byte, err error) {
	h, err := smCount(el)
	if err != nil { // the stream stays: the client may bind (XEP-0198 §5)
		return nil, smFailed("bad-request"), nil
	}
	previd, _ := el.Attr("previd")
	s = c.server.registry.resumable(previd)
	if s == nil || s.user != c.identity.User || !c.resumable() {
		return nil, c.notResumed(previd), nil
	}
	// The identity may have been ended since it was checked. If it is ended from
	// here on, End finds this stream, and the session goes with it.
	if err := c.checkIdentity(ctx); err != nil {
		return nil, nil, err
	}
	resumed, err := s.takeOver(c, h, answer)
	if err != nil {
		return nil, nil, err
	}
	if !resumed {
		return nil, c.notResumed(previd), nil
	}
	c.server.stats.resumed.Add(1)
	return s, nil, nil
}

// attributed is an element, or a child of one.
type attributed interface {
	Attr(local string) (string, bool)
}

// takeOver moves the session to the new stream and sends again what the client
// has not handled, in order. What the old stream brought last is handled to the
// end before that: it must be in the count that tells the client what to send
// again. It reports false when the session has ended.
func (s *session) takeOver(c *conn, h uint32, answer func(resumed []byte) [][]byte) (bool, error) {
	s.detach() // a handler that waits for the old stream's reader gives up
	s.handling.Lock()
	defer s.handling.Unlock()
	s.detach() // another resumption came in between
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state >= ended {
		return false, nil
	}
	s.sm.resumesAt(h)
	if !s.ackLocked(h) {
		return false, tooHigh(h, s.sm)
	}
	s.sm.stop()
	s.state, s.stream, s.peer, s.identity = connected, c.stream, c.peer, c.identity
	s.inactive = false // XEP-0352 §5.2
	// An error of Send means that the new stream is closing; its reader will see
	// to it.
	resumed := `<resumed xmlns="` + stanza.NSSM + `" previd="` + s.sm.id + `" h="` + strconv.FormatUint(uint64(s.sm.in), 10) + `"/>`
	for _, raw := range answer([]byte(resumed)) {
		_ = s.stream.Send(raw)
	}
	s.sm.unsent = len(s.sm.unacked)
	if s.resendLocked() {
		s.server.ending.Go(func() { s.resendRest(c.stream) })
	}
	s.releaseLocked()
	if len(s.sm.unacked) > 0 {
		s.requestAckLocked()
	}
	return true, nil
}

// resendBurst is how many bytes are sent again at once: more may be unacknowledged
// than a queue holds.
const resendBurst = 512 << 10

// resendRest sends the rest of what the client missed at the pace at which it reads.
// If the stream is lost meanwhile, the next one begins from the client's count.
func (s *session) resendRest(st stream.Stream) {
	for more := true; more; {
		if st.Ready(context.Background()) != nil { // its end closes it
			return
		}
		s.mu.Lock()
		if more = s.stream == st; more {
			more = s.resendLocked()
			s.requestAckLocked()
		}
		s.mu.Unlock()
	}
}

func (s *session) requestAckLocked() { s.requestAckWhenLocked(immediate, time.Now()) }

func (s *session) requestAckWhenLocked(when urgency, now time.Time) {
	s.sm.asks(now)
	_ = sendWhen(s.stream, when, []byte(smRequest))
}

// resendLocked sends the next of what the client missed. It reports whether there is
// more.
func (s *session) resendLocked() (more bool) {
	m := s.sm
	for size := 0; m.unsent > 0 && size < resendBurst; m.unsent-- {
		raw := m.unacked[len(m.unacked)-m.unsent].raw
		_ = s.stream.Send(raw)
		size += len(raw)
	}
	return m.unsent > 0
}

// detach takes the session off a stream that is still open, as if it had been
// lost, and tells that stream of the conflict (S-94).
func (s *session) detach() {
	s.mu.Lock()
	st := s.stream
	if st != nil {
		s.hibernateLocked()
	}
	s.mu.Unlock()
	if st != nil {
		st.Close(&stream.Error{Condition: stream.Conflict, Text: "resumed on another stream"})
	}
}
