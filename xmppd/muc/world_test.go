package muc

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("the database is away")

// memStore keeps everything in memory. What rooms do not touch is not there.
type memStore struct {
	xmppd.Authority
	xmppd.RosterStore
	xmppd.VCardStore
	xmppd.PrivateStore

	mu      sync.Mutex
	held    chan struct{} // the next Append tells here that it has begun, and then waits for another word
	fail    error
	users   []string
	rooms   map[string]Room
	people  map[string]map[string]Affiliated
	entries []archive.Entry
	offline map[string][]xmppd.OfflineMessage
	pins    map[string][]Pin // by room

	blocked      map[string][]string         // by whom
	contacts     map[string]string           // who are each other's only contact; set before anybody is there
	reading      func(context.Context) error // called when a room is read; set before it is
	changed      func()                      // called when new settings or a subject are stored; set before they are
	slow         time.Duration               // how long a change of lists takes, as in a database; set before anybody is there
	bookmarked   []string                    // rooms, by everybody; set before anybody is there
	unread       []string                    // rooms, by everybody; set before anybody is there
	keepsNothing string                      // whose preferences say so; set before anybody is there
}

func (m *memStore) stores() xmppd.Stores {
	return xmppd.Stores{Accounts: m, Roster: m, Archive: archiveStore{m}, Prefs: m, Offline: m, Blocks: m, VCards: m, Private: m}
}

func (m *memStore) Password(context.Context, string, string, stream.Peer) (stream.Identity, error) {
	return stream.Identity{}, sasl.NotAuthorized
}
func (m *memStore) Current(context.Context, stream.Identity) error { return nil }

func (m *memStore) Account(_ context.Context, user string) (xmppd.Account, error) {
	if !slices.Contains(m.users, user) {
		return xmppd.Account{}, xmppd.ErrNotFound
	}
	return xmppd.Account{User: user, Name: user}, nil
}

func (m *memStore) Roster(_ context.Context, user string) ([]xmppd.Contact, bool, error) {
	if other, ok := m.contacts[user]; ok {
		return []xmppd.Contact{{JID: other + "@h", Subscription: xmppd.SubscriptionBoth, Listed: true}}, false, nil
	}
	return nil, false, nil
}

func (m *memStore) Contact(ctx context.Context, user, jid string) (xmppd.Contact, error) {
	if list, _, _ := m.Roster(ctx, user); len(list) > 0 && list[0].JID == jid {
		return list[0], nil
	}
	return xmppd.Contact{}, xmppd.ErrNotFound
}

func (m *memStore) ContactsOf(ctx context.Context, jid string, users []string) (map[string]xmppd.Contact, error) {
	out := make(map[string]xmppd.Contact)
	for _, u := range users {
		if c, err := m.Contact(ctx, u, jid); err == nil {
			out[u] = c
		}
	}
	return out, nil
}
func (m *memStore) GroupPeers(context.Context, string) ([]string, error) { return nil, nil }

func (m *memStore) Blocked(_ context.Context, user string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.blocked[user]), nil
}

func (m *memStore) Block(_ context.Context, user string, jids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blocked == nil {
		m.blocked = make(map[string][]string)
	}
	m.blocked[user] = append(m.blocked[user], jids...)
	return nil
}

func (m *memStore) Unblock(_ context.Context, user string, jids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocked[user] = slices.DeleteFunc(m.blocked[user], func(j string) bool { return len(jids) == 0 || slices.Contains(jids, j) })
	return nil
}

func (m *memStore) SetPrefs(context.Context, string, archive.Prefs) error { return nil }
func (m *memStore) Prefs(_ context.Context, user string) (archive.Prefs, error) {
	if slices.Contains(strings.Fields(m.keepsNothing), user) {
		return archive.Prefs{Default: archive.Never}, nil
	}
	return archive.Prefs{}, archive.ErrNotFound
}

func (m *memStore) VCard(_ context.Context, user string) (xmppd.VCard, error) {
	return xmppd.VCard{Name: user}, nil
}

func (m *memStore) AddOffline(_ context.Context, user string, msg xmppd.OfflineMessage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offline[user] = append(m.offline[user], msg)
	return nil
}

func (m *memStore) Offline(_ context.Context, user string) ([]xmppd.OfflineMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.offline[user]), nil
}

func (m *memStore) RemoveOffline(_ context.Context, user string, _ []uuid.UUID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.offline, user)
	return nil
}

// archiveStore is the archive.
type archiveStore struct{ *memStore }

