package models

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// talk puts messages between two people into both archives, seconds after from.
func (db *DB) talk(t testing.TB, x, y string, seconds ...int) {
	t.Helper()
	for _, s := range seconds {
		id := uuid.Must(uuid.NewV7())
		at := uint64(time.Unix(1_700_000_000+int64(s), 0).UnixMilli())
		for i := range 6 {
			id[i] = byte(at >> (8 * (5 - i)))
		}
		for _, p := range [][2]string{{x, y}, {y, x}} {
			entry := archive.Entry{ID: id, Owner: p[0] + "@h", With: p[1] + "@h", Outgoing: true, Stanza: []byte("<message/>")}
			if err := db.Stores("h", RosterEveryone).Archive.Append(t.Context(), []archive.Entry{entry}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func rosterJIDs(t testing.TB, s xmppd.RosterStore, user string) (jids []string, complete bool) {
	t.Helper()
	list, complete, err := s.Roster(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		jid := c.JID
		if !c.SiteManaged {
			jid += "*"
		}
		jids = append(jids, jid)
	}
	slices.Sort(jids)
	return jids, complete
}

// everybody, while the site is small; then those whom a person talks with,
// shares a group with, or has added.
func TestRoster_LargeSite(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.rosterMax = 4
	s := db.Stores("h", RosterEveryone).Roster
	for _, n := range []string{"alice", "bob", "carol", "dave"} {
		db.person(t, n)
	}
	if jids, complete := rosterJIDs(t, s, "alice"); !complete || strings.Join(jids, " ") != "bob@h carol@h dave@h" {
		t.Errorf("small: %v %v", jids, complete)
	}
	for i := range 6 {
		db.person(t, fmt.Sprintf("m%d", i))
	}
	if jids, complete := rosterJIDs(t, s, "alice"); complete || len(jids) > 0 {
		t.Errorf("nobody is known yet: %v %v", jids, complete)
	}
	db.talk(t, "alice", "bob", 1)
	if _, err := db.pool.Exec(ctx, "INSERT INTO account_groups SELECT id, 'g' FROM accounts WHERE username IN ('alice', 'carol')"); err != nil {
		t.Fatal(err)
	}
	add := func(c *xmppd.Contact) (bool, error) { c.Listed = true; return true, nil }
	if _, err := s.UpdateContact(ctx, "alice", "dave@h", add); err != nil {
		t.Fatal(err)
	}
	if jids, _ := rosterJIDs(t, s, "alice"); strings.Join(jids, " ") != "bob@h carol@h dave@h*" {
		t.Errorf("%v", jids)
	}
	// A stranger is a contact that is on no roster.
	if c, err := s.Contact(ctx, "alice", "m1@h"); err != nil || !c.SharedBySite || c.Listed || c.Name != "M1" || c.Subscription != xmppd.SubscriptionBoth {
		t.Errorf("%+v %v", c, err)
	}
	of, err := s.ContactsOf(ctx, "alice@h", []string{"bob", "carol", "dave", "alice", "nobody"})
	if err != nil || len(of) != 4 || !of["bob"].SiteManaged || !of["carol"].SiteManaged || of["dave"].Listed {
		t.Errorf("%+v %v", of, err)
	}
	// The latest conversations, when there are more than have room.
	for i := range 6 {
		db.talk(t, "alice", fmt.Sprintf("m%d", i), 10+i, 100-i)
	}
	if jids, _ := rosterJIDs(t, s, "alice"); strings.Join(jids, " ") != "dave@h* m0@h m1@h m2@h m3@h" {
		t.Errorf("%v", jids)
	}
	gone, err := db.Accounts.AccountByName(ctx, "m0")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Accounts.SetBlocked(ctx, gone.ID, true); err != nil {
		t.Fatal(err)
	}
	if jids, _ := rosterJIDs(t, s, "alice"); slices.Contains(jids, "m0@h") {
		t.Errorf("blocked: %v", jids)
	}
	if peers, err := s.GroupPeers(ctx, "carol"); err != nil || strings.Join(peers, " ") != "alice" {
		t.Errorf("%v %v", peers, err)
	}
}

// ROSTER=groups: all of small groups, and of large ones those whom a person talks with or has added. What is asked of one
// contact agrees with the list.
func TestRoster_LargeGroup(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.rosterMax = 3
	s := db.Stores("h", RosterGroups).Roster
	people := []string{"alice", "bob", "carol", "dave", "m0", "m1", "m2", "stranger"}
	for _, n := range people {
		db.person(t, n)
	}
	join := func(group string, people ...string) {
		t.Helper()
		_, err := db.pool.Exec(ctx, "INSERT INTO account_groups SELECT id, $1 FROM accounts WHERE username = ANY ($2)", group, people)
		is(t, err, nil)
	}
	join("team", "alice", "bob", "carol")
	join("other team", "alice", "bob")
	join("all", "alice", "bob", "dave", "m0", "m1", "m2")
	for i, name := range []string{"m2", "m0", "stranger"} {
		db.talk(t, "alice", name, 10+i)
	}
	add := func(c *xmppd.Contact) (bool, error) { c.Listed = true; return true, nil }
	for _, jid := range []string{"dave@h", "stranger@h"} {
		_, err := s.UpdateContact(ctx, "alice", jid, add)
		is(t, err, nil)
	}
	jids, complete := rosterJIDs(t, s, "alice")
	if complete || strings.Join(jids, " ") != "bob@h carol@h dave@h* m0@h m2@h stranger@h*" {
		t.Errorf("%v %v", jids, complete)
	}
	for _, name := range people[1:] {
		c, err := s.Contact(ctx, "alice", name+"@h")
		is(t, err, nil)
		if peer := name != "stranger"; c.SharedBySite != peer || peer != (c.Subscription == xmppd.SubscriptionBoth) {
			t.Errorf("%+v", c)
		}
		if c.Listed != (slices.Contains(jids, c.JID) || slices.Contains(jids, c.JID+"*")) || c.SiteManaged != slices.Contains(jids, c.JID) {
			t.Errorf("%+v, and the roster has %v", c, jids)
		}
	}
	if peers, err := s.GroupPeers(ctx, "alice"); err != nil || len(peers) != 2 {
		t.Errorf("of the small groups: %v, %v", peers, err)
	}
}

// fillLargeSite makes 20,000 members, u1 and so on, in large groups and small ones. The first 50 talk with 400 each.
func (db *DB) fillLargeSite(t testing.TB) {
	t.Helper()
	const fill = `INSERT INTO accounts (username, name, password_hash) SELECT 'u' || n, 'Person ' || n, 'x' FROM generate_series(1, 20000) n;
		INSERT INTO conversations (owner, peer, latest)
			SELECT 'u' || (n % 50 + 1) || '@h', 'u' || n || '@h', gen_random_uuid() FROM generate_series(1, 20000) n;
		INSERT INTO account_groups SELECT id, 'large' || n % 2 FROM (SELECT id, substr(username, 2)::int AS n FROM accounts) a;
		INSERT INTO account_groups SELECT id, 'small' || n % 500 FROM (SELECT id, substr(username, 2)::int AS n FROM accounts) a;
		ANALYZE accounts; ANALYZE account_groups; ANALYZE conversations`
	if _, err := db.pool.Exec(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
}

// What the lists of people of 1,000 members cost who sign in to a large site.
func BenchmarkRoster_LargeSite(b *testing.B) {
	db := open(b)
	db.fillLargeSite(b)
	for _, mode := range []RosterMode{RosterEveryone, RosterGroups} {
		s := db.Stores("h", mode).Roster
		b.Run(string(mode), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, _, err := s.Roster(b.Context(), fmt.Sprintf("u%d", i%1000+1)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A roster's cost is that of the conversations that it shows: the archive is not
// asked, and of the others nothing is read.
func TestRoster_LargeSitePlan(t *testing.T) {
	db := open(t)
	db.fillLargeSite(t)
	for _, supplied := range []string{suppliedToAll, suppliedByGroups} {
		plan := db.explain(t, supplied, "u1", "h", DefaultRosterMax, maxTalks)
		for line := range strings.Lines(plan) {
			// Apart from whether the site is small, and for all members if it is.
			if strings.Contains(line, "Seq Scan") && !strings.Contains(line, "never executed") && !strings.Contains(line, "rows=201 loops=1") {
				t.Errorf("%s", line)
			}
		}
		if strings.Contains(plan, "Bitmap Heap Scan on account_groups") {
			t.Error("the whole of a large group is read")
		}
		if strings.Contains(plan, " archive") || !strings.Contains(plan, "on conversations") || t.Failed() {
			t.Errorf("plan:\n%s", plan)
		}
	}
}

// Conversations are noted with the messages, once a minute, and only those
// between members.
func TestConversations_Noted(t *testing.T) {
	db, ctx := open(t), t.Context()
	s := db.Stores("h", RosterEveryone).Archive
	say := func(ago time.Duration, owner, with string) uuid.UUID {
		t.Helper()
		e := archive.Entry{ID: firstID(time.Now().Add(-ago)), Owner: owner, With: with, Stanza: []byte("<message/>")}
		other := e
		other.ID[15]++ // in the same commit
		if err := s.Append(ctx, []archive.Entry{e, other}); err != nil {
			t.Fatal(err)
		}
		return other.ID
	}
	latest := func() (id uuid.UUID) {
		t.Helper()
		if err := db.pool.QueryRow(ctx, "SELECT latest FROM conversations WHERE owner = 'alice@h' AND peer = 'bob@h'").Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	if first := say(time.Hour, "alice@h", "bob@h"); latest() != first {
		t.Errorf("%s, want %s", latest(), first)
	}
	second := say(0, "alice@h", "bob@h")
	if latest() != second {
		t.Errorf("%s, want %s", latest(), second)
	}
	say(-time.Millisecond, "alice@h", "bob@h")
	if latest() != second {
		t.Error("noted again within a minute")
	}
	say(0, "lobby@conference.h", "bob@h")
	say(0, "alice@h", "lobby@conference.h")
	var n int
	if err := db.pool.QueryRow(ctx, "SELECT count(*) FROM conversations").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d conversations, %v", n, err)
	}
}

// explain returns the plan of a query as it was executed.
func (db *DB) explain(t testing.TB, query string, args ...any) string {
	t.Helper()
	rows, err := db.pool.Query(t.Context(), "EXPLAIN (ANALYZE, BUFFERS) "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var line string
	for rows.Next() {
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// What a session begins with is read in one journey, and is what the stores say.
func TestArrival(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.rosterMax = 2
	stores := db.Stores("h", RosterEveryone)
	alice := db.person(t, "alice")
	for _, n := range []string{"bob", "carol", "dave"} {
		db.person(t, n)
	}
	session := Session{AccountID: alice.ID, SecretHash: []byte("secret"), ExpiresAt: time.Now().Add(time.Hour)}
	if err := db.Sessions.CreateSession(ctx, &session, SessionBasis{PasswordVersion: alice.PasswordVersion}); err != nil {
		t.Fatal(err)
	}
	id := stream.Identity{User: "alice", Session: session.ID}
	a, err := stores.SessionData.SessionData(ctx, id)
	if err != nil || a.Account.Name != "Alice" || len(a.Contacts)+len(a.Blocked) > 0 || a.Complete || a.Waiting || a.Prefs.Default != archive.Always {
		t.Errorf("%+v %v", a, err)
	}
	db.talk(t, "alice", "bob", 1)
	prefs := archive.Prefs{Default: archive.Never, Always: []string{"bob@h"}, Never: []string{}}
	for _, err := range []error{
		stores.Blocks.Block(ctx, "alice", []string{"dave@h"}), stores.Prefs.SetPrefs(ctx, "alice", prefs),
		stores.Offline.AddOffline(ctx, "alice", xmppd.OfflineMessage{ID: uuid.Must(uuid.NewV7()), Stamp: time.Now(), Stanza: []byte("<message/>")}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err = stores.SessionData.SessionData(ctx, id)
	roster, complete, rosterErr := stores.Roster.Roster(ctx, "alice")
	if err != nil || rosterErr != nil || len(a.Contacts) != 1 || !reflect.DeepEqual(a.Contacts, roster) || a.Complete != complete {
		t.Errorf("%+v, not %+v: %v %v", a.Contacts, roster, err, rosterErr)
	}
	if !slices.Equal(a.Blocked, []string{"dave@h"}) || !a.Waiting || !reflect.DeepEqual(a.Prefs, prefs) {
		t.Errorf("%+v", a)
	}
	db.rosterMax = 10
	if a, err = stores.SessionData.SessionData(ctx, id); err != nil || !a.Complete || len(a.Contacts) != 3 {
		t.Errorf("a small site: %+v %v", a, err)
	}
	for _, gone := range []stream.Identity{{User: "alice"}, {User: "bob", Session: session.ID}, {User: "alice", Session: uuid.NewString()}} {
		if _, err := stores.SessionData.SessionData(ctx, gone); !errors.Is(err, xmppd.ErrNotFound) {
			t.Errorf("%+v: %v", gone, err)
		}
	}
	if err := db.Accounts.SetBlocked(ctx, alice.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := stores.SessionData.SessionData(ctx, id); !errors.Is(err, xmppd.ErrNotFound) {
		t.Errorf("blocked: %v", err)
	}
}
