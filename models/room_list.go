package models

import (
	"context"
	"strings"

	"foyer/xmppd/muc"
)

// Rooms as pages list them. Public rooms come from an index up to a bound; those a
// person belongs to are few. Rooms that nobody owns are looked for only for those
// who run the site.

const (
	roomKey   = `folded(coalesce(nullif(r.title, ''), r.name)) COLLATE "C"`
	roomWords = `to_tsvector('simple', folded(coalesce(nullif(r.title, ''), r.name) || ' ' || r.description))`

	notBanned = `NOT EXISTS (SELECT 1 FROM room_affiliations o WHERE o.room = r.name AND o.username = $1 AND o.affiliation = 'outcast')`
	belongs   = `a.username = $1 AND a.affiliation IN ('owner', 'admin', 'member')`
	ownerless = `NOT EXISTS (SELECT 1 FROM room_affiliations o WHERE o.room = r.name AND o.affiliation = 'owner')`

	// visibleRooms: $1 asks, $2 with those nobody owns, $3 only own, $4 at most.
	// {which} narrows them down, {near} says which come first.
	visibleRooms = `WITH candidates AS (
			(SELECT r.name FROM rooms r WHERE NOT $3 AND r.persistent AND r.public AND ` + notBanned + ` AND {which}
				ORDER BY ` + roomKey + `, r.name COLLATE "C" LIMIT $4)
			UNION
			SELECT r.name FROM room_affiliations a JOIN rooms r ON r.name = a.room WHERE ` + belongs + ` AND r.persistent AND {which}
			UNION
			SELECT r.name FROM rooms r WHERE $2 AND r.persistent AND ` + ownerless + ` AND {which}
			{more}
		)
		SELECT ` + listingColumns + `, coalesce(a.affiliation, 'none'), $2 AND ` + ownerless + `
		FROM candidates c CROSS JOIN LATERAL (SELECT * FROM rooms WHERE name = c.name LIMIT 1) r
		LEFT JOIN room_affiliations a ON a.room = r.name AND a.username = $1
		ORDER BY {near}` + roomKey + `, r.name COLLATE "C" LIMIT $4`

	// $5 is the room after which they begin, by its title $6, whether it is there or not; '' begins with the first.
	roomsAfter = `($5 = '' OR (` + roomKey + `, r.name COLLATE "C") > (folded($6) COLLATE "C", $5))`

	// $5 is how a title begins, $6 comes after all of that, $7 has the words.
	roomsFound     = `((` + roomKey + ` >= $5 AND ` + roomKey + ` < $6) OR ` + roomWords + ` @@ to_tsquery('simple', $7))`
	roomsBeginning = roomKey + ` >= $5 AND ` + roomKey + ` < $6`
	roomsWithWords = `UNION (SELECT r.name FROM rooms r WHERE NOT $3 AND r.persistent AND r.public AND ` + notBanned + ` AND ` + roomWords + ` @@ to_tsquery('simple', $7) LIMIT 4 * $4)`
)

var (
	oneRoom     = strings.NewReplacer("{which}", "r.name = $5", "{more}", "", "{near}", "").Replace(visibleRooms)
	pageOfRooms = strings.NewReplacer("{which}", roomsAfter, "{more}", "", "{near}", "").Replace(visibleRooms)
	// The public ones by title come from one index, by their words from another. Those whose title begins so come first.
	foundRooms = strings.NewReplacer("{which}", roomsFound, "{more}", roomsWithWords, "{near}", "NOT ("+roomsBeginning+"), ").
			Replace(strings.Replace(visibleRooms, "{which}", roomsBeginning, 1))
)

// Visible implements muc.Store.
func (s roomStore) Visible(ctx context.Context, w muc.Wanted) ([]muc.Listing, error) {
	if w.Joined {
		return listings(s.chat.Query(ctx, joinedRooms, w.User, w.Domain, w.RoomsDomain, w.Max))
	}
	if w.Name != "" {
		return listings(s.chat.Query(ctx, oneRoom, w.User, w.Orphans, w.Own, w.Max, w.Name))
	}
	t := fold(w.Typed)
	if t == "" {
		return listings(s.chat.Query(ctx, pageOfRooms, w.User, w.Orphans, w.Own, w.Max, w.After, w.AfterTitle))
	}
	return listings(s.chat.Query(ctx, foundRooms, w.User, w.Orphans, w.Own, w.Max, t, t+lastRune, wordQuery(t)))
}
