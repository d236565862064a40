package models

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Full-text search (XEP-0431). An archive is a row of segments, whose words are
// indexed, and the latest messages, which are not yet (archive_index.go). A page is
// found from its end of the archive on:
//
//   - of the latest messages by reading them, less than a small segment;
//   - of segments by their sets of messages with the words, a few segments at a time
//     and more when they bring little. Then the messages are read, and looked at
//     whether they match: by the order of words, and the address they are with.
//
// So a search costs what the page has and one look into each segment, of which an
// archive of a million messages has some 150, whatever the words.
//
// Searches have connections of their own, and each statement is planned with
// its words: a plan that is good for any word is the wrong one for most.

const (
	countedFound  = 1000 // messages with the words that are counted
	firstSegments = 4    // segments that are looked into first, and then four times as many
	maxSegments   = 256
	maxCandidates = 2048 // messages that are looked at in one statement
)

// search answers a query with words.
func (s *chatStore) search(ctx context.Context, q archive.Query) (archive.Page, error) {
	page := archive.Page{Counted: q.WithCount}
	if q.WithCount {
		// With the same steps; more than the bound is told as the bound
		// (XEP-0059 §2.6 allows an estimate).
		all := q
		all.After, all.Before, all.Last, all.Max, all.MaxBytes = q.AfterID, q.BeforeID, true, countedFound, 0
		counted := foundEntries{q: all}
		if err := s.find(ctx, &counted); err != nil {
			return page, err
		}
		page.Count = len(counted.list)
	}
	found := foundEntries{q: q}
	if err := s.find(ctx, &found); err != nil {
		return page, err
	}
	found.fill(&page)
	return page, nil
}

// find finds the entries of a page.
func (s *chatStore) find(ctx context.Context, found *foundEntries) error {
	q := found.q
	var words string
	var indexed uuid.UUID
	batch := &pgx.Batch{}
	batch.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") // a segment may be added just now
	named := queueNamed(batch, q)
	batch.Queue("SELECT websearch_to_tsquery('simple', $1)::text", q.Text).QueryRow(scanInto(&words))
	batch.Queue("SELECT "+latestSegment, q.Owner).QueryRow(scanInto(&indexed))
	if q.Last {
		sql, args := latestSQL(q, nil)
		batch.Queue(sql, args...).Query(found.add)
	}
	batch.Queue("COMMIT")
	if err := s.searches.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if !named.allThere() {
		return archive.ErrNotFound
	}
	if words == "" || found.full {
		return nil // text without a word matches nothing
	}
	if indexed != uuid.Nil {
		if err := s.findIndexed(ctx, found, words, indexed); err != nil || found.full {
			return err
		}
	}
	if q.Last {
		return nil
	}
	sql, args := latestSQL(q, &indexed)
	return s.read(ctx, found, sql, args)
}

// latestSQL finds messages that are in no segment. The segments end with an id, or
// where the database says.
func latestSQL(q archive.Query, indexed *uuid.UUID) (string, []any) {
	f := pageFilter(q)
	if indexed != nil {
		f.add("id > %s", *indexed)
	} else {
		f.where = append(f.where, "id > "+strings.ReplaceAll(latestSegment, "$1", f.arg(q.Owner)))
	}
	f.where = append(f.where, f.matches(q.Text))
	return f.pageSQL(q), f.args
}

// read reads entries of the page.
func (s *chatStore) read(ctx context.Context, found *foundEntries, sql string, args []any) error {
	rows, err := s.searches.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return found.add(rows)
}

