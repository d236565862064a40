package xmppgw

import (
	"time"

	"foyer/internal/stream"
)

// What falls due in a BOSH session: one timer serves all of it. It is set again only
// when something falls due before it runs out; when it runs out too early, as after
// a poll that was answered in time, it is set again.

// instant is a time since the gateway was made; 0 is none.
type instant = time.Duration

func (g *Gateway) now() instant { return time.Since(g.began) + 1 }

// startTimer starts with the time to sign in.
func (s *boshSession) startTimer() {
	s.mu.Lock()
	defer s.unlock()
	s.timer = time.AfterFunc(s.gateway.cfg.Unauthenticated, s.fireTimers)
	s.timerAt = s.gateway.now() + s.gateway.cfg.Unauthenticated
	s.signInAt = s.timerAt
	if at := s.peer.Identity.Expires; !at.IsZero() {
		s.expiresAt = max(s.gateway.now()+time.Until(at), 1)
	}
}

// StopAuthDeadline implements stream.AuthDeadliner.
func (s *boshSession) StopAuthDeadline() {
	s.mu.Lock()
	s.signInAt = 0
	s.mu.Unlock()
}

// scheduleLocked lets the timer run out by the time that the next thing falls due.
func (s *boshSession) scheduleLocked() {
	if s.abandoned {
		return
	}
	next := instant(0)
	for _, at := range [...]instant{s.idleUntilLocked(), s.gapAt, s.signInAt, s.expiresAt} {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	for _, r := range s.held {
		if next == 0 || r.until < next {
			next = r.until
		}
	}
	if next == 0 || (s.timerAt != 0 && s.timerAt <= next) {
		return
	}
	s.timerAt = next
	s.timer.Reset(next - s.gateway.now())
}

func (s *boshSession) idleUntilLocked() instant {
	if s.idleFrom == 0 {
		return 0
	}
	return s.idleFrom + s.idleFor
}

// fireTimers does what has fallen due.
func (s *boshSession) fireTimers() {
	now := s.gateway.now()
	s.mu.Lock()
	s.timerAt = 0
	s.timeoutLocked(now)
	var reason error
	ends := func(at *instant, why error) {
		if *at != 0 && *at <= now && reason == nil {
			*at, reason = 0, why
		}
	}
	ends(&s.gapAt, boshItemNotFound) // B-31
	ends(&s.signInAt, boshPolicyViolation)
	ends(&s.expiresAt, errSignedOut)
	inactive := reason == nil && s.idleFrom != 0 && s.idleUntilLocked() <= now
	s.abandoned = s.abandoned || inactive
	s.startInactivityLocked()
	s.unlock()
	switch {
	case inactive: // XEP-0124 §10 (B-40): no request came
		s.forget()
		s.Close(stream.ErrDisconnected)
	case reason != nil:
		s.Close(reason)
	}
}

// startInactivityLocked lets the client's silence count when no request is here
// (B-40). What comes for the client meanwhile does not begin it again: a pause lasts
// as long as was agreed (B-41).
func (s *boshSession) startInactivityLocked() {
	if len(s.held) > 0 || len(s.parked) > 0 || (s.idleFrom != 0 && !s.unclaimed) {
		return
	}
	d := s.params.inactivity
	if s.unclaimed {
		d = s.gateway.cfg.PrebindUnused
	}
	if s.paused > 0 {
		d, s.paused = s.paused, 0
	}
	s.idleFrom, s.idleFor = s.gateway.now(), d
}
