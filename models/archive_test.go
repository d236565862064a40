package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/xmppd"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"
)

// message is an entry of alice's archive, i milliseconds after some time.
func message(i int, body string) archive.Entry {
	id := timeBound(time.UnixMilli(int64(1_700_000_000_000+i)), 0)
	id[6], id[8] = 0x70, 0x80
	stanza := fmt.Sprintf(`<message xmlns="jabber:client" id="m%d"><body>%s</body></message>`, i, body)
	return archive.Entry{ID: id, Owner: "alice@h", With: "bob@h", StanzaID: fmt.Sprint("m", i), Body: body, Stanza: []byte(stanza)}
}

// search returns the stanza ids of what a search finds.
func search(t testing.TB, s archive.Store, owner, text string) string {
	t.Helper()
	page, err := s.Query(t.Context(), archive.Query{Owner: owner, Text: text, Max: 10, WithCount: true})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range page.Entries {
		ids = append(ids, e.StanzaID)
	}
	if page.Count != len(ids) {
		t.Errorf("%q: count %d, found %v", text, page.Count, ids)
	}
	return strings.Join(ids, " ")
}

// XEP-0431 §3: words are found in one's own archive, in any case, in any
// alphabet.
func TestArchive_Search(t *testing.T) {
	s := open(t).Stores("h", RosterNone).Archive
	entries := []archive.Entry{
		message(1, "Shall we meet at the café?"), message(2, "At the Café, ten o'clock"), message(3, "Ärger mit dem Drucker"),
		message(4, ""), message(5, "встреча в кафе"), message(6, strings.Repeat("long ", 100_000)+"end"),
	}
	theirs := message(1, "Shall we meet at the café?")
	theirs.Owner, theirs.With, theirs.StanzaID = `o'b\ob@h`, "alice@h", "theirs"
	if err := s.Append(t.Context(), append(entries, theirs)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"café": "m1 m2", "CAFÉ": "m1 m2", `"the café" ten`: "m2", "meet or ärger": "m1 m3", "café -meet": "m2", "Встреча": "m5",
		"-meet": "m2 m3 m5 m6", "nothing": "", "!?": "", "": "m1 m2 m3 m4 m5 m6", "' | x:* \\": "", "alice@h": "", "@alice@h": "", "long": "m6",
	} {
		if got := search(t, s, "alice@h", text); got != want {
			t.Errorf("%q finds %s, want %s", text, got, want)
		}
	}
	if got := search(t, s, `o'b\ob@h`, "meet"); got != "theirs" {
		t.Error(got)
	}
}

// XEP-0313 §4.1.1 (S-60), XEP-0045 §7.5: private messages of a room are found by
// the room, and by each nickname apart.
func TestArchive_PrivateOfRooms(t *testing.T) {
	s := open(t).Stores("h", RosterNone).Archive
	var entries []archive.Entry
	for i, nick := range []string{"Bo", "bo", "Bo/b", "Bo", "Cä"} {
		e := message(i+1, "psst")
		e.With, e.Resource, e.Outgoing = "den@rooms.h", nick, i%2 == 0
		entries = append(entries, e)
	}
	elsewhere := message(6, "psst")
	elsewhere.With, elsewhere.Resource = "other@rooms.h", "Bo"
	if err := s.Append(t.Context(), append(entries, elsewhere)); err != nil {
		t.Fatal(err)
	}
	for with, want := range map[string]string{
		"den@rooms.h": "m1 m2 m3 m4 m5", "den@rooms.h/Bo": "m1 m4", "den@rooms.h/bo": "m2", "den@rooms.h/Bo/b": "m3",
		"den@rooms.h/Cä": "m5", "den@rooms.h/Zoe": "", "other@rooms.h/Bo": "m6", "rooms.h": "",
	} {
		page, err := s.Query(t.Context(), archive.Query{Owner: "alice@h", With: with, Max: 10})
		var ids []string
		for _, e := range page.Entries {
			ids = append(ids, e.StanzaID)
		}
		if got := strings.Join(ids, " "); err != nil || got != want {
			t.Errorf("with %s: %s, want %s (%v)", with, got, want, err)
		}
	}
}

