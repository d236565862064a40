package xmppd

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

var errAway = errors.New("the database is away")

// memStore is every store in memory. Set fail to see what happens when the
// database is away.
type memStore struct {
	mu       sync.Mutex
	fail     error
	lostAck  bool // Append stores and then fails, as when an answer is lost
	accounts map[string]*VCard
	rosters  map[string]map[string]Contact
	archive  []archive.Entry
	offline  map[string][]OfflineMessage

	offlineBytes int // most bytes of offline messages of one user; 0: any
	blocked      map[string][]string
	private      map[string][]byte
	apps         map[string][]string // app passwords, by user
	disabled     map[string]bool     // accounts that may not sign in
	revoked      map[string]bool     // sessions that ended
	prefs        map[string]archive.Prefs
	lastActivity map[string]LastActivity
	everyone     bool
	large        bool   // with everyone: rosters have only those one talks with, or added
	asked        int    // calls of ContactsOf
	stranger     string // whom the site shows to nobody, with everyone
	appends      int
	reads        int                      // of rosters and block lists
	held         map[string]chan struct{} // by method: it tells here that it has begun, and then waits for another word
}

// hold makes the next call of a method wait: entered returns once it has begun,
// release lets it go on.
func (m *memStore) hold(method string) (entered, release func()) {
	ch := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[method] = ch
	return func() { <-ch }, func() { <-ch }
}

// pass waits if the method is held.
func (m *memStore) pass(method string) {
	m.mu.Lock()
	ch := m.held[method]
	delete(m.held, method)
	m.mu.Unlock()
	if ch != nil {
		ch <- struct{}{}
		ch <- struct{}{}
	}
}

func newMemStore(users ...string) *memStore {
	m := &memStore{
		accounts: map[string]*VCard{}, rosters: map[string]map[string]Contact{}, offline: map[string][]OfflineMessage{},
		blocked: map[string][]string{}, private: map[string][]byte{}, prefs: map[string]archive.Prefs{}, lastActivity: map[string]LastActivity{}, revoked: map[string]bool{},
		held: map[string]chan struct{}{}, apps: map[string][]string{}, disabled: map[string]bool{},
	}
	for _, u := range users {
		m.accounts[u] = &VCard{Name: strings.ToUpper(u[:1]) + u[1:]}
		m.rosters[u] = map[string]Contact{}
	}
	return m
}

func (m *memStore) stores() Stores {
	return Stores{SessionData: m, Accounts: m, Roster: m, Archive: m, Prefs: m, Offline: m, Blocks: m, VCards: m, Private: m, LastActivity: m}
}

func (m *memStore) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func (m *memStore) archived() []archive.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.archive)
}

// waiting returns the offline messages of a user.
func (m *memStore) waiting(user string) []OfflineMessage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.offline[user])
}

// subscribe makes two people know each other.
func (m *memStore) subscribe(a, b string) {
	for _, p := range [][2]string{{a, b}, {b, a}} {
		m.rosters[p[0]][p[1]+"@h"] = Contact{JID: p[1] + "@h", Subscription: SubscriptionBoth, Listed: true}
	}
}

func (m *memStore) Password(_ context.Context, user, password string, _ stream.Peer) (stream.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return stream.Identity{}, m.fail
	}
	if slices.Contains(m.apps[user], password) {
		return stream.Identity{User: user, Session: "app " + password}, nil
	}
	if m.accounts[user] == nil || password != "secret" {
		return stream.Identity{}, sasl.NotAuthorized
	}
	return stream.Identity{User: user, Session: "s-" + user}, nil
}

// SCRAM implements Authority; the salt follows from the name, whether or not
// there is such an account.
func (m *memStore) SCRAM(_ context.Context, user string, hash sasl.SCRAMHash) (sasl.SCRAMCredentials, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := sasl.SCRAMCredentials{Salt: []byte("salt of " + user), Iterations: scramIterations}
	for _, password := range m.apps[user] {
		keys, err := deriveOnce(hash, password, string(c.Salt))
		if err != nil {
			return c, err
		}
		c.Keys = append(c.Keys, sasl.SCRAMKey{Identity: stream.Identity{User: user, Session: "app " + password}, StoredKey: keys.stored, ServerKey: keys.server})
	}
	return c, m.fail
}

func (m *memStore) CredentialUsed(_ context.Context, id stream.Identity) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.disabled[id.User] {
		return sasl.AccountDisabled
	}
	return m.fail
}