// findIndexed finds what the segments have, the last of which ends with an id.
func (s *chatStore) findIndexed(ctx context.Context, found *foundEntries, words string, end uuid.UUID) error {
	formula, err := parseTSQuery(words)
	if err != nil {
		return err
	}
	if peer, _, _ := strings.Cut(found.q.With, "/"); peer != "" && formula.op != '*' {
		formula = all([]*wordNode{formula, {op: 'w', word: indexedWord("@" + peer)}})
	}
	if formula.op == '*' || len(found.q.IDs) > 0 {
		// Nothing that sets could tell, such as "-word".
		f := pageFilter(found.q)
		f.add("id <= %s", end)
		f.where = append(f.where, f.matches(found.q.Text))
		return s.read(ctx, found, f.pageSQL(found.q), f.args)
	}
	part := partOf(found.q)
	if before(end, part.end) {
		part.end = end
	}
	for n := firstSegments; !found.full; {
		may, more, err := s.lookInto(ctx, &part, formula, n)
		if err != nil {
			return err
		}
		if err := s.pick(ctx, found, may); err != nil || !more {
			return err
		}
		if len(may) <= found.q.Max {
			n = min(4*n, maxSegments)
		}
	}
	return nil
}

// part is what of an archive was not looked into yet.
type part struct {
	owner      string
	first, end uuid.UUID
	back       bool // into the past
}

// partOf is the part that a page is in.
func partOf(q archive.Query) part {
	p := part{owner: q.Owner, first: q.After, end: uuid.Max, back: q.Last}
	if !q.Start.IsZero() {
		p.first = later(p.first, firstID(q.Start))
	}
	if q.Before != uuid.Nil {
		p.end = q.Before
	}
	if !q.End.IsZero() && before(lastID(q.End), p.end) {
		p.end = lastID(q.End)
	}
	return p
}

func before(a, b uuid.UUID) bool { return bytes.Compare(a[:], b[:]) < 0 }

func later(a, b uuid.UUID) uuid.UUID {
	if before(a, b) {
		return b
	}
	return a
}

// segmentsSQL selects the part's next n segments, with the sets of a formula's words if
// the segment has all that a message must have.
func (p part) segmentsSQL(formula *wordNode, n int) (string, []any) {
	order := ""
	if p.back {
		order = " DESC"
	}
	return fmt.Sprintf(setsOfSegments+` WHERE owner = $4 AND last >= $5 AND first <= $6 ORDER BY owner%[1]s, last%[1]s LIMIT %[2]d`+ofWords+` ORDER BY s.last%[1]s`, order, n),
		append(formula.sets(), p.owner, p.first, p.end)
}

// The sets of the words $2, or of those that begin with $1, in some segments. A segment that lacks one of the whole words
// $3 has no set. Each word is looked up in each segment, by itself. Of words that begin alike at most 4,096 are read in a
// segment, since somebody may write very many: with one letter more there are fewer.
const (
	setsOfSegments = `SELECT s.owner, s.first, s.last, q.until, w.at
		FROM (SELECT owner, first, last, CASE (SELECT count(*) FROM archive_words WHERE segment = id AND letters = ANY ($3))
				WHEN cardinality($3::text[]) THEN id END AS segment
			FROM archive_segments`
	ofWords = `) s
		CROSS JOIN unnest($1::text[], $2::text[]) q (word, until)
		LEFT JOIN LATERAL (SELECT at FROM archive_words WHERE segment = s.segment AND letters >= q.word AND letters <= q.until
			ORDER BY segment, letters LIMIT 4096) w ON true`
)

// sets are the first three arguments of setsOfSegments.
func (n *wordNode) sets() []any {
	until := n.needs()
	from := make([]string, len(until))
	for i, word := range until {
		from[i] = strings.TrimSuffix(word, anyEnd)
	}
	musts := slices.DeleteFunc(n.musts(), func(word string) bool { return strings.HasSuffix(word, anyEnd) })
	return []any{from, until, musts}
}

// segment is a segment of an archive.
type segment struct {
	owner       string
	first, last uuid.UUID
}

