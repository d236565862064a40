package models

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"foyer/internal/pgdev/pgtest"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster, Prepare: migrate})
}

func migrate(ctx context.Context, url string) error {
	db, err := Open(ctx, Options{URL: url})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

func open(t testing.TB) *DB {
	t.Helper()
	return openAt(t, cluster.DB(t))
}

func openAt(t testing.TB, url string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{URL: url, SiteConns: 4, ChatConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func (db *DB) person(t testing.TB, name string) Account {
	t.Helper()
	a := Account{Username: name, Name: strings.ToUpper(name[:1]) + name[1:], PasswordHash: "x"}
	if err := db.Accounts.CreateAccount(t.Context(), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (db *DB) session(t testing.TB, a Account, secret string, life time.Duration) Session {
	t.Helper()
	s := Session{AccountID: a.ID, SecretHash: []byte(secret), ExpiresAt: time.Now().Add(life)}
	if err := db.Sessions.CreateSession(t.Context(), &s, SessionBasis{PasswordVersion: a.PasswordVersion}); err != nil {
		t.Fatal(err)
	}
	return s
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestMigrate_UpAndAgain(t *testing.T) {
	db := openAt(t, cluster.EmptyDB(t))
	for range 2 {
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s, err := db.SchemaStatus(t.Context())
	if err != nil || s.Have != s.Want || s.Want < 2 || s.Behind() != "" || s.Newer() != "" {
		t.Errorf("%+v %v", s, err)
	}
}

// A fork has numbers of its own, which are higher: what comes after them from here is missing until it has run,
// and runs.
func TestMigrate_BesidesAFork(t *testing.T) {
	db := open(t)
	exec := func(statement string) {
		t.Helper()
		if _, err := db.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	status := func() Schema {
		t.Helper()
		s, err := db.SchemaStatus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (10001, true)")
	if s := status(); s.Behind() != "" || !strings.Contains(s.Newer(), "is at version 10001, and this program knows") {
		t.Errorf("%+v: %q, %q", s, s.Behind(), s.Newer())
	}
	exec("DELETE FROM goose_db_version WHERE version_id = 47; ALTER TABLE link_previews DROP COLUMN account_id")
	if s := status(); s.Behind() != "the database's schema lacks version 47, which this program needs" {
		t.Errorf("%+v: %q", s, s.Behind())
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := status(); s.Behind() != "" {
		t.Errorf("%+v: %q", s, s.Behind())
	}
	exec("SELECT account_id FROM link_previews")
	fork := Schema{Have: 10001, Want: 10001, Unknown: []int64{48, 49}} // what the fork says of what came from here
	if fork.Newer() != "the database's schema has version 48 and 1 more, which this program does not know" {
		t.Errorf("%q", fork.Newer())
	}
}

func TestAccount_Lifecycle(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, bob := db.person(t, "alice"), db.person(t, "bob")
	is(t, db.Accounts.CreateAccount(ctx, &Account{Username: "alice", Name: "x"}), ErrTaken)
	hash, err := db.Accounts.SetAvatar(ctx, alice.ID, []byte("pixels"), "image/png")
	if err != nil || hash != fmt.Sprintf("%x", sha1.Sum([]byte("pixels"))) {
		t.Fatalf("%s %v", hash, err)
	}
	if _, err := db.Accounts.SetAvatar(ctx, bob.ID, []byte("pixels"), "image/png"); err != nil {
		t.Fatal(err)
	}
	chat := db.Stores("h", RosterNone)
	entry := archive.Entry{ID: uuid.Must(uuid.NewV7()), Owner: "alice@h", With: "bob@h", Stanza: []byte("<message/>")}
	theirs := entry
	theirs.Owner, theirs.With = "bob@h", "alice@h"
	if err := chat.Archive.Append(ctx, []archive.Entry{entry, theirs}); err != nil {
		t.Fatal(err)
	}
	listed := func(c *xmppd.Contact) (bool, error) { c.Listed = true; return true, nil }
	for _, p := range [][2]string{{"alice", "bob@h"}, {"bob", "alice@h"}} {
		if _, err := chat.Roster.UpdateContact(ctx, p[0], p[1], listed); err != nil {
			t.Fatal(err)
		}
	}
	db.session(t, alice, "s", time.Hour)

	if err := db.Accounts.DeleteAccount(ctx, alice.ID, AnyVersion, "h"); err != nil {
		t.Fatal(err)
	}
	is(t, db.Accounts.CreateAccount(ctx, &Account{Username: "alice", Name: "x"}), ErrTaken) // never given out again
	_, err = db.Accounts.AccountByName(ctx, "alice")
	is(t, err, ErrNotFound)
	_, _, err = chat.Archive.Bounds(ctx, "alice@h")
	is(t, err, archive.ErrNotFound)
	if page, err := chat.Archive.Query(ctx, archive.Query{Owner: "bob@h", Max: 5}); err != nil || len(page.Entries) != 1 {
		t.Errorf("bob's archive: %+v %v", page, err)
	}
	if list, _, err := chat.Roster.Roster(ctx, "bob"); err != nil || len(list) != 0 {
		t.Errorf("bob's roster: %v %v", list, err)
	}
	if _, err := db.Accounts.Avatar(ctx, hash); err != nil {
		t.Errorf("a picture that bob has too: %v", err)
	}
	if _, err := db.Accounts.SetAvatar(ctx, bob.ID, nil, ""); err != nil {
		t.Fatal(err)
	}
	_, err = db.Accounts.Avatar(ctx, hash)
	is(t, err, ErrNotFound)
	if err := db.Accounts.SetBlocked(ctx, bob.ID, true); err != nil {
		t.Fatal(err)
	}
	_, err = chat.Accounts.Account(ctx, "bob")
	is(t, err, xmppd.ErrNotFound)
	is(t, db.Accounts.SetName(ctx, 4711, "x"), ErrNotFound)
}

func TestSession_Lifecycle(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	s, old := db.session(t, alice, "new", time.Hour), db.session(t, alice, "old", -time.Minute)
	got, who, err := db.Sessions.SessionBySecret(ctx, []byte("new"))
	if err != nil || got.ID != s.ID || who.Username != "alice" {
		t.Errorf("%+v %+v %v", got, who, err)
	}
	// A field that is added is read here, too.
	sessions, err := db.Sessions.Of(ctx, alice.ID)
	is(t, err, nil)
	byName, err := db.Accounts.AccountByName(ctx, "alice")
	is(t, err, nil)
	if fmt.Sprintf("%+v %+v", got, who) != fmt.Sprintf("%+v %+v", sessions[0], byName) {
		t.Errorf("%+v %+v, not %+v %+v", got, who, sessions[0], byName)
	}
	_, _, err = db.Sessions.SessionBySecret(ctx, []byte("old"))
	is(t, err, ErrNotFound)
	is(t, db.Sessions.SessionCurrent(ctx, s.ID, "alice"), nil)
	is(t, db.Sessions.SessionCurrent(ctx, s.ID, "bob"), ErrNotFound)
	is(t, db.Sessions.SessionCurrent(ctx, old.ID, "alice"), ErrNotFound)
	is(t, db.Sessions.SessionCurrent(ctx, "", "alice"), ErrNotFound) // nothing stands by itself
	other := db.session(t, alice, "other", time.Hour)
	if ids, err := db.Sessions.EndSessions(ctx, alice.ID, s.ID); err != nil || !slices.Contains(ids, other.ID) || slices.Contains(ids, s.ID) {
		t.Errorf("%v %v", ids, err)
	}
	is(t, db.Sessions.EndSession(ctx, alice.ID+1, s.ID), ErrNotFound)
	for _, none := range []string{"", "nonsense", "urn:uuid:" + s.ID, strings.ToUpper(s.ID)} { // as anybody can write into an address
		is(t, db.Sessions.EndSession(ctx, alice.ID, none), ErrNotFound)
		is(t, db.Tokens.RevokeAppPassword(ctx, alice.ID, none), ErrNotFound)
		_, err := db.Identities.UnlinkIdentity(ctx, alice.ID, none, "", SignInMethods{Password: true})
		is(t, err, ErrNotFound)
	}
	if err := db.Accounts.SetBlocked(ctx, alice.ID, true); err != nil {
		t.Fatal(err)
	}
	_, _, err = db.Sessions.SessionBySecret(ctx, []byte("new"))
	is(t, err, ErrNotFound)
	is(t, db.Sessions.SessionCurrent(ctx, "", "alice"), ErrNotFound)
	is(t, db.Sessions.DeleteExpired(ctx), nil)
}

func TestToken_Once(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	s := db.session(t, alice, "s", time.Hour)
	for hash, life := range map[string]time.Duration{"a": time.Minute, "b": time.Minute, "expired": -time.Second} {
		if err := db.Tokens.SaveToken(ctx, []byte(hash), alice.ID, s.ID, time.Now().Add(life)); err != nil {
			t.Fatal(err)
		}
	}
	user, session, err := db.Tokens.ConsumeToken(ctx, []byte("a"))
	if err != nil || user != "alice" || session != s.ID {
		t.Errorf("%s %s %v", user, session, err)
	}
	for _, hash := range []string{"a", "expired", "unknown"} {
		_, _, err = db.Tokens.ConsumeToken(ctx, []byte(hash))
		is(t, err, ErrNotFound)
	}
	if err := db.Sessions.EndSession(ctx, alice.ID, s.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = db.Tokens.ConsumeToken(ctx, []byte("b")) // gone with its session
	is(t, err, ErrNotFound)
}

// A signed token is noted as used while what it stands on stands, by the same
// statement.
func TestUseTokenID(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	db.person(t, "bob")
	s := db.session(t, alice, "s", time.Hour)
	use := func(id, user, session string) error {
		return db.Tokens.UseTokenID(ctx, UsedToken{ID: id, Username: user, Session: session, Expires: time.Now().Add(time.Minute)})
	}
	is(t, use("1", "alice", s.ID), nil)
	is(t, use("1", "alice", s.ID), ErrTaken)
	is(t, use("2", "bob", s.ID), ErrNotFound)
	is(t, use("2", "alice", ""), ErrNotFound)
	p := AppPassword{AccountID: alice.ID, Name: "Phone", Salt: []byte("salt"), Iterations: 4096}
	is(t, db.Tokens.CreateAppPassword(ctx, &p, s.ID), nil)
	is(t, use("2", "alice", p.ID), nil)
	is(t, db.Sessions.EndSession(ctx, alice.ID, s.ID), nil)
	is(t, use("3", "alice", s.ID), ErrNotFound)
	is(t, db.Accounts.SetBlocked(ctx, alice.ID, true), nil)
	is(t, use("3", "alice", p.ID), ErrNotFound)
}

// One key signs for a server and one waits; a retired one verifies until it expires.
func TestTokenKeys(t *testing.T) {
	db, ctx := open(t), t.Context()
	add := func(id, audience string, state TokenKeyState) error {
		return db.Tokens.AddTokenKey(ctx, TokenKey{ID: id, Audience: audience, Algorithm: "EdDSA", Nonce: make([]byte, 32), State: state})
	}
	_, err := db.Tokens.SigningKey(ctx, "a")
	is(t, err, ErrNotFound)
	is(t, add("1", "a", KeySigning), nil)
	is(t, add("2", "a", KeySigning), ErrTaken)
	is(t, add("other", "b", KeySigning), nil)
	is(t, db.Tokens.SwitchTokenKey(ctx, "a", time.Now()), ErrNotFound)
	is(t, add("2", "a", KeyNext), nil)
	is(t, add("3", "a", KeyNext), ErrTaken)
	is(t, db.Tokens.SwitchTokenKey(ctx, "a", time.Now().Add(time.Hour)), nil)
	k, err := db.Tokens.SigningKey(ctx, "a")
	if err != nil || k.ID != "2" || k.ExpiresAt != nil {
		t.Errorf("%+v %v", k, err)
	}
	list, err := db.Tokens.TokenKeys(ctx, "a")
	if err != nil || len(list) != 2 || list[0].ID != "2" || list[1].State != KeyRetired {
		t.Errorf("%+v %v", list, err)
	}
	_, err = db.Tokens.TokenKey(ctx, "1")
	is(t, err, nil)
	is(t, db.Tokens.DropTokenKey(ctx, "a", "2"), ErrNotFound) // it signs
	is(t, db.Tokens.DropTokenKey(ctx, "b", "1"), ErrNotFound)
	is(t, db.Tokens.DropTokenKey(ctx, "a", "1"), nil)
	is(t, add("4", "a", KeyNext), nil)
	is(t, db.Tokens.SwitchTokenKey(ctx, "a", time.Now()), nil)
	_, err = db.Tokens.TokenKey(ctx, "2")
	is(t, err, ErrNotFound)
	is(t, db.Sessions.DeleteExpired(ctx), nil)
	if k, err := db.Tokens.SigningKey(ctx, "a"); err != nil || k.ID != "4" {
		t.Errorf("%+v %v", k, err)
	}
}

func TestAttempt_Window(t *testing.T) {
	db, ctx := open(t), t.Context()
	for i := range 5 {
		wait, err := db.Throttle.Attempt(ctx, "k", 3, time.Hour)
		if err != nil || (wait > 0) != (i >= 3) || wait > time.Hour {
			t.Errorf("attempt %d: %v %v", i, wait, err)
		}
	}
	if err := db.Throttle.ResetAttempts(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	if wait, err := db.Throttle.Attempt(ctx, "k", 3, -time.Second); err != nil || wait > 0 {
		t.Errorf("%v %v", wait, err)
	}
	if wait, err := db.Throttle.Attempt(ctx, "k", 0, time.Hour); err != nil || wait <= 0 {
		t.Errorf("a window that passed counts from the start: %v %v", wait, err)
	}
}

// What counts, and for how long, the database alone says: its clock may be another than the site's.
func TestAttempt_OneClock(t *testing.T) {
	for _, ahead := range []string{"3 hours", "-3 hours"} {
		t.Run(ahead, func(t *testing.T) {
			url, ctx := cluster.DB(t), t.Context()
			db := openAt(t, url)
			for _, q := range []string{
				"CREATE SCHEMA clock",
				"CREATE FUNCTION clock.now() RETURNS timestamptz STABLE LANGUAGE sql AS $$ SELECT pg_catalog.now() + interval '" + ahead + "' $$",
			} {
				if _, err := db.pool.Exec(ctx, q); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(url, "?") {
				url += "&"
			} else {
				url += "?"
			}
			db = openAt(t, url+"search_path=clock,public,pg_catalog")
			within := func(what string, wait time.Duration, err error) {
				t.Helper()
				if err != nil || wait > time.Hour || wait < 59*time.Minute {
					t.Errorf("%s: %v %v", what, wait, err)
				}
			}
			for range 2 {
				if wait, err := db.Throttle.Attempt(ctx, "k", 2, time.Hour); err != nil || wait != 0 {
					t.Errorf("%v %v", wait, err)
				}
			}
			wait, err := db.Throttle.Attempt(ctx, "k", 2, time.Hour)
			within("attempt", wait, err)
			list, err := db.Throttle.AttemptsUnder(ctx, []string{"k"})
			if len(list) != 1 || list[0].Count != 3 {
				t.Fatalf("%+v %v", list, err)
			}
			within("attempts", list[0].Left, err)
			if wait, err := db.Throttle.ReserveAttempt(ctx, "r", 1, time.Hour); err != nil || wait != 0 {
				t.Errorf("%v %v", wait, err)
			}
			wait, err = db.Throttle.ReserveAttempt(ctx, "r", 1, time.Hour)
			within("reserved", wait, err)
		})
	}
}

func TestSiteKey_SameForAll(t *testing.T) {
	db := open(t)
	a, err1 := db.SiteKey(t.Context(), "a")
	again, err2 := db.SiteKey(t.Context(), "a")
	b, err3 := db.SiteKey(t.Context(), "b")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if len(a) != 32 || !bytes.Equal(a, again) || bytes.Equal(a, b) {
		t.Errorf("%x %x %x", a, again, b)
	}
}

func TestLockAndNotify(t *testing.T) {
	db := open(t)
	release, _, err := db.Lock(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = db.Lock(t.Context(), "x")
	is(t, err, ErrLocked)
	release()
	again, _, err := db.Lock(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	again()

	ctx, stop := context.WithCancel(t.Context())
	events := make(chan Event, 100)
	done := make(chan struct{})
	go func() { defer close(done); db.Listen(ctx, func(e Event) { events <- e }) }()
	want := Event{Kind: EventEnded, User: "alice", Session: "1"}
	other := *db.core
	other.instance = "another"
	another := newDB(&other)
	for got := (Event{}); got != want; { // until it listens
		// what it did itself it does not hear again.
		if err := errors.Join(db.Notify(ctx, Event{Kind: EventChanged, User: "bob"}), another.Notify(ctx, want)); err != nil {
			t.Fatal(err)
		}
		select {
		case got = <-events:
			if got != want {
				t.Fatalf("heard %+v", got)
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	// The connection is lost: it listens again, and says that it may have missed
	// something.
	if _, err := db.pool.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"); err != nil {
		t.Fatal(err)
	}
	for e := range events {
		if e.Kind == EventResync {
			break
		}
	}
	stop()
	<-done
}

func TestRoster_Modes(t *testing.T) {
	db, ctx := open(t), t.Context()
	for _, n := range []string{"alice", "bob", "carol"} {
		db.person(t, n)
	}
	blocked := db.person(t, "dave")
	if err := db.Accounts.SetBlocked(ctx, blocked.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := db.pool.Exec(ctx, "INSERT INTO account_groups SELECT id, 'g' FROM accounts WHERE username IN ('alice', 'bob')"); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[RosterMode]string{RosterEveryone: "bob@h carol@h x@elsewhere", RosterGroups: "bob@h x@elsewhere", RosterNone: "bob@h x@elsewhere"} {
		r := db.Stores("h", mode).Roster
		for _, jid := range []string{"bob@h", "x@elsewhere"} {
			if _, err := r.UpdateContact(ctx, "alice", jid, func(c *xmppd.Contact) (bool, error) {
				if c.SharedBySite != (mode != RosterNone && jid == "bob@h") {
					t.Errorf("%s: %+v", mode, c)
				}
				c.Name, c.Groups, c.Listed = "Bobby", []string{"g"}, true
				return true, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		list, _, err := r.Roster(ctx, "alice")
		var jids []string
		for _, c := range list {
			jids = append(jids, c.JID)
			if c.JID == "bob@h" && (c.Name != "Bobby" || c.SharedBySite != (mode != RosterNone)) {
				t.Errorf("%s: %+v", mode, c)
			}
		}
		slices.Sort(jids)
		if err != nil || strings.Join(jids, " ") != want {
			t.Errorf("%s: %v %v", mode, jids, err)
		}
		_, err = r.Contact(ctx, "alice", "nobody@h")
		is(t, err, xmppd.ErrNotFound)
	}
	r := db.Stores("h", RosterNone).Roster
	boom := errors.New("boom")
	_, err := r.UpdateContact(ctx, "alice", "bob@h", func(c *xmppd.Contact) (bool, error) { c.Name = "changed"; return true, boom })
	is(t, err, boom)
	if c, err := r.Contact(ctx, "alice", "bob@h"); err != nil || c.Name != "Bobby" {
		t.Errorf("after an error: %+v %v", c, err)
	}
	if _, err := r.UpdateContact(ctx, "alice", "bob@h", func(*xmppd.Contact) (bool, error) { return false, nil }); err != nil {
		t.Fatal(err)
	}
	_, err = r.Contact(ctx, "alice", "bob@h")
	is(t, err, xmppd.ErrNotFound)
}

func TestSmallStores(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.Stores("h", RosterNone)
	if a, err := s.Accounts.Account(ctx, "alice"); err != nil || a.Name != "Alice" {
		t.Errorf("%+v %v", a, err)
	}
	_, err := s.Accounts.Account(ctx, "zoe")
	is(t, err, xmppd.ErrNotFound)

	for i := range maxOffline + 1 {
		err = s.Offline.AddOffline(ctx, "alice", xmppd.OfflineMessage{ID: uuid.Must(uuid.NewV7()), Stamp: time.Now(), Stanza: []byte(fmt.Sprint(i))})
	}
	is(t, err, xmppd.ErrFull)
	list, err := s.Offline.Offline(ctx, "alice")
	if err != nil || len(list) != maxOffline || string(list[0].Stanza) != "0" {
		t.Fatalf("%d %v", len(list), err)
	}
	if err := s.Offline.RemoveOffline(ctx, "alice", []uuid.UUID{list[0].ID}); err != nil {
		t.Fatal(err)
	}

	// XEP-0160: bounded in bytes as well.
	db.person(t, "bob")
	big := xmppd.OfflineMessage{ID: uuid.Must(uuid.NewV7()), Stamp: time.Now(), Stanza: make([]byte, maxOfflineBytes-1)}
	is(t, s.Offline.AddOffline(ctx, "bob", big), nil)
	is(t, s.Offline.AddOffline(ctx, "bob", big), nil) // the same again
	for size, want := range map[int]error{2: xmppd.ErrFull, 1: nil} {
		is(t, s.Offline.AddOffline(ctx, "bob", xmppd.OfflineMessage{ID: uuid.Must(uuid.NewV7()), Stamp: time.Now(), Stanza: make([]byte, size)}), want)
	}

	is(t, s.Blocks.Block(ctx, "alice", []string{"a@h", "b@h", "a@h"}), nil)
	is(t, s.Blocks.Unblock(ctx, "alice", []string{"a@h"}), nil)
	if b, err := s.Blocks.Blocked(ctx, "alice"); err != nil || fmt.Sprint(b) != "[b@h]" {
		t.Errorf("%v %v", b, err)
	}
	many := make([]string, xmppd.MaxBlocked)
	for i := range many {
		many[i] = fmt.Sprint("u", i, "@h")
	}
	is(t, s.Blocks.Block(ctx, "alice", many), xmppd.ErrFull)
	is(t, s.Blocks.Block(ctx, "alice", append(many[1:], "b@h")), nil)
	is(t, s.Blocks.Block(ctx, "alice", []string{"b@h"}), nil) // there is no more of it
	is(t, s.Blocks.Block(ctx, "alice", many[:1]), xmppd.ErrFull)
	is(t, s.Blocks.Unblock(ctx, "alice", nil), nil)
	is(t, s.Blocks.Block(ctx, "alice", []string{strings.Repeat("x", xmppd.MaxBlockedBytes/2), "é" + strings.Repeat("x", xmppd.MaxBlockedBytes/2-1)}), xmppd.ErrFull)
	is(t, s.Blocks.Unblock(ctx, "alice", nil), nil)
	if b, err := s.Blocks.Blocked(ctx, "alice"); err != nil || len(b) != 0 {
		t.Errorf("%v %v", b, err)
	}

	name := stream.Name{Space: "urn:x", Local: "y"}
	_, err = s.Private.Private(ctx, "alice", name)
	is(t, err, xmppd.ErrNotFound)
	is(t, s.Private.SetPrivate(ctx, "alice", name, []byte("1")), nil)
	is(t, s.Private.SetPrivate(ctx, "alice", name, []byte("2")), nil)
	if raw, err := s.Private.Private(ctx, "alice", name); err != nil || string(raw) != "2" {
		t.Errorf("%s %v", raw, err)
	}

	is(t, s.VCards.SetVCard(ctx, "alice", xmppd.VCard{Name: "Al", Photo: onePixel, PhotoType: "image/gif", Extra: []byte("<URL/>")}), nil)
	v, err := s.VCards.VCard(ctx, "alice")
	if err != nil || v.Name != "Al" || v.PhotoType != "image/gif" || string(v.Extra) != "<URL/>" || len(v.PhotoHash) != 40 {
		t.Errorf("%+v %v", v, err)
	}
	_, err = s.VCards.VCard(ctx, "zoe")
	is(t, err, xmppd.ErrNotFound)
}

var onePixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// fill puts n messages into alice's archive, in turns with two people, and
// returns the ids.
func fill(t testing.TB, s archive.Store, owner string, n int) []uuid.UUID {
	t.Helper()
	var batch []archive.Entry
	var ids []uuid.UUID
	for i := range n {
		id := timeBound(time.UnixMilli(int64(1_700_000_000_000+i)), byte(i))
		id[6], id[8] = 0x70, 0x80
		ids = append(ids, id)
		batch = append(batch, archive.Entry{ID: id, Owner: owner, With: []string{"bob@h", "carol@h"}[i%2], Resource: fmt.Sprint("r", i%3), Body: "x", Stanza: []byte("<message/>")})
	}
	for range 2 { // again is no error, and changes nothing
		if err := s.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// XEP-0313 §4, XEP-0059 §2 (S-59 to S-62).
func TestArchive_Query(t *testing.T) {
	s := open(t).Stores("h", RosterNone).Archive
	ids := fill(t, s, "alice@h", 10)
	fill(t, s, "zoe@h", 3)
	at := func(i int) time.Time { return archive.Entry{ID: ids[i]}.Time() }
	for name, c := range map[string]struct {
		q        archive.Query
		want     []int
		complete bool
	}{
		"first page":      {archive.Query{Max: 3}, []int{0, 1, 2}, false},
		"last page":       {archive.Query{Max: 3, Last: true}, []int{7, 8, 9}, false},
		"after":           {archive.Query{Max: 3, After: ids[6]}, []int{7, 8, 9}, true},
		"before":          {archive.Query{Max: 3, Before: ids[2], Last: true}, []int{0, 1}, true},
		"both":            {archive.Query{Max: 9, After: ids[2], Before: ids[5]}, []int{3, 4}, true},
		"with":            {archive.Query{Max: 9, With: "bob@h"}, []int{0, 2, 4, 6, 8}, true},
		"with a resource": {archive.Query{Max: 9, With: "bob@h/r0"}, []int{0, 6}, true},
		"ids":             {archive.Query{Max: 9, IDs: []uuid.UUID{ids[4], ids[1], ids[4]}}, []int{1, 4}, true},
		"start and end":   {archive.Query{Max: 9, Start: at(3), End: at(5)}, []int{3, 4, 5}, true},
	} {
		c.q.Owner, c.q.WithCount = "alice@h", true
		page, err := s.Query(t.Context(), c.q)
		var got []int
		for _, e := range page.Entries {
			got = append(got, slices.Index(ids, e.ID))
		}
		if err != nil || !slices.Equal(got, c.want) || page.Complete != c.complete {
			t.Errorf("%s: %v complete %v, %v; want %v %v", name, got, page.Complete, err, c.want, c.complete)
		}
		if len(got) > 0 && c.q.With == "" && len(c.q.IDs) == 0 && c.q.Start.IsZero() && page.Count != 10 {
			t.Errorf("%s: count %d", name, page.Count)
		}
	}
	for _, q := range []archive.Query{{After: uuid.New()}, {Before: uuid.New()}, {IDs: []uuid.UUID{ids[0], uuid.New()}}} {
		q.Owner, q.Max = "alice@h", 5
		_, err := s.Query(t.Context(), q)
		is(t, err, archive.ErrNotFound)
	}
	first, last, err := s.Bounds(t.Context(), "alice@h")
	if err != nil || first.ID != ids[0] || last.ID != ids[9] {
		t.Errorf("%v %v %v", first.ID, last.ID, err)
	}
	var gone []archive.Entry
	for _, id := range ids[:9] {
		gone = append(gone, archive.Entry{Owner: "alice@h", ID: id})
	}
	if err := s.Remove(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if page, err := s.Query(t.Context(), archive.Query{Owner: "alice@h", Max: 0, WithCount: true}); err != nil || page.Count != 1 {
		t.Errorf("%+v %v", page, err)
	}
}

// A page is a range scan of an index, in its order, however long the archive.
func TestArchive_Plans(t *testing.T) {
	db := open(t)
	s := db.Stores("h", RosterNone).Archive
	var ids []uuid.UUID
	for _, owner := range []string{"alice@h", "bob@h", "carol@h", "dora@h"} {
		ids = fill(t, s, owner, 5000)
	}
	if _, err := db.chat.Exec(t.Context(), "ANALYZE archive"); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]archive.Query{
		"newest": {Last: true}, "after": {After: ids[2500]}, "with": {With: "bob@h", Last: true}, "with, after": {With: "bob@h", After: ids[2500]},
		"since": {Start: archive.Entry{ID: ids[4000]}.Time()},
		// also for a resource that never wrote.
		"resource": {With: "bob@h/r1"}, "no such resource": {With: "bob@h/never", Last: true},
	} {
		q.Owner, q.Max = "alice@h", 50
		f := pageFilter(q)
		rows, err := db.chat.Query(t.Context(), "EXPLAIN "+f.pageSQL(q), f.args...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan := strings.Join(lines, "\n")
		if err != nil || !strings.Contains(plan, "Index Scan") || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
			t.Errorf("%s: %v\n%s", name, err, plan)
		}
	}
}

func BenchmarkArchive_Append(b *testing.B) {
	s := open(b).Stores("h", RosterNone).Archive
	for _, n := range []int{2, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				batch := make([]archive.Entry, n)
				for i := range batch {
					batch[i] = archive.Entry{ID: uuid.Must(uuid.NewV7()), Owner: fmt.Sprint("u", i%2), With: "x@h", Stanza: []byte("<message/>")}
				}
				if err := s.Append(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// however many clients of an account block at once, the list keeps its bounds.
func TestBlock_AtOnce(t *testing.T) {
	db := open(t)
	db.person(t, "alice")
	s := db.Stores("h", RosterNone)
	var taken atomic.Int32
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			jids := make([]string, xmppd.MaxBlocked/4)
			for i := range jids {
				jids[i] = fmt.Sprint(client, "x", i, "@h")
			}
			switch err := s.Blocks.Block(t.Context(), "alice", jids); {
			case err == nil:
				taken.Add(1)
			case !errors.Is(err, xmppd.ErrFull):
				t.Error(err)
			}
		})
	}
	clients.Wait()
	if b, err := s.Blocks.Blocked(t.Context(), "alice"); err != nil || len(b) != xmppd.MaxBlocked || taken.Load() != 4 {
		t.Errorf("%d entries of %d clients, %v", len(b), taken.Load(), err)
	}
}

// What expired in one table goes even if another cannot be cleared.
func TestDeleteExpired_OneFails(t *testing.T) {
	db, ctx := open(t), t.Context()
	if _, err := db.pool.Exec(ctx, "INSERT INTO attempts (key, count, expires_at) VALUES ('k', 1, now() - interval '1 s')"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.pool.Exec(ctx, "ALTER TABLE sessions RENAME TO elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := db.Sessions.DeleteExpired(ctx); err == nil {
		t.Error("all is well")
	}
	var left int
	if err := db.pool.QueryRow(ctx, "SELECT count(*) FROM attempts").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d are left, %v", left, err)
	}
}

// however many write at once, what waits for an account, what its clients keep and what it chose for its
// conversations stay within their bounds.
func TestBounds_AtOnce(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	s := db.Stores("h", RosterNone)
	for name, c := range map[string]struct {
		fill  string // all but one of what may be
		count string
		full  error
		add   func(i int) error
	}{
		"messages that wait": {
			"INSERT INTO offline_messages SELECT 'alice', gen_random_uuid(), now(), 'x' FROM generate_series(2, $1::int)", "offline_messages", xmppd.ErrFull,
			func(int) error {
				return s.Offline.AddOffline(ctx, "alice", xmppd.OfflineMessage{ID: uuid.Must(uuid.NewV7()), Stamp: time.Now(), Stanza: []byte("x")})
			},
		},
		"private XML": {
			"INSERT INTO private_xml SELECT 'alice', 'urn:' || i, 'x', 'x' FROM generate_series(2, $1::int) i", "private_xml", xmppd.ErrFull,
			func(i int) error {
				return s.Private.SetPrivate(ctx, "alice", stream.Name{Space: fmt.Sprint("urn:more:", i), Local: "x"}, []byte("x"))
			},
		},
		"settings of conversations": {
			fmt.Sprintf("INSERT INTO conversation_settings (account_id, jid, pinned) SELECT %d, i || '@h', true FROM generate_series(2, $1::int) i", alice.ID), "conversation_settings", ErrTooMany,
			func(i int) error {
				return db.Notifications.SetConversationSettings(ctx, alice.ID, fmt.Sprint("more", i, "@h"), new(bool), nil)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			most := map[string]int{"offline_messages": maxOffline, "private_xml": maxPrivate, "conversation_settings": maxConversationSettings}[c.count]
			if _, err := db.pool.Exec(ctx, c.fill, most); err != nil {
				t.Fatal(err)
			}
			tx, err := db.pool.Begin(ctx) // until some are there, none writes
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(ctx, "LOCK TABLE "+c.count+" IN SHARE MODE"); err != nil {
				t.Fatal(err)
			}
			var taken atomic.Int32
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					switch err := c.add(i); {
					case err == nil:
						taken.Add(1)
					case !errors.Is(err, c.full):
						t.Error(err)
					}
				})
			}
			for waiting := 0; waiting < 3; { // as many as this test's pool of connections lets come
				if err := tx.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()))").Scan(&waiting); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
			all.Wait()
			var n int
			if err := db.pool.QueryRow(ctx, "SELECT count(*) FROM "+c.count).Scan(&n); err != nil || n != most || taken.Load() != 1 {
				t.Errorf("%d are there of %d, %d were taken, %v", n, most, taken.Load(), err)
			}
		})
	}
}

// however many sessions somebody has from before there was a bound, so many are listed, the last ones.
func TestSessions_Listed(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	if _, err := db.pool.Exec(ctx, `INSERT INTO sessions (id, account_id, secret_hash, expires_at, seen_at)
		SELECT gen_random_uuid(), $1, int8send(n), now() + interval '1 day', now() - n * interval '1 minute' FROM generate_series(1, 3000) n`, alice.ID); err != nil {
		t.Fatal(err)
	}
	list, err := db.Sessions.Of(ctx, alice.ID)
	if err != nil || len(list) != MaxSessions || time.Since(list[0].SeenAt) > 2*time.Minute || time.Since(list[99].SeenAt) > 102*time.Minute {
		t.Errorf("%d, %v", len(list), err)
	}
}

// The operator's word makes administrators and takes that back; the last one stays, of two at once as well.
func TestSetAdmin(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	list := make([]Account, 3)
	for i, name := range []string{"ann", "bea", "cat"} {
		list[i] = Account{Username: name, Name: name}
		if err := db.Accounts.CreateAccount(ctx, &list[i]); err != nil {
			t.Fatal(err)
		}
	}
	ann, bea, cat := list[0].ID, list[1].ID, list[2].ID
	set := func(id int64, own, force, want bool, wantErr error) {
		t.Helper()
		if admin, err := db.Accounts.SetAdmin(ctx, id, own, force); !errors.Is(err, wantErr) || err == nil && admin != want {
			t.Errorf("%d: %v %v", id, admin, err)
		}
	}
	set(ann, true, false, true, nil)
	set(ann, true, false, true, nil)
	set(ann, false, false, true, ErrLastAdmin)
	if a, err := db.Accounts.AccountByName(ctx, "ann"); err != nil || !a.Admin || !a.OwnAdmin {
		t.Errorf("%+v %v", a, err)
	}
	set(bea, true, false, true, nil)
	if err := db.Accounts.SetBlocked(ctx, bea, true); err != nil {
		t.Fatal(err)
	}
	set(ann, false, false, true, ErrLastAdmin) // who is left cannot sign in
	set(ann, false, true, false, nil)
	set(ann, true, false, true, nil)
	if err := db.Accounts.SetBlocked(ctx, bea, false); err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 2)
	for _, id := range []int64{ann, bea} {
		go func() { _, err := db.Accounts.SetAdmin(ctx, id, false, false); results <- err }()
	}
	if a, b := <-results, <-results; (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), ErrLastAdmin) {
		t.Errorf("both at once: %v, %v", a, b)
	}
	set(cat, false, true, false, nil)
	set(99, true, false, false, ErrNotFound)
}
