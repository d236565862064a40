package models

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Conversations are what pages show of the archives of the embedded server: what was
// said last, what is unread, what a search finds.
type Conversations struct{ *core }

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
				AND coalesce(owner = $1::text AND peer = c.peer, false)`

// unreadOf selects columns of what is unread among the latest messages that are selected: what
// others said after an id, if the newest message is after it. It reads max of them in the order of
// an index, whatever there is: a bound by the id in there would let Postgres read and sort all that
// is unread. What somebody said themselves, they said after reading what was there; corrections
// and retractions are nothing new.
func unreadOf(columns, selected, newest, after, own, prefix string, max int) string {
	return fmt.Sprintf(`SELECT %[7]s FROM (
			SELECT x.*, bool_or(x.own AND NOT x.retracts) OVER (ORDER BY x.id DESC) AS answered FROM (
				SELECT %[7]s, %[1]s AS own, `+isRetraction+` AS retracts FROM archive
				WHERE %[2]s > %[3]s AND %[4]s AND body <> '' AND replaces IS NULL ORDER BY %[5]s DESC, id DESC LIMIT %[6]d) x) l
		WHERE NOT l.answered AND NOT l.retracts AND l.id > %[3]s`, own, newest, after, selected, prefix, max, columns)
}

// latestBetween reads what was said last in each of the $3 conversations that $1, a bare JID,
// had last with members of the domain $2, and counts what is unread: $4 is by addresses up
// to which message they were read, $5 the user name. Of $6 conversations that come after
// those it reads the ones where something is unread. What was read is an object and no table: Postgres
// takes that for a few rows in a plan that it keeps, and goes through all of them for each conversation.
func latestBetween() string {
	unread := func(max int) string {
		return `FROM (` + unreadOf("id", between, "m.id", "coalesce(c.read, me.unread_from)", "outgoing", peerNumber, max) + `) unread`
	}
	return `SELECT c.peer, m.id, '', '', m.outgoing, coalesce(edit.stanza, m.stanza), u.unread
		FROM (SELECT peer, ($4::jsonb ->> peer)::uuid AS read, row_number() OVER (ORDER BY latest DESC) > $3 AS beyond FROM conversations
			WHERE owner = $1 ORDER BY latest DESC LIMIT $3 + $6) c
		JOIN accounts a ON a.username = split_part(c.peer, '@', 1) COLLATE "default" AND a.blocked_at IS NULL
		JOIN accounts me ON me.username = $5
		` + saidLast("$1", between, peerNumber, "x.peer = m.peer AND x.outgoing = m.outgoing") + `
		CROSS JOIN LATERAL (SELECT CASE WHEN NOT c.beyond OR EXISTS (SELECT ` + unread(newestLooked) + `)
			THEN (SELECT count(*) ` + unread(maxUnread) + `) ELSE 0 END AS unread) u
		WHERE split_part(c.peer, '@', 2) = $2 AND (NOT c.beyond OR u.unread > 0)
		ORDER BY m.id DESC`
}

// moreConversations: $1 had more than $2.
const moreConversations = `SELECT EXISTS (SELECT FROM conversations WHERE owner = $1 ORDER BY latest DESC OFFSET $2 LIMIT 1)`

// saidLast selects of what is selected, in the order of an index that begins with prefix, the message that said
// something last, as m; and with edit.stanza how it was corrected last (XEP-0308), if it was. What takes something back
// says nothing, and what was taken back says so in its place (XEP-0424). What corrects it is found in an archive by
// the id that its author gave it, if it is of the author: sameAuthor says of x and m that it is.
func saidLast(owner, selected, prefix, sameAuthor string) string {
	return fmt.Sprintf(`CROSS JOIN LATERAL (SELECT id, peer, resource, outgoing, stanza, nullif(stanza_id, '') AS stanza_id FROM archive
		WHERE %[2]s AND replaces IS NULL AND (body <> '' AND NOT `+isRetraction+` OR `+isTombstone+`)
		ORDER BY %[3]s DESC, id DESC LIMIT 1) m
	LEFT JOIN LATERAL (SELECT x.stanza FROM archive x
		WHERE x.owner = %[1]s AND x.replaces = m.stanza_id AND x.id > m.id AND x.body <> '' AND %[4]s
		ORDER BY x.owner DESC, x.replaces DESC, x.id DESC LIMIT 1) edit ON true`, owner, selected, prefix, sameAuthor)
}

// latestInRooms reads for each of the rooms $1, bare JIDs, what was said last. What is unread there is told by
// UnreadRooms.
func latestInRooms() string {
	return `SELECT r.jid, m.id, m.peer, m.resource, false, coalesce(edit.stanza, m.stanza), 0 FROM unnest($1::text[]) r (jid) ` +
		saidLast(`r.jid COLLATE "C"`, `owner = r.jid COLLATE "C"`, "owner", "x.peer = m.peer")
}

// LatestMessages returns the latest message of each of the conversations that a member
// has with others, of max of them and of those where something is unread of looked that come after these, and of each of
// the rooms; how much of those with others is unread, where read says up to where they have read some; and
// whether there are more with others. It costs one round trip, and
// reads in an index one message of each conversation, and the newest maxUnread of those where
// something is unread; of those that come after max, and were answered last, the newest newestLooked.
func (db *Conversations) LatestMessages(ctx context.Context, domain, user string, max, looked int, rooms []string, read map[string]uuid.UUID) (list []LatestMessage, more bool, err error) {
	add := func(rows pgx.Rows) error {
		some, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LatestMessage])
		list = append(list, some...)
		return err
	}
	if read == nil {
		read = map[string]uuid.UUID{} // and not null
	}
	me := user + "@" + domain
	var batch pgx.Batch
	batch.Queue(latestBetween(), me, domain, max, read, user, looked).Query(add)
	batch.Queue(latestInRooms(), nonNil(rooms)).Query(add)
	batch.Queue(moreConversations, me, max).QueryRow(func(row pgx.Row) error { return row.Scan(&more) })
	err = db.pool.SendBatch(ctx, &batch).Close()
	return list, more, err
}