func (m archiveStore) Append(_ context.Context, entries []archive.Entry) error {
	m.mu.Lock()
	held := m.held
	m.held = nil
	m.mu.Unlock()
	if held != nil {
		held <- struct{}{}
		<-held
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, e := range entries {
		if e.Retracts == nil {
			continue
		}
		for i, old := range m.entries {
			if old.Owner != e.Owner || !slices.Contains(e.Retracts.IDs, old.ID) {
				continue
			}
			tombstone, err := e.Retracts.Tombstone(old.Stanza)
			if err != nil {
				return err
			}
			m.entries[i].Stanza, m.entries[i].Body = tombstone, ""
		}
	}
	m.entries = append(m.entries, entries...)
	return nil
}

func (m archiveStore) Remove(context.Context, []archive.Entry) error { return nil }

func (m archiveStore) Query(_ context.Context, q archive.Query) (archive.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []archive.Entry
	for _, e := range m.entries {
		if e.Owner == q.Owner && (len(q.IDs) == 0 || slices.Contains(q.IDs, e.ID)) && e.Time().Compare(q.Start) >= 0 {
			found = append(found, e)
		}
	}
	if len(q.IDs) > 0 && len(found) == 0 {
		return archive.Page{}, archive.ErrNotFound
	}
	if q.Last && len(found) > q.Max {
		found = found[len(found)-q.Max:]
	}
	return archive.Page{Entries: found, Complete: true}, nil
}

func (m archiveStore) Stored(_ context.Context, owner, with, id string, since time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.entries, func(e archive.Entry) bool {
		return e.Owner == owner && e.With == with && e.Outgoing && e.StanzaID == id && e.Time().After(since)
	}), nil
}

func (m archiveStore) Versions(_ context.Context, owner, with string, outgoing bool, id string, end []byte) ([]uuid.UUID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var mine []archive.Entry // the newest first
	for _, e := range slices.Backward(m.entries) {
		if e.Owner == owner && e.With == with && e.Outgoing == outgoing && bytes.HasSuffix(e.Stanza, end) {
			mine = append(mine, e)
		}
	}
	named := slices.IndexFunc(mine, func(e archive.Entry) bool { return e.StanzaID == id })
	if named < 0 {
		return nil, nil
	}
	original := cmp.Or(mine[named].Replaces, id)
	var out []uuid.UUID
	for _, e := range mine {
		if e.StanzaID == original || e.Replaces == original {
			out = append(out, e.ID)
		}
		if e.StanzaID == original {
			break
		}
	}
	return out, nil
}

func (m archiveStore) Newest(context.Context, uuid.UUID) (uuid.UUID, error) { return uuid.Nil, nil }

func (m archiveStore) Bounds(_ context.Context, owner string) (first, last archive.Entry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err = archive.ErrNotFound
	for _, e := range m.entries {
		if e.Owner == owner {
			if err != nil {
				first, err = e, nil
			}
			last = e
		}
	}
	return first, last, err
}

// roomStore is the store of rooms.
type roomStore struct{ *memStore }

