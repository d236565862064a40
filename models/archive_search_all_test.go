package models

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/migrations"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// manyArchives stores n messages in archives of three rooms and of one account, most of
// them indexed, in segments that overlap.
func manyArchives(t testing.TB, db *DB, n int) []archive.Entry {
	t.Helper()
	s := db.Stores("h", RosterNone).Archive
	db.index.bounds = indexBounds{small: 5, large: 20}
	random := rand.New(rand.NewPCG(1, 2))
	var all []archive.Entry
	for i := range n {
		e := message(i, fmt.Sprintf("common w%d odd%d", random.IntN(8), i%2))
		e.Owner = []string{"alice@h", "one@rooms.h", "two@rooms.h", "secret@rooms.h"}[random.IntN(4)]
		if i%9 == 0 {
			e.Body = fmt.Sprintf("https://h.example:8443/upload/%d/Tea%%20time-%d.jpg", i, i)
		}
		e.With = []string{"bob@h", "carol@h"}[random.IntN(2)]
		all = append(all, e)
		if i == n-n/6 {
			is(t, s.Append(t.Context(), all), nil)
			is(t, db.Index.IndexArchives(t.Context()), nil)
		}
	}
	is(t, s.Append(t.Context(), all), nil)
	return all
}

// Whatever is asked, the pages together are what matches, of the archives that were named
// and of no other, newest first.
func TestSearchArchives(t *testing.T) {
	db := open(t)
	all := manyArchives(t, db, 600)
	mine := []string{"alice@h", "one@rooms.h", "two@rooms.h"}
	at := func(i int) time.Time { return time.UnixMilli(int64(1_700_000_000_000 + i)) }
	has := func(words ...string) func(archive.Entry) bool {
		return func(e archive.Entry) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(strings.Fields(e.Body), w) })
		}
	}
	isFile := func(e archive.Entry) bool { return strings.HasPrefix(e.Body, "https://") }
	for name, c := range map[string]struct {
		q    ArchivesQuery
		want func(archive.Entry) bool
	}{
		"frequent":    {ArchivesQuery{Owners: mine, Text: "common"}, has("common")},
		"two words":   {ArchivesQuery{Owners: mine, Text: "W3 odd1"}, has("w3", "odd1")},
		"one archive": {ArchivesQuery{Owners: mine[1:2], Text: "w3"}, has("w3")},
		"with":        {ArchivesQuery{Owners: mine[:1], With: "bob@h", Text: "w3"}, func(e archive.Entry) bool { return e.With == "bob@h" && has("w3")(e) }},
		"time": {ArchivesQuery{Owners: mine, Text: "w3", Start: at(100), End: at(400)}, func(e archive.Entry) bool {
			return has("w3")(e) && !e.Time().Before(at(100)) && !e.Time().After(at(400))
		}},
		"without":      {ArchivesQuery{Owners: mine, Text: "common -odd1"}, func(e archive.Entry) bool { return has("common", "odd0")(e) }},
		"one begins":   {ArchivesQuery{Owners: mine, Text: "odd1 COMM", Typing: true}, has("common", "odd1")},
		"some begin":   {ArchivesQuery{Owners: mine, Text: "-odd0 od", Typing: true}, has("common", "odd1")},
		"none begins":  {ArchivesQuery{Owners: mine, Text: "ommon", Typing: true}, func(archive.Entry) bool { return false }},
		"begins with":  {ArchivesQuery{Owners: mine[:1], With: "bob@h", Text: "od", Typing: true}, func(e archive.Entry) bool { return e.With == "bob@h" && has("common")(e) }},
		"finished":     {ArchivesQuery{Owners: mine, Text: "comm"}, func(archive.Entry) bool { return false }},
		"nowhere":      {ArchivesQuery{Owners: mine, Text: "nowhere"}, func(archive.Entry) bool { return false }},
		"no word":      {ArchivesQuery{Owners: mine, Text: " - "}, func(archive.Entry) bool { return false }},
		"only without": {ArchivesQuery{Owners: mine, Text: "-w3"}, func(archive.Entry) bool { return false }},
		"files":        {ArchivesQuery{Owners: mine, Files: "h.example:8443"}, isFile},
		"named files":  {ArchivesQuery{Owners: mine, Files: "h.example:8443", Text: "tea -9"}, func(e archive.Entry) bool { return isFile(e) && strings.Contains(e.Body, "-9") }},
		"other host":   {ArchivesQuery{Owners: mine, Files: "h.example"}, func(archive.Entry) bool { return false }},
		"no archive":   {ArchivesQuery{Owners: []string{}, Text: "common"}, func(archive.Entry) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, e := range slices.Backward(all) {
				if slices.Contains(c.q.Owners, e.Owner) && c.want(e) {
					want = append(want, e.StanzaID)
				}
			}
			for _, c.q.Max = range []int{7, 1000} {
				if got := everyPage(t, db, c.q); !slices.Equal(got, want) {
					t.Errorf("pages of %d:\n%v, want\n%v", c.q.Max, got, want)
				}
			}
		})
	}
}

