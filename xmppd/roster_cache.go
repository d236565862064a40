package xmppd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"unique"
	"weak"
)

// The rosters of those who are online, as they are kept in memory: immutable, equal
// entries shared, and replaced when something changes (roster_refresh.go).

// entry is a Contact as the cache keeps it. Members of one site have nearly the
// same rosters, so that equal entries are kept once for all of them; for that
// they must be comparable.
type entry struct {
	jid, name                     string
	groups                        string // joined with newlines, which no group has
	subscription                  Subscription
	ask, approved, listed, onSite bool
	fixed                         bool
	request                       string
}

func entryOf(c Contact) unique.Handle[entry] {
	return unique.Make(entry{
		jid: c.JID, name: c.Name, groups: strings.Join(c.Groups, "\n"), subscription: c.Subscription,
		ask: c.Ask, approved: c.Approved, listed: c.Listed, onSite: c.SharedBySite, fixed: c.SiteManaged, request: string(c.Request),
	})
}

func (e entry) contact() Contact {
	c := Contact{
		JID: e.jid, Name: e.name, Subscription: e.subscription,
		Ask: e.ask, Approved: e.approved, Listed: e.listed, SharedBySite: e.onSite, SiteManaged: e.fixed,
	}
	if e.groups != "" {
		c.Groups = strings.Split(e.groups, "\n")
	}
	if e.request != "" {
		c.Request = []byte(e.request)
	}
	return c
}

// roster is an account's contacts as the store gave them. It is immutable.
type roster struct {
	entries  []unique.Handle[entry] // ordered by JID
	digest   [2]uint64              // the sum of the listed items' digests
	complete bool                   // every member of the site is on it

	encoding sync.Mutex
	encoded  weak.Pointer[[]byte] // the items, until the garbage collector takes them
}

func newRoster(contacts []Contact, complete bool) *roster {
	slices.SortFunc(contacts, func(x, y Contact) int { return cmp.Compare(x.JID, y.JID) })
	r := &roster{entries: make([]unique.Handle[entry], len(contacts)), complete: complete}
	item := make([]byte, 0, 2*itemSize)
	for i, c := range contacts {
		r.entries[i] = entryOf(c)
		item = r.count(item[:0], c, 1)
	}
	return r
}

// count adds an item to the digest, or with -1 takes it out. The item is written
// to scratch, which is returned for the next.
func (r *roster) count(scratch []byte, c Contact, sign int) []byte {
	if !c.Listed {
		return scratch
	}
	scratch = appendItem(scratch, c)
	sum := sha256.Sum256(scratch)
	for i := range r.digest {
		n := binary.BigEndian.Uint64(sum[8*i:])
		if sign < 0 {
			n = -n
		}
		r.digest[i] += n // wraps
	}
	return scratch
}

// version is opaque to clients (RFC 6121 §2.6). It depends on the contents
// alone, so that any instance, after any restart, can tell whether a client is
// up to date.
func (r *roster) version() string { return fmt.Sprintf("%016x%016x", r.digest[0], r.digest[1]) }

// contacts yields the contacts by JID.
func (r *roster) contacts() iter.Seq[Contact] {
	return func(yield func(Contact) bool) {
		for _, e := range r.entries {
			if !yield(e.Value().contact()) {
				return
			}
		}
	}
}

func (r *roster) search(jid string) (int, bool) {
	return slices.BinarySearchFunc(r.entries, jid, func(e unique.Handle[entry], jid string) int { return cmp.Compare(e.Value().jid, jid) })
}

// entry returns the entry with that bare JID.
func (r *roster) entry(jid string) (entry, bool) {
	i, ok := r.search(jid)
	if !ok {
		return entry{}, false
	}
	return r.entries[i].Value(), true
}

// find returns the contact with that bare JID.
func (r *roster) find(jid string) (Contact, bool) {
	e, ok := r.entry(jid)
	if !ok {
		return Contact{}, false
	}
	return e.contact(), true
}

// shows reports whether the owner sees that JID's presence by the roster.
func (r *roster) shows(jid string) bool {
	e, ok := r.entry(jid)
	c := e.contact()
	return ok && c.hasTo() && (e.listed || !e.onSite)
}

// with returns the roster with c in the place of what it had under c's JID; not
// keep: without it.
func (r *roster) with(c Contact, keep bool) *roster {
	next := &roster{digest: r.digest, complete: r.complete}
	i, found := r.search(c.JID)
	rest := r.entries[i:]
	if found {
		next.count(nil, rest[0].Value().contact(), -1)
		rest = rest[1:]
	}
	next.entries = slices.Clone(r.entries[:i])
	if keep {
		next.count(nil, c, 1)
		next.entries = append(next.entries, entryOf(c))
	}
	next.entries = append(next.entries, rest...)
	return next
}

// rosters are the rosters of accounts. It is safe for concurrent use.
type rosters struct {
	store     RosterStore
	registry  *registry
	followers followers // index of those that are cached
}

// of returns an account's roster, from the cache while it is online.
func (rs *rosters) of(ctx context.Context, user string) (*roster, error) {
	a := rs.registry.lookup(user)
	var changes uint64
	if a != nil {
		var cached *roster
		if changes = a.cached(func() { cached = a.roster }); cached != nil {
			return cached, nil
		}
	}
	contacts, complete, err := rs.store.Roster(ctx, user)
	if err != nil {
		return nil, err
	}
	r := newRoster(contacts, complete)
	if a != nil {
		a.cache(changes, func() { rs.setLocked(a, r) })
	}
	return r, nil
}

// setLocked caches a's roster, with a's lock held.
func (rs *rosters) setLocked(a *account, r *roster) {
	a.roster = r
	rs.followers.follow(a, r)
}

// replace caches the roster as it is after a change in the store, unless
// something else changed meanwhile.
func (rs *rosters) replace(a *account, changes uint64, r *roster) {
	a.mu.Lock()
	defer a.mu.Unlock()
	same := a.changes == changes
	a.changes++ // what was read before the change is not cached after it
	if a.roster = nil; same {
		rs.setLocked(a, r)
	}
}

// forget drops the cached roster after a change.
func (rs *rosters) forget(user string) {
	if a := rs.registry.lookup(user); a != nil {
		a.forget()
	}
}
