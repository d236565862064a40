package models

import (
	"context"

	"foyer/xmppd/pep"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SearchRoom is a room whose archive somebody may search.
type SearchRoom struct {
	Name, Title string
	Newest      uuid.UUID // id of its newest message
	ShowsWho    bool      // the room says whose addresses the names in it are, to who asks
}

// searchRooms: $1 asks, who is in the rooms $2 now, of the domain $3. They are the rooms that
// $1 belongs to, has a bookmark for (XEP-0402) or is in, and may read the archive of: the
// same condition as of the room itself (xmppd/muc, mayRead). Those with the newest messages
// first, and none without one; $4 empty: all, else only the room of that name. $5
// is the node of bookmarks. Moderators who are no administrators know addresses while they are in, which is not
// known here: to them it is as to anybody.
const searchRooms = `WITH candidates AS (
		SELECT room AS name FROM room_affiliations WHERE username = $1 AND affiliation IN ('owner', 'admin', 'member')
		UNION SELECT unnest($2::text[])
		UNION (SELECT left(id, -1 - length($3::text)) FROM pubsub_items WHERE username = $1 AND node = $5 AND right(id, 1 + length($3::text)) = '@' || $3::text)
	)
	SELECT r.name, coalesce(nullif(r.title, ''), r.name), latest.id, r.non_anonymous OR coalesce(a.affiliation, 'none') IN ('owner', 'admin')
	FROM candidates c CROSS JOIN LATERAL (SELECT * FROM rooms WHERE rooms.name = c.name AND ($4 = '' OR rooms.name = $4) LIMIT 1) r
	LEFT JOIN room_affiliations a ON a.room = r.name AND a.username = $1
	CROSS JOIN LATERAL (SELECT id FROM archive WHERE owner = (r.name || '@' || $3::text) COLLATE "C" ORDER BY owner DESC, id DESC LIMIT 1) latest
	WHERE r.archive AND CASE coalesce(a.affiliation, 'none')
		WHEN 'outcast' THEN false
		WHEN 'none' THEN NOT r.members_only AND (r.password = '' OR r.name = ANY ($2))
		ELSE true END
	ORDER BY latest.id DESC, r.name`

// SearchRooms returns the rooms whose archives an account may search, those with the newest
// messages first. entered are those that it is in now; only, if not empty, is the one room
// that is wanted. It costs one query, and a look into an index for each room.
func (db *Conversations) SearchRooms(ctx context.Context, user, domain string, entered []string, only string) ([]SearchRoom, error) {
	rows, err := db.pool.Query(ctx, searchRooms, user, nonNil(entered), domain, only, pep.NodeBookmarks)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[SearchRoom])
}