func (m *memStore) Current(_ context.Context, id stream.Identity) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.revoked[id.Session] {
		return sasl.NotAuthorized
	}
	return m.fail
}

func (m *memStore) SessionData(ctx context.Context, id stream.Identity) (a SessionData, err error) {
	if m.pass("Arrival"); errors.Is(m.Current(ctx, id), sasl.NotAuthorized) {
		return a, ErrNotFound
	}
	if a.Account, err = m.Account(ctx, id.User); err != nil && !errors.Is(err, ErrNotFound) {
		return a, err
	}
	if a.Contacts, a.Complete, err = m.Roster(ctx, id.User); err != nil {
		return a, err
	}
	if a.Blocked, err = m.Blocked(ctx, id.User); err != nil {
		return a, err
	}
	if a.Prefs, err = m.Prefs(ctx, id.User); errors.Is(err, archive.ErrNotFound) {
		a.Prefs, err = archive.Prefs{Default: archive.Always}, nil
	}
	a.Waiting = len(m.waiting(id.User)) > 0
	return a, err
}

func (m *memStore) Account(_ context.Context, user string) (Account, error) {
	m.pass("Account")
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.accounts[user]
	switch {
	case m.fail != nil:
		return Account{}, m.fail
	case v == nil:
		return Account{}, ErrNotFound
	}
	return Account{User: user, Name: v.Name, AvatarHash: v.PhotoHash}, nil
}

func (m *memStore) site(user, jid string) bool {
	other, _, _ := strings.Cut(jid, "@")
	return m.everyone && other != user && m.accounts[other] != nil && m.stranger != other && m.stranger != user
}

// member is what the site says of somebody, and what user does.
func (m *memStore) member(user, other string) Contact {
	jid := other + "@h"
	fixed := !m.large || slices.ContainsFunc(m.archive, func(e archive.Entry) bool { return e.Owner == user+"@h" && e.With == jid })
	return Contact{
		JID: jid, Name: m.accounts[other].Name, Subscription: SubscriptionBoth, SharedBySite: true,
		SiteManaged: fixed, Listed: fixed || m.rosters[user][jid].Listed,
	}
}

func (m *memStore) Roster(_ context.Context, user string) ([]Contact, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	var out []Contact
	for _, c := range m.rosters[user] {
		if !m.site(user, c.JID) {
			out = append(out, c)
		}
	}
	for u := range m.accounts {
		if c := m.member(user, u); m.everyone && u != user && c.Listed {
			out = append(out, c)
		}
	}
	return out, m.everyone && !m.large, m.fail
}

func (m *memStore) Contact(_ context.Context, user, jid string) (Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return Contact{}, m.fail
	}
	if m.site(user, jid) {
		return m.member(user, localpart(jid)), nil
	}
	c, ok := m.rosters[user][jid]
	if !ok {
		return c, ErrNotFound
	}
	return c, nil
}

// timesAsked is how often ContactsOf was called.
func (m *memStore) timesAsked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

func (m *memStore) ContactsOf(ctx context.Context, jid string, users []string) (map[string]Contact, error) {
	m.mu.Lock()
	m.asked++
	m.mu.Unlock()
	out := make(map[string]Contact)
	for _, u := range users {
		c, err := m.Contact(ctx, u, jid)
		if err == nil {
			out[u] = c
		} else if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return out, nil
}

func (m *memStore) GroupPeers(context.Context, string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.everyone || m.large {
		return nil, nil
	}
	return slices.Collect(maps.Keys(m.accounts)), nil
}

func (m *memStore) UpdateContact(_ context.Context, user, jid string, update func(*Contact) (bool, error)) (Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return Contact{}, m.fail
	}
	c := m.rosters[user][jid]
	c.JID = jid
	if m.site(user, jid) {
		c = m.member(user, localpart(jid))
	}
	keep, err := update(&c)
	if err != nil {
		return c, err
	}
	if keep {
		m.rosters[user][jid] = c
	} else {
		delete(m.rosters[user], jid)
	}
	return c, nil
}

func (m *memStore) Append(_ context.Context, entries []archive.Entry) error {
	m.pass("Append")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.appends++
	if m.fail != nil && !m.lostAck {
		return m.fail
	}
	for _, e := range entries {
		if e.Body == "unstorable" {
			return fmt.Errorf("%w: no", archive.ErrUnstorable)
		}
	}
	for _, e := range entries {
		if !slices.ContainsFunc(m.archive, func(x archive.Entry) bool { return x.Owner == e.Owner && x.ID == e.ID }) {
			m.archive = append(m.archive, e)
		}
		if e.Retracts != nil {
			if err := m.retract(e); err != nil {
				return err
			}
		}
	}
	return m.fail
}

