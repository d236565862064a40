package xmppd

import (
	"context"
	"slices"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The presence of the people whom a page shows, on the roster or not: a client
// names them, and is told who of them is around, and then hears of their presence
// until it names others.
//
//	<iq type='set'><watch xmlns='urn:foyer:watch:0'><account jid='bob@…'/>…</watch></iq>
//	<iq type='result'><watch xmlns='urn:foyer:watch:0'><account jid='bob@…/…'/></watch></iq>
//
// The answer has the resources that are available; of others it says nothing. It shows
// nobody who is not open to the client by the site's rule (Config.Open, Config.Groups) or by
// subscription, and nobody who blocks it or is blocked (XEP-0191 §3).

const nsWatch = "urn:foyer:watch:0"

// Bounds of the people whom one session may watch; the bytes are those of their names.
const (
	maxWatched      = 200
	maxWatchedBytes = 16 << 10
)

// watches is which sessions watch whom. The zero value is ready.
type watches struct {
	mu       sync.RWMutex
	watchers map[string][]*session // by the localpart of the one who is watched
	watched  map[*session][]string
}

// set replaces whom a session watches.
func (w *watches) set(s *session, users []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.watched[s] {
		removeFrom(w.watchers, u, s)
	}
	delete(w.watched, s)
	if len(users) == 0 {
		return
	}
	if w.watched == nil {
		w.watched = make(map[*session][]string)
	}
	w.watched[s] = users
	for _, u := range users {
		addTo(&w.watchers, u, s)
	}
}

// by returns the accounts that a session watches.
func (w *watches) by(s *session) []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Clone(w.watched[s])
}

// drop ends a session's watch of an account.
func (w *watches) drop(s *session, user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.watched[s], user); i >= 0 {
		w.watched[s] = slices.Delete(slices.Clone(w.watched[s]), i, i+1)
		removeFrom(w.watchers, user, s)
	}
}

// count returns how many sessions watch an account.
func (w *watches) count(user string) int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.watchers[user])
}

// of returns the sessions that watch an account.
func (w *watches) of(user string) []*session {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Clone(w.watchers[user])
}

func watchHandlers() map[iqKey]iqHandler {
	return map[iqKey]iqHandler{{toSelf, "set", stream.Name{Space: nsWatch, Local: "watch"}}: handleWatch}
}

// handleWatch replaces whom the session watches.
func handleWatch(ctx context.Context, s *session, _ *stream.Element, watch stream.Child) ([]byte, error) {
	users, err := s.parseWatch(watch)
	if err != nil {
		return nil, err
	}
	r, err := s.server.rosters.of(ctx, s.user)
	if err != nil {
		return nil, err
	}
	// What the roster shows is heard of anyway.
	var more []string
	for _, u := range users {
		if !r.shows(u + "@" + s.server.domain) {
			more = append(more, u)
		}
	}
	if !s.server.openTo(s.bare) {
		if more, err = s.server.groupPeers(ctx, s.user, more); err != nil {
			return nil, err
		}
	}
	// First watch, then look: somebody who comes in between is told of twice, not never.
	s.watch(more)
	dst := []byte(`<watch xmlns="` + nsWatch + `">`)
	for _, u := range users {
		if !r.shows(u+"@"+s.server.domain) && !slices.Contains(more, u) {
			continue
		}
		for _, o := range s.server.unblockedResources(ctx, s, u) {
			dst = append(stanza.AppendAttr(append(dst, "<account"...), "jid", o.full), "/>"...)
		}
	}
	return append(dst, "</watch>"...), nil
}

// watch replaces whom the session watches, unless it has ended.
func (s *session) watch(users []string) {
	s.server.watches.set(s, users)
	s.mu.Lock()
	over := s.state >= ended
	s.mu.Unlock()
	if over { // cutOff may have looked before
		s.server.watches.set(s, nil)
	}
}

// endWatches ends the watches of those who share no group with an account any more, and the account's own of them: they see
// each other leave. Where the store does not tell, all of them end.
func (srv *Server) endWatches(ctx context.Context, user string) {
	type watch struct {
		by   *session
		of   string // account
		with string // the other account
	}
	var all []watch
	var others []string
	for _, s := range srv.watches.of(user) {
		all, others = append(all, watch{s, user, s.user}), append(others, s.user)
	}
	for _, s := range srv.registry.lookup(user).all() {
		for _, other := range srv.watches.by(s) {
			all, others = append(all, watch{s, other, other}), append(others, other)
		}
	}
	peers, err := srv.groupPeers(ctx, user, others)
	if err != nil {
		srv.log.Error("groups could not be read; who shows somebody on a page hears of them no more", "user", user, "err", err)
	}
	for _, w := range all {
		if slices.Contains(peers, w.with) {
			continue
		}
		srv.watches.drop(w.by, w.of)
		for _, o := range srv.registry.lookup(w.of).available() {
			w.by.deliverBatched(unavailable(o.full, w.by.bare))
		}
	}
}

// parseWatch reads whom the client names: members, each once.
func (s *session) parseWatch(watch stream.Child) ([]string, error) {
	var users []string
	for c := range watch.Children() {
		jid, _ := c.Attr("jid")
		a, err := stanza.ParseAddress(jid)
		if err != nil || a.User == "" || a.Domain != s.server.domain {
			return nil, stanza.ErrBadRequest
		}
		if len(users) >= maxWatched || length(slices.Values(users))+len(a.User) > maxWatchedBytes {
			return nil, stanza.ErrResourceConstraint
		}
		if a.User != s.user && !slices.Contains(users, a.User) {
			users = append(users, a.User)
		}
	}
	return users, nil
}

// unblockedResources returns the available resources of user, if neither blocks the other.
func (srv *Server) unblockedResources(ctx context.Context, s *session, user string) []*session {
	found := srv.registry.lookup(user).available()
	if len(found) == 0 || srv.EitherBlocks(ctx, user, s.user) {
		return nil
	}
	return found
}

// toWatchers shows a client's presence to those who watch its account; blocking is
// looked at again, since it may be younger.
func (srv *Server) toWatchers(ctx context.Context, from string, raw []byte) {
	user := localpart(from)
	for _, s := range srv.watches.of(user) {
		if p, _ := s.available(); p != nil && !srv.EitherBlocks(ctx, user, s.user) && !srv.blocklists.clientBlocked(ctx, from, s) {
			s.deliverBatched(raw)
		}
	}
}