func (m roomStore) Room(ctx context.Context, name string) (Room, []Affiliated, error) {
	if m.reading != nil {
		if err := m.reading(ctx); err != nil {
			return Room{}, nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.rooms[name]
	if !ok {
		return r, nil, ErrNotFound
	}
	r.Pins = len(m.pins[name])
	return r, slices.Collect(maps.Values(m.people[name])), nil
}

// said returns a message of an archive that says something, and its latest version.
func (m *memStore) said(owner string, id uuid.UUID) (first, latest archive.Entry, ok bool) {
	for _, e := range m.entries {
		switch {
		case e.Owner == owner && e.ID == id && e.Body != "":
			first, latest, ok = e, e, true
		case ok && e.Owner == owner && e.Replaces == first.StanzaID && e.With == first.With:
			latest = e
		}
	}
	return first, latest, ok
}

func (m roomStore) Pin(_ context.Context, name, owner string, p Pin, most int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, _, ok := m.said(owner, p.ID); !ok {
		return ErrNotFound
	}
	if slices.ContainsFunc(m.pins[name], func(other Pin) bool { return other.ID == p.ID }) {
		return m.fail
	}
	if len(m.pins[name]) >= most {
		return ErrTooMany
	}
	m.pins[name] = append(m.pins[name], p)
	return m.fail
}

func (m roomStore) Unpin(_ context.Context, name string, ids []uuid.UUID) (gone []uuid.UUID, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pins[name] = slices.DeleteFunc(m.pins[name], func(p Pin) bool {
		if !slices.Contains(ids, p.ID) {
			return false
		}
		gone = append(gone, p.ID)
		return true
	})
	return gone, m.fail
}

func (m roomStore) Pinned(_ context.Context, name, owner string, q PinQuery) (out []Pinned, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range slices.Backward(m.pins[name]) {
		first, latest, ok := m.said(owner, p.ID)
		if ok && (q.IDs == nil || slices.Contains(q.IDs, p.ID)) && (q.StanzaID == "" || first.With == q.Author && first.StanzaID == q.StanzaID) {
			out = append(out, Pinned{Pin: p, Author: first.With, StanzaID: first.StanzaID, Nick: first.Resource, Version: latest.ID, Stanza: latest.Stanza})
		}
	}
	return out, m.fail
}

func (m roomStore) Create(_ context.Context, r Room, people []Affiliated, _ int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if _, ok := m.rooms[r.Name]; ok {
		return ErrTaken
	}
	m.rooms[r.Name], m.people[r.Name] = r, make(map[string]Affiliated)
	for _, a := range people {
		m.people[r.Name][a.User] = a
	}
	return nil
}

func (m roomStore) Configure(_ context.Context, name string, s Settings) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.rooms[name]
	if !ok {
		return ErrNotFound
	}
	r.Settings = s
	m.rooms[name] = r
	m.hasChangedLocked()
	return nil
}

// hasChangedLocked lets the test do something as soon as a change is stored.
func (m *memStore) hasChangedLocked() {
	if do := m.changed; do != nil {
		m.mu.Unlock()
		defer m.mu.Lock()
		do()
	}
}

func (m roomStore) SetSubject(_ context.Context, name string, s Subject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rooms[name]
	r.Subject = s
	m.rooms[name] = r
	m.hasChangedLocked()
	return m.fail
}

func (m roomStore) Affiliate(_ context.Context, name string, _ int, changes []Affiliated) error {
	time.Sleep(m.slow)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range changes {
		if !slices.Contains(m.users, a.User) {
			return ErrNoAccount
		}
	}
	for _, a := range changes {
		m.people[name][a.User] = a
	}
	return m.fail
}

func (m roomStore) Delete(_ context.Context, name, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	delete(m.rooms, name)
	m.entries = slices.DeleteFunc(m.entries, func(e archive.Entry) bool { return e.Owner == owner })
	return nil
}

func (m roomStore) DeleteTemporary(context.Context, string, []string) error { return nil }

func (m roomStore) Public(_ context.Context, after string, limit int) (out []Listing, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.rooms)) {
		if r := m.rooms[name]; r.Settings.Public && name > after && len(out) < limit {
			out = append(out, Listing{Name: name, Title: r.Settings.Title})
		}
	}
	return out, nil
}

func (m roomStore) Visible(ctx context.Context, w Wanted) ([]Listing, error) {
	return m.Public(ctx, "", w.Max)
}

func (m roomStore) Followed(_ context.Context, user, _, _ string, _ int) (out []Followed, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.rooms)) {
		if a := m.people[name][user].Affiliation; a == Owner || a == Admin || a == Member || slices.Contains(m.bookmarked, name) {
			out = append(out, Followed{Name: name, Unread: slices.Contains(m.unread, name)})
		}
	}
	return out, nil
}

func (m roomStore) Readable(_ context.Context, name string) (Listing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.rooms[name]
	if !ok || !r.Settings.Readable || !r.Settings.Open() {
		return Listing{}, ErrNotFound
	}
	return Listing{Name: name, Title: r.Settings.Title}, nil
}

func (m roomStore) Created(_ context.Context, user string) (n int, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rooms {
		if r.Creator == user {
			n++
		}
	}
	return n, nil
}

func (m *memStore) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// world is a server with group chat at rooms.h.
type world struct {
	t     testing.TB
	srv   *xmppd.Server
	svc   *Service
	store *memStore
	serve sync.WaitGroup
}

func newWorld(t testing.TB, cfg Config, users ...string) *world {
	return newWorldWith(t, cfg, xmppd.Config{}, users...)
}

func newWorldWith(t testing.TB, cfg Config, server xmppd.Config, users ...string) *world {
	w := &world{t: t, store: &memStore{users: users, rooms: map[string]Room{}, people: map[string]map[string]Affiliated{}, offline: map[string][]xmppd.OfflineMessage{}, pins: map[string][]Pin{}}}
	var err error
	server.Domain, server.Authority, server.Stores, server.StoreTimeout = "h", w.store, w.store.stores(), streamtest.Timeout/4
	if w.srv, err = xmppd.New(server); err != nil {
		t.Fatal(err)
	}
	cfg.Domain, cfg.Server, cfg.Store, cfg.Key = "rooms.h", w.srv, roomStore{w.store}, []byte("key")
	if w.svc, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	w.srv.Mount(w.svc)
	ctx, stop := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = w.srv.Run(ctx) })
	run.Go(func() { _ = w.svc.Run(ctx) })
	t.Cleanup(func() {
		w.srv.Shutdown(context.Background())
		w.serve.Wait()
		stop()
		run.Wait()
	})
	return w
}

// client is one person's client, and reads like a transcript.
type client struct {
	*streamtest.Client
	w    *world
	user string
	asks int
}

