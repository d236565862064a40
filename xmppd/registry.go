package xmppd

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// account is the live state of one account: present while the account has at
// least one session, hibernating ones included.
type account struct {
	user string // localpart, prepared
	bare string // user@domain

	flushing sync.Mutex    // held while what waited is delivered; outside the other locks
	kept     atomic.Uint64 // messages kept for later, so far
	unacked  atomic.Int64  // bytes that its sessions have not acknowledged (unacked_limit.go)

	mu       sync.RWMutex
	sessions map[string]*session // by resource
	roster   *roster             // cached; nil: not read yet (roster_cache.go)
	blocks   *blocklist          // cached; nil: not read yet (blocking.go)
	prefs    *archive.Rules      // cached; nil: not read yet (archive_prefs.go)
	changes  uint64              // of any of them, so that what was read before a change is not cached after it

	follows  *roster // as followers has it, under its lock
	released bool    // likewise: not online any more
}

// cached calls read with the account's lock held and returns the number of
// changes so far.
func (a *account) cached(read func()) uint64 {
	a.mu.RLock()
	defer a.mu.RUnlock()
	read()
	return a.changes
}

// cache calls write with the lock held, unless something changed meanwhile.
func (a *account) cache(changes uint64, write func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changes == changes {
		write()
	}
}

// forget drops what is cached after a change in the store.
func (a *account) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes++
	a.roster, a.blocks, a.prefs = nil, nil, nil
}

// all returns the account's sessions.
func (a *account) all() []*session {
	if a == nil {
		return nil
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	out := make([]*session, 0, len(a.sessions))
	for _, s := range a.sessions {
		out = append(out, s)
	}
	return out
}

// available returns the sessions that sent presence, the highest priority
// first.
func (a *account) available() []*session {
	type ranked struct {
		s        *session
		priority int8
	}
	var found []ranked
	for _, s := range a.all() {
		if p, priority := s.available(); p != nil {
			found = append(found, ranked{s, priority})
		}
	}
	slices.SortFunc(found, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(y.priority, x.priority), cmp.Compare(x.s.resource, y.s.resource))
	})
	out := make([]*session, len(found))
	for i, f := range found {
		out[i] = f.s
	}
	return out
}

// lookup returns an account that has sessions, or nil.
func (srv *Server) lookup(user string) *account {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	return srv.accounts[user]
}

// session returns the session with that full JID, or nil.
func (srv *Server) session(a stanza.Address) *session {
	acc := srv.lookup(a.User)
	if acc == nil || a.Domain != srv.domain {
		return nil
	}
	acc.mu.RLock()
	defer acc.mu.RUnlock()
	return acc.sessions[a.Resource]
}

// online returns a snapshot of the accounts that have sessions.
func (srv *Server) online() []*account {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	out := make([]*account, 0, len(srv.accounts))
	for _, a := range srv.accounts {
		out = append(out, a)
	}
	return out
}

// Online reports whether an account is available to chat.
func (srv *Server) Online(user string) bool {
	return len(srv.lookup(user).available()) > 0
}

// register adds a bound session. A session that holds the resource already is
// returned: the newcomer replaces it (RFC 6120 §7.7.2.2, the third policy), so
// that a client which lost its stream without our noticing gets its resource
// back.
func (srv *Server) register(s *session) (replaced *session, err error) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.closed {
		return nil, &stream.Error{Condition: stream.SystemShutdown}
	}
	a := srv.accounts[s.user]
	if a == nil {
		a = &account{user: s.user, bare: s.bare, sessions: make(map[string]*session)}
		srv.accounts[s.user] = a
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	replaced = a.sessions[s.resource]
	if replaced == nil && len(a.sessions) >= srv.cfg.Resources {
		return nil, stanza.ErrResourceConstraint
	}
	a.sessions[s.resource] = s
	s.account = a
	return replaced, nil
}

// unregister removes a session. Its account stays until release.
func (srv *Server) unregister(s *session) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	if s.account.sessions[s.resource] == s {
		delete(s.account.sessions, s.resource)
	}
}

// release forgets an account that has no session.
func (srv *Server) release(a *account) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.sessions) == 0 && srv.accounts[a.user] == a {
		delete(srv.accounts, a.user)
		srv.followers.drop(a)
	}
}

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
	s.state, s.stream = ended, nil
	if s.sm != nil {
		id, unacked = s.sm.id, s.sm.finish()
	}
	s.mu.Unlock()
	if st != nil {
		st.Close(reason)
		unacked = append(unacked, undeliveredOf(st)...)
	}
	srv.unregister(s)
	srv.watches.set(s, nil)
	srv.forget(id)
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
	unacked = append(unacked, s.late...)
	s.late = nil
	s.mu.Unlock()
	srv.redeliver(ctx, s, unacked)
	srv.release(s.account)
}

// Renewed returns a context in which a stanza has its time once more: after a wait
// for a client that reads slowly, which does not count (Client.Ready).
func (srv *Server) Renewed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), srv.cfg.StoreTimeout)
}

// storeContext bounds work that no client waits for.
func (srv *Server) storeContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), srv.cfg.StoreTimeout)
}

// End implements stream.Server. Everything within scope is cut off before a
// store is asked.
func (srv *Server) End(scope stream.Scope, reason error) {
	for _, c := range srv.conns.matching(scope) {
		c.stream.Close(reason)
	}
	unackedOf := make(map[*session][]sentStanza)
	for _, a := range srv.online() {
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
	srv.mu.Lock()
	srv.closed = true
	srv.mu.Unlock()
	reason := &stream.Error{Condition: stream.SystemShutdown}
	unackedOf := make(map[*session][]sentStanza)
	for _, a := range srv.online() {
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

// connSet is the streams being served, authenticated or not.
type connSet struct {
	mu     sync.Mutex
	set    map[*conn]stream.Identity
	closed bool
}

// put reports false after close.
func (cs *connSet) put(c *conn, id stream.Identity) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return false
	}
	if cs.set == nil {
		cs.set = make(map[*conn]stream.Identity)
	}
	cs.set[c] = id
	return true
}

func (cs *connSet) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.set, c)
}

func (cs *connSet) matching(scope stream.Scope) []*conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var out []*conn
	for c, id := range cs.set {
		if scope.Matches(id) {
			out = append(out, c)
		}
	}
	return out
}

// close lets no more in, and returns those that are there.
func (cs *connSet) close() []*conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	out := make([]*conn, 0, len(cs.set))
	for c := range cs.set {
		out = append(out, c)
	}
	return out
}

// isStreamEnd reports whether err is the way a healthy stream ends.
func isStreamEnd(err error) bool {
	return errors.Is(err, stream.ErrDisconnected) || errors.Is(err, stream.ErrClosed) || errors.Is(err, context.Canceled)
}

// Identities returns who has sessions, each once: for the site to check whether
// they still stand.
func (srv *Server) Identities() []stream.Identity {
	seen := make(map[stream.Identity]struct{})
	for _, a := range srv.online() {
		for _, s := range a.all() {
			s.mu.Lock()
			seen[s.identity] = struct{}{}
			s.mu.Unlock()
		}
	}
	out := make([]stream.Identity, 0, len(seen))
	for id := range seen {
		out = append(out, id)
	}
	return out
}
