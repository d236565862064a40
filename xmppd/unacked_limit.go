package xmppd

import "foyer/internal/stream"

// What an account's sessions have not acknowledged is limited for all of them
// together, as well as for each: somebody could otherwise leave one full session behind
// after the other.

// limitUnackedLocked is called after the session kept a stanza of that size, with
// which the account's sessions have total bytes unacknowledged. The stanza that goes
// beyond the limit starts the search for a session to end; in another goroutine,
// since that takes other sessions' locks.
func (s *session) limitUnackedLocked(total int64, size int) {
	most := int64(s.server.cfg.UnackedTotal)
	if total > most && total-int64(size) <= most {
		a := s.account
		s.server.ending.Go(func() { s.server.evictUnacked(a) })
	}
}

// evictUnacked ends sessions until the account is within its limit: the one that
// has hibernated longest, or, when none does, the one with the most that is
// unacknowledged. What they leave goes offline as when they expire (redeliver.go).
func (srv *Server) evictUnacked(a *account) {
	for a.unacked.Load() > int64(srv.cfg.UnackedTotal) {
		s := a.sessionToEvict()
		if s == nil {
			return
		}
		srv.end(s, &stream.Error{Condition: stream.PolicyViolation, Text: "too much without an acknowledgement"})
	}
}

// sessionToEvict returns the session that is ended first; nil when none has anything
// unacknowledged.
func (a *account) sessionToEvict() *session {
	var oldest, heaviest *session
	var since int64
	most := 0
	for _, s := range a.all() {
		s.mu.Lock()
		switch {
		case s.sm == nil || s.sm.size == 0:
		case s.state == hibernating:
			if at := s.sm.since.UnixNano(); oldest == nil || at < since {
				oldest, since = s, at
			}
		case s.state == connected && s.sm.size > most:
			heaviest, most = s, s.sm.size
		}
		s.mu.Unlock()
	}
	if oldest != nil {
		return oldest
	}
	return heaviest
}
