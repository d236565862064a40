package models

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/xmppd/archive"

	"github.com/google/uuid"
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
			is(t, db.IndexArchives(t.Context()), nil)
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
		page, err := db.SearchArchives(t.Context(), q)
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
