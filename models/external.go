package models

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5"
)

// External is what the site keeps of a chat server that is another program: rooms made
// there, and profiles told to it.
type External struct{ *core }

// What the site tells an external chat server.

// ExternalRooms returns the names of the rooms that the site made there last, so many at
// most.
func (db *External) ExternalRooms(ctx context.Context, most int) ([]string, error) {
	rows, err := db.chat.Query(ctx, "SELECT name FROM external_rooms ORDER BY created_at DESC, name LIMIT $1", most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// AddExternalRoom notes a room that was made there, and reports whether it was not noted
// before. It is that server's own, and no copy.
func (db *External) AddExternalRoom(ctx context.Context, name string) (added bool, err error) {
	tag, err := db.chat.Exec(ctx, `WITH own AS (DELETE FROM copied_rooms WHERE name = $1)
		INSERT INTO external_rooms (name) VALUES ($1) ON CONFLICT DO NOTHING`, name)
	return tag.RowsAffected() > 0, err
}

// RoomsCopied notes rooms that were copied there, as they were at a time. Of copies that were made
// before, those whose room has ended are noted as rooms no more.
func (db *External) RoomsCopied(ctx context.Context, names []string, at time.Time) error {
	_, err := db.chat.Exec(ctx, `WITH copied AS (INSERT INTO copied_rooms (name, copied_at) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING),
		ended AS (DELETE FROM external_rooms e USING copied_rooms c WHERE c.name = e.name AND NOT EXISTS (SELECT FROM rooms r WHERE r.name = e.name AND r.persistent))
		INSERT INTO external_rooms (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, nonNil(names), at)
	return err
}

// PeopleCopied notes people who were copied there.
func (db *External) PeopleCopied(ctx context.Context, names []string) error {
	_, err := db.chat.Exec(ctx, "INSERT INTO copied_people (username) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", nonNil(names))
	return err
}

// RemoveExternalRoom notes that a room is no more.
func (db *External) RemoveExternalRoom(ctx context.Context, name string) error {
	_, err := db.chat.Exec(ctx, "DELETE FROM external_rooms WHERE name = $1", name)
	return err
}

// Profile is what others see of an account.
type Profile struct {
	Name      string
	Photo     []byte // nil: none
	PhotoType string

	hash [sha256.Size]byte
}

// UntoldProfile returns an account's profile, unless the server was told of this one
// already: ErrNotFound then, or when there is no such account.
func (db *External) UntoldProfile(ctx context.Context, username string) (Profile, error) {
	var p Profile
	var picture string
	var told []byte
	err := db.chat.QueryRow(ctx, "SELECT name, avatar_hash, told_profile FROM accounts WHERE username = $1 AND blocked_at IS NULL", username).
		Scan(&p.Name, &picture, &told)
	if err != nil {
		return p, translate(err)
	}
	p.hash = sha256.Sum256([]byte(picture + "\x00" + p.Name))
	if string(told) == string(p.hash[:]) {
		return p, ErrNotFound
	}
	if picture != "" {
		avatar, err := (&Accounts{db.core}).Avatar(ctx, picture)
		if err != nil {
			return p, err
		}
		p.Photo, p.PhotoType = avatar.Data, avatar.MediaType
	}
	return p, nil
}

// ProfileTold notes that the server was told of a profile.
func (db *External) ProfileTold(ctx context.Context, username string, p Profile) error {
	_, err := db.chat.Exec(ctx, "UPDATE accounts SET told_profile = $2 WHERE username = $1", username, p.hash[:])
	return err
}

// CurrentSession returns the id of a session of the account that stands, the latest
// used: what the site does for somebody rests on it. ErrNotFound: nobody is signed in.
func (db *Sessions) CurrentSession(ctx context.Context, username string) (string, error) {
	var id string
	err := db.chat.QueryRow(ctx, `SELECT s.id FROM sessions s JOIN accounts a ON a.id = s.account_id
		WHERE a.username = $1 AND a.blocked_at IS NULL AND s.expires_at > now() ORDER BY s.seen_at DESC LIMIT 1`, username).Scan(&id)
	return id, translate(err)
}
