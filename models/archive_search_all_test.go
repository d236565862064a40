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
