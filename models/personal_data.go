package models

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PersonalData is what is kept of somebody, to be handed out or erased. docs/PRIVACY.md says where all of it is.
type PersonalData struct{ *core }

// What is kept of an account besides messages: a query for each kind, whose rows are a key as text and JSON. They come by
// the key, after $2, at most $3. Secrets (passwords, keys, what sessions are known by) are not in them.
var (
	// Of the account $1.
	recordsOfAccount = []recordQuery{
		{"0", `SELECT id::text AS key, json_build_object('kind', 'profile', 'user', username, 'name', name, 'admin', admin, 'createdAt', created_at, 'blockedAt', blocked_at,
			'hasPassword', password_hash <> '', 'card', convert_from(vcard_extra, 'UTF8'),
			'picture', (SELECT json_build_object('type', media_type, 'base64', translate(encode(data, 'base64'), E'\n', '')) FROM avatars v WHERE v.hash = avatar_hash AND avatar_hash <> ''))
			FROM accounts WHERE id = $1 AND id > $2::bigint LIMIT $3`},
		{firstUUID, `SELECT id::text AS key, json_build_object('kind', 'signInWay', 'source', source, 'issuer', issuer, 'subject', subject, 'login', login, 'name', name, 'picture', picture, 'createdAt', created_at, 'usedAt', used_at)
			FROM identities WHERE account_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`},
		{firstUUID, `SELECT id::text AS key, json_build_object('kind', 'session', 'of', kind, 'device', user_agent, 'address', address, 'createdAt', created_at, 'seenAt', seen_at, 'expiresAt', expires_at)
			FROM sessions WHERE account_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`},
		{firstUUID, `SELECT id::text AS key, json_build_object('kind', 'appPassword', 'name', name, 'createdAt', created_at, 'usedAt', used_at)
			FROM app_passwords WHERE account_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`},
		{firstUUID, `SELECT id::text AS key, json_build_object('kind', 'passkey', 'name', name, 'site', site, 'synced', synced, 'createdAt', created_at, 'usedAt', used_at)
			FROM passkeys WHERE account_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`},
		{firstUUID, `SELECT session_id::text AS key, json_build_object('kind', 'pushSubscription', 'endpoint', endpoint, 'createdAt', created_at)
			FROM push_subscriptions WHERE account_id = $1 AND session_id > $2::uuid ORDER BY session_id LIMIT $3`},
		{"0", `SELECT account_id::text AS key, json_build_object('kind', 'notifications', 'showText', show_text, 'sound', sound, 'quietFrom', quiet_from, 'quietUntil', quiet_until, 'zone', zone)
			FROM notification_settings WHERE account_id = $1 AND account_id > $2::bigint LIMIT $3`},
		{"", `SELECT jid, json_build_object('kind', 'conversationSettings', 'jid', jid, 'pinned', pinned, 'level', level)
			FROM conversation_settings WHERE account_id = $1 AND jid > $2 ORDER BY jid LIMIT $3`},
		{"", `SELECT group_name, json_build_object('kind', 'group', 'name', group_name) FROM account_groups WHERE account_id = $1 AND group_name > $2 ORDER BY group_name LIMIT $3`},
		{firstUUID, `SELECT id::text AS key, json_build_object('kind', 'file', 'id', id, 'name', name, 'size', size, 'type', media_type, 'state', state, 'at', created_at)
			FROM uploads WHERE account_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`},
	}
	// Of the user name $1.
	recordsOfUser = []recordQuery{
		{"", `SELECT username, json_build_object('kind', 'archivePreferences', 'default', fallback, 'always', always, 'never', never)
			FROM archive_prefs WHERE username = $1 AND username > $2 LIMIT $3`},
		{"", `SELECT username, json_build_object('kind', 'lastActivity', 'at', at, 'status', status) FROM last_activity WHERE username = $1 AND username > $2 LIMIT $3`},
		{"", `SELECT jid, json_build_object('kind', 'contact', 'jid', jid, 'name', name, 'groups', groups, 'subscription', subscription, 'asked', ask)
			FROM contacts WHERE username = $1 AND jid > $2 ORDER BY jid LIMIT $3`},
		{"", `SELECT jid, json_build_object('kind', 'blocked', 'jid', jid) FROM blocks WHERE username = $1 AND jid > $2 ORDER BY jid LIMIT $3`},
		{"", `SELECT room, json_build_object('kind', 'room', 'name', room, 'affiliation', affiliation, 'nick', nick, 'reason', reason)
			FROM room_affiliations WHERE username = $1 AND room > $2 ORDER BY room LIMIT $3`},
		{"0", `SELECT seq::text AS key, json_build_object('kind', 'published', 'node', node, 'id', id, 'at', published, 'xml', convert_from(payload, 'UTF8'))
			FROM pubsub_items WHERE username = $1 AND seq > $2::bigint ORDER BY seq LIMIT $3`},
		{"", `SELECT space || E'\n' || local, json_build_object('kind', 'private', 'xml', convert_from(raw, 'UTF8'))
			FROM private_xml WHERE username = $1 AND space || E'\n' || local > $2 ORDER BY space || E'\n' || local LIMIT $3`},
		{firstUUID, `SELECT id::text AS key, json_build_object('kind', 'waiting', 'id', id, 'at', stamp, 'xml', convert_from(stanza, 'UTF8'))
			FROM offline_messages WHERE username = $1 AND id > $2::uuid ORDER BY id LIMIT $3`},
	}
)

