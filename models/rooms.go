package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"foyer/xmppd/muc"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// roomStore implements the store of group chat.
type roomStore struct{ *core }

// RoomStore returns what group chat keeps in this database.
func (db *DB) RoomStore() muc.Store { return roomStore{db.core} }

const roomColumns = `name, creator, title, description, lang, password, persistent, public, members_only, moderated,
	non_anonymous, change_subject, invites, private, archive, max_occupants, readable`

func scanRoom(row pgx.Row) (r muc.Room, err error) {
	var at *time.Time
	s := &r.Settings
	err = row.Scan(&r.Name, &r.Creator, &s.Title, &s.Description, &s.Lang, &s.Password, &s.Persistent, &s.Public, &s.MembersOnly,
		&s.Moderated, &s.NonAnonymous, &s.ChangeSubject, &s.Invites, &s.Private, &s.Archive, &s.MaxOccupants, &s.Readable,
		&r.Subject.Text, &r.Subject.Nick, &at, &r.Pins)
	if at != nil {
		r.Subject.At = at.UTC()
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = muc.ErrNotFound
	}
	return r, err
}

// settingsArgs are a room's settings in the order of roomColumns, name and
// creator aside.
func settingsArgs(s muc.Settings) []any {
	return []any{s.Title, s.Description, s.Lang, s.Password, s.Persistent, s.Public, s.MembersOnly, s.Moderated,
		s.NonAnonymous, s.ChangeSubject, s.Invites, s.Private, s.Archive, s.MaxOccupants, s.Readable}
}

// Room implements muc.Store.
func (s roomStore) Room(ctx context.Context, name string) (muc.Room, []muc.Affiliated, error) {
	r, err := scanRoom(s.chat.QueryRow(ctx, "SELECT "+roomColumns+", subject, subject_nick, subject_at, "+pinnedCount+" FROM rooms WHERE name = $1", name))
	if err != nil {
		return r, nil, err
	}
	rows, err := s.chat.Query(ctx, listsOfRoom, name)
	if err != nil {
		return r, nil, err
	}
	people, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a muc.Affiliated, err error) {
		return a, row.Scan(&a.User, &a.Affiliation, &a.Nick, &a.Reason)
	})
	return r, people, err
}

// Create implements muc.Store. The creator's account is locked, so that two rooms
// at once cannot pass the bound.
func (s roomStore) Create(ctx context.Context, r muc.Room, people []muc.Affiliated, most int) error {
	return pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		var id, created int64
		err := tx.QueryRow(ctx, "SELECT id FROM accounts WHERE username = $1 FOR UPDATE", r.Creator).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return muc.ErrNoAccount
		}
		if err == nil {
			err = tx.QueryRow(ctx, createdRooms, r.Creator).Scan(&created)
		}
		if err != nil {
			return err
		}
		if created >= int64(most) {
			return muc.ErrTooMany
		}
		if err := insertRoom(ctx, tx, r); err != nil {
			return err
		}
		return affiliate(ctx, tx, r.Name, people)
	})
}

