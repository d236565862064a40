package models

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The indexes of one side of an archive (see the migrations).
const (
	peerNumber     = "hashtextextended(peer, hashtextextended(owner, 0))"
	resourceNumber = "hashtextextended(resource, " + peerNumber + ")"
)

// peerIs selects what is in an archive, $1, with a bare address, $2; see side.
const peerIs = "coalesce(owner = $1::text AND peer = $2::text, false) AND " +
	peerNumber + " = hashtextextended($2::text, hashtextextended($1::text, 0))"

// filter builds the WHERE clause that selects q's messages by what an index has:
// owner, peer, resource and id.
type filter struct {
	where []string
	args  []any
}

// arg adds an argument and returns its placeholder.
func (f *filter) arg(v any) string {
	f.args = append(f.args, v)
	return fmt.Sprint("$", len(f.args))
}

func (f *filter) add(condition string, v any) {
	f.where = append(f.where, fmt.Sprintf(condition, f.arg(v)))
}

func archiveFilter(q archive.Query) *filter {
	f := &filter{}
	f.side(q.Owner, q.With)
	f.selected(q)
	return f
}

// selected selects by time and id.
func (f *filter) selected(q archive.Query) {
	if !q.Start.IsZero() {
		f.add("id >= %s", firstID(q.Start))
	}
	if !q.End.IsZero() {
		f.add("id <= %s", lastID(q.End))
	}
	if len(q.IDs) > 0 {
		f.add("id = ANY(%s)", q.IDs)
	}
}

// side selects an archive, or what is in it with one address. Then the names are
// compared in a form that no index knows, so that the number's index is used,
// whatever the statistics say: it alone has nothing else in its range.
func (f *filter) side(owner, with string) {
	if with == "" {
		f.add("owner = %s", owner)
		return
	}
	o, p, r := f.names(owner, with)
	number, value := peerNumber, "hashtextextended("+p+", hashtextextended("+o+", 0))"
	if r != "" {
		number, value = resourceNumber, "hashtextextended("+r+", "+value+")"
	}
	f.where = append(f.where, number+" = "+value)
}

// names compares the names without an index. It returns their placeholders; with
// is a bare or a full address, and may be empty.
func (f *filter) names(owner, with string) (o, p, r string) {
	o = f.arg(owner) + "::text"
	same := "owner = " + o
	bare, resource, full := strings.Cut(with, "/")
	if with != "" {
		p = f.arg(bare) + "::text"
		same += " AND peer = " + p
	}
	if full {
		r = f.arg(resource) + "::text"
		same += " AND resource = " + r
	}
	f.where = append(f.where, "coalesce("+same+", false)")
	return o, p, r
}

// countFilter selects all that matches, whatever the page.
func countFilter(q archive.Query) *filter {
	f := archiveFilter(q)
	f.between(q.AfterID, q.BeforeID)
	return f
}

// pageFilter is the filter with the page's bounds.
func pageFilter(q archive.Query) *filter {
	f := archiveFilter(q)
	f.between(q.After, q.Before)
	return f
}

// between selects by ids, both exclusive; the zero id does not limit.
func (f *filter) between(after, before uuid.UUID) {
	if after != uuid.Nil {
		f.add("id > %s", after)
	}
	if before != uuid.Nil {
		f.add("id < %s", before)
	}
}

func (f *filter) sql() string { return " FROM archive WHERE " + strings.Join(f.where, " AND ") }

// The bodies are in the stanzas.
const archiveColumns = "id, peer, resource, outgoing, stanza_id, coalesce(replaces, ''), stanza"

// pageSQL selects one entry more than the page has, to see whether it is the
// last.
func (f *filter) pageSQL(q archive.Query) string {
	return fmt.Sprintf("SELECT %s%s%s LIMIT %d", archiveColumns, f.sql(), inOrder(q), q.Max+1)
}

// inOrder begins at the end of the index that the page is at. All of what is
// selected has the same owner and the same number.
func inOrder(q archive.Query) string {
	prefix := "owner"
	if strings.Contains(q.With, "/") {
		prefix = resourceNumber
	} else if q.With != "" {
		prefix = peerNumber
	}
	if q.Last {
		return " ORDER BY " + prefix + " DESC, id DESC"
	}
	return " ORDER BY " + prefix + ", id"
}

// firstID is the lowest UUIDv7 that is not before t.
func firstID(t time.Time) uuid.UUID {
	if whole := t.Truncate(time.Millisecond); whole.Before(t) {
		t = whole.Add(time.Millisecond)
	}
	return timeBound(t, 0)
}

// lastID is the highest UUIDv7 that is not after t.
func lastID(t time.Time) uuid.UUID { return timeBound(t, 0xff) }

// timeBound is the lowest (fill 0) or highest (fill 0xff) UUIDv7 of a
// millisecond.
func timeBound(t time.Time, fill byte) uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = fill
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
	return id
}

