package models

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"

	"github.com/jackc/pgx/v5"
)

// The rooms that somebody follows, and what is unread there: what others said after the read
// marker (XEP-0490), after what one said last oneself, and after one came to belong to the room.

const (
	// entersByItself: the bookmark b says so (XEP-0402 §2). The attribute is looked for in the
	// start of the tag alone, whatever stands in the values of others; white space around the value
	// does not count, as stanza.ParseBool has it.
	entersByItself = `convert_from(b.payload, 'UTF8') ~ '^<[^\s>]+(\s+[^\s=>]+\s*=\s*("[^"]*"|''[^'']*''))*?\s+autojoin\s*=\s*["'']` + whiteSpace + `(true|1)` + whiteSpace + `["'']'`

	whiteSpace = `(\s|&#(9|10|13|32|[xX]0*(9|[aAdD]|20));)*`

	// followedRooms: $1 follows, by the bookmarks and the affiliations, at the domains $2 of accounts
	// and $3 of rooms, at most $4; since when at the latest.
	followedRooms = `bookmarks AS MATERIALIZED (
			SELECT split_part(b.id, '@', 1) AS room, ` + entersByItself + ` AS enters, coalesce(b.first_published, b.published) AS since FROM pubsub_items b
			WHERE b.username = $1 AND b.node = '` + pep.NodeBookmarks + `' AND split_part(b.id, '@', 2) = $3
		), followed AS MATERIALIZED (
			SELECT r.name, r.name || '@' || $3::text AS jid, least(a.since, b.since) AS since
			FROM room_affiliations a JOIN rooms r ON r.name = a.room LEFT JOIN bookmarks b ON b.room = r.name
			WHERE a.username = $1 AND a.affiliation IN ('owner', 'admin', 'member') AND r.persistent AND coalesce(b.enters, true)
			UNION ALL
			SELECT r.name, r.name || '@' || $3::text, b.since
			FROM bookmarks b JOIN rooms r ON r.name = b.room LEFT JOIN room_affiliations a ON a.room = r.name AND a.username = $1
			WHERE b.enters AND r.persistent AND NOT r.members_only AND r.password = '' AND coalesce(a.affiliation, 'none') = 'none'
			LIMIT $4
		), marked AS (
			SELECT f.name, f.jid, $1::text || '@' || $2::text AS me, coalesce(
				substring(convert_from(m.payload, 'UTF8') FROM '<stanza-id[^>]*?\sid=["'']([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})["'']')::uuid,
				(lpad(to_hex((extract(epoch FROM f.since) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid) AS upto
			FROM followed f LEFT JOIN pubsub_items m ON m.username = $1 AND m.node = '` + pep.NodeDisplayed + `' AND m.id = f.jid
		)`

	// hasMarks: few messages have any, and these letters are found sooner than what a pattern stands for.
	hasMarks = `(position('<reply'::bytea IN l.stanza) > 0 OR position('<reference'::bytea IN l.stanza) > 0)`

	joinedRooms = `WITH ` + followedRooms + `
		SELECT ` + listingColumns + `, coalesce(a.affiliation, 'none'), false
		FROM followed f JOIN rooms r ON r.name = f.name LEFT JOIN room_affiliations a ON a.room = r.name AND a.username = $1
		ORDER BY ` + roomKey + `, r.name COLLATE "C"`

	// newestIn is the newest message of a room m: one look into the index.
	newestIn = `(SELECT id FROM archive WHERE owner = m.jid COLLATE "C" AND body <> '' ORDER BY owner DESC, id DESC LIMIT 1) n`

	// newestLooked is how many messages are looked at to say that there is something unread.
	newestLooked = 10
)

// What may be to $1 is looked at (stanza.AddressedBy): a text with a name in it that counts, and what refers to one or
// answers one. How an address writes what is no letter from A to Z and no digit, nobody knows: as it is, in another
// case, as "%D0%98", as "&apos;" (loosely).
var addressed = `(SELECT name,
		'(^|[^[:alnum:]])(@' || regexp_replace(username, '([^[:alnum:]])', '\\\1', 'g') || CASE WHEN name ~ '\s' THEN '|' ELSE '|@' END
			|| regexp_replace(name, '([^[:alnum:]])', '\\\1', 'g') || ')($|[^[:alnum:]])' AS names,
		'<(reply|reference)\s[^>]*(:' || ` + loosely("username") + ` || '@|/(' || ` + loosely("username") + ` || '|' || ` + loosely("name") + ` || ')["''])' AS marks
	FROM (SELECT username, coalesce(nullif(name, ''), username) AS name FROM accounts WHERE username = $1) a)`

// loosely is a pattern for a name: of what is no letter from A to Z and no digit any one sign, as few of them as keep
// the pattern small.
func loosely(name string) string {
	const sign, most = `(?:%[0-7][0-9A-F]|%[C-F][0-9A-F](?:%[89AB][0-9A-F])+|&[^;"<>]+;|[^">])`, "12"
	return `regexp_replace(left(` + name + `, ` + most + `), '[^A-Za-z0-9]', '` + sign + `', 'g') || CASE WHEN length(` + name + `) > ` + most + ` THEN '[^">]*' ELSE '' END`
}

// unreadIn selects what is unread in a room m whose newest message is n.
func unreadIn(max int) string {
	return unreadOf("id, body, stanza", `owner = m.jid COLLATE "C"`, "n.id", "m.upto", "peer = m.me", "owner", max)
}

// roomsWithUnread selects the rooms that $1 follows, and in which something is unread.
func roomsWithUnread() string {
	return `WITH ` + followedRooms + ` SELECT m.name, coalesce((SELECT true FROM (` + unreadIn(newestLooked) + `) l LIMIT 1), false)
		FROM marked m LEFT JOIN LATERAL ` + newestIn + ` ON true`
}

// unreadInRooms selects how much is unread where something is, and of that what may be to $1, with the name of $1.
func unreadInRooms() string {
	return `WITH ` + followedRooms + `, me AS ` + addressed + `
		SELECT m.name, u.count, u.addressed, me.name FROM me, marked m CROSS JOIN LATERAL ` + newestIn + `
		CROSS JOIN LATERAL (SELECT count(*)::int,
			array_agg(l.stanza) FILTER (WHERE l.body ~* me.names OR ` + hasMarks + ` AND convert_from(l.stanza, 'UTF8') ~* me.marks) AS addressed FROM (` + unreadIn(maxUnread) + `) l) u
		WHERE u.count > 0`
}

// Followed implements muc.Store.
func (s roomStore) Followed(ctx context.Context, user, accounts, rooms string, max int) ([]muc.Followed, error) {
	rows, err := s.chat.Query(ctx, roomsWithUnread(), user, accounts, rooms, max)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[muc.Followed])
}

// UnreadRoom is what somebody has not read in a room that they follow.
type UnreadRoom struct {
	Name      string
	Unread    int // at most 100 are counted
	Mentioned int // of these, those that are to them
}

// UnreadRooms returns the rooms that somebody follows, of at most max, where there is
// something that they have not read.
func (db *Conversations) UnreadRooms(ctx context.Context, accounts, rooms, user string, max int) ([]UnreadRoom, error) {
	rows, err := db.pool.Query(ctx, unreadInRooms(), user, accounts, rooms, max)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r UnreadRoom, err error) {
		var stanzas [][]byte
		var name string
		err = row.Scan(&r.Name, &r.Unread, &stanzas, &name)
		for _, raw := range stanzas {
			m, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
			if err == nil && stanza.AddressedBy(m).To(name, user) {
				r.Mentioned++
			}
		}
		return r, err
	})
}
