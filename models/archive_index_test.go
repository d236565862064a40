package models

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// segments returns how many messages the segments of an archive had when they were
// indexed, oldest first.
func (db *DB) segments(t testing.TB, owner string) []int {
	t.Helper()
	rows, err := db.pool.Query(t.Context(), "SELECT size FROM archive_segments WHERE owner = $1 ORDER BY last", owner)
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

// postings counts the messages that the index has for a word.
func (db *DB) postings(t testing.TB, word string) (n int) {
	t.Helper()
	err := db.pool.QueryRow(t.Context(), "SELECT coalesce(sum(cardinality(at)), 0) FROM archive_words WHERE letters = $1", word).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// large segments first, then small ones, of which enough become a large one.
func TestIndex_Segments(t *testing.T) {
	db := open(t)
	s := db.Stores("h", RosterNone).Archive
	db.index.bounds = indexBounds{small: 10, large: 40}
	stored := 0
	store := func(n int) {
		t.Helper()
		var all []archive.Entry
		for range n {
			all = append(all, message(stored, "word"))
			stored++
		}
		is(t, s.Append(t.Context(), all), nil)
		is(t, db.Index.IndexArchives(t.Context()), nil)
	}
	for _, step := range []struct {
		store int
		want  []int
	}{{9, nil}, {1, []int{10}}, {15, []int{10, 10}}, {14, []int{10, 10, 10}}, {1, []int{40}}, {95, []int{40, 40, 40, 10}}} {
		if store(step.store); !slices.Equal(db.segments(t, "alice@h"), step.want) {
			t.Errorf("%d messages are indexed in %v, want %v", stored, db.segments(t, "alice@h"), step.want)
		}
	}
	if n := db.postings(t, "word"); n != 130 {
		t.Errorf("%d of 130 messages are in the index", n)
	}
}

// An archive is looked at without anybody asking: when the program starts, and when
// some of its messages were stored.
func TestIndex_Keep(t *testing.T) {
	db := open(t)
	s := db.Stores("h", RosterNone).Archive
	fill(t, s, "old@h", defaultIndexBounds.small)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { db.Index.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	await := func(owner string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); len(db.segments(t, owner)) == 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(owner + " is not indexed")
			}
		}
	}
	await("old@h")
	fill(t, s, "new@h", defaultIndexBounds.small) // the bits of their ids are zero
	await("new@h")
}

// archives take turns, a segment each, and one that is written to all the time
// rests on its own.
func TestIndex_Turns(t *testing.T) {
	x := newArchiveIndex()
	for _, owner := range []string{"busy@h", "other@h", "busy@h"} {
		x.add(owner)
	}
	for i, want := range []string{"busy@h", "other@h", "busy@h"} {
		owner, wait, ok := x.next()
		if !ok || owner != want || (wait > 0) != (i == 2) {
			t.Errorf("turn %d: %s after %s", i, owner, wait)
		}
		x.begin(owner)
		x.add(owner) // something is stored meanwhile
		x.finish(owner, map[string]time.Duration{"busy@h": time.Hour, "other@h": 2 * time.Hour}[owner], nil)
	}
}