// Query implements archive.Store. A page is one range scan of an index, in
// one round trip; for words see archive_search.go.
func (s *chatStore) Query(ctx context.Context, q archive.Query) (archive.Page, error) {
	if q.Text != "" {
		return s.search(ctx, q)
	}
	page := archive.Page{Counted: q.WithCount}
	batch := &pgx.Batch{}
	named := queueNamed(batch, q)
	if q.WithCount {
		all := countFilter(q)
		batch.Queue(all.countSQL(countExactly+1), all.args...).QueryRow(scanInto(&page.Count))
	}
	found := foundEntries{q: q}
	if q.Max > 0 {
		f := pageFilter(q)
		batch.Queue(f.pageSQL(q), f.args...).Query(found.add)
	}
	if err := s.chat.SendBatch(ctx, batch).Close(); err != nil {
		return page, err
	}
	if !named.allThere() {
		return page, archive.ErrNotFound
	}
	found.fill(&page)
	if page.Count <= countExactly {
		return page, nil
	}
	var err error
	page.Count, err = s.estimate(ctx, countFilter(q))
	return page, err
}

// scanInto reads one value.
func scanInto(dst any) func(pgx.Row) error {
	return func(row pgx.Row) error { return row.Scan(dst) }
}

// How far is counted; what is more is estimated, as XEP-0059 §2.6 allows.
const countExactly = 10_000

// countSQL counts what is selected, up to a bound.
func (f *filter) countSQL(most int) string {
	return fmt.Sprintf("SELECT count(*) FROM (SELECT 1%s LIMIT %d) counted", f.sql(), most)
}

// estimate is how much the database's statistics expect, of what is known to be
// more than is counted.
func (s *chatStore) estimate(ctx context.Context, f *filter) (int, error) {
	var plans []struct {
		Plan struct {
			Rows int `json:"Plan Rows"`
		}
	}
	err := s.chat.QueryRow(ctx, "EXPLAIN (FORMAT JSON) SELECT 1"+f.sql(), f.args...).Scan(&plans)
	if err != nil || len(plans) == 0 {
		return countExactly, err
	}
	return max(plans[0].Plan.Rows, countExactly), nil
}

// namedIDs are the ids that a query names.
type namedIDs struct{ want, have int }

func (n *namedIDs) allThere() bool { return n.want == n.have }

// queueNamed looks for what a query names: an id that is not in the archive is
// an error (XEP-0059 §2.2, XEP-0313 §4.1.3).
func queueNamed(batch *pgx.Batch, q archive.Query) *namedIDs {
	named := slices.Concat(q.IDs, q.Named)
	for _, id := range []uuid.UUID{q.After, q.Before} {
		if id != uuid.Nil {
			named = append(named, id)
		}
	}
	if len(named) == 0 {
		return &namedIDs{}
	}
	slices.SortFunc(named, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	named = slices.Compact(named)
	n := &namedIDs{want: len(named)}
	batch.Queue("SELECT count(*) FROM archive WHERE owner = $1 AND id = ANY($2)", q.Owner, named).
		QueryRow(func(row pgx.Row) error { return row.Scan(&n.have) })
	return n
}

// foundEntries collects the entries of a page, in the order in which they are
// found.
type foundEntries struct {
	q    archive.Query
	list []archive.Entry
	size int  // of the stanzas
	full bool // there is more than the page takes
}

// add reads entries until the page is full.
func (f *foundEntries) add(rows pgx.Rows) error {
	if f.list == nil {
		f.list = make([]archive.Entry, 0, f.q.Max)
	}
	for rows.Next() {
		e := archive.Entry{Owner: f.q.Owner}
		if err := rows.Scan(&e.ID, &e.With, &e.Resource, &e.Outgoing, &e.StanzaID, &e.Replaces, &e.Stanza); err != nil {
			return err
		}
		if !f.take(e) {
			rows.Close()
			break
		}
	}
	return rows.Err()
}

// take takes an entry, unless the page is full.
func (f *foundEntries) take(e archive.Entry) bool {
	f.size += len(e.Stanza)
	f.full = len(f.list) == f.q.Max || (f.q.MaxBytes > 0 && f.size > f.q.MaxBytes && len(f.list) > 0)
	if !f.full {
		f.list = append(f.list, e)
	}
	return !f.full
}

// fill puts the entries into the page, oldest first.
func (f *foundEntries) fill(page *archive.Page) {
	if f.q.Max == 0 {
		page.Complete = page.Count == 0
		return
	}
	page.Entries, page.Complete = f.list, !f.full
	if f.q.Last {
		slices.Reverse(page.Entries)
	}
}

// Newest implements archive.Store.
func (s *chatStore) Newest(ctx context.Context, after uuid.UUID) (uuid.UUID, error) {
	var id uuid.UUID
	err := s.chat.QueryRow(ctx, "SELECT id FROM archive WHERE id > $1 ORDER BY id DESC LIMIT 1", after).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return id, err
}

// Bounds implements archive.Store.
func (s *chatStore) Bounds(ctx context.Context, owner string) (first, last archive.Entry, err error) {
	var oldest, newest *uuid.UUID
	err = s.chat.QueryRow(ctx, `SELECT
		(SELECT id FROM archive WHERE owner = $1 ORDER BY owner, id LIMIT 1),
		(SELECT id FROM archive WHERE owner = $1 ORDER BY owner DESC, id DESC LIMIT 1)`, owner).Scan(&oldest, &newest)
	switch {
	case err != nil:
		return first, last, err
	case oldest == nil || newest == nil:
		return first, last, archive.ErrNotFound
	}
	return archive.Entry{Owner: owner, ID: *oldest}, archive.Entry{Owner: owner, ID: *newest}, nil
}
