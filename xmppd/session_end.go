package xmppd

import (
	"context"
	"time"

	"foyer/internal/stream"
)

// How a session ends: first its stream is cut off, at once and without asking a store
// (cutOff); then subscribers see it go, and what it did not acknowledge is stored
// (finish). Many that end together are all cut off before the first is finished.

// end ends a session for good: its stream closes with reason, subscribers see
// it go exactly once, and what it did not acknowledge is kept for the account
// (RFC 6121 §4.5.2, XEP-0198 §6). It may be called any number of times.
func (srv *Server) end(s *session, reason error) { srv.endIf(s, reason, nil) }

// endIf ends a session if when, asked under its lock, agrees.
func (srv *Server) endIf(s *session, reason error, when func() bool) {
	unacked, ok := srv.cutOff(s, reason, when)
	if !ok {
		return
	}
	srv.finish(s, unacked)
}

// cutOff ends a session's stream at once, without asking a store or waiting. The
// session cannot be resumed afterwards. It returns what the client did not
// acknowledge, and false when the session had ended before.
func (srv *Server) cutOff(s *session, reason error, when func() bool) (unacked []sentStanza, ok bool) {
	s.mu.Lock()
	if s.state >= ended || (when != nil && !when()) {
		s.mu.Unlock()
		return nil, false
	}
	st, id := s.stream, ""
	if st == nil {
		unacked = s.late.take() // its first stream never came
	}
	s.state, s.stream = ended, nil
	if s.sm != nil {
		id, unacked = s.sm.id, append(unacked, s.sm.finish()...)
	}
	s.mu.Unlock()
	if st != nil {
		st.Close(reason)
		unacked = append(unacked, undeliveredOf(st)...)
	}
	s.account.remove(s)
	srv.watches.set(s, nil)
	srv.registry.removeResumable(id)
	return unacked, true
}

// undeliveredOf is what a stream without stream management could not deliver.
func undeliveredOf(st stream.Stream) []sentStanza {
	r, ok := st.(stream.UndeliveredReporter)
	if !ok {
		return nil
	}
	elements, since := r.Undelivered()
	stanzas := make([]sentStanza, len(elements))
	for i, raw := range elements {
		stanzas[i] = sentStanza{raw, since}
	}
	return stanzas
}

// finish is the second half of ending a session that was cut off: subscribers see it
// go, and what it did not acknowledge is stored. It waits for the stanza that is
// being handled, since a presence must not be broadcast after its end.
func (srv *Server) finish(s *session, unacked []sentStanza) {
	s.handling.Lock()
	defer s.handling.Unlock()
	ctx, cancel := srv.storeContext()
	defer cancel()
	srv.refuseUnanswered(ctx, s, unacked) // while rooms know yet who it is
	s.goOffline(ctx)
	srv.storeUnacked(ctx, s, unacked)
}

// storeUnacked stores for later what the session did not acknowledge; the session is
// gone after that.
func (srv *Server) storeUnacked(ctx context.Context, s *session, unacked []sentStanza) {
	s.mu.Lock()
	s.state = gone
	if s.sm != nil {
		srv.counts.keep(s.sm.id, s.user, s.sm.in, time.Now())
	}
	unacked = append(unacked, s.late.take()...)
	s.mu.Unlock()
	srv.offline.redeliver(ctx, s, unacked)
	srv.registry.release(s.account)
}

// End implements stream.Server. Everything within scope is cut off before a
// store is asked.
func (srv *Server) End(scope stream.Scope, reason error) {
	for _, c := range srv.conns.matching(scope) {
		c.stream.Close(reason)
	}
	unackedOf := make(map[*session][]sentStanza)
	for _, a := range srv.registry.online() {
		for _, s := range a.all() {
			if unacked, ok := srv.cutOff(s, reason, func() bool { return scope.Matches(s.identity) }); ok {
				unackedOf[s] = unacked
			}
		}
	}
	for s, unacked := range unackedOf {
		srv.finish(s, unacked)
	}
}

// Shutdown ends every stream with system-shutdown, so that clients come back,
// and refuses new ones. It returns when the messages that nobody acknowledged
// are stored; those that are not before ctx ends are only in the archive. Nobody
// is told who went: all did.
func (srv *Server) Shutdown(ctx context.Context) {
	srv.registry.close()
	reason := &stream.Error{Condition: stream.SystemShutdown}
	unackedOf := make(map[*session][]sentStanza)
	for _, a := range srv.registry.online() {
		if len(a.available()) > 0 {
			srv.lastActivity.note(LastActivity{User: a.user, At: time.Now()})
		}
		for _, s := range a.all() {
			if unacked, ok := srv.cutOff(s, reason, nil); ok {
				unackedOf[s] = unacked
			}
		}
	}
	for _, c := range srv.conns.close() {
		c.stream.Close(reason)
	}
	for s, unacked := range unackedOf {
		srv.storeUnacked(ctx, s, unacked)
	}
	srv.ending.Wait()
}
