package models

import (
	"context"

	"foyer/xmppd/muc"

	"github.com/jackc/pgx/v5"
)

// GroupRooms are the rooms that groups have, and who has been entered into them.
type GroupRooms struct{ *core }

// GroupRoom is a room of a group.
type GroupRoom struct{ Group, Room string }

// All returns the rooms of all groups, by group and room.
func (db *GroupRooms) All(ctx context.Context) ([]GroupRoom, error) {
	rows, err := db.pool.Query(ctx, "SELECT group_name, room FROM group_rooms ORDER BY group_name, room")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[GroupRoom])
}

// AddGroupRoom gives a group a room. One that is not there is made, with a title, for members
// only, and belongs to nobody: the site's admins look after it. open: it was there, and lets in more than its members.
func (db *GroupRooms) AddGroupRoom(ctx context.Context, g GroupRoom, title string) (open bool, err error) {
	settings := muc.Settings{
		Title: title, Persistent: true, MembersOnly: true, NonAnonymous: true, ChangeSubject: true,
		Private: muc.Anyone, Archive: true, MaxOccupants: muc.DefaultOccupants,
	}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO rooms ("+roomColumns+`)
			VALUES ($1, '', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`,
			append([]any{g.Room}, settingsArgs(settings)...)...)
		if err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT NOT members_only FROM rooms WHERE name = $1 FOR SHARE", g.Room).Scan(&open); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO group_rooms (group_name, room) VALUES ($1, $2) ON CONFLICT DO NOTHING", g.Group, g.Room)
		return err
	})
	return open, translate(err)
}

// RemoveGroupRoom takes a room from a group; the room stays. ErrNotFound: the group has no
// such room.
func (db *GroupRooms) RemoveGroupRoom(ctx context.Context, g GroupRoom) error {
	tag, err := db.pool.Exec(ctx, "DELETE FROM group_rooms WHERE group_name = $1 AND room = $2", g.Group, g.Room)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotFound
	}
	return err
}

// GroupRoomChange is somebody who is to be let into a room of a group, or put out of it.
type GroupRoomChange struct {
	Room, Username string
	In             bool
}

// groupRoomChanges is who is not in the rooms of groups as the groups have it, of the users $1
// (null: all). Those who are banned from a room stay so; those who belong to it by somebody's
// word are not put out.
const groupRoomChanges = `SELECT DISTINCT r.room, a.username, true FROM group_rooms r
		JOIN account_groups g ON g.group_name = r.group_name
		JOIN accounts a ON a.id = g.account_id AND a.blocked_at IS NULL
		LEFT JOIN room_affiliations f ON f.room = r.room AND f.username = a.username
		WHERE coalesce(f.affiliation, 'none') = 'none' AND ($1::text[] IS NULL OR a.username = ANY($1))
	UNION ALL
	SELECT m.room, m.username, false FROM group_room_members m
		WHERE ($1::text[] IS NULL OR m.username = ANY($1)) AND NOT EXISTS (
			SELECT 1 FROM group_rooms r JOIN account_groups g ON g.group_name = r.group_name JOIN accounts a ON a.id = g.account_id
			WHERE r.room = m.room AND a.username = m.username)
	ORDER BY 1, 2`

// GroupRoomChanges returns whom the chat has to let into rooms of groups and to put out; nil
// users: of all.
func (db *GroupRooms) GroupRoomChanges(ctx context.Context, users []string) ([]GroupRoomChange, error) {
	rows, err := db.chat.Query(ctx, groupRoomChanges, users)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[GroupRoomChange])
}

// NoteGroupRoomMember notes that somebody is about to become a member of a room by a group, so
// that they are put out when they leave it. ErrNotFound: one of them is gone.
func (db *GroupRooms) NoteGroupRoomMember(ctx context.Context, room, username string) error {
	_, err := db.chat.Exec(ctx, "INSERT INTO group_room_members (room, username) VALUES ($1, $2) ON CONFLICT DO NOTHING", room, username)
	if isViolation(err, "23503") {
		err = ErrNotFound
	}
	return err
}

// ForgetGroupRoomMember notes that they were put out.
func (db *GroupRooms) ForgetGroupRoomMember(ctx context.Context, room, username string) error {
	_, err := db.chat.Exec(ctx, "DELETE FROM group_room_members WHERE room = $1 AND username = $2", room, username)
	return err
}