// XEP-0424 §5: a message and its corrections are replaced, in one transaction
// with the retraction; nothing of them can be read, found, or waits for anybody.
func TestArchive_Retract(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.Stores("h", RosterNone)
	old, original, correction, other, again := message(1, "secret"), message(2, "secret"), message(3, "secret, corrected"), message(4, "other"), message(5, "secret")
	old.StanzaID, original.StanzaID, correction.Replaces, again.Outgoing, again.StanzaID = "x", "x", "x", true, "x"
	nameless := message(1000, "to carol")
	nameless.StanzaID = ""
	if err := s.Archive.Append(ctx, []archive.Entry{old, original, correction, other, again, nameless}); err != nil {
		t.Fatal(err)
	}
	is(t, s.Offline.AddOffline(ctx, "alice", xmppd.OfflineMessage{ID: original.ID, Stamp: time.Now(), Stanza: original.Stanza}), nil)
	is(t, s.Offline.AddOffline(ctx, "alice", xmppd.OfflineMessage{ID: other.ID, Stamp: time.Now(), Stanza: other.Stanza}), nil)
	for _, c := range []struct {
		with     string
		outgoing bool
		id       string
		end      []byte
		want     []uuid.UUID
	}{
		{"bob@h", false, "x", nil, []uuid.UUID{original.ID, correction.ID}}, // the newest of two with the same id
		{"bob@h", false, "m3", nil, []uuid.UUID{original.ID, correction.ID}},
		{"bob@h", false, "m4", nil, []uuid.UUID{other.ID}},
		{"bob@h", true, "x", nil, []uuid.UUID{again.ID}},
		{"bob@h", false, "nothing", nil, nil},
		{"bob@h", false, "", nil, nil}, // what was given no id is not all one
		{"carol@h", false, "x", nil, nil},
		// What somebody else said meanwhile under the same id, and what corrects that, is not looked at.
		{"bob@h", false, "x", old.Stanza, []uuid.UUID{old.ID}},
		{"bob@h", false, "x", []byte("secret</body></message>"), []uuid.UUID{original.ID}},
		{"bob@h", false, "m3", correction.Stanza, []uuid.UUID{correction.ID}},
		{"bob@h", false, "x", correction.Stanza, nil},
		{"bob@h", false, "x", append([]byte("longer"), original.Stanza...), nil},
	} {
		got, err := s.Archive.Versions(ctx, "alice@h", c.with, c.outgoing, c.id, c.end)
		slices.SortFunc(got, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v %v", c, got, err)
		}
	}
	retraction := message(6, "retracted")
	retraction.Retracts = &archive.Retraction{IDs: []uuid.UUID{original.ID, correction.ID, uuid.New()}, By: "r", At: time.Now()}
	for range 2 { // again is no error
		is(t, s.Archive.Append(ctx, []archive.Entry{retraction}), nil)
	}
	page, err := s.Archive.Query(ctx, archive.Query{Owner: "alice@h", Max: 10, Before: again.ID})
	if err != nil || len(page.Entries) != 4 {
		t.Fatalf("%+v %v", page, err)
	}
	for i, secret := range []bool{true, false, false, false} {
		if strings.Contains(string(page.Entries[i].Stanza), "secret") != secret {
			t.Errorf("%d: %s", i, page.Entries[i].Stanza)
		}
	}
	if got := search(t, s.Archive, "alice@h", "secret"); got != "x x" { // the old one, and the other direction's
		t.Errorf("found: %s", got)
	}
	if list, err := s.Offline.Offline(ctx, "alice"); err != nil || len(list) != 1 || list[0].ID != other.ID {
		t.Errorf("%v %v", list, err)
	}
}