// connect signs somebody in; no resource is bound yet.
func (w *world) connect(user string) *client {
	w.t.Helper()
	server, end := streamtest.Pipe(w.t)
	c := &client{Client: end, w: w, user: user}
	peer := stream.Peer{Transport: stream.WebSocket, Identity: stream.Identity{User: user, Session: "s-" + user}, External: true}
	w.serve.Go(func() { _ = w.srv.Serve(context.Background(), server, &peer) })
	c.SignIn()
	return c
}

// online signs somebody in and makes them available.
func (w *world) online(user, resource string) *client {
	w.t.Helper()
	c := w.connect(user)
	c.Bind(resource)
	c.Send(`<presence xmlns="jabber:client"/>`)
	c.sync()
	return c
}

// sync returns the stanzas that came up to the answer of a ping.
func (c *client) sync() []*stream.Element {
	c.w.t.Helper()
	return slices.DeleteFunc(c.Sync(), func(e *stream.Element) bool { return e.Name.Space != stream.NSClient })
}

// seen is what came, in short: presences with role and codes, messages with
// their text, and errors with their condition.
func (c *client) seen() []string {
	c.w.t.Helper()
	var out []string
	for _, e := range c.sync() {
		out = append(out, short(e))
	}
	return out
}

func short(e *stream.Element) string {
	nick := e.From
	if _, after, ok := strings.Cut(e.From, "/"); ok && strings.Contains(e.From, "@rooms.h") {
		nick = after
	}
	parts := []string{e.Name.Local, nick}
	if e.Type != "" && e.Type != "groupchat" {
		parts = append(parts, e.Type)
	}
	for c := range e.Children() {
		switch c.Name.Local {
		case "error":
			typ, _ := c.Attr("type")
			for condition := range c.Children() {
				if condition.Name.Local != "text" {
					parts = append(parts, typ, condition.Name.Local)
				}
			}
		case "body", "subject":
			parts = append(parts, c.Name.Local+"="+c.Text())
		case "delay":
			parts = append(parts, "delay")
		case "x":
			if c.Name.Space == stanza.NSMUCUser {
				parts = append(parts, describe(c)...)
			}
		}
	}
	return strings.Join(parts, " ")
}

func describe(x stream.Child) (out []string) {
	for c := range x.Children() {
		switch c.Name.Local {
		case "item":
			a, _ := c.Attr("affiliation")
			r, _ := c.Attr("role")
			jid, _ := c.Attr("jid")
			out = append(out, a+"/"+r)
			if jid != "" {
				out = append(out, jid)
			}
		case "status":
			code, _ := c.Attr("code")
			out = append(out, code)
		default:
			out = append(out, c.Name.Local)
		}
	}
	return out
}

// sees fails the test unless exactly that comes.
func (c *client) sees(want ...string) {
	c.w.t.Helper()
	if got := c.seen(); !slices.Equal(got, want) {
		c.w.t.Errorf("%s sees\n\t%s\nwant\n\t%s", c.user, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// join enters a room without history.
func (c *client) join(room, nick string) {
	c.Send(`<presence xmlns="jabber:client" to="` + room + `@rooms.h/` + nick + `"><x xmlns="` + stanza.NSMUC + `"><history maxstanzas="0"/></x></presence>`)
}

func (c *client) say(room, id, body string) {
	c.Send(`<message xmlns="jabber:client" type="groupchat" id="` + id + `" to="` + room + `@rooms.h"><body>` + body + `</body></message>`)
}

// ask sends an IQ to a room and returns its answer.
func (c *client) ask(typ, to, payload string) *stream.Element {
	c.w.t.Helper()
	c.asks++
	id := fmt.Sprintf("ask-%d", c.asks)
	c.Send(`<iq xmlns="jabber:client" type="` + typ + `" id="` + id + `" to="` + to + `">` + payload + `</iq>`)
	for {
		if e := c.Read(); e.Name.Local == "iq" && e.ID == id {
			return e
		}
	}
}

// refused expects an error with that type and condition.
func (c *client) refused(e *stream.Element, want string) {
	c.w.t.Helper()
	if got := short(e); !strings.HasSuffix(got, "error "+want) {
		c.w.t.Errorf("%s, want %s", got, want)
	}
}

// has expects an answer to contain something.
func (c *client) has(e *stream.Element, parts ...string) {
	c.w.t.Helper()
	for _, part := range parts {
		if !strings.Contains(string(e.Raw), part) {
			c.w.t.Errorf("%s\nlacks %s", e.Raw, part)
		}
	}
}

// open makes a room that alice owns, without anybody in it.
func (w *world) open(name string, change func(*Settings)) {
	w.t.Helper()
	s := w.svc.DefaultSettings()
	if change != nil {
		change(&s)
	}
	if err := w.svc.CreateRoom(context.Background(), name, "alice", s); err != nil {
		w.t.Fatal(err)
	}
}
