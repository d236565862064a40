package models

import (
	"context"
	"errors"

	"foyer/xmppd/muc"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Pinned messages of rooms. A pin is a row; what the message says is read from the archive, so
// that it is what its author says now, and nothing once it was taken back.

const (
	// pinStands: the message of the pin p is in the archive $2 and has not been taken back.
	pinStands = `EXISTS (SELECT 1 FROM archive m WHERE m.owner = $2 AND m.id = p.id AND m.body <> '')`

	pinnedCount = `(SELECT count(*) FROM room_pins p WHERE p.room = rooms.name)`

	dropStalePins = `DELETE FROM room_pins p WHERE p.room = $1 AND NOT ` + pinStands

	insertPin = `INSERT INTO room_pins (room, id, pinned_by, pinned_at)
		SELECT $1, m.id, $4, $5 FROM archive m WHERE m.owner = $2 AND m.id = $3 AND m.body <> ''
		ON CONFLICT DO NOTHING`

	// pinsOf are those of the room $1, whose archive is $2: all, or those of $3, or that of the message
	// that $4 wrote with the id $5. The latest version of each message is found by what it corrects.
	pinsOf = `SELECT p.id, p.pinned_by, p.pinned_at, m.peer, coalesce(m.replaces, m.stanza_id), m.resource, coalesce(c.id, m.id), coalesce(c.stanza, m.stanza)
		FROM room_pins p JOIN archive m ON m.owner = $2 AND m.id = p.id AND m.body <> ''
		LEFT JOIN LATERAL (SELECT x.id, x.stanza FROM archive x
			WHERE x.owner = $2 AND x.replaces = coalesce(m.replaces, nullif(m.stanza_id, '')) AND x.id > m.id AND x.peer = m.peer AND x.body <> ''
			ORDER BY x.owner DESC, x.replaces DESC, x.id DESC LIMIT 1) c ON true
		WHERE p.room = $1 AND ($3::uuid[] IS NULL OR p.id = ANY ($3)) AND ($5 = '' OR m.peer = $4 AND coalesce(m.replaces, m.stanza_id) = $5)
		ORDER BY p.pinned_at DESC, p.id DESC`
)

// Pin implements muc.Store. The room is locked, so that two pins at once cannot pass the bound.
func (s roomStore) Pin(ctx context.Context, name, owner string, p muc.Pin, most int) error {
	return pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		if err := lockRoom(ctx, tx, name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, dropStalePins, name, owner); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertPin, name, owner, p.ID, p.By, p.At); err != nil {
			return err
		}
		var there bool
		var n int
		err := tx.QueryRow(ctx, "SELECT coalesce(bool_or(id = $2), false), count(*) FROM room_pins WHERE room = $1", name, p.ID).Scan(&there, &n)
		switch {
		case err != nil:
			return err
		case !there:
			return muc.ErrNotFound
		case n > most:
			return muc.ErrTooMany
		}
		return nil
	})
}

// lockRoom locks a room's row; muc.ErrNotFound.
func lockRoom(ctx context.Context, tx pgx.Tx, name string) error {
	var there string
	err := tx.QueryRow(ctx, "SELECT name FROM rooms WHERE name = $1 FOR UPDATE", name).Scan(&there)
	if errors.Is(err, pgx.ErrNoRows) {
		err = muc.ErrNotFound
	}
	return err
}

// Unpin implements muc.Store.
func (s roomStore) Unpin(ctx context.Context, name string, ids []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := s.chat.Query(ctx, "DELETE FROM room_pins WHERE room = $1 AND id = ANY ($2) RETURNING id", name, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// Pinned implements muc.Store.
func (s roomStore) Pinned(ctx context.Context, name, owner string, q muc.PinQuery) ([]muc.Pinned, error) {
	rows, err := s.chat.Query(ctx, pinsOf, name, owner, q.IDs, q.Author, q.StanzaID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p muc.Pinned, err error) {
		return p, row.Scan(&p.ID, &p.By, &p.At, &p.Author, &p.StanzaID, &p.Nick, &p.Version, &p.Stanza)
	})
}