// recordQuery is a query for records of a kind, and what comes before all of its keys.
type recordQuery struct{ first, sql string }

const firstUUID = "00000000-0000-0000-0000-000000000000"

// Domains are where accounts and rooms have their addresses.
type Domains struct{ Accounts, Rooms string }

// How many messages, other records and rooms are read at once, after which the connection is free again: who takes them may
// be slow. A message has at most some 64 KiB; of what may be as large as a stanza an account has 16 MiB.
const (
	personalMessages = 100
	personalRecords  = 100
	personalRooms    = 1000
)

// keptMessage is a message as JSON.
type keptMessage struct {
	Kind string    `json:"kind"` // "message", of the own archive; or "roomMessage", what the person said there
	ID   uuid.UUID `json:"id"`
	At   time.Time `json:"at"`
	With string    `json:"with"`           // a bare JID: of a person, or of the room
	Part string    `json:"part,omitempty"` // of that address: a device, or a name in a room
	Mine bool      `json:"mine"`           // written by the person
	Text string    `json:"text,omitempty"`
	XML  string    `json:"xml"`
}

// Export writes all that is kept of an account, a JSON value without a line break at a time: what is in its archive, and
// what it said in rooms, in the order of time, and after it likewise what is under former domains. Of what others keep nothing is read. It holds no more than a page of
// messages in memory; what is stored meanwhile may be missing.
func (db *PersonalData) Export(ctx context.Context, a Account, at Domains, write func(line []byte) error) error {
	err := db.records(ctx, recordsOfAccount, a.ID, write)
	if err == nil {
		err = db.records(ctx, recordsOfUser, a.Username, write)
	}
	if err != nil {
		return err
	}
	all, err := db.formerly(ctx, at)
	for _, at := range all {
		if err == nil {
			err = db.exportMessages(ctx, a.Username, at, write)
		}
	}
	return err
}

func (db *PersonalData) exportMessages(ctx context.Context, username string, at Domains, write func(line []byte) error) error {
	jid := username + "@" + at.Accounts
	err := db.eachPage(ctx, "SELECT id, peer, resource, outgoing, body, stanza FROM archive WHERE owner = $1 AND id > $2 ORDER BY owner, id LIMIT $3", func(list []WrittenMessage) error {
		return writeMessages("message", "", list, write)
	}, jid)
	if err != nil {
		return err
	}
	return db.eachRoom(ctx, at, jid, func(room KeptRoom) error {
		return db.RoomMessages(ctx, room, func(list []WrittenMessage) error { return writeMessages("roomMessage", room.Address, list, write) })
	})
}

// records writes what queries find of somebody, page by page.
func (db *PersonalData) records(ctx context.Context, queries []recordQuery, of any, write func(line []byte) error) error {
	for _, q := range queries {
		if err := db.recordsOfKind(ctx, q, of, write); err != nil {
			return err
		}
	}
	return nil
}

func (db *PersonalData) recordsOfKind(ctx context.Context, q recordQuery, of any, write func(line []byte) error) error {
	type record struct {
		Key  string
		Line []byte
	}
	for after := q.first; ; {
		rows, err := db.pool.Query(ctx, q.sql, of, after, personalRecords)
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[record])
		for _, r := range list {
			if err == nil {
				err = write(r.Line)
			}
		}
		if err != nil || len(list) < personalRecords {
			return err
		}
		after = list[len(list)-1].Key
	}
}

// WrittenMessage is a message of an archive.
type WrittenMessage struct {
	ID   uuid.UUID
	With string // a bare address: of the other one; in a room's archive, of who wrote it
	Part string // of that address: a device, or a name in a room
	Mine bool   // written by the archive's owner; in a room's archive all are
	Text string
	XML  []byte
}

// At is when it came, in UTC.
func (m WrittenMessage) At() time.Time {
	sec, nsec := m.ID.Time().UnixTime()
	return time.Unix(sec, nsec).UTC()
}