func (m *memStore) retract(e archive.Entry) (err error) {
	for i := range m.archive {
		if x := &m.archive[i]; x.Owner == e.Owner && slices.Contains(e.Retracts.IDs, x.ID) {
			x.Body = ""
			if x.Stanza, err = e.Retracts.Tombstone(x.Stanza); err != nil {
				return err
			}
		}
	}
	user, _, _ := strings.Cut(e.Owner, "@")
	m.offline[user] = slices.DeleteFunc(m.offline[user], func(o OfflineMessage) bool { return slices.Contains(e.Retracts.IDs, o.ID) })
	return nil
}

func (m *memStore) Newest(context.Context, uuid.UUID) (uuid.UUID, error) { return uuid.Nil, nil }

func (m *memStore) Remove(_ context.Context, entries []archive.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.archive = slices.DeleteFunc(m.archive, func(x archive.Entry) bool {
		return slices.ContainsFunc(entries, func(e archive.Entry) bool { return x.Owner == e.Owner && x.ID == e.ID })
	})
	return nil
}

func (m *memStore) Versions(_ context.Context, owner, with string, outgoing bool, stanzaID string, end []byte) ([]uuid.UUID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var mine []archive.Entry
	for _, e := range slices.Backward(m.archive) {
		if e.Owner == owner && e.With == with && e.Outgoing == outgoing && bytes.HasSuffix(e.Stanza, end) {
			mine = append(mine, e)
		}
	}
	i := slices.IndexFunc(mine, func(e archive.Entry) bool { return e.StanzaID == stanzaID })
	if i < 0 {
		return nil, m.fail
	}
	ids, original := []uuid.UUID{mine[i].ID}, mine[i].StanzaID
	if mine[i].Replaces != "" {
		original = mine[i].Replaces
	}
	for _, e := range mine {
		if e.Replaces == original || e.StanzaID == original {
			ids = append(ids, e.ID)
		}
		if e.StanzaID == original {
			break
		}
	}
	return ids, m.fail
}

func (m *memStore) Prefs(_ context.Context, user string) (archive.Prefs, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.prefs[user]
	if !ok && m.fail == nil {
		return p, archive.ErrNotFound
	}
	return p, m.fail
}

func (m *memStore) SetPrefs(_ context.Context, user string, p archive.Prefs) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prefs[user] = p
	return m.fail
}

func (m *memStore) Query(_ context.Context, q archive.Query) (archive.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var mine, found []archive.Entry
	for _, e := range m.archive {
		if e.Owner == q.Owner {
			mine = append(mine, e)
		}
	}
	slices.SortFunc(mine, func(a, b archive.Entry) int { return slices.Compare(a.ID[:], b.ID[:]) })
	for _, id := range slices.Concat(q.IDs, q.Named, []uuid.UUID{q.After, q.Before}) {
		if id != uuid.Nil && !slices.ContainsFunc(mine, func(e archive.Entry) bool { return e.ID == id }) {
			return archive.Page{}, archive.ErrNotFound
		}
	}
	var page archive.Page
	for _, e := range mine {
		bare, resource, full := strings.Cut(q.With, "/")
		if (q.With != "" && (e.With != bare || (full && e.Resource != resource))) || (len(q.IDs) > 0 && !slices.Contains(q.IDs, e.ID)) ||
			(q.Text != "" && !strings.Contains(e.Body, q.Text)) || (!q.Start.IsZero() && e.Time().Before(q.Start)) || (!q.End.IsZero() && e.Time().After(q.End)) {
			continue
		}
		if (q.AfterID != uuid.Nil && slices.Compare(e.ID[:], q.AfterID[:]) <= 0) || (q.BeforeID != uuid.Nil && slices.Compare(e.ID[:], q.BeforeID[:]) >= 0) {
			continue
		}
		page.Count++
		if (q.After != uuid.Nil && slices.Compare(e.ID[:], q.After[:]) <= 0) || (q.Before != uuid.Nil && slices.Compare(e.ID[:], q.Before[:]) >= 0) {
			continue
		}
		found = append(found, e)
	}
	page.Counted = q.WithCount
	page.Complete = len(found) <= q.Max
	if !page.Complete && q.Last {
		found = found[len(found)-q.Max:]
	} else if !page.Complete {
		found = found[:q.Max]
	}
	page.Entries = found
	return page, m.fail
}

