package models

import (
	"context"

	"foyer/xmppd/muc"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What is said in a room, as pages show it.

const (
	readableRoom = "SELECT " + listingColumns + `, 'none', false FROM rooms r
		WHERE r.name = $1 AND r.readable AND r.persistent AND r.public AND NOT r.members_only AND r.password = '' AND r.archive`

	// saidInRoom are the messages with a text, or that were taken back, before the id $2, the latest first.
	saidInRoom = `SELECT id, peer, resource, stanza_id, coalesce(replaces, ''), stanza FROM archive
		WHERE owner = $1 AND id < $2 AND (body <> '' AND NOT ` + isRetraction + ` OR ` + isTombstone + `)
		ORDER BY owner DESC, id DESC LIMIT $3`

	// correctedLater are the corrections among the messages that came next.
	correctedLater = `SELECT * FROM (SELECT id, peer, resource, stanza_id, coalesce(replaces, '') AS corrects, stanza FROM archive
		WHERE owner = $1 AND id >= $2 AND body <> '' ORDER BY owner, id LIMIT 200) m WHERE corrects <> '' ORDER BY id DESC`
)

// Readable implements muc.Store.
func (s roomStore) Readable(ctx context.Context, name string) (muc.Listing, error) {
	list, err := listings(s.chat.Query(ctx, readableRoom, name))
	if err == nil && len(list) == 0 {
		err = muc.ErrNotFound
	}
	if err != nil {
		return muc.Listing{}, err
	}
	return list[0], nil
}

// RoomMessage is a message of a room's archive.
type RoomMessage struct {
	ID       uuid.UUID
	Author   string // bare JID
	Nick     string
	StanzaID string
	Corrects string // stanza id of another of the same author (XEP-0308), or ""
	Stanza   []byte
}

// RoomMessages returns messages with a text of a room, a bare JID, and what stands in the place of
// those that were taken back, before an id, the latest first, at most max; and corrections of them that came soon after.
func (db *Conversations) RoomMessages(ctx context.Context, room string, before uuid.UUID, max int) (list, later []RoomMessage, err error) {
	into := func(list *[]RoomMessage) func(pgx.Rows) error {
		return func(rows pgx.Rows) (err error) {
			*list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[RoomMessage])
			return err
		}
	}
	var batch pgx.Batch
	batch.Queue(saidInRoom, room, before, max).Query(into(&list))
	if before != uuid.Max {
		batch.Queue(correctedLater, room, before).Query(into(&later))
	}
	return list, later, db.pool.SendBatch(ctx, &batch).Close()
}
