package models

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"foyer/internal/stanza"

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
	Unread   int // between members: what the other said since it was read, maxUnread at most
}

// maxUnread is how many of a conversation's latest messages are looked at to count those
// that are unread: pages show more than 99 as "99+".
const maxUnread = 100

// between selects what is in the archive of $1 with c.peer, by the index of both.
const between = `hashtextextended(peer, hashtextextended(owner, 0)) = hashtextextended(c.peer, hashtextextended($1::text, 0))
				AND coalesce(owner = $1::text AND peer = c.peer, false) AND body <> ''`

// unread counts the messages of others after an id, in what is selected, where the latest
// message m is one of them; it reads the newest ones in the order of an index, whatever
// there is. What somebody said themselves, they said after reading what was there;
// corrections and retractions are nothing new.
func unread(selected, after, own, prefix string) string {
	return fmt.Sprintf(`CASE WHEN m.id > %s THEN (SELECT count(*) FROM (
			SELECT id, retracts, bool_or(own) OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING) AS answered
			FROM (SELECT id, %s AS own, position('%s'::bytea IN stanza) > 0 AS retracts FROM archive
				WHERE %s AND replaces IS NULL ORDER BY %s DESC, id DESC LIMIT %d) newest
		) seen WHERE NOT answered AND NOT retracts AND id > %[1]s) ELSE 0 END`, after, own, stanza.NSRetract, selected, prefix, maxUnread)
}

// latestBetween reads one message for each of the $3 conversations that $1, a bare JID,
// had last with members of the domain $2, and counts what is unread: $4 are addresses up
// to where they were read, $5 those messages, $6 the user name.
func latestBetween() string {
	return `SELECT c.peer, m.id, '', '', m.outgoing, m.stanza,
			` + unread(between, "coalesce(r.id, me.unread_from)", "outgoing", peerNumber) + `
		FROM (SELECT peer, latest FROM conversations WHERE owner = $1 ORDER BY latest DESC LIMIT $3) c
		JOIN accounts a ON a.username = split_part(c.peer, '@', 1) COLLATE "default" AND a.blocked_at IS NULL
		JOIN accounts me ON me.username = $6
		LEFT JOIN unnest($4::text[], $5::uuid[]) r (peer, id) ON r.peer = c.peer
		CROSS JOIN LATERAL (SELECT id, outgoing, stanza FROM archive WHERE ` + between + `
			ORDER BY ` + peerNumber + ` DESC, id DESC LIMIT 1) m
		WHERE split_part(c.peer, '@', 2) = $2
		ORDER BY m.id DESC`
}

// latestInRooms reads one message for each of the rooms $1, bare JIDs. What is unread there
// is told by UnreadRooms.
const latestInRooms = `SELECT r.jid, m.id, m.peer, m.resource, false, m.stanza, 0
	FROM unnest($1::text[]) r (jid)
	CROSS JOIN LATERAL (SELECT id, peer, resource, stanza FROM archive
		WHERE owner = r.jid COLLATE "C" AND body <> '' ORDER BY owner DESC, id DESC LIMIT 1) m`

// LatestMessages returns the latest message of each of the conversations that a member
// has with others, of at most max of them, and of each of the rooms; and how much of those
// with others is unread, where read says up to where they have read some. It costs one round trip, and
// reads in an index one message of each conversation, and the newest maxUnread of those where
// something is unread.
func (db *DB) LatestMessages(ctx context.Context, domain, user string, max int, rooms []string, read map[string]uuid.UUID) ([]LatestMessage, error) {
	var list []LatestMessage
	add := func(rows pgx.Rows) error {
		some, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LatestMessage])
		list = append(list, some...)
		return err
	}
	jids := slices.AppendSeq([]string{}, maps.Keys(read))
	ids := make([]uuid.UUID, len(jids))
	for i, jid := range jids {
		ids[i] = read[jid]
	}
	me := user + "@" + domain
	var batch pgx.Batch
	batch.Queue(latestBetween(), me, domain, max, jids, ids, user).Query(add)
	batch.Queue(latestInRooms, nonNil(rooms)).Query(add)
	return list, db.pool.SendBatch(ctx, &batch).Close()
}
