package relay

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream"
)

// How a BOSH client's session outlives its link (XEP-0198 §5).

// recover finds another link after one was lost, if the session can be resumed. It
// returns what the client's stream ends with when it cannot.
func (m *smManaged) recover(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) {
		m.gone() // XEP-0198 §5: what ended in order is not resumed
	}
	err = m.conn.upstreamLostError(err)
	m.mu.Lock()
	l := m.link
	resumable := errors.Is(err, stream.ErrDisconnected) && m.id != "" && !m.ended
	if resumable {
		m.link = nil
	}
	until := time.Now().Add(min(m.keeps, m.conn.relay.cfg.ResumeFor))
	m.mu.Unlock()
	if !resumable {
		return err
	}
	l.abort()
	first := m.conn.relay.cfg.Backoff
	for wait := first; ; wait = min(2*wait, maxRetryFactor*first) {
		// Those who lost their links together come back one after the other.
		if budget.Pause(ctx, wait/2+rand.N(wait/2)) != nil {
			return stream.ErrDisconnected
		}
		err, again := m.tryAgain(ctx)
		switch {
		case err == nil:
			m.conn.relay.counters.resumed.Add(1)
			return nil
		case !again:
			return err
		case time.Now().After(until):
			m.conn.log().Error("the XMPP server did not come back in time", "user", m.conn.who().User, "err", err)
			return stream.ErrDisconnected
		}
	}
}

// maxRetryFactor is how many times as long as the first the wait between two attempts to
// resume becomes at most.
const maxRetryFactor = 50

// tryAgain tries once to resume on another link. again: it may be tried once more;
// otherwise the error is what the client's stream ends with.
func (m *smManaged) tryAgain(ctx context.Context) (err error, again bool) {
	c := m.conn
	id := c.who()
	switch err := c.relay.checkIdentity(ctx, id); {
	case err == errSignedOut:
		return err, false
	case err != nil:
		return err, true
	}
	l, _, err := c.relay.signIn(ctx, id, c.ownPassword(), headerOf(c.peer))
	var refused *RefusedError
	switch {
	case c.relay.cfg.PassPasswords && errors.As(err, &refused):
		// The password is another one by now: the client comes back, and learns it from
		// its own sign-in. Servers count wrong ones.
		return &stream.Error{Condition: stream.SystemShutdown}, false
	case err != nil:
		return err, true
	}
	m.mu.Lock()
	previd, in := m.id, m.in
	m.mu.Unlock()
	// Not under ctx: who is signed out meanwhile has the session taken up, and ended in
	// order (resumeOver); there is no other credential for that.
	h, err := l.resume(c.relay.ctx, previd, in)
	if err == nil {
		err = m.resumeOver(l, h)
	}
	var gone *notResumedError
	switch {
	case err == nil:
		return nil, false
	case errors.As(err, &gone):
		m.gone()
		l.close()
		l.finish()
		c.log().Info("a session could not be resumed", "user", id.User, "err", err)
		return &stream.Error{Condition: stream.SystemShutdown}, false
	}
	l.abort()
	return err, true
}

// gone notes that the upstream has nothing left to resume.
func (m *smManaged) gone() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id = ""
}

// resumeOver goes on over a link on which the session was resumed: what the upstream has not
// handled is sent again, in order.
func (m *smManaged) resumeOver(l *link, h uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended || !m.ackLocked(h) {
		return &notResumedError{condition: "the counts do not agree, or the client has left"}
	}
	l.beforeRead = m.beforeRead
	m.link, m.ackPendingSince, m.question = l, time.Now(), question{}
	for _, raw := range m.unacked {
		_ = l.send(raw)
	}
	if m.inactive != nil {
		_ = l.send(m.inactive) // XEP-0352 §5.2: a resumed session is active
	}
	if len(m.unacked) > 0 {
		m.requestAckLocked()
	}
	return nil
}
