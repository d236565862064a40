package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// appendArchive is one statement whatever the number of entries. It shares a
// lock that Remove takes alone. Besides, it notes which members of the domain $11
// talk with each other, unless that was noted after the id $12.
const appendArchive = `WITH busy AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(` + archiveLock + `)),
	stored AS (
		INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, replaces, body, stanza, retracts)
		SELECT e.* FROM busy, unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bool[]) e
		ON CONFLICT DO NOTHING
	)
	INSERT INTO conversations AS c (owner, peer, latest)
	SELECT DISTINCT ON (owner, peer) e.* FROM unnest($1::text[], $3::text[], $2::uuid[]) e (owner, peer, id)
		WHERE split_part(owner, '@', 2) = $11 AND split_part(peer, '@', 2) = $11
			AND NOT EXISTS (SELECT 1 FROM conversations k WHERE k.owner = e.owner AND k.peer = e.peer AND k.latest >= $12)
		ORDER BY owner, peer, id DESC
	ON CONFLICT (owner, peer) DO UPDATE SET latest = excluded.latest WHERE c.latest < excluded.latest`

// isRetraction is the condition that a message of the archive takes something back (XEP-0424), as was noted
// when it was stored. Of what was stored before 00045 the letters of its stanza must do, in which a text may
// have the same.
const isRetraction = "coalesce(retracts, position('" + stanza.NSRetract + "'::bytea IN stanza) > 0)"

// isTombstone is the condition that a message of the archive stands in the place of one that was taken back (XEP-0424 §5).
const isTombstone = `body = '' AND position('<retracted xmlns="` + stanza.NSRetract + `"'::bytea IN stanza) > 0`

// conversationNoted is for how long a conversation that was noted is not noted again,
// so that most messages write nothing but themselves.
const conversationNoted = time.Minute

// archiveLock is the number of the lock.
const archiveLock = "4915630"