func writeMessages(kind, with string, list []WrittenMessage, write func(line []byte) error) error {
	for _, m := range list {
		k := keptMessage{Kind: kind, ID: m.ID, At: m.At(), With: m.With, Part: m.Part, Mine: m.Mine, Text: m.Text, XML: string(m.XML)}
		if with != "" {
			k.With = with
		}
		line, err := json.Marshal(k)
		if err == nil {
			err = write(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// saidByPerson is what the bare JID $2 said in the room whose archive is $1, after the id $3, at most $4.
const saidByPerson = "SELECT id, peer, resource, outgoing, body, stanza FROM archive WHERE " + peerIs + " AND outgoing AND id > $3 ORDER BY " + peerNumber + ", id LIMIT $4"

// eachPage calls do with what a query finds, page by page; args come before the id after which a page begins, and its size.
func (db *PersonalData) eachPage(ctx context.Context, query string, do func([]WrittenMessage) error, args ...any) error {
	for after := uuid.Nil; ; {
		rows, err := db.pool.Query(ctx, query, append(slices.Clone(args), after, personalMessages)...)
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[WrittenMessage])
		if err == nil && len(list) > 0 {
			err = do(list)
		}
		if err != nil || len(list) < personalMessages {
			return err
		}
		after = list[len(list)-1].ID
	}
}

// EraseRoomMessages takes back what somebody said in rooms, and returns how many messages that were. In their place is
// what is there when a moderator deletes one (archive.Retraction): who said something when, and nothing of it. What takes back another message stays, without their words;
// pins of them go, and a subject that they set. What
// was said under former domains goes as well. It works page by page, each in a transaction: when it is interrupted, doing it again goes on.
func (db *PersonalData) EraseRoomMessages(ctx context.Context, username string, at Domains) (erased int, err error) {
	all, err := db.formerly(ctx, at)
	for _, at := range all {
		if err == nil {
			var n int
			n, err = db.eraseRoomMessages(ctx, username, at)
			erased += n
		}
	}
	return erased, err
}

func (db *PersonalData) eraseRoomMessages(ctx context.Context, username string, at Domains) (erased int, err error) {
	store := &chatStore{core: db.core, domain: at.Accounts}
	kept := []stream.Name{{Space: stanza.NSOccupantID, Local: "occupant-id"}}
	err = db.eachRoom(ctx, at, username+"@"+at.Accounts, func(room KeptRoom) error {
		owner := room.Address
		return db.RoomMessages(ctx, room, func(list []WrittenMessage) error {
			r := &archive.Retraction{By: uuid.NewString(), At: time.Now(), Keep: kept}
			silenced := make(map[uuid.UUID][]byte)
			for _, m := range list {
				switch rest, tombstone := m.rest(kept); {
				case tombstone, bytes.Equal(rest, m.XML):
				case rest != nil:
					silenced[m.ID] = rest
				default:
					r.IDs = append(r.IDs, m.ID)
				}
			}
			if len(r.IDs)+len(silenced) == 0 {
				return nil
			}
			err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
				if err := store.retract(ctx, tx, owner, r); err != nil {
					return err
				}
				for id, xml := range silenced {
					if err := silence(ctx, tx, owner, id, xml); err != nil {
						return err
					}
				}
				if err := clearSubject(ctx, tx, room.Name, list); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "DELETE FROM room_pins WHERE room = $1 AND id = ANY ($2)", room.Name, r.IDs)
				return err
			})
			if err == nil {
				erased += len(r.IDs)
			}
			return err
		})
	})
	return erased, err
}

// rest is what stays of a message that takes another back; nil: it is none, or does not tell which one, and nothing
// stays. tombstone: it is what is left of one that was taken back.
func (m WrittenMessage) rest(keep []stream.Name) (xml []byte, tombstone bool) {
	el, err := stream.Parse(m.XML, stream.Limits{Bytes: len(m.XML)})
	if err != nil {
		return nil, false
	}
	if _, retracted := el.Find(stanza.NSRetract, "retracted"); retracted && m.Text == "" {
		return nil, true
	}
	if !archive.IsRetraction(el) {
		return nil, false
	}
	xml, err = archive.Silenced(m.XML, keep)
	if err != nil {
		return nil, false
	}
	return xml, false
}

func silence(ctx context.Context, tx pgx.Tx, owner string, id uuid.UUID, xml []byte) error {
	if _, err := tx.Exec(ctx, forgetWords, owner, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE archive SET stanza = $3, body = '' WHERE owner = $1 AND id = $2", owner, id, xml)
	return err
}

// clearSubject takes away a room's subject, if it is in one of these messages.
func clearSubject(ctx context.Context, tx pgx.Tx, room string, list []WrittenMessage) error {
	for _, m := range list {
		el, err := stream.Parse(m.XML, stream.Limits{Bytes: len(m.XML)})
		if err != nil {
			continue // it is gone anyway
		}
		subject, ok := el.Find(stream.NSClient, "subject")
		if !ok || subject.Text() == "" {
			continue
		}
		if _, err := tx.Exec(ctx, "UPDATE rooms SET subject = '', subject_nick = '', subject_at = NULL WHERE name = $1 AND subject = $2 AND subject_nick = $3",
			room, subject.Text(), m.Part); err != nil {
			return err
		}
	}
	return nil
}