// eachSegment calls do with the sets of each segment, until it wants no more.
func eachSegment(rows pgx.Rows, do func(seg segment, sets map[string][]int64) bool) error {
	defer rows.Close()
	var at segment
	sets := make(map[string][]int64)
	finish := func() bool {
		if at == (segment{}) {
			return true
		}
		for word, set := range sets {
			slices.Sort(set)
			sets[word] = slices.Compact(set)
		}
		return do(at, sets)
	}
	for rows.Next() {
		var next segment
		var word string
		var set []int64
		if err := rows.Scan(&next.owner, &next.first, &next.last, &word, &set); err != nil {
			return err
		}
		if next != at {
			if !finish() {
				return nil
			}
			clear(sets)
			at = next
		}
		sets[word] = append(sets[word], set...)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	finish()
	return nil
}

// lookInto returns the messages that may match, of the part's next n segments, in the
// page's direction, and takes those segments from the part.
func (s *chatStore) lookInto(ctx context.Context, p *part, formula *wordNode, n int) (may []int64, more bool, err error) {
	sql, args := p.segmentsSQL(formula, n)
	rows, err := s.searches.Query(ctx, sql, args...)
	if err != nil {
		return nil, false, err
	}
	segments, rest := 0, *p
	err = eachSegment(rows, func(seg segment, sets map[string][]int64) bool {
		may = append(may, p.of(formula.among(sets))...)
		segments++
		rest.skip(seg.first, seg.last)
		return len(may) <= maxCandidates
	})
	more = segments == n || len(may) > maxCandidates
	*p = rest
	return may, more, err
}

// of returns those of a sorted set that are in the part, in its direction.
func (p *part) of(set []int64) []int64 {
	from, _ := slices.BinarySearch(set, half(p.first))
	to, there := slices.BinarySearch(set, half(p.end))
	if there {
		to++
	}
	set = slices.Clone(set[from:max(from, to)])
	if p.back {
		slices.Reverse(set)
	}
	return set
}

// skip takes a segment from the part.
func (p *part) skip(first, last uuid.UUID) {
	if p.back {
		p.end = fromHalves(half(first)-1, ^uint64(0))
	} else {
		p.first = fromHalves(half(last)+1, 0)
	}
}

// half is the first half of an id, which has its time.
func half(id uuid.UUID) int64 { return int64(binary.BigEndian.Uint64(id[:8]) &^ (1 << 63)) }

func fromHalves(first int64, second uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(first))
	binary.BigEndian.PutUint64(id[8:], second)
	return id
}

// pick reads those messages that match, in order, until the page is full.
func (s *chatStore) pick(ctx context.Context, found *foundEntries, may []int64) error {
	for n := found.q.Max + 1; len(may) > 0 && !found.full; n = min(4*n, maxCandidates) {
		n = min(n, len(may))
		sql, args := pickSQL(found.q, may[:n])
		if err := s.read(ctx, found, sql, args); err != nil {
			return err
		}
		may = may[n:]
	}
	return nil
}

// pickSQL selects those of some messages that match. OFFSET makes the database look
// them up one by one.
func pickSQL(q archive.Query, may []int64) (string, []any) {
	from, to := make([]uuid.UUID, len(may)), make([]uuid.UUID, len(may))
	for i, first := range may {
		from[i], to[i] = fromHalves(first, 0), fromHalves(first, ^uint64(0))
	}
	f := &filter{}
	one := fmt.Sprintf("SELECT * FROM archive WHERE owner = %s AND id >= from_id AND id <= to_id OFFSET 0", f.arg(q.Owner))
	f.selected(q)
	f.between(q.After, q.Before)
	if q.With != "" {
		f.names(q.Owner, q.With)
	}
	f.where = append(f.where, f.matches(q.Text))
	return fmt.Sprintf("SELECT %s FROM unnest(%s::uuid[], %s::uuid[]) may (from_id, to_id), LATERAL (%s) one WHERE %s ORDER BY id%s LIMIT %d",
		archiveColumns, f.arg(from), f.arg(to), one, strings.Join(f.where, " AND "), direction(q), q.Max+1), f.args
}

// matches is the condition that a message has the words, in the syntax of web
// searches. Text without a word matches nothing. The bound keeps the vector of any
// message below what Postgres can handle.
func (f *filter) matches(text string) string {
	return wordsOfBody + " @@ websearch_to_tsquery('simple', " + f.arg(text) + ")"
}

const wordsOfBody = "body <> '' AND to_tsvector('simple', left(body, 32768))"

func direction(q archive.Query) string {
	if q.Last {
		return " DESC"
	}
	return ""
}