// Append implements archive.Store.
func (s *chatStore) Append(ctx context.Context, entries []archive.Entry) error {
	args, tombstones := archiveArgs(s.domain, entries)
	if !tombstones {
		_, err := s.chat.Exec(ctx, appendArchive, args...)
		if err == nil {
			s.index.stored(entries)
		}
		return storable(err)
	}
	return storable(pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, appendArchive, args...); err != nil {
			return err
		}
		for _, e := range entries {
			if e.Retracts != nil {
				if err := s.retract(ctx, tx, e.Owner, e.Retracts); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// archiveArgs turns entries into the arguments of appendArchive: columns, of types
// that are encoded without reflection; and reports whether there are tombstones to put.
func archiveArgs(domain string, entries []archive.Entry) (args []any, tombstones bool) {
	n := len(entries)
	var (
		owners, peers, resources = make([]string, n), make([]string, n), make([]string, n)
		ids                      = make(pgtype.FlatArray[pgtype.UUID], n)
		outgoing, retracts       = make([]bool, n), make([]bool, n)
		stanzaIDs, bodies        = make([]string, n), make([]string, n)
		replaces                 = make(pgtype.FlatArray[pgtype.Text], n)
		stanzas                  = make(pgtype.FlatArray[[]byte], n)
	)
	for i := range entries {
		e := &entries[i]
		owners[i], peers[i], resources[i] = e.Owner, e.With, e.Resource
		ids[i] = pgtype.UUID{Bytes: e.ID, Valid: true}
		outgoing[i], stanzaIDs[i], bodies[i], stanzas[i] = e.Outgoing, e.StanzaID, e.Body, e.Stanza
		replaces[i] = pgtype.Text{String: e.Replaces, Valid: e.Replaces != ""}
		retracts[i] = e.IsRetraction
		tombstones = tombstones || e.Retracts != nil
	}
	noted := pgtype.UUID{Bytes: firstID(time.Now().Add(-conversationNoted)), Valid: true}
	return []any{owners, ids, peers, resources, outgoing, stanzaIDs, replaces, bodies, stanzas, retracts, domain, noted}, tombstones
}

// retract puts tombstones in the place of messages, and takes away the copies
// that wait for somebody who is offline.
func (s *chatStore) retract(ctx context.Context, tx pgx.Tx, owner string, r *archive.Retraction) error {
	rows, err := tx.Query(ctx, "SELECT id, stanza FROM archive WHERE owner = $1 AND id = ANY($2) ORDER BY id FOR UPDATE", owner, r.IDs)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e archive.Entry, err error) {
		return e, row.Scan(&e.ID, &e.Stanza)
	})
	if err != nil {
		return err
	}
	for _, e := range found {
		tombstone, err := r.Tombstone(e.Stanza)
		if err != nil { // it is damaged, and goes all the same
			if tombstone, err = r.Tombstone([]byte(`<message xmlns="jabber:client"/>`)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, forgetWords, owner, e.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE archive SET stanza = $3, body = '' WHERE owner = $1 AND id = $2", owner, e.ID, tombstone); err != nil {
			return err
		}
	}
	user, ok := strings.CutSuffix(owner, "@"+s.domain)
	if !ok {
		return nil
	}
	_, err = tx.Exec(ctx, "DELETE FROM offline_messages WHERE username = $1 AND id = ANY($2)", user, r.IDs)
	return err
}

// storable marks an error that says that the data are wrong, not the database
// or the way to it.
func storable(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) < 2 {
		return err
	}
	switch pg.Code[:2] {
	case "22", "23", "54", "XX": // data, rules, limits, internal
		return fmt.Errorf("%w: %w", archive.ErrUnstorable, err)
	}
	return err
}

// deleteArchives deletes all messages of archives.
func deleteArchives(ctx context.Context, tx pgx.Tx, owners ...string) error {
	for _, q := range []string{"DELETE FROM archive WHERE owner = ANY ($1)", deleteIndexes} {
		if _, err := tx.Exec(ctx, q, owners); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements archive.Store. It waits for statements of Append that
// nobody waits for any more, as when the connection was lost: what they store
// is removed too.
func (s *chatStore) Remove(ctx context.Context, entries []archive.Entry) error {
	owners, ids := make([]string, len(entries)), make([]uuid.UUID, len(entries))
	for i, e := range entries {
		owners[i], ids[i] = e.Owner, e.ID
	}
	return pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock("+archiveLock+")"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM archive a USING unnest($1::text[], $2::uuid[]) e (owner, id)
			WHERE a.owner = e.owner AND a.id = e.id`, owners, ids)
		return err
	})
}

// Stored implements archive.Store.
func (s *chatStore) Stored(ctx context.Context, owner, with, stanzaID string, since time.Time) (bool, error) {
	var there bool
	err := s.chat.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM archive
		WHERE `+peerIs+` AND id >= $3 AND outgoing AND stanza_id = $4)`,
		owner, with, firstID(since), stanzaID).Scan(&there)
	return there, err
}

// How many messages of a conversation are looked through for one that is to be
// retracted.
const versionsWithin = 10_000

// endsAsWanted is asked only of the few messages of the CTE "recent" that have the id looked for.
const endsAsWanted = `($5::bytea IS NULL OR (
	SELECT right_part.bytes = $5 FROM archive a, substring(a.stanza FROM greatest(1, length(a.stanza) - length($5) + 1)) right_part (bytes)
	WHERE a.owner = $1 AND a.id = recent.id))`

// Versions implements archive.Store. A stanza id need not be unique: the
// newest counts, and what corrects it. What was given none is not all one message.
func (s *chatStore) Versions(ctx context.Context, owner, with string, outgoing bool, stanzaID string, end []byte) ([]uuid.UUID, error) {
	if stanzaID == "" {
		return nil, nil
	}
	rows, err := s.chat.Query(ctx, fmt.Sprintf(`WITH recent AS MATERIALIZED (
			SELECT id, outgoing, stanza_id, replaces FROM archive
			WHERE %[1]s ORDER BY %[2]s DESC, id DESC LIMIT %[3]d
		), named AS (
			SELECT coalesce(replaces, stanza_id) AS original, id FROM recent
			WHERE outgoing = $3 AND stanza_id = $4 AND %[4]s ORDER BY id DESC LIMIT 1
		), first AS (
			SELECT recent.id FROM recent, named WHERE outgoing = $3 AND stanza_id = original AND %[4]s ORDER BY recent.id DESC LIMIT 1
		)
		SELECT id FROM first
		UNION SELECT recent.id FROM recent, named WHERE outgoing = $3 AND replaces = original AND %[4]s
			AND recent.id > coalesce((SELECT id FROM first), '00000000-0000-0000-0000-000000000000')
		UNION SELECT id FROM named`, peerIs, peerNumber, versionsWithin, endsAsWanted),
		owner, with, outgoing, stanzaID, end)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// Prefs implements archive.PrefsStore.
func (s *chatStore) Prefs(ctx context.Context, user string) (archive.Prefs, error) {
	var p archive.Prefs
	err := s.chat.QueryRow(ctx, "SELECT fallback, always, never FROM archive_prefs WHERE username = $1", user).
		Scan(&p.Default, &p.Always, &p.Never)
	if errors.Is(err, pgx.ErrNoRows) {
		err = archive.ErrNotFound
	}
	return p, err
}

// SetPrefs implements archive.PrefsStore.
func (s *chatStore) SetPrefs(ctx context.Context, user string, p archive.Prefs) error {
	_, err := s.chat.Exec(ctx, `INSERT INTO archive_prefs (username, fallback, always, never) VALUES ($1, $2, $3, $4)
		ON CONFLICT (username) DO UPDATE SET fallback = excluded.fallback, always = excluded.always, never = excluded.never`,
		user, p.Default, nonNil(p.Always), nonNil(p.Never))
	return err
}