// An archive that cannot be indexed keeps no other from it; the log says so once.
func TestIndex_OneFails(t *testing.T) {
	db, ctx := open(t), t.Context()
	var said bytes.Buffer
	db.log = slog.New(slog.NewTextHandler(&said, nil))
	s := db.Stores("h", RosterNone).Archive
	for _, owner := range []string{"bad@h", "good@h"} {
		fill(t, s, owner, defaultIndexBounds.small)
	}
	refuse := func(sql string) {
		t.Helper()
		if _, err := db.pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	refuse("ALTER TABLE archive_segments ADD CONSTRAINT refused CHECK (owner <> 'bad@h')")
	if err := db.Index.IndexArchives(ctx); err == nil || len(db.segments(t, "good@h")) != 1 {
		t.Errorf("%v, and the other archive has %v", err, db.segments(t, "good@h"))
	}
	for range 2 {
		is(t, db.Index.indexTurn(ctx, "bad@h"), nil)
	}
	if n := strings.Count(said.String(), "bad@h"); n != 1 {
		t.Errorf("the log says %d times:\n%s", n, said.String())
	}
	if wait := time.Until(db.index.due["bad@h"]); wait < indexRetry/2 {
		t.Errorf("it is tried again after %s", wait)
	}
	refuse("ALTER TABLE archive_segments DROP CONSTRAINT refused")
	is(t, db.Index.indexTurn(ctx, "bad@h"), nil)
	if len(db.index.failed) > 0 || len(db.segments(t, "bad@h")) != 1 {
		t.Errorf("afterwards %v have failed, and it has %v", db.index.failed, db.segments(t, "bad@h"))
	}
}

// What is taken back, expired or deleted is in the index no longer (XEP-0424 §5,
// XEP-0313 §3.2).
func TestIndex_Forgets(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.Stores("h", RosterNone).Archive
	db.index.bounds = indexBounds{small: 8, large: 1000}
	var all []archive.Entry
	for i := range 16 {
		all = append(all, message(i, fmt.Sprint("word w", i)))
	}
	is(t, s.Append(ctx, all), nil)
	is(t, db.Index.IndexArchives(ctx), nil)

	retraction := message(20, "")
	retraction.Retracts = &archive.Retraction{IDs: []uuid.UUID{all[12].ID}, By: "r", At: time.Now()}
	is(t, s.Append(ctx, []archive.Entry{retraction}), nil)
	if n, other := db.postings(t, "w12"), db.postings(t, "w13"); n != 0 || other != 1 {
		t.Errorf("what was retracted is there %d times, what was not %d times", n, other)
	}
	var rows int
	is(t, db.pool.QueryRow(ctx, "SELECT count(*) FROM archive_words WHERE letters IN ('w12', 'w13')").Scan(&rows), nil)
	if rows != 1 {
		t.Errorf("%d rows of words, and one that nobody says any more", rows)
	}

	_, err := db.Retention.ExpireArchive(ctx, "h", all[10].Time())
	is(t, err, nil)
	is(t, db.Index.sweepIndex(ctx, 0), nil)
	if n := db.postings(t, "word"); n != 5 { // of 10 to 15
		t.Errorf("%d messages are in the index, want 5", n)
	}
	if got := search(t, s, "alice@h", "word"); got != "m10 m11 m13 m14 m15" {
		t.Errorf("found %s", got)
	}
	a, err := db.Accounts.AccountByName(ctx, "alice")
	is(t, err, nil)
	is(t, db.Accounts.DeleteAccount(ctx, a.ID, AnyVersion, "h"), nil)
	if n, sizes := db.postings(t, "word"), db.segments(t, "alice@h"); n != 0 || len(sizes) > 0 {
		t.Errorf("a deleted account's words: %d, %v", n, sizes)
	}
}

// however long the archive, a search reads what is not indexed, looks into the
// segments by their words, and reads what it finds: of its own archive, in order.
func TestArchive_SearchPlans(t *testing.T) {
	db := open(t)
	db.index.bounds = indexBounds{small: 8, large: 40}
	fillWords(t, db, 200, 100)
	is(t, db.Index.IndexArchives(t.Context()), nil)
	if _, err := db.pool.Exec(t.Context(), "VACUUM ANALYZE archive, archive_segments, archive_words"); err != nil {
		t.Fatal(err)
	}
	for _, with := range []string{"", "user10@h"} {
		for _, last := range []bool{true, false} {
			q := archive.Query{Owner: "user7@h", With: with, Text: "word3", Max: 50, Last: last}
			scan := map[bool]string{true: "Index Scan Backward using ", false: "Index Scan using "}[last]
			plan := func(wants []string, sql string, args ...any) {
				t.Helper()
				got := explain(t, db.searches, sql, args...)
				for _, want := range wants {
					if !strings.Contains(got, want) {
						t.Errorf("no %s:\n%s", want, got)
					}
				}
				if strings.Contains(got, "Seq Scan") || strings.Contains(got, "Hash") || strings.Contains(got, "Bitmap") {
					t.Errorf("more is read than is found:\n%s", got)
				}
			}
			sql, args := latestSQL(q, nil)
			plan([]string{scan + map[bool]string{true: "archive_pkey", false: "archive_by_peer"}[with == ""]}, sql, args...)
			part := partOf(q)
			sql, args = part.segmentsSQL(all([]*wordNode{{op: 'w', word: "word3"}, {op: 'w', word: "@user10@h"}}), 4)
			plan([]string{scan + "archive_segments_pkey", "Index Scan using archive_words_pkey", "(actual rows=8 "}, sql, args...)
			sql, args = pickSQL(q, []int64{half(timeBound(time.UnixMilli(1_700_000_000_003), 0)) | 0x7000})
			plan([]string{"Index Scan using archive_pkey"}, sql, args...)
		}
	}
}

// however many segments are looked into at once, and whatever words they have, each word is looked up in each by
// itself.
func TestArchive_SearchPlans_ManyWords(t *testing.T) {
	db := open(t)
	for _, sql := range []string{
		`INSERT INTO archive_segments (owner, first, last, size, authors) SELECT 'a@h', id, id, 1, true FROM (SELECT (lpad(to_hex(i), 12, '0') || '70008000000000000000')::uuid AS id FROM generate_series(1, 300) i) s`,
		`INSERT INTO archive_words (segment, letters, at) SELECT id, 'w' || w, ARRAY[1] FROM archive_segments, generate_series(1, 1500) w`,
		"VACUUM ANALYZE archive_segments, archive_words",
	} {
		if _, err := db.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	formula := all([]*wordNode{{op: 'w', word: "w7"}, {op: 'w', word: "w14" + anyEnd}})
	for _, n := range []int{4, 64, 256, 1024} {
		one, args := part{owner: "a@h", end: uuid.Max, back: true}.segmentsSQL(formula, n)
		of := &searchOfAll{q: ArchivesQuery{Owners: []string{"a@h"}}, formula: formula}
		every, argsOfAll := of.segmentsOfAllSQL(segmentEnd{last: uuid.Max}, uuid.Max, n)
		for sql, args := range map[string][]any{one: args, every: argsOfAll} {
			plan := explain(t, db.searches, sql, args...)
			if strings.Contains(plan, "Join Filter") || strings.Contains(plan, "Seq Scan on archive_words") || strings.Contains(plan, "Hash") || !strings.Contains(plan, "(letters >= q.word) AND (letters <= q.until)") {
				t.Errorf("of %d segments more is read than is found:\n%s", n, plan)
			}
		}
	}
}

// the tenth search on a connection is planned like the first, for what it asks. A
// statement that the connection keeps would get a plan for anything after five times.
func TestArchive_SearchTenTimes(t *testing.T) {
	db := open(t)
	db.index.bounds = indexBounds{small: 8, large: 40}
	fillWords(t, db, 2, 100)
	is(t, db.Index.IndexArchives(t.Context()), nil)
	s := db.Stores("h", RosterNone).Archive
	conn, err := db.searches.Acquire(t.Context()) // it is the only one, and the first that is taken next
	is(t, err, nil)
	conn.Release()
	for i := range 10 {
		for _, word := range []string{"common", "nothing"} {
			for _, last := range []bool{true, false} {
				page, err := s.Query(t.Context(), archive.Query{Owner: "user1@h", Text: word, Max: 50, Last: last, WithCount: true})
				if err != nil || len(page.Entries) != map[string]int{"common": 50}[word] {
					t.Fatalf("search %d for %s found %d, %v", i, word, len(page.Entries), err)
				}
			}
		}
	}
	if n := db.searches.Stat().TotalConns(); n != 1 {
		t.Fatalf("the searches went over %d connections", n)
	}
	var kept int
	is(t, db.searches.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&kept), nil)
	if kept > 0 {
		t.Errorf("the connection keeps %d statements", kept)
	}
}

// What Postgres writes of a search, and the messages that may match.
func TestTSQuery(t *testing.T) {
	db := open(t)
	sets := map[string][]int64{"a": {1, 2, 3, 4}, "b": {2, 4, 6}, "c": {4, 5}, `o'b\c`: {3}, "c" + anyEnd: {1, 4, 5}, strings.Repeat("y", indexedRunes): {7}}
	for text, want := range map[string]string{
		"a": "[1 2 3 4]", "a b": "[2 4]", "a or b": "[1 2 3 4 6]", `"a b"`: "[2 4]", `"a b" or c`: "[2 4 5]", "a -b": "[1 3]", "-b a -c": "[1 3]", "a -b or c": "[1 3 4 5]",
		"a b or c a": "[2 4]", "-a": "all", "a or -b": "all", `a -"b c"`: "[1 2 3 4]", "d": "[]", `"a !! c" -d`: "[4]",
		"a -" + strings.Repeat("x", indexedRunes): "[1 2 3 4]", strings.Repeat("y", indexedRunes+1): "[7]",
	} {
		var written string
		if err := db.pool.QueryRow(t.Context(), "SELECT websearch_to_tsquery('simple', $1)::text", text).Scan(&written); err != nil {
			t.Fatal(err)
		}
		n, err := parseTSQuery(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		got := "all"
		if n.op != '*' {
			got = fmt.Sprint(n.among(sets))
		}
		if got != want {
			t.Errorf("%q, %s: %s, want %s", text, written, got, want)
		}
	}
	same, err := parseTSQuery("'a' & 'a' & ( 'b' & !'c' & 'b' )")
	if err != nil || fmt.Sprint(same.musts()) != "[a b]" {
		t.Errorf("%+v %v", same, err)
	}
	n, err := parseTSQuery(`( 'o''b\\c' | !( 'a' & 'b' ) ) & 'a' <2> 'b'`)
	if err != nil || fmt.Sprint(n.needs()) != "[a b]" {
		t.Errorf("%+v %v", n, err)
	}
	if n, err = parseTSQuery(`'o''b\\c'`); err != nil || fmt.Sprint(n.among(sets)) != "[3]" {
		t.Errorf("%+v %v", n, err)
	}
	if n, err = parseTSQuery("'a' & 'c':*"); err != nil || fmt.Sprint(n.among(sets)) != "[1 4]" || fmt.Sprint(n.sets()) != "[[a c] [a c"+anyEnd+"] [a]]" {
		t.Errorf("%+v %v", n, err)
	}
	for text, want := range map[string]string{
		"tea pot": "'tea' & 'pot':*", "tea -pot": "'tea' & !'pot'", "tea - pot": "'tea' & !'pot'", `"tea pot"`: "'tea' <-> 'pot'", `"tea pot`: "'tea' <-> 'pot'",
		"tea or": "'tea' & 'or':*", "tea __": "'tea'", "_b": "'b'", "b": "'b'", "ab": "'ab':*", "Well-Kn": "'well-kn':* <-> 'well' <-> 'kn':*", "-well-kn": "!( 'well-kn' <-> 'well' <-> 'kn' )",
		"example.com/pa": "'example.com/pa':* <-> 'example.com' <-> '/pa':*", "o'br": "'o' <-> 'br':*", "茶": "'茶':*", " ": "",
	} {
		var written string
		is(t, db.pool.QueryRow(t.Context(), "SELECT websearch_to_tsquery('simple', $1)::text", text).Scan(&written), nil)
		if got := withBeginning(written, text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		var understood string
		is(t, db.pool.QueryRow(t.Context(), "SELECT $1::tsquery::text", withBeginning(written, text)).Scan(&understood), nil)
		if _, err := parseTSQuery(understood); text != " " && err != nil {
			t.Errorf("%s: %v", understood, err)
		}
	}
	for _, bad := range []string{"", "a", "'a", "'a' &", "( 'a'", "'a' 'b'", "'a' )", `'a\b'`} {
		if _, err := parseTSQuery(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