// insertRoom stores a new room; muc.ErrTaken: there is one of its name.
func insertRoom(ctx context.Context, tx pgx.Tx, r muc.Room) error {
	tag, err := tx.Exec(ctx, "INSERT INTO rooms ("+roomColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT DO NOTHING`,
		append([]any{r.Name, r.Creator}, settingsArgs(r.Settings)...)...)
	if err == nil && tag.RowsAffected() == 0 {
		err = muc.ErrTaken
	}
	return err
}

// Configure implements muc.Store.
func (s roomStore) Configure(ctx context.Context, name string, settings muc.Settings) error {
	tag, err := s.chat.Exec(ctx, `UPDATE rooms SET title = $2, description = $3, lang = $4, password = $5, persistent = $6,
		public = $7, members_only = $8, moderated = $9, non_anonymous = $10, change_subject = $11, invites = $12,
		private = $13, archive = $14, max_occupants = $15, readable = $16 WHERE name = $1`, append([]any{name}, settingsArgs(settings)...)...)
	return affected(tag, err)
}

// SetSubject implements muc.Store.
func (s roomStore) SetSubject(ctx context.Context, name string, subject muc.Subject) error {
	at := &subject.At
	if at.IsZero() {
		at = nil // it was never set
	}
	tag, err := s.chat.Exec(ctx, "UPDATE rooms SET subject = $2, subject_nick = $3, subject_at = $4 WHERE name = $1",
		name, subject.Text, subject.Nick, at)
	return affected(tag, err)
}

func affected(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		err = muc.ErrNotFound
	}
	return err
}

// Affiliate implements muc.Store. The room is locked, so that two changes at once
// cannot pass the bound.
func (s roomStore) Affiliate(ctx context.Context, name string, most int, changes []muc.Affiliated) error {
	return pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		if err := lockRoom(ctx, tx, name); err != nil {
			return err
		}
		if err := affiliate(ctx, tx, name, changes); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM room_affiliations WHERE room = $1", name).Scan(&n); err != nil {
			return err
		}
		if n > most {
			return muc.ErrTooMany
		}
		return nil
	})
}

func affiliate(ctx context.Context, tx pgx.Tx, room string, changes []muc.Affiliated) error {
	for _, a := range changes {
		var err error
		if a.Affiliation == muc.None && a.Nick == "" {
			_, err = tx.Exec(ctx, "DELETE FROM room_affiliations WHERE room = $1 AND username = $2", room, a.User)
		} else {
			_, err = tx.Exec(ctx, `INSERT INTO room_affiliations (room, username, affiliation, nick, reason) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (room, username) DO UPDATE SET affiliation = excluded.affiliation, nick = excluded.nick, reason = excluded.reason,
					since = CASE WHEN room_affiliations.affiliation IN ('owner', 'admin', 'member') THEN room_affiliations.since ELSE now() END`,
				room, a.User, a.Affiliation, a.Nick, a.Reason)
		}
		switch {
		case isViolation(err, "23503"): // foreign key
			return muc.ErrNoAccount
		case err != nil:
			return fmt.Errorf("affiliation of %s: %w", a.User, err)
		}
	}
	return nil
}

// Delete implements muc.Store.
func (s roomStore) Delete(ctx context.Context, name, owner string) error {
	return pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		owners, err := formerOwners(ctx, tx, name)
		if err != nil {
			return err
		}
		if err := deleteArchives(ctx, tx, append(owners, owner)...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM rooms WHERE name = $1", name)
		return err
	})
}

// formerOwners are the archives of rooms under all domains that people's addresses have had.
func formerOwners(ctx context.Context, tx pgx.Tx, rooms ...string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT r.name || '@' || $1 || d.domain FROM unnest($2::text[]) AS r (name), chat_domains d", RoomsPrefix, rooms)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// DeleteTemporary implements muc.Store.
func (s roomStore) DeleteTemporary(ctx context.Context, domain string, except []string) error {
	return pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, temporaryRooms, nonNil(except))
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(names) == 0 {
			return err
		}
		owners, err := formerOwners(ctx, tx, names...)
		if err != nil {
			return err
		}
		for _, n := range names {
			owners = append(owners, n+"@"+domain)
		}
		if err := deleteArchives(ctx, tx, owners...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM rooms WHERE name = ANY ($1)", names)
		return err
	})
}

const (
	listingColumns = "r.name, r.title, r.description, r.members_only, r.non_anonymous, r.archive"
	publicRooms    = "SELECT " + listingColumns + ", 'none', false FROM rooms r WHERE r.public AND r.name > $1 ORDER BY r.name LIMIT $2"
	createdRooms   = "SELECT count(*) FROM rooms WHERE creator = $1"
	listsOfRoom    = "SELECT username, affiliation, nick, reason FROM room_affiliations WHERE room = $1"
	temporaryRooms = "SELECT name FROM rooms WHERE NOT persistent AND name <> ALL ($1) FOR UPDATE"
)

func listings(rows pgx.Rows, err error) ([]muc.Listing, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l muc.Listing, err error) {
		return l, row.Scan(&l.Name, &l.Title, &l.Description, &l.MembersOnly, &l.NonAnonymous, &l.CanFollow, &l.Affiliation, &l.Orphan)
	})
}

// Public implements muc.Store.
func (s roomStore) Public(ctx context.Context, after string, limit int) ([]muc.Listing, error) {
	return listings(s.chat.Query(ctx, publicRooms, after, limit))
}

// Created implements muc.Store.
func (s roomStore) Created(ctx context.Context, user string) (n int, err error) {
	return n, s.chat.QueryRow(ctx, createdRooms, user).Scan(&n)
}