// What can never be stored is told from a database that is away, and nothing of
// its group is stored.
func TestArchive_Unstorable(t *testing.T) {
	s := open(t).Stores("h", RosterNone).Archive
	bad := message(2, "nul \x00")
	is(t, s.Append(t.Context(), []archive.Entry{message(1, "good"), bad}), archive.ErrUnstorable)
	_, _, err := s.Bounds(t.Context(), "alice@h")
	is(t, err, archive.ErrNotFound)
	damaged := message(3, "x")
	damaged.Stanza = []byte("no stanza")
	is(t, s.Append(t.Context(), []archive.Entry{damaged}), nil)
	retraction := message(4, "")
	retraction.Retracts = &archive.Retraction{IDs: []uuid.UUID{damaged.ID}}
	is(t, s.Append(t.Context(), []archive.Entry{retraction}), nil) // a damaged one can be taken back all the same
	page, err := s.Query(t.Context(), archive.Query{Owner: damaged.Owner, Max: 10})
	is(t, err, nil)
	if len(page.Entries) != 2 || !strings.Contains(string(page.Entries[0].Stanza), "<retracted ") {
		t.Errorf("%+v", page.Entries)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(gone, []archive.Entry{bad}); err == nil || errors.Is(err, archive.ErrUnstorable) {
		t.Errorf("not asked: %v", err)
	}
}

// Remove waits for a statement that nobody waits for any more, and takes away
// what it stores.
func TestArchive_RemoveWaits(t *testing.T) {
	db, ctx := open(t), t.Context()
	s := db.Stores("h", RosterNone).Archive
	e := message(1, "x")
	tx, err := db.chat.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // after Commit there is nothing to take back
	args, _ := archiveArgs("h", []archive.Entry{e})
	if _, err := tx.Exec(ctx, appendArchive, args...); err != nil {
		t.Fatal(err)
	}
	removed := make(chan error, 1)
	go func() { removed <- s.Remove(ctx, []archive.Entry{e}) }()
	for waiting := false; !waiting; { // until it does
		if err := db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	is(t, tx.Commit(ctx), nil)
	is(t, <-removed, nil)
	_, _, err = s.Bounds(ctx, "alice@h")
	is(t, err, archive.ErrNotFound)
}

// XEP-0441 §2 (S-64).
func TestArchivePrefs(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.Stores("h", RosterNone).Prefs
	_, err := s.Prefs(ctx, "alice")
	is(t, err, archive.ErrNotFound)
	for _, want := range []archive.Prefs{{Default: archive.Roster, Always: []string{"a@h", "b@h/x"}, Never: []string{}}, {Default: archive.Never, Always: []string{}, Never: []string{"c@h"}}} {
		is(t, s.SetPrefs(ctx, "alice", want), nil)
		if got, err := s.Prefs(ctx, "alice"); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v %v", got, err)
		}
	}
	is(t, s.SetPrefs(ctx, "alice", archive.Prefs{Default: archive.Always}), nil)
	if err := s.SetPrefs(ctx, "nobody", archive.Prefs{Default: archive.Always}); err == nil {
		t.Error("preferences of nobody")
	}
}

// A page ends before it has too many bytes, and has one entry at least.
func TestArchive_PageBytes(t *testing.T) {
	s := open(t).Stores("h", RosterNone).Archive
	var all []archive.Entry
	for i := range 6 {
		e := message(i, "")
		e.Stanza = make([]byte, 100)
		all = append(all, e)
	}
	is(t, s.Append(t.Context(), all), nil)
	for bytes, want := range map[int]int{0: 6, 50: 1, 250: 2, 600: 6} {
		for _, last := range []bool{false, true} {
			page, err := s.Query(t.Context(), archive.Query{Owner: "alice@h", Max: 10, MaxBytes: bytes, Last: last})
			if err != nil || len(page.Entries) != want || page.Complete != (want == 6) {
				t.Errorf("%d bytes: %d entries, complete %v, %v", bytes, len(page.Entries), page.Complete, err)
			}
			if last && page.Entries[want-1].ID != all[5].ID {
				t.Error("the last page does not end with the newest")
			}
		}
	}
}

// archiveModel is an archive as a list.
type archiveModel []archive.Entry

func (m archiveModel) query(q archive.Query) (ids []uuid.UUID, complete bool, count int, err error) {
	named := slices.Concat(q.IDs, q.Named, []uuid.UUID{q.After, q.Before})
	for _, id := range named {
		if id != uuid.Nil && !slices.ContainsFunc(m, func(e archive.Entry) bool { return e.Owner == q.Owner && e.ID == id }) {
			return nil, false, 0, archive.ErrNotFound
		}
	}
	for _, e := range m {
		if !modelMatches(q, e) {
			continue
		}
		if (q.AfterID != uuid.Nil && slices.Compare(e.ID[:], q.AfterID[:]) <= 0) || (q.BeforeID != uuid.Nil && slices.Compare(e.ID[:], q.BeforeID[:]) >= 0) {
			continue
		}
		count++
		if (q.After == uuid.Nil || slices.Compare(e.ID[:], q.After[:]) > 0) && (q.Before == uuid.Nil || slices.Compare(e.ID[:], q.Before[:]) < 0) {
			ids = append(ids, e.ID)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	if len(ids) <= q.Max {
		return ids, true, count, nil
	}
	if q.Last {
		return ids[len(ids)-q.Max:], false, count, nil
	}
	return ids[:q.Max], false, count, nil
}

func modelMatches(q archive.Query, e archive.Entry) bool {
	bare, resource, full := strings.Cut(q.With, "/")
	return e.Owner == q.Owner &&
		(q.With == "" || e.With == bare && (!full || e.Resource == resource)) &&
		(q.Start.IsZero() || !e.Time().Before(q.Start)) && (q.End.IsZero() || !e.Time().After(q.End)) &&
		(len(q.IDs) == 0 || slices.Contains(q.IDs, e.ID)) &&
		(q.Text == "" || slices.Contains(strings.Fields(e.Body), strings.Fields(q.Text)[0]))
}

// The store does what a list would do, whatever is stored, removed and asked
// for (XEP-0313 §4, XEP-0059 §2; S-59, S-60, S-61, S-62, S-63).
func TestArchive_Model(t *testing.T) {
	db := open(t)
	s, ctx := db.Stores("h", RosterNone).Archive, t.Context()
	db.index.bounds = indexBounds{small: 2, large: 5} // all steps are taken
	rapid.Check(t, func(rt *rapid.T) {
		if _, err := db.chat.Exec(ctx, "WITH a AS (DELETE FROM archive), s AS (DELETE FROM archive_segments) DELETE FROM archive_words"); err != nil {
			rt.Fatal(err)
		}
		var model archiveModel
		newest := 0 // what is indexed has lower ids than what is stored after
		anyOf := func(label string, list ...string) string { return rapid.SampledFrom(list).Draw(rt, label) }
		anyID := func(label string) uuid.UUID { return message(rapid.IntRange(0, newest+20).Draw(rt, label), "").ID }
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				var batch []archive.Entry
				for range rapid.IntRange(1, 8).Draw(rt, "entries") {
					e := message(newest+rapid.IntRange(0, 20).Draw(rt, "id"), anyOf("body", "", "one", "one two", "two three"))
					e.Owner, e.With, e.Resource = anyOf("owner", "alice@h", "al@h"), anyOf("with", "bob@h", "bo@h"), anyOf("resource", "", "a")
					if slices.ContainsFunc(batch, func(x archive.Entry) bool { return x.Owner == e.Owner && x.ID == e.ID }) {
						continue
					}
					batch = append(batch, e)
					if !slices.ContainsFunc(model, func(x archive.Entry) bool { return x.Owner == e.Owner && x.ID == e.ID }) {
						model = append(model, e)
					}
				}
				if err := s.Append(ctx, batch); err != nil {
					rt.Fatal(err)
				}
			},
			"index": func(rt *rapid.T) {
				if err := db.Index.IndexArchives(ctx); err != nil {
					rt.Fatal(err)
				}
				newest += 21
			},
			"sweep": func(rt *rapid.T) {
				if err := db.Index.sweepIndex(ctx, 0); err != nil {
					rt.Fatal(err)
				}
			},
			"remove": func(rt *rapid.T) {
				gone := archive.Entry{Owner: anyOf("owner", "alice@h", "al@h"), ID: anyID("gone")}
				model = slices.DeleteFunc(model, func(x archive.Entry) bool { return x.Owner == gone.Owner && x.ID == gone.ID })
				if err := s.Remove(ctx, []archive.Entry{gone}); err != nil {
					rt.Fatal(err)
				}
			},
			"query": func(rt *rapid.T) {
				maybe := func(label string) uuid.UUID {
					if !rapid.Bool().Draw(rt, label+"?") {
						return uuid.Nil
					}
					return anyID(label)
				}
				q := archive.Query{
					Owner: anyOf("owner", "alice@h", "al@h"), With: anyOf("with", "", "", "bob@h", "bob@h/a"), Text: anyOf("text", "", "", "one", "three", "three three"),
					After: maybe("after"), Before: maybe("before"), Last: rapid.Bool().Draw(rt, "last"), WithCount: rapid.Bool().Draw(rt, "count"),
					Max: rapid.IntRange(1, 10).Draw(rt, "max"),
				}
				if rapid.Bool().Draw(rt, "bounds of the form") { // the page's are within them
					q.AfterID, q.BeforeID = q.After, q.Before
				}
				if id := maybe("ids"); id != uuid.Nil {
					q.IDs = []uuid.UUID{id, anyID("ids"), id}
				}
				at := func(label string) time.Time {
					t := archive.Entry{ID: maybe(label)}.Time()
					return t.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, label+" µs")) * time.Microsecond)
				}
				if rapid.Bool().Draw(rt, "times") {
					q.Start, q.End = at("start"), at("end")
				}
				ids, complete, count, wantErr := model.query(q)
				page, err := s.Query(ctx, q)
				if !errors.Is(err, wantErr) {
					rt.Fatalf("%+v: %v, want %v", q, err, wantErr)
				}
				if err != nil {
					return
				}
				var got []uuid.UUID
				for _, e := range page.Entries {
					got = append(got, e.ID)
				}
				if !slices.Equal(got, ids) || page.Complete != complete || (q.WithCount && page.Count != count) {
					rt.Fatalf("%+v: %v complete %v count %d, want %v %v %d", q, got, page.Complete, page.Count, ids, complete, count)
				}
			},
		})
	})
}

