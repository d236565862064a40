package models

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Full-text search (XEP-0431). A page is found in bounded steps, whatever the
// words and however long the archive:
//
//  1. The archive is read from the page's end of it, for a bounded number of
//     messages. That finds words that are common there, and all words of an
//     archive that is not longer.
//  2. The rest of the page comes from the index of words, together with the one
//     of times: for a stretch of time that, by what was found in step 1, has
//     enough for the page. A stretch that has too many messages is halved; one
//     that has too few is followed by the next.
//
// The owner is one of the words of a message (see the migration), so that the
// index finds messages of one archive only.
//
// Searches have connections of their own, and each statement is planned with
// its words: a plan that is good for any word is the wrong one for most.

// searchBounds are how many messages a search reads.
type searchBounds struct {
	first   int // in step 1
	stretch int // with the words, in a stretch of time, before it is halved
}

// countedFound is how many messages with the words are counted.
const countedFound = 1000

// search answers a query with words.
func (s *chatStore) search(ctx context.Context, q archive.Query) (archive.Page, error) {
	page := archive.Page{Counted: q.WithCount}
	if q.WithCount {
		// With the same steps; more than the bound is told as the bound
		// (XEP-0059 §2.6 allows an estimate).
		all := q
		all.After, all.Before, all.Last, all.Max, all.MaxBytes = uuid.Nil, uuid.Nil, true, countedFound, 0
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
	var words struct{ any, indexed bool }
	var first, edge, end *uuid.UUID // edge: the last that was read; nil: nothing is left
	batch := &pgx.Batch{}
	named := queueNamed(batch, q)
	batch.Queue(wordsSQL, q.Text).QueryRow(func(row pgx.Row) error { return row.Scan(&words.any, &words.indexed) })
	f := pageFilter(q)
	batch.Queue(f.edgesSQL(q, s.reads.first), f.args...).QueryRow(func(row pgx.Row) error { return row.Scan(&first, &edge, &end) })
	f = pageFilter(q)
	batch.Queue(f.firstReadSQL(q, s.reads.first), f.args...).Query(found.add)
	if err := s.searches.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	switch {
	case !named.allThere():
		return archive.ErrNotFound
	case !words.any || edge == nil || found.full:
		return nil
	case !words.indexed:
		return s.readOn(ctx, found, *edge)
	}
	likely := stretch{near: *edge, far: *end, back: q.Last}.first(*first, len(found.list), q.Max)
	return s.findIndexed(ctx, found, likely, *end)
}

// readOn reads behind the edge for words that no index has, such as "-word".
func (s *chatStore) readOn(ctx context.Context, found *foundEntries, edge uuid.UUID) error {
	q := found.q
	if q.Last {
		q.Before = edge
	} else {
		q.After = edge
	}
	f := pageFilter(q)
	f.where = append(f.where, f.matches(q.Text))
	rows, err := s.searches.Query(ctx, f.pageSQL(q), f.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return found.add(rows)
}

// findIndexed finds the rest of a page, stretch by stretch up to the end.
func (s *chatStore) findIndexed(ctx context.Context, found *foundEntries, in stretch, end uuid.UUID) error {
	for {
		middle, splits := in.middle()
		limit := s.reads.stretch + 1
		if !splits {
			limit = 0
		}
		sql, args := stretchSQL(found.q, in, limit)
		rows, err := s.searches.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		total, err := found.addStretch(rows, limit)
		switch {
		case err != nil:
			return err
		case splits && total >= limit:
			in.far = middle
		case found.full || in.far == end:
			return nil
		default:
			in.near, in.far = in.far, end
		}
	}
}

// addStretch reads what was found in a stretch, unless that reaches a limit, and
// returns how many there are.
func (f *foundEntries) addStretch(rows pgx.Rows, limit int) (total int, err error) {
	defer rows.Close()
	for rows.Next() {
		e := archive.Entry{Owner: f.q.Owner}
		if err := rows.Scan(&e.ID, &e.With, &e.Resource, &e.Outgoing, &e.StanzaID, &e.Replaces, &e.Stanza, &total); err != nil {
			return total, err
		}
		if limit > 0 && total >= limit || !f.take(e) {
			break
		}
	}
	rows.Close()
	return total, rows.Err()
}

// stretch is a part of an archive: what is beyond near, up to far, in one
// direction.
type stretch struct {
	near, far uuid.UUID
	back      bool // into the past
}

// first is the stretch that has enough for the page, if words are as frequent
// as they were in the messages that were read, from first to near.
func (s stretch) first(first uuid.UUID, found, want int) stretch {
	if found == 0 {
		return s
	}
	read := millis(s.near) - millis(first)
	at := millis(s.near) + read*int64(2*want/found+1)
	if far := s.bound(at); s.before(far) {
		s.far = far
	}
	return s
}

// middle halves the stretch; false: it is too short.
func (s stretch) middle() (uuid.UUID, bool) {
	near, far := millis(s.near), millis(s.far)
	if max(near-far, far-near) < 2 {
		return s.far, false
	}
	return s.bound((near + far) / 2), true
}

// before reports whether an id is not as far as the stretch's end.
func (s stretch) before(id uuid.UUID) bool {
	return s.back == (bytes.Compare(id[:], s.far[:]) > 0)
}

// bound is the last id of a millisecond, in the stretch's direction.
func (s stretch) bound(ms int64) uuid.UUID {
	if s.back {
		return timeBound(time.UnixMilli(ms), 0)
	}
	return timeBound(time.UnixMilli(ms), 0xff)
}

// millis is the time of an id (RFC 9562 §5.7).
func millis(id uuid.UUID) int64 {
	return int64(binary.BigEndian.Uint64(id[:8]) >> 16)
}

// wordsSQL: whether there are words in a text, and words that a message must
// have, which is what an index can find.
const wordsSQL = `SELECT numnode(words) > 0, querytree(words) NOT IN ('', 'T')
	FROM websearch_to_tsquery('simple', $1) words`

// matches is the condition that a message has the words, in the syntax of web
// searches. Text without a word matches nothing.
func (f *filter) matches(text string) string {
	return "body <> '' AND search @@ websearch_to_tsquery('simple', " + f.arg(text) + ")"
}

// edgesSQL finds the first and the last of the messages that are read first, and
// the last of all.
func (f *filter) edgesSQL(q archive.Query, read int) string {
	order, reverse := inOrder(q), q
	reverse.Last = !q.Last
	return fmt.Sprintf("SELECT (SELECT id%[1]s%[2]s LIMIT 1), (SELECT id%[1]s%[2]s OFFSET %[4]d LIMIT 1), (SELECT id%[1]s%[3]s LIMIT 1)",
		f.sql(), order, inOrder(reverse), read-1)
}

// firstReadSQL reads the first messages, and selects those with the words.
func (f *filter) firstReadSQL(q archive.Query, read int) string {
	return fmt.Sprintf("SELECT %s FROM (SELECT *%s%s LIMIT %d) read WHERE %s ORDER BY id%s LIMIT %d",
		archiveColumns, f.sql(), inOrder(q), read, f.matches(q.Text), direction(q), q.Max+1)
}

func direction(q archive.Query) string {
	if q.Last {
		return " DESC"
	}
	return ""
}

// stretchSQL finds messages by words and time. The names are compared in a form
// that no index knows: a range of theirs may be all of an archive. A limit bounds
// how many are looked at; 0 is none.
func stretchSQL(q archive.Query, in stretch, limit int) (string, []any) {
	f := &filter{}
	f.names(q.Owner, q.With)
	if len(q.IDs) > 0 {
		f.add("id = ANY(%s)", q.IDs)
	}
	near, far := "id > %s", "id <= %s"
	if in.back {
		near, far = "id < %s", "id >= %s"
	}
	f.add(near, in.near)
	f.add(far, in.far)
	owner := "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace("@"+q.Owner) + "'"
	f.where = append(f.where, fmt.Sprintf("body <> '' AND search @@ (%s::tsquery && websearch_to_tsquery('simple', %s))", f.arg(owner), f.arg(q.Text)))
	found := "SELECT *" + f.sql()
	if limit > 0 {
		found += fmt.Sprint(" LIMIT ", limit)
	}
	return fmt.Sprintf("SELECT %s, total FROM (SELECT *, count(*) OVER () AS total FROM (%s) found) counted ORDER BY id%s LIMIT %d",
		archiveColumns, found, direction(q), q.Max+1), f.args
}
