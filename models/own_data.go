package models

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What somebody's messages are, conversation by conversation: as a person reads them, where Export goes by the time.

// KeptConversation is somebody with whom a person has messages in their own archive.
type KeptConversation struct {
	With string // a bare address: of a person, or of a room in which somebody was written to alone
	Name string // as the person calls them, or as they call themselves; empty: not known
	At   Domains
	Past bool // under a domain that is the site's no longer

	archive string
}

// KeptRoom is a room in which a person said something.
type KeptRoom struct {
	Name, Title string
	Address     string // bare; also the room's archive
	At          Domains
	Past        bool // under a domain that is the site's no longer

	by string // the person's address there
}

// How many messages of an archive are looked through at once for conversations that begin there.
const personalStarts = 1000

// conversationStarts are the conversations of the archive $1 that begin among the $3 messages after the id $2: whose first
// message, which an index tells, is one of these. Besides, in one row without a name, the id of the last of these messages, if
// there may be more. $4 is the domain of the accounts, $5 the user name.
const conversationStarts = `WITH page AS MATERIALIZED (SELECT id, peer FROM archive WHERE owner = $1 AND id > $2 ORDER BY owner, id LIMIT $3),
	begun AS MATERIALIZED (SELECT DISTINCT ON (peer) peer, id FROM page ORDER BY peer, id)
	SELECT NULL::text, '', (SELECT id FROM page ORDER BY id DESC LIMIT 1) WHERE (SELECT count(*) FROM page) = $3
	UNION ALL SELECT * FROM (SELECT c.peer, coalesce(nullif(k.name, ''), a.name, ''), c.id FROM begun c
		CROSS JOIN LATERAL (SELECT id FROM archive
			WHERE hashtextextended(peer, hashtextextended(owner, 0)) = hashtextextended(c.peer, hashtextextended($1::text, 0))
				AND coalesce(owner = $1::text AND peer = c.peer, false)
			ORDER BY ` + peerNumber + `, id LIMIT 1) first
		LEFT JOIN contacts k ON k.username = $5 AND k.jid = c.peer COLLATE "default"
		LEFT JOIN accounts a ON split_part(c.peer, '@', 2) = $4 AND a.username = split_part(c.peer, '@', 1) COLLATE "default"
		WHERE first.id = c.id ORDER BY c.id) found`

// EachConversation calls do for everybody with whom an account has messages in its own archive, in the order in which they
// began: under the domains of now, and then under former ones. It keeps none of them in memory. What begins meanwhile may be missing,
// and whose first messages expire meanwhile may come twice.
func (db *PersonalData) EachConversation(ctx context.Context, username string, at Domains, do func(KeptConversation) error) error {
	all, err := db.formerly(ctx, at)
	for i, at := range all {
		if err == nil {
			err = db.eachConversation(ctx, username, at, i > 0, do)
		}
	}
	return err
}

func (db *PersonalData) eachConversation(ctx context.Context, username string, at Domains, past bool, do func(KeptConversation) error) error {
	type start struct {
		With *string
		Name string
		ID   uuid.UUID
	}
	own := username + "@" + at.Accounts
	for after, more := uuid.Nil, true; more; {
		rows, err := db.pool.Query(ctx, conversationStarts, own, after, personalStarts, at.Accounts, username)
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[start])
		if err != nil {
			return err
		}
		more = false
		for _, s := range list {
			if s.With == nil {
				after, more = s.ID, true
			} else if err := do(KeptConversation{With: *s.With, Name: s.Name, At: at, Past: past, archive: own}); err != nil {
				return err
			}
		}
	}
	return nil
}

// saidWith is what is in the archive $1 with the bare JID $2, after the id $3, at most $4.
const saidWith = "SELECT id, peer, resource, outgoing, body, stanza FROM archive WHERE " + peerIs + " AND id > $3 ORDER BY " + peerNumber + ", id LIMIT $4"

// ConversationMessages calls do with the messages of a conversation, page by page, the oldest first.
func (db *PersonalData) ConversationMessages(ctx context.Context, c KeptConversation, do func([]WrittenMessage) error) error {
	return db.eachPage(ctx, saidWith, do, c.archive, c.With)
}

// roomsSpokenIn are the $2 rooms after the name $1, each with whether the bare JID $3 said something there; $4 is their domain.
const roomsSpokenIn = `SELECT r.name, r.title, EXISTS (SELECT FROM archive
		WHERE hashtextextended(peer, hashtextextended(owner, 0)) = hashtextextended($3::text, hashtextextended(r.name || '@' || $4::text, 0))
			AND coalesce(owner = r.name || '@' || $4::text AND peer = $3::text, false) AND outgoing)
	FROM (SELECT name, title FROM rooms WHERE name > $1 ORDER BY name LIMIT $2) r ORDER BY r.name`

// EachRoom calls do for every room in which an account said something that is still there: under the domains of now, and
// then under former ones.
func (db *PersonalData) EachRoom(ctx context.Context, username string, at Domains, do func(KeptRoom) error) error {
	all, err := db.formerly(ctx, at)
	for i, at := range all {
		if err == nil {
			err = db.eachRoom(ctx, at, username+"@"+at.Accounts, func(r KeptRoom) error {
				r.Past = i > 0
				return do(r)
			})
		}
	}
	return err
}

// eachRoom calls do with every room in which a person said something, by its name.
func (db *PersonalData) eachRoom(ctx context.Context, at Domains, by string, do func(KeptRoom) error) error {
	type row struct {
		Name, Title string
		Said        bool
	}
	for after := ""; ; {
		rows, err := db.pool.Query(ctx, roomsSpokenIn, after, personalRooms, by, at.Rooms)
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		for _, r := range list {
			if err == nil && r.Said {
				err = do(KeptRoom{Name: r.Name, Title: r.Title, Address: r.Name + "@" + at.Rooms, At: at, by: by})
			}
		}
		if err != nil || len(list) < personalRooms {
			return err
		}
		after = list[len(list)-1].Name
	}
}

// RoomMessages calls do with what the person said in a room, page by page, the oldest first. Nothing of others is read.
func (db *PersonalData) RoomMessages(ctx context.Context, r KeptRoom, do func([]WrittenMessage) error) error {
	return db.eachPage(ctx, saidByPerson, do, r.Address, r.by)
}
