package xmppd

import (
	"slices"
	"strings"
	"sync"
	"unique"
)

// Whose rosters show an account. Its presence, where the site shares it, and its
// changes go to those accounts, so that both cost what the audience does, whatever
// the size of the site (RFC 6121 §4.2.2).

// followers is an index of the rosters of accounts that are online, as they were
// last read. Its lock is the innermost. The zero value is ready.
type followers struct {
	mu       sync.RWMutex
	of       map[string][]*account // by the localpart of the one on the roster
	complete map[*account]struct{} // those whose roster is the whole site; they are not in of
}

// follow notes that an account's roster is r now.
func (f *followers) follow(a *account, r *roster) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.released {
		return
	}
	f.replaceLocked(a, r)
}

// drop forgets an account that is no longer online, for good.
func (f *followers) drop(a *account) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.released = true
	f.replaceLocked(a, nil)
}

func (f *followers) replaceLocked(a *account, r *roster) {
	old := a.follows
	a.follows = r
	if r != nil && r.complete {
		if f.complete == nil {
			f.complete = make(map[*account]struct{})
		}
		f.complete[a] = struct{}{}
	} else {
		delete(f.complete, a)
	}
	// Both are ordered by JID: one walk finds what is new and what is gone.
	before, after := old.indexed(), r.indexed()
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(after) == 0 || (len(before) > 0 && before[0].Value().jid < after[0].Value().jid):
			removeFrom(f.of, localpart(before[0].Value().jid), a)
			before = before[1:]
		case len(before) == 0 || after[0].Value().jid < before[0].Value().jid:
			addTo(&f.of, localpart(after[0].Value().jid), a)
			after = after[1:]
		default:
			before, after = before[1:], after[1:]
		}
	}
}

// indexed returns the entries by which an account is found: none of a roster that
// is the whole site.
func (r *roster) indexed() []unique.Handle[entry] {
	if r == nil || r.complete {
		return nil
	}
	return r.entries
}

// concerned returns the accounts on whose rosters user is or may come, in any way.
func (f *followers) concerned(user string) []*account {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := slices.Clone(f.of[user])
	for a := range f.complete {
		if a.user != user {
			out = append(out, a)
		}
	}
	return out
}

// shownTo returns the accounts to which the site shows user's presence, since they
// have user on their rosters; jid is user's bare JID.
func (f *followers) shownTo(user, jid string) []*account {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var out []*account
	for _, a := range f.of[user] {
		if e, ok := a.follows.entry(jid); ok && e.onSite && e.listed {
			out = append(out, a)
		}
	}
	for a := range f.complete {
		if a.user != user {
			out = append(out, a)
		}
	}
	return out
}

// count returns no fewer than the accounts that shownTo would return, and does not look at them.
func (f *followers) count(user string) int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.of[user]) + len(f.complete)
}

// shows reports whether the site shows user's presence to an account because of
// its roster.
func (f *followers) shows(a *account, jid string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if a == nil || a.follows == nil {
		return false
	}
	if a.follows.complete {
		return true
	}
	e, ok := a.follows.entry(jid)
	return ok && e.onSite && e.listed
}

func localpart(jid string) string {
	user, _, _ := strings.Cut(jid, "@")
	return user
}

func addTo[T comparable](index *map[string][]T, key string, v T) {
	if *index == nil {
		*index = make(map[string][]T)
	}
	(*index)[key] = append((*index)[key], v)
}

func removeFrom[T comparable](index map[string][]T, key string, v T) {
	list := index[key]
	i := slices.Index(list, v)
	if i < 0 {
		return
	}
	last := len(list) - 1
	list[i] = list[last]
	clear(list[last:])
	if index[key] = list[:last]; last == 0 {
		delete(index, key)
	}
}