// explain runs a statement and returns its plan.
func explain(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) string {
	t.Helper()
	rows, err := pool.Query(t.Context(), "EXPLAIN (ANALYZE, TIMING OFF) "+sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// what is counted is bounded; the rest is an estimate (XEP-0059 §2.6).
func TestArchive_CountOfMany(t *testing.T) {
	db := open(t)
	fillWords(t, db, 1, 30_000)
	s := db.Stores("h", RosterNone).Archive
	page, err := s.Query(t.Context(), archive.Query{Owner: "user1@h", WithCount: true})
	if err != nil || page.Count < 27_000 || page.Count > 33_000 {
		t.Errorf("%d of 30000, %v", page.Count, err)
	}
	f := archiveFilter(archive.Query{Owner: "user1@h"})
	if plan := explain(t, db.chat, f.countSQL(countExactly+1), f.args...); !strings.Contains(plan, "(actual rows=10001") {
		t.Errorf("all are counted:\n%s", plan)
	}
	if page, err = s.Query(t.Context(), archive.Query{Owner: "user1@h", Text: "common", WithCount: true}); err != nil || page.Count != countedFound {
		t.Errorf("%d found, %v", page.Count, err)
	}
}

// XEP-0424: that a message takes something back is what was noted when it was stored, whatever letters are in it: in
// what is unread, in a room's last line and its public page, and in a search over everything. Of messages of before
// the letters tell.
func TestArchive_Retractions(t *testing.T) {
	db := open(t)
	for _, name := range []string{"alice", "bob"} {
		db.person(t, name)
	}
	is(t, db.RoomStore().Create(t.Context(), muc.Room{Name: "den", Creator: "alice", Settings: muc.Settings{Persistent: true, Archive: true, Private: muc.Anyone, MaxOccupants: 10}}, nil, 100), nil)
	is(t, db.RoomStore().Affiliate(t.Context(), "den", 100, []muc.Affiliated{{User: "alice", Affiliation: muc.Owner}}), nil)
	var said []archive.Entry
	for i, e := range []archive.Entry{
		{Body: "words of urn:xmpp:message-retract:1", Stanza: []byte("<message><body>words of urn:xmpp:message-retract:1</body></message>")},
		{Body: "words that take back", Stanza: []byte(`<message><body>words that take back</body><apply-to id="x"/></message>`), IsRetraction: true},
	} {
		e.ID, e.Owner, e.With, e.StanzaID = uuid.Must(uuid.NewV7()), "alice@h", "bob@h", fmt.Sprint("m", i)
		room := e
		room.Owner, room.Resource, room.Outgoing = "den@rooms.h", "Bob", true
		said = append(said, e, room)
	}
	is(t, db.Stores("h", RosterNone).Archive.Append(t.Context(), said), nil)
	seen := func() string {
		t.Helper()
		latest, _, err := db.Conversations.LatestMessages(t.Context(), "h", "alice", 10, 0, []string{"den@rooms.h"}, nil)
		is(t, err, nil)
		unread, err := db.Conversations.UnreadRooms(t.Context(), "h", "rooms.h", "alice", 10)
		is(t, err, nil)
		page, _, err := db.Conversations.RoomMessages(t.Context(), "den@rooms.h", uuid.Max, 10)
		is(t, err, nil)
		found, err := db.Conversations.SearchArchives(t.Context(), ArchivesQuery{Owners: []string{"alice@h"}, Text: "words", Max: 10})
		is(t, err, nil)
		if len(latest) != 2 || len(unread) != 1 || len(page) != 1 || len(found.Entries) != 1 {
			t.Fatalf("%d conversations, %d rooms with %+v, a page of %d, %d found", len(latest), len(unread), unread, len(page), len(found.Entries))
		}
		return fmt.Sprint(latest[0].Unread, " ", unread[0].Unread, " ", latest[1].ID == page[0].ID, " ", page[0].StanzaID, " ", found.Entries[0].StanzaID)
	}
	if got := seen(); got != "1 1 true m0 m0" {
		t.Errorf("seen: %s", got)
	}
	if _, err := db.pool.Exec(t.Context(), "UPDATE archive SET retracts = NULL"); err != nil {
		t.Fatal(err)
	}
	if got := seen(); got != "1 1 true m1 m1" {
		t.Errorf("as it was stored before: %s", got)
	}
}

// fillWords puts messages into many archives; every tenth has word3.
func fillWords(t testing.TB, db *DB, owners, each int) {
	t.Helper()
	_, err := db.chat.Exec(t.Context(), `INSERT INTO archive (owner, id, peer, outgoing, stanza_id, body, stanza)
		SELECT 'user' || o || '@h', (lpad(to_hex(1700000000000 + i), 12, '0') || '70008' || lpad(to_hex(o), 15, '0'))::uuid, 'user' || (o + i) % 20 || '@h', i % 2 = 0,
			i::text, 'word' || i % 10 || ' common w' || i || 'x' || o, '<message/>'
		FROM generate_series(1, $2) i, generate_series(1, $1) o`, owners, each)
	if err == nil {
		_, err = db.chat.Exec(t.Context(), "VACUUM ANALYZE archive")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// XEP-0313 §3.2 (S-63): what is too old goes, of one kind of archive, more than
// a batch at a time, and what is left has no hole.
func TestExpireArchive(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.Stores("h", RosterNone)
	fill(t, s.Archive, "alice@h", 2*expiryBatch+10)
	fill(t, s.Archive, "bob@h", 3)
	fill(t, s.Archive, "room@conference.h", 20)
	bound := time.UnixMilli(1_700_000_000_000 + 2*expiryBatch + 1) // the first that stays
	n, err := db.Retention.ExpireArchive(ctx, "h", bound)
	if err != nil || n != 2*expiryBatch+1+3 {
		t.Errorf("%d removed, %v", n, err)
	}
	first, _, err := s.Archive.Bounds(ctx, "alice@h")
	if err != nil || !first.Time().Equal(bound) {
		t.Errorf("the oldest is of %v, %v", first.Time(), err)
	}
	_, _, err = s.Archive.Bounds(ctx, "bob@h")
	is(t, err, archive.ErrNotFound)
	if page, err := s.Archive.Query(ctx, archive.Query{Owner: "room@conference.h", WithCount: true}); err != nil || page.Count != 20 {
		t.Errorf("rooms: %+v %v", page, err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := db.Retention.ExpireArchive(stopped, "conference.h", time.Now()); err == nil {
		t.Error("it went on after its end")
	}

	for i, age := range []time.Duration{2 * time.Hour, time.Minute} {
		is(t, s.Offline.AddOffline(ctx, "alice", xmppd.OfflineMessage{ID: message(i, "").ID, Stamp: time.Now().Add(-age), Stanza: []byte("<message/>")}), nil)
	}
	if n, err := db.Retention.ExpireOffline(ctx, time.Now().Add(-time.Hour)); err != nil || n != 1 {
		t.Errorf("%d removed, %v", n, err)
	}
}

// What waits for people who never come costs nothing while it is not too old, however much it is.
func TestExpireOffline_ReadsAnIndex(t *testing.T) {
	db, ctx := open(t), t.Context()
	for _, q := range []string{
		"INSERT INTO accounts (username, name, password_hash) SELECT 'user' || n, 'User', '' FROM generate_series(1, 2500) n",
		`INSERT INTO offline_messages (username, id, stamp, stanza)
			SELECT 'user' || n % 2500 + 1, (lpad(to_hex(1700000000000 + n), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid, to_timestamp(1700000000 + n / 1000.0), '<message/>'
			FROM generate_series(0, 24999) n`,
		"ANALYZE offline_messages",
	} {
		if _, err := db.pool.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	const old = 6000
	before := time.UnixMilli(1_700_000_000_000 + old)
	for sql, args := range map[string][]any{
		waitingLong: {"", firstID(before), ownersAtOne}, expireWaiting: {"user1", before, expiryBatch, firstID(before)},
	} {
		if plan := explain(t, db.pool, sql, args...); strings.Contains(plan, "Seq Scan on offline_messages") {
			t.Error(plan)
		}
	}
	if n, err := db.Retention.ExpireOffline(ctx, before.Add(-time.Hour)); err != nil || n != 0 {
		t.Errorf("%d removed, %v", n, err)
	}
	if n, err := db.Retention.ExpireOffline(ctx, before); err != nil || n != old-3 { // explain has removed three
		t.Errorf("%d removed, %v", n, err)
	}
}

// What was on its way to an account while it was deleted goes with it, and nothing else.
func TestRemoveOrphaned(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	db.person(t, "bob")
	s := db.Stores("h", RosterNone)
	if err := db.Accounts.DeleteAccount(ctx, alice.ID, AnyVersion, "h"); err != nil {
		t.Fatal(err)
	}
	var late []archive.Entry
	for _, owner := range []string{"alice@h", "bob@h", "alice@conference.h", "alice@other.h"} {
		late = append(late, archive.Entry{ID: uuid.Must(uuid.NewV7()), Owner: owner, With: "bob@h", Stanza: []byte("<message/>")})
	}
	is(t, s.Archive.Append(ctx, late), nil)
	if n, err := db.Retention.RemoveOrphaned(ctx, "h"); err != nil || n != 1 {
		t.Errorf("%d removed, %v", n, err)
	}
	for _, e := range late {
		page, err := s.Archive.Query(ctx, archive.Query{Owner: e.Owner, WithCount: true})
		if want := map[bool]int{true: 0, false: 1}[e.Owner == "alice@h"]; err != nil || page.Count != want {
			t.Errorf("%s: %d, want %d; %v", e.Owner, page.Count, want, err)
		}
	}
	var talks int
	if err := db.pool.QueryRow(ctx, "SELECT count(*) FROM conversations WHERE owner = 'alice@h'").Scan(&talks); err != nil || talks != 0 {
		t.Errorf("%d conversations, %v", talks, err)
	}
	for i := range 300 {
		db.person(t, "u"+strconv.Itoa(i))
	}
	if _, err := db.pool.Exec(ctx, "DELETE FROM accounts WHERE username LIKE 'u%'"); err != nil {
		t.Fatal(err)
	}
	fill(t, s.Archive, "bob@h", 3000)
	if _, err := db.pool.Exec(ctx, "ANALYZE archive, usernames, accounts"); err != nil {
		t.Fatal(err)
	}
	if plan := explain(t, db.pool, orphanedArchives, "h"); strings.Contains(plan, "Seq Scan on archive") {
		t.Error(plan)
	}
}

// BenchmarkArchive_Page is a page of 50 in the middle of a conversation.
func BenchmarkArchive_Page(b *testing.B) {
	db := open(b)
	s := db.Stores("h", RosterNone).Archive
	ids := fill(b, s, "alice@h", 5000)
	q := archive.Query{Owner: "alice@h", With: "bob@h", Before: ids[4000], Last: true, Max: 50, MaxBytes: 1 << 20}
	b.ReportAllocs()
	for b.Loop() {
		if page, err := s.Query(b.Context(), q); err != nil || len(page.Entries) != 50 {
			b.Fatal(len(page.Entries), err)
		}
	}
}

// the last id of all archives, if it is later than what the clock says.
func TestArchive_Newest(t *testing.T) {
	s := open(t).Stores("h", RosterNone).Archive
	id := func(text string) uuid.UUID { return uuid.MustParse(text) }
	early, late, later := id("01900000-0000-7000-8000-000000000000"), id("01a00000-0000-7000-8000-000000000000"), id("01b00000-0000-7000-8000-000000000000")
	entry := func(owner string, id uuid.UUID) archive.Entry {
		return archive.Entry{ID: id, Owner: owner, With: "x@h", Stanza: []byte("<message/>")}
	}
	if err := s.Append(t.Context(), []archive.Entry{entry("a@h", late), entry("b@h", early)}); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[uuid.UUID]uuid.UUID{{}: late, early: late, late: uuid.Nil, later: uuid.Nil} {
		if got, err := s.Newest(t.Context(), after); err != nil || got != want {
			t.Errorf("after %s: %s %v, want %s", after, got, err, want)
		}
	}
}