// What somebody wrote: in who asks' own archive what went out or came from them, in rooms what their account said, and where
// a room does not say whose a name is, what was said under the name.
func TestSearchArchives_By(t *testing.T) {
	db := open(t)
	s := db.Stores("h", RosterNone).Archive
	db.index.bounds = indexBounds{small: 5, large: 20}
	const own, shown, masked = "alice@h", "shown@rooms.h", "masked@rooms.h"
	owners := []string{own, shown, masked}
	random := rand.New(rand.NewPCG(3, 4))
	var all []archive.Entry
	for i := range 400 {
		e := message(i, fmt.Sprintf("common w%d", random.IntN(4)))
		e.Owner, e.With = owners[random.IntN(3)], []string{"alice@h", "bob@h", "carol@h", "bobby@h"}[random.IntN(4)]
		e.Outgoing, e.Resource = true, []string{"Alice", "Bob", "Carol", "Fox"}[random.IntN(4)] // in the rooms, whoever it is (xmppd/muc)
		if e.Owner == own {
			e.Outgoing, e.Resource = i%2 == 0, "phone"
		}
		switch i % 13 {
		case 0: // a reaction
			e.Body = ""
		case 1:
			e.Body = "https://h.example/upload/1/common.jpg"
		case 2: // what a client says to those that cannot read it
			e.Body, e.Stanza = "common w1 I sent you an encrypted message", []byte(`<message xmlns="jabber:client"><encrypted xmlns="urn:xmpp:omemo:2"/></message>`)
		}
		all = append(all, e)
		if i == 330 {
			is(t, s.Append(t.Context(), all), nil)
			is(t, db.Index.IndexArchives(t.Context()), nil)
		}
	}
	is(t, s.Append(t.Context(), all), nil)
	gone, said := all[len(all)-3], 0 // taken back: not indexed, and one that is
	for i, e := range []archive.Entry{gone, all[200]} {
		by := message(1000+i, "")
		by.Owner, by.With, by.Retracts = e.Owner, e.With, &archive.Retraction{IDs: []uuid.UUID{e.ID}, By: by.StanzaID, At: time.Now()}
		is(t, s.Append(t.Context(), []archive.Entry{by}), nil)
	}
	wrote := func(e archive.Entry, a Author) bool {
		switch {
		case slices.Contains(a.Masked, e.Owner):
			return a.Name == e.Resource
		case e.Owner == own && e.Outgoing:
			return e.Owner == a.Account
		}
		return e.With == a.Account
	}
	for name, a := range map[string]Author{
		"somebody":      {Account: "bob@h", Name: "Bob"},
		"beyond a mask": {Account: "bob@h", Name: "Bob", Masked: []string{masked}},
		"only masked":   {Account: "bob@h", Name: "Bob", Masked: owners},
		"without name":  {Account: "bob@h", Masked: []string{masked}},
		"who asks":      {Account: "alice@h", Name: "Alice"},
		"nobody":        {Account: "dave@h", Name: "Dave", Masked: []string{masked}},
	} {
		for _, c := range []struct {
			q    ArchivesQuery
			want func(archive.Entry) bool
		}{
			{ArchivesQuery{}, func(e archive.Entry) bool { return e.Body != "" && !strings.Contains(string(e.Stanza), "<encrypted") }},
			{ArchivesQuery{Text: "common -w2"}, func(e archive.Entry) bool {
				return strings.HasPrefix(e.Body, "common") && !strings.Contains(e.Body, "w2")
			}},
			{ArchivesQuery{Text: "-w2"}, func(e archive.Entry) bool { return e.Body != "" && !strings.Contains(e.Body, "w2") }},
			{ArchivesQuery{Text: "-"}, func(archive.Entry) bool { return false }},
			{ArchivesQuery{Text: "com w1", Typing: true, After: all[50].ID}, func(archive.Entry) bool { return false }},
			{ArchivesQuery{Text: "w1 com", Typing: true, After: all[50].ID}, func(e archive.Entry) bool {
				return strings.Contains(e.Body, "common w1") && before(all[50].ID, e.ID)
			}},
			{ArchivesQuery{With: "bob@h"}, func(e archive.Entry) bool {
				return e.With == "bob@h" && e.Body != "" && !strings.Contains(string(e.Stanza), "<encrypted")
			}},
			{ArchivesQuery{Files: "h.example"}, func(e archive.Entry) bool { return strings.HasPrefix(e.Body, "https") }},
		} {
			var want []string
			for _, e := range slices.Backward(all) {
				if wrote(e, a) && c.want(e) && e.ID != gone.ID && e.ID != all[200].ID {
					want = append(want, e.StanzaID)
				}
			}
			said += len(want)
			c.q.Owners, c.q.By = owners, a
			for _, c.q.Max = range []int{7, 1000} {
				if got := everyPage(t, db, c.q); !slices.Equal(got, want) {
					t.Errorf("%s, %+v:\n%v, want\n%v", name, c.q, got, want)
				}
			}
		}
	}
	if said < 300 {
		t.Errorf("only %d messages were to be found", said)
	}
}