func (m *memStore) Stored(_ context.Context, owner, with, stanzaID string, _ time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.archive, func(e archive.Entry) bool {
		return e.Owner == owner && e.With == with && e.Outgoing && e.StanzaID == stanzaID
	}), m.fail
}

func (m *memStore) Bounds(_ context.Context, owner string) (first, last archive.Entry, err error) {
	page, err := m.Query(context.Background(), archive.Query{Owner: owner, Max: 1 << 20})
	if err == nil && len(page.Entries) == 0 {
		err = archive.ErrNotFound
	}
	if err != nil {
		return first, last, err
	}
	return page.Entries[0], page.Entries[len(page.Entries)-1], nil
}

func (m *memStore) AddOffline(_ context.Context, user string, msg OfflineMessage) error {
	m.pass("AddOffline")
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.offline[user], func(o OfflineMessage) bool { return o.ID == msg.ID }) {
		return m.fail
	}
	bytes := len(msg.Stanza)
	for _, o := range m.offline[user] {
		bytes += len(o.Stanza)
	}
	if m.offlineBytes > 0 && bytes > m.offlineBytes {
		return ErrFull
	}
	m.offline[user] = append(m.offline[user], msg)
	return m.fail
}

func (m *memStore) Offline(_ context.Context, user string) ([]OfflineMessage, error) {
	m.pass("Offline")
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.offline[user])
	slices.SortStableFunc(out, func(a, b OfflineMessage) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return out, m.fail
}

func (m *memStore) RemoveOffline(_ context.Context, user string, ids []uuid.UUID) error {
	m.pass("RemoveOffline")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offline[user] = slices.DeleteFunc(m.offline[user], func(o OfflineMessage) bool { return slices.Contains(ids, o.ID) })
	return m.fail
}

func (m *memStore) Blocked(_ context.Context, user string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return slices.Clone(m.blocked[user]), nil
}

func (m *memStore) Block(_ context.Context, user string, jids []string) error {
	m.pass("Block")
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Clone(m.blocked[user])
	for _, jid := range jids {
		if !slices.Contains(all, jid) {
			all = append(all, jid)
		}
	}
	if len(all) > MaxBlocked || len(strings.Join(all, "")) > MaxBlockedBytes {
		return ErrFull
	}
	m.blocked[user] = all
	return m.fail
}

func (m *memStore) Unblock(_ context.Context, user string, jids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocked[user] = slices.DeleteFunc(m.blocked[user], func(j string) bool { return len(jids) == 0 || slices.Contains(jids, j) })
	return m.fail
}

func (m *memStore) VCard(_ context.Context, user string) (VCard, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts[user] == nil {
		return VCard{}, ErrNotFound
	}
	return *m.accounts[user], m.fail
}

func (m *memStore) SetVCard(_ context.Context, user string, v VCard) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v.PhotoHash = ""; len(v.Photo) > 0 {
		v.PhotoHash = fmt.Sprintf("%x", sha1.Sum(v.Photo))
	}
	m.accounts[user] = &v
	return m.fail
}

func (m *memStore) SetPhoto(_ context.Context, user, before string, photo []byte, _ string) (hash string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.accounts[user]
	if v.PhotoHash != before {
		return "", ErrStale
	}
	if len(photo) > 0 {
		hash = fmt.Sprintf("%x", sha1.Sum(photo))
	}
	v.Photo, v.PhotoHash = photo, hash
	return hash, m.fail
}

func (m *memStore) Private(_ context.Context, user string, name stream.Name) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, ok := m.private[user+name.Space+name.Local]
	if !ok {
		return nil, ErrNotFound
	}
	return raw, m.fail
}

func (m *memStore) SetPrivate(_ context.Context, user string, name stream.Name, raw []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.private[user+name.Space+name.Local] = raw
	return m.fail
}

func (m *memStore) SaveLastActivity(_ context.Context, list []LastActivity) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, d := range list {
		m.lastActivity[d.User] = d
	}
	return nil
}

func (m *memStore) LastActivity(_ context.Context, user string) (LastActivity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.lastActivity[user]; ok {
		return d, m.fail
	}
	return LastActivity{}, cmp.Or(m.fail, ErrNotFound)
}
