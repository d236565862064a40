package models

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// LatestMessage is the latest message with a text between a member and another one,
// or in a room.
type LatestMessage struct {
	With     string // bare JID of the other member, or of the room
	ID       uuid.UUID
	Author   string // in rooms: bare JID of who wrote it
	Nick     string // in rooms: the name they had there
	Outgoing bool   // between members: sent by the one who asks
	Stanza   []byte
}

const (
	// latestBetween reads one message for each of the $3 conversations that $1, a bare
	// JID, had last with members of the domain $2.
	latestBetween = `SELECT c.peer, m.id, '', '', m.outgoing, m.stanza
		FROM (SELECT peer, latest FROM conversations WHERE owner = $1 ORDER BY latest DESC LIMIT $3) c
		JOIN accounts a ON a.username = split_part(c.peer, '@', 1) COLLATE "default" AND a.blocked_at IS NULL
		CROSS JOIN LATERAL (SELECT id, outgoing, stanza FROM archive
			WHERE hashtextextended(peer, hashtextextended(owner, 0)) = hashtextextended(c.peer, hashtextextended($1::text, 0))
				AND coalesce(owner = $1::text AND peer = c.peer, false) AND body <> ''
			ORDER BY hashtextextended(peer, hashtextextended(owner, 0)) DESC, id DESC LIMIT 1) m
		WHERE split_part(c.peer, '@', 2) = $2
		ORDER BY m.id DESC`

	// latestInRooms reads one message for each of the rooms $1, bare JIDs.
	latestInRooms = `SELECT r.jid, m.id, m.peer, m.resource, false, m.stanza
		FROM unnest($1::text[]) r (jid)
		CROSS JOIN LATERAL (SELECT id, peer, resource, stanza FROM archive
			WHERE owner = r.jid COLLATE "C" AND body <> '' ORDER BY owner DESC, id DESC LIMIT 1) m`
)

// LatestMessages returns the latest message of each of the conversations that a member
// has with others, of at most max of them, and of each of the rooms. It costs one round
// trip, and reads one message for each in an index.
func (db *DB) LatestMessages(ctx context.Context, domain, user string, max int, rooms []string) ([]LatestMessage, error) {
	var list []LatestMessage
	add := func(rows pgx.Rows) error {
		some, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LatestMessage])
		list = append(list, some...)
		return err
	}
	var batch pgx.Batch
	batch.Queue(latestBetween, user+"@"+domain, domain, max).Query(add)
	batch.Queue(latestInRooms, nonNil(rooms)).Query(add)
	return list, db.pool.SendBatch(ctx, &batch).Close()
}
