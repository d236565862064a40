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

// Append implements xmppd.ArchiveStore: one statement whatever the number of
// entries.
func (s *chatStore) Append(ctx context.Context, entries []xmppd.ArchiveEntry) error {
	n := len(entries)
	var (
		owners, peers, resources = make([]string, n), make([]string, n), make([]string, n)
		ids                      = make([]uuid.UUID, n)
		outgoing                 = make([]bool, n)
		stanzaIDs, bodies        = make([]string, n), make([]string, n)
		stanzas                  = make([][]byte, n)
	)
	for i, e := range entries {
		owners[i], ids[i], peers[i], resources[i] = e.Owner, e.ID, e.With, e.Resource
		outgoing[i], stanzaIDs[i], bodies[i], stanzas[i] = e.Outgoing, e.StanzaID, e.Body, e.Stanza
	}
	_, err := s.chat.Exec(ctx, `INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza)
		SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::text[], $8::bytea[])
		ON CONFLICT DO NOTHING`, owners, ids, peers, resources, outgoing, stanzaIDs, bodies, stanzas)
	return err
}

// Remove implements xmppd.ArchiveStore.
func (s *chatStore) Remove(ctx context.Context, ids []uuid.UUID) error {
	_, err := s.chat.Exec(ctx, "DELETE FROM archive WHERE id = ANY($1)", ids)
	return err
}

const archiveColumns = "owner, id, peer, resource, outgoing, stanza_id, body, stanza"

func scanEntry(row pgx.CollectableRow) (e xmppd.ArchiveEntry, err error) {
	err = row.Scan(&e.Owner, &e.ID, &e.With, &e.Resource, &e.Outgoing, &e.StanzaID, &e.Body, &e.Stanza)
	return e, err
}

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
		f.add("id >= $%d", timeBound(q.Start, 0))
	}
	if !q.End.IsZero() {
		f.add("id <= $%d", timeBound(q.End, 0xff))
	}
	if len(q.IDs) > 0 {
		f.add("id = ANY($%d)", q.IDs)
	}
	return f
}

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

func (f *filter) sql() string { return " FROM archive WHERE " + strings.Join(f.where, " AND ") }

// Query implements xmppd.ArchiveStore. A page is one range scan of (owner, id),
// or of (owner, peer, id) when the other side is given.
func (s *chatStore) Query(ctx context.Context, q xmppd.ArchiveQuery) (xmppd.ArchivePage, error) {
	var page xmppd.ArchivePage
	if err := s.checkIDs(ctx, q); err != nil {
		return page, err
	}
	all := archiveFilter(q)
	if q.WithCount {
		page.Counted = true
		if err := s.chat.QueryRow(ctx, "SELECT count(*)"+all.sql(), all.args...).Scan(&page.Count); err != nil {
			return page, err
		}
	}
	if q.Max == 0 {
		page.Complete = page.Count == 0
		return page, nil
	}
	f := archiveFilter(q)
	if q.After != uuid.Nil {
		f.add("id > $%d", q.After)
	}
	if q.Before != uuid.Nil {
		f.add("id < $%d", q.Before)
	}
	order := " ORDER BY owner, id"
	if q.Last {
		order = " ORDER BY owner DESC, id DESC"
	}
	rows, err := s.chat.Query(ctx, fmt.Sprintf("SELECT %s%s%s LIMIT %d", archiveColumns, f.sql(), order, q.Max+1), f.args...)
	if err != nil {
		return page, err
	}
	if page.Entries, err = pgx.CollectRows(rows, scanEntry); err != nil {
		return page, err
	}
	page.Complete = len(page.Entries) <= q.Max
	if !page.Complete {
		page.Entries = page.Entries[:q.Max]
	}
	if q.Last {
		slices.Reverse(page.Entries)
	}
	return page, s.index(ctx, all, &page)
}

// index counts what precedes the page.
func (s *chatStore) index(ctx context.Context, all *filter, page *xmppd.ArchivePage) error {
	if !page.Counted || len(page.Entries) == 0 {
		return nil
	}
	all.add("id < $%d", page.Entries[0].ID)
	return s.chat.QueryRow(ctx, "SELECT count(*)"+all.sql(), all.args...).Scan(&page.Index)
}

// checkIDs: an id that is not in the archive is an error (XEP-0059 §2.2,
// XEP-0313 §4.1.3).
func (s *chatStore) checkIDs(ctx context.Context, q xmppd.ArchiveQuery) error {
	named := slices.Clone(q.IDs)
	for _, id := range []uuid.UUID{q.After, q.Before} {
		if id != uuid.Nil {
			named = append(named, id)
		}
	}
	if len(named) == 0 {
		return nil
	}
	slices.SortFunc(named, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	named = slices.Compact(named)
	var n int
	if err := s.chat.QueryRow(ctx, "SELECT count(*) FROM archive WHERE owner = $1 AND id = ANY($2)", q.Owner, named).Scan(&n); err != nil {
		return err
	}
	if n != len(named) {
		return xmppd.ErrNotFound
	}
	return nil
}

// Stored implements xmppd.ArchiveStore.
func (s *chatStore) Stored(ctx context.Context, owner, with, stanzaID string, since time.Time) (bool, error) {
	var there bool
	err := s.chat.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM archive
		WHERE owner = $1 AND peer = $2 AND id >= $3 AND outgoing AND stanza_id = $4)`,
		owner, with, timeBound(since, 0), stanzaID).Scan(&there)
	return there, err
}

// Bounds implements xmppd.ArchiveStore.
func (s *chatStore) Bounds(ctx context.Context, owner string) (first, last xmppd.ArchiveEntry, err error) {
	for _, end := range []struct {
		order string
		entry *xmppd.ArchiveEntry
	}{{"owner, id", &first}, {"owner DESC, id DESC", &last}} {
		rows, err := s.chat.Query(ctx, "SELECT "+archiveColumns+" FROM archive WHERE owner = $1 ORDER BY "+end.order+" LIMIT 1", owner)
		if err != nil {
			return first, last, err
		}
		if *end.entry, err = pgx.CollectOneRow(rows, scanEntry); err != nil {
			return first, last, found(err)
		}
	}
	return first, last, nil
}