// who wrote seldom is found in a long archive as a word that is seldom: by a look into each segment, and by reading
// what they wrote; and what they wrote is all that is read.
func TestSearchArchives_ByPlans(t *testing.T) {
	db := open(t)
	db.index.bounds = indexBounds{small: 8, large: 40}
	_, err := db.pool.Exec(t.Context(), `INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza)
		SELECT 'room' || o || '@rooms.h', (lpad(to_hex(1700000000000 + i), 12, '0') || '70008' || lpad(to_hex(o), 15, '0'))::uuid,
			CASE i WHEN 7 THEN 'rare' ELSE 'user' || i % 5 END || '@h', CASE i WHEN 7 THEN 'Rare' ELSE 'User ' || i % 5 END, true, i::text, 'common w' || i, '<message/>'
		FROM generate_series(1, 1000) i, generate_series(1, 5) o`)
	is(t, err, nil)
	is(t, db.Index.IndexArchives(t.Context()), nil)
	_, err = db.pool.Exec(t.Context(), "VACUUM ANALYZE archive, archive_segments, archive_words")
	is(t, err, nil)
	rooms := []string{"room1@rooms.h", "room2@rooms.h", "room3@rooms.h"}
	for name, by := range map[string]Author{"account": {Account: "rare@h"}, "name": {Name: "Rare", Account: "rare@h", Masked: rooms}, "either": {Name: "Rare", Account: "rare@h", Masked: rooms[:1]}} {
		for _, text := range []string{"", "common"} {
			tx, err := db.searches.Begin(t.Context())
			is(t, err, nil)
			s := &searchOfAll{q: ArchivesQuery{Owners: rooms, Text: text, By: by, Before: uuid.Max, Max: 20}, tx: tx, sure: half(uuid.Max)}
			ok, err := s.parse(t.Context())
			is(t, err, nil)
			is(t, s.run(t.Context()), nil)
			if !ok || len(s.found) != len(rooms) {
				t.Errorf("%s, %q: found %d, %t", name, text, len(s.found), ok)
			}
			is(t, tx.Rollback(t.Context()), nil)
			plan := func(sql string, args []any, wants ...string) {
				t.Helper()
				got := explain(t, db.searches, sql, args...)
				for _, want := range wants {
					if !strings.Contains(got, want) {
						t.Errorf("%s, %q: no %s:\n%s", name, text, want, got)
					}
				}
				if strings.Contains(got, "Seq Scan") || strings.Contains(got, "Hash") || strings.Contains(got, "Join Filter") {
					t.Errorf("%s, %q: more is read than is found:\n%s", name, text, got)
				}
			}
			sql, args := s.latestOfAllSQL()
			plan(sql, args, "Index Scan Backward using archive_pkey", "loops=3")
			sql, args = s.segmentsOfAllSQL(segmentEnd{last: uuid.Max}, uuid.Max, 1024)
			plan(sql, args, "Index Scan using archive_words_pkey")
			may := []mayMatch{{rooms[0], half(timeBound(time.UnixMilli(1_700_000_000_007), 0)) | 0x7000}}
			sql, args = s.pickOfAllSQL(may)
			plan(sql, args, "Index Scan using archive_pkey", "loops=1")
		}
	}
}

