package xmppd

import "foyer/internal/stream"

// What an account's sessions have not acknowledged is bounded together, besides
// for each: somebody could otherwise leave a full one behind again and again.

// boundTotal is called with a session's lock held after it kept a stanza of that
// size, with which the account owes total. The stanza that goes beyond the bound
// starts the search for what has to go; not here, since that takes other
// sessions' locks.
func (s *session) boundTotal(total int64, size int) {
	most := int64(s.server.cfg.UnackedTotal)
	if total > most && total-int64(size) <= most {
		a := s.account
		s.server.ending.Go(func() { s.server.capUnacked(a) })
	}
}

// capUnacked ends sessions until the account is within its bound: the one that
// has hibernated longest, or, when none does, the one that owes most. What they
// leave goes offline as when they expire (undelivered.go).
func (srv *Server) capUnacked(a *account) {
	for a.unacked.Load() > int64(srv.cfg.UnackedTotal) {
		s := a.dispensable()
		if s == nil {
			return
		}
		srv.end(s, &stream.Error{Condition: stream.PolicyViolation, Text: "too much without an acknowledgement"})
	}
}

// dispensable returns the session that goes first; nil when none owes anything.
func (a *account) dispensable() *session {
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
