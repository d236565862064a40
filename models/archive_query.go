package models

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"foyer/xmppd"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// filter builds the WHERE clause that selects q's messages, without paging.
type filter struct {
	where []string
	args  []any
}

func (f *filter) add(condition string, arg any) {
	f.args = append(f.args, arg)
	f.where = append(f.where, fmt.Sprintf(condition, len(f.args)))
}

func archiveFilter(q xmppd.ArchiveQuery) *filter {
	f := &filter{}
	f.add("owner = $%d", q.Owner)
	if q.With != "" {
		bare, resource, full := strings.Cut(q.With, "/")
		f.add("peer = $%d", bare)
		if full {
			f.add("resource = $%d", resource)
		}
	}
	if !q.Start.IsZero() {
		f.add("id >= $%d", firstID(q.Start))
	}
	if !q.End.IsZero() {
		f.add("id <= $%d", lastID(q.End))
	}
	if len(q.IDs) > 0 {
		f.add("id = ANY($%d)", q.IDs)
	}
	if q.Text != "" {
		f.search(q.Owner, q.Text)
	}
	return f
}

// search selects by words, in the syntax of web searches. The owner is one of
// the words (see the migration). Text without a word finds nothing.
func (f *filter) search(owner, text string) {
	quoted := "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace("@"+owner) + "'"
	f.args = append(f.args, quoted, text)
	n := len(f.args)
	f.where = append(f.where, fmt.Sprintf(
		"body <> '' AND numnode(websearch_to_tsquery('simple', $%d)) > 0 AND search @@ ($%d::tsquery && websearch_to_tsquery('simple', $%d))", n, n-1, n))
}

// pageFilter is the filter with the page's bounds.
func pageFilter(q xmppd.ArchiveQuery) *filter {
	f := archiveFilter(q)
	if q.After != uuid.Nil {
		f.add("id > $%d", q.After)
	}
	if q.Before != uuid.Nil {
		f.add("id < $%d", q.Before)
	}
	return f
}

func (f *filter) sql() string { return " FROM archive WHERE " + strings.Join(f.where, " AND ") }

// The bodies are in the stanzas.
const archiveColumns = "id, peer, resource, outgoing, stanza_id, coalesce(replaces, ''), stanza"

// pageSQL selects one entry more than the page has, to see whether it is the
// last.
func (f *filter) pageSQL(q xmppd.ArchiveQuery) string {
	order := "owner, id"
	if q.Last {
		order = "owner DESC, id DESC"
	}
	return fmt.Sprintf("SELECT %s%s ORDER BY %s LIMIT %d", archiveColumns, f.sql(), order, q.Max+1)
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

// Query implements xmppd.ArchiveStore, in one round trip. A page is one range
// scan of (owner, id), or of (owner, peer, id) when the other side is given.
func (s *chatStore) Query(ctx context.Context, q xmppd.ArchiveQuery) (xmppd.ArchivePage, error) {
	page := xmppd.ArchivePage{Counted: q.WithCount}
	batch := &pgx.Batch{}
	named := queueNamed(batch, q)
	all := archiveFilter(q)
	if q.WithCount {
		batch.Queue("SELECT count(*)"+all.sql(), all.args...).QueryRow(func(row pgx.Row) error { return row.Scan(&page.Count) })
	}
	if q.Max > 0 {
		f := pageFilter(q)
		batch.Queue(f.pageSQL(q), f.args...).Query(func(rows pgx.Rows) (err error) {
			page.Entries, page.Complete, err = scanPage(rows, q)
			return err
		})
	}
	if err := s.chat.SendBatch(ctx, batch).Close(); err != nil {
		return page, err
	}
	if !named.allThere() {
		return page, xmppd.ErrNotFound
	}
	if q.Max == 0 {
		page.Complete = page.Count == 0
		return page, nil
	}
	if q.Last {
		slices.Reverse(page.Entries)
	}
	return page, s.index(ctx, all, &page)
}

// namedIDs are the ids that a query names.
type namedIDs struct{ want, have int }

func (n *namedIDs) allThere() bool { return n.want == n.have }

// queueNamed looks for what a query names: an id that is not in the archive is
// an error (XEP-0059 §2.2, XEP-0313 §4.1.3).
func queueNamed(batch *pgx.Batch, q xmppd.ArchiveQuery) *namedIDs {
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

// scanPage reads entries until the page is full.
func scanPage(rows pgx.Rows, q xmppd.ArchiveQuery) (entries []xmppd.ArchiveEntry, complete bool, err error) {
	entries = make([]xmppd.ArchiveEntry, 0, q.Max)
	size := 0
	for rows.Next() {
		e := xmppd.ArchiveEntry{Owner: q.Owner}
		if err := rows.Scan(&e.ID, &e.With, &e.Resource, &e.Outgoing, &e.StanzaID, &e.Replaces, &e.Stanza); err != nil {
			return nil, false, err
		}
		size += len(e.Stanza)
		if len(entries) == q.Max || (q.MaxBytes > 0 && size > q.MaxBytes && len(entries) > 0) {
			rows.Close()
			return entries, false, rows.Err()
		}
		entries = append(entries, e)
	}
	return entries, true, rows.Err()
}

// index counts what precedes the page.
func (s *chatStore) index(ctx context.Context, all *filter, page *xmppd.ArchivePage) error {
	if !page.Counted || len(page.Entries) == 0 {
		return nil
	}
	all.add("id < $%d", page.Entries[0].ID)
	return s.chat.QueryRow(ctx, "SELECT count(*)"+all.sql(), all.args...).Scan(&page.Index)
}

// Bounds implements xmppd.ArchiveStore.
func (s *chatStore) Bounds(ctx context.Context, owner string) (first, last xmppd.ArchiveEntry, err error) {
	var oldest, newest *uuid.UUID
	err = s.chat.QueryRow(ctx, `SELECT
		(SELECT id FROM archive WHERE owner = $1 ORDER BY owner, id LIMIT 1),
		(SELECT id FROM archive WHERE owner = $1 ORDER BY owner DESC, id DESC LIMIT 1)`, owner).Scan(&oldest, &newest)
	switch {
	case err != nil:
		return first, last, err
	case oldest == nil || newest == nil:
		return first, last, xmppd.ErrNotFound
	}
	return xmppd.ArchiveEntry{Owner: owner, ID: *oldest}, xmppd.ArchiveEntry{Owner: owner, ID: *newest}, nil
}