// What was indexed before says who wrote it after the migration, as if it were indexed now.
func TestMigration_WordsOfAuthors(t *testing.T) {
	db := open(t)
	manyArchives(t, db, 200)
	_, err := db.pool.Exec(t.Context(), "UPDATE archive SET outgoing = owner <> 'alice@h' OR stanza_id LIKE '%2', resource = CASE WHEN stanza_id LIKE '%3' THEN '' ELSE repeat('Bob', length(stanza_id) * 5) END")
	is(t, err, nil)
	words := func() (list []string) {
		t.Helper()
		rows, err := db.pool.Query(t.Context(), `SELECT owner || s.last || letters || array(SELECT unnest(at) ORDER BY 1)::text FROM archive_words JOIN archive_segments s ON s.id = segment ORDER BY 1`)
		is(t, err, nil)
		list, err = pgx.CollectRows(rows, pgx.RowTo[string])
		is(t, err, nil)
		return list
	}
	_, err = db.pool.Exec(t.Context(), "TRUNCATE archive_words, archive_segments")
	is(t, err, nil)
	is(t, db.Index.IndexArchives(t.Context()), nil)
	want := words()
	file, err := migrations.FS.ReadFile("00050_words_of_authors.sql")
	is(t, err, nil)
	up, down, _ := strings.Cut(string(file), "-- +goose Down")
	for i, sql := range []string{down, up} {
		_, err = db.pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		is(t, err, nil)
		if got := words(); slices.Equal(got, want) != (i == 1) {
			t.Errorf("step %d: %d words, want %d", i, len(got), len(want))
		}
	}
}

func everyPage(t testing.TB, db *DB, q ArchivesQuery) (ids []string) {
	t.Helper()
	for {
		page, err := db.Conversations.SearchArchives(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			ids = append(ids, e.StanzaID)
		}
		if q.Before = page.Next; q.Before == uuid.Nil {
			return ids
		}
	}
}

