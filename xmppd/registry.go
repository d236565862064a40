package xmppd

import (
	"maps"
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
	seen     atomic.Int64  // until when somebody has seen what was sent, in nanoseconds of Unix time (notify.go)

	mu       sync.RWMutex
	sessions []*session     // few; each has a resource of its own
	roster   *roster        // cached; nil: not read yet (roster_cache.go)
	blocks   *blocklist     // cached; nil: not read yet (blocking.go)
	prefs    *archive.Rules // cached; nil: not read yet (archive_prefs.go)
	account  *Account       // cached; nil: not read yet (session_prefetch.go)
	waits    waiting        // what is known of its offline messages (session_prefetch.go)
	changes  uint64         // of any of those that are cached, so that what was read before a change is not cached after it

	nonPeers map[string]time.Time // JIDs that share no group with it, and until when that need not be asked again (accounts.go)

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
	a.roster, a.blocks, a.prefs, a.account = nil, nil, nil, nil
}

// all returns the account's sessions.
func (a *account) all() []*session {
	if a == nil {
		return nil
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.sessions)
}

// available returns the sessions that sent presence, the highest priority
// first.
func (a *account) available() []*session {
	found := a.all() // a copy, of which those that are available are kept
	priorities := make([]int8, 0, 8)
	n := 0
	for _, s := range found {
		p, priority := s.available()
		if p == nil {
			continue
		}
		i := n // where it belongs: there are few
		for ; i > 0 && comesBefore(s, priority, found[i-1], priorities[i-1]); i-- {
			found[i] = found[i-1]
		}
		found[i], priorities = s, slices.Insert(priorities, i, priority)
		n++
	}
	return found[:n]
}

// comesBefore orders sessions by priority, and else by resource.
func comesBefore(x *session, px int8, y *session, py int8) bool {
	return px > py || (px == py && x.resource < y.resource)
}

// indexLocked returns the place of the session with that resource; -1: there is none.
func (a *account) indexLocked(resource string) int {
	return slices.IndexFunc(a.sessions, func(s *session) bool { return s.resource == resource })
}

// registry is which accounts have sessions, and which sessions may be resumed. It is safe
// for concurrent use; its lock is taken before any of an account.
type registry struct {
	domain    string
	resources int        // sessions that one account may have
	followers *followers // lose the account that has no session any more

	mu           sync.RWMutex
	accounts     map[string]*account // by localpart; present while it has a session
	byResumption map[string]*session // by stream management id
	closed       bool                // the server shuts down
}

// count returns how many accounts have sessions.
func (g *registry) count() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.accounts)
}

// close refuses new sessions.
func (g *registry) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// resumable returns the session with that stream management id, or nil.
func (g *registry) resumable(id string) *session {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.byResumption[id]
}

// addResumable notes a session by its stream management id.
func (g *registry) addResumable(id string, s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byResumption[id] = s
}

func (g *registry) removeResumable(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.byResumption, id)
}

// lookup returns an account that has sessions, or nil.
func (g *registry) lookup(user string) *account {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.accounts[user]
}

// session returns the session with that full JID, or nil.
func (g *registry) session(a stanza.Address) *session {
	acc := g.lookup(a.User)
	if acc == nil || a.Domain != g.domain {
		return nil
	}
	acc.mu.RLock()
	defer acc.mu.RUnlock()
	if i := acc.indexLocked(a.Resource); i >= 0 {
		return acc.sessions[i]
	}
	return nil
}

// online returns a snapshot of the accounts that have sessions.
func (g *registry) online() []*account {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return slices.AppendSeq(make([]*account, 0, len(g.accounts)), maps.Values(g.accounts))
}

// Online reports whether an account is available to chat.
func (srv *Server) Online(user string) bool {
	return len(srv.registry.lookup(user).available()) > 0
}

// register adds a bound session. A session that holds the resource already is
// returned: the newcomer replaces it (RFC 6120 §7.7.2.2, the third policy), so
// that a client which lost its stream without our noticing gets its resource
// back.
func (g *registry) register(s *session) (replaced *session, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, &stream.Error{Condition: stream.SystemShutdown}
	}
	a := g.accounts[s.user]
	if a == nil {
		a = &account{user: s.user, bare: s.bare}
		g.accounts[s.user] = a
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s.account = a
	if i := a.indexLocked(s.resource); i >= 0 {
		replaced, a.sessions[i] = a.sessions[i], s
		return replaced, nil
	}
	if len(a.sessions) >= g.resources {
		return nil, stanza.ErrResourceConstraint
	}
	a.sessions = append(a.sessions, s)
	return nil, nil
}

// remove takes a session away. The account stays until registry.release.
func (a *account) remove(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.sessions, s); i >= 0 {
		a.sessions = slices.Delete(a.sessions, i, i+1)
	}
}

// release forgets an account that has no session.
func (g *registry) release(a *account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.sessions) == 0 && g.accounts[a.user] == a {
		delete(g.accounts, a.user)
		g.followers.drop(a)
	}
}

// Identities returns who has sessions, each once: for the site to check whether
// they still stand.
func (srv *Server) Identities() []stream.Identity {
	seen := make(map[stream.Identity]struct{})
	for _, a := range srv.registry.online() {
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