// What was taken back is not found any more (XEP-0424 §5), indexed or not.
func TestSearchArchives_TakenBack(t *testing.T) {
	db := open(t)
	all := manyArchives(t, db, 60)
	s := db.Stores("h", RosterNone).Archive
	for i, e := range all {
		by := message(1000+i, "")
		by.Owner, by.Retracts = e.Owner, &archive.Retraction{IDs: []uuid.UUID{e.ID}, By: by.StanzaID, At: time.Now()}
		is(t, s.Append(t.Context(), []archive.Entry{by}), nil)
	}
	if got := everyPage(t, db, ArchivesQuery{Owners: []string{"alice@h", "one@rooms.h", "two@rooms.h"}, Text: "common", Max: 10}); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

// Of what was edited the last version is found (XEP-0308), indexed or not; another's edit of
// the same id is another message.
func TestSearchArchives_Edited(t *testing.T) {
	db := open(t)
	s := db.Stores("h", RosterNone).Archive
	db.index.bounds = indexBounds{small: 5, large: 20}
	edit := func(i int, of archive.Entry, body string) archive.Entry {
		e := message(i, body)
		e.Owner, e.With, e.Outgoing, e.Replaces = of.Owner, of.With, of.Outgoing, of.StanzaID
		return e
	}
	first := message(1, "word first")
	first.Owner, first.With = "alice@h", "bob@h"
	other := edit(4, first, "word other")
	other.With = "carol@h"
	last := edit(3, first, "word last")
	is(t, s.Append(t.Context(), []archive.Entry{first, edit(2, first, "word second"), last, other}), nil)
	for _, indexed := range []bool{false, true} {
		if indexed {
			for i := range 20 {
				is(t, s.Append(t.Context(), []archive.Entry{edit(10+i, first, "")}), nil) // no text: nothing is edited by it
			}
			is(t, db.Index.IndexArchives(t.Context()), nil)
		}
		if got, want := everyPage(t, db, ArchivesQuery{Owners: []string{"alice@h"}, Text: "word", Max: 10}), []string{other.StanzaID, last.StanzaID}; !slices.Equal(got, want) {
			t.Errorf("indexed %t: found %v, want %v", indexed, got, want)
		}
	}
}

// What was stored before holds the copy of what it answers, which the migration takes away.
func TestMigration_WordsOfAnswers(t *testing.T) {
	db := open(t)
	s := db.Stores("h", RosterNone).Archive
	const quote = "> Bob:\n> è 🎉?\n"
	bodies := map[string]string{ // what is after the text, by what is left of "quote + mine"
		`<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="14"/></fallback>`:                "mine",
		`<reply/><fallback for='urn:xmpp:reply:0' xmlns='urn:xmpp:fallback:0'> <body end='14' start='0'></body></fallback>`: "mine",
		`<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="99"/></fallback>`:                quote + "mine", // no range in the text
		`<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:message-retract:1"><body start="0" end="14"/></fallback>`:      quote + "mine",
		`<reply xmlns="urn:xmpp:reply:0" id="1"/>`: quote + "mine",
	}
	want := map[string]string{}
	for after, left := range bodies {
		e := message(len(want), quote+"mine")
		e.Stanza = []byte(`<message xmlns="jabber:client"><body>` + strings.ReplaceAll(e.Body, ">", "&gt;") + `</body>` + after + `</message>`)
		is(t, s.Append(t.Context(), []archive.Entry{e}), nil)
		want[e.StanzaID] = left
	}
	file, err := migrations.FS.ReadFile("00037_words_of_answers.sql")
	is(t, err, nil)
	up, _, _ := strings.Cut(string(file), "-- +goose Down")
	_, err = db.pool.Exec(t.Context(), up, pgx.QueryExecModeSimpleProtocol)
	is(t, err, nil)
	rows, err := db.pool.Query(t.Context(), "SELECT stanza_id, body FROM archive")
	is(t, err, nil)
	var id, body string
	_, err = pgx.ForEachRow(rows, []any{&id, &body}, func() error {
		if body != want[id] {
			t.Errorf("%q, want %q", body, want[id])
		}
		return nil
	})
	is(t, err, nil)
}
