package models

import (
	"context"
	"errors"

	"foyer/xmppd/muc"

	"github.com/jackc/pgx/v5"
)

// SiteRooms are the rooms as the operator sees them, who makes those that pages name.
type SiteRooms struct{ *core }

// SiteRoom is a room in the operator's list.
type SiteRoom struct {
	Name, Title string
	Creator     string // a user, who may be gone; empty: the operator
	Public      bool
	MembersOnly bool
	Readable    bool // by everybody, on pages
	Owners      []string
}

// NewSiteRoom is a room that anybody may find and enter.
type NewSiteRoom struct {
	Name, Title, About string
	Owner              string // a user; empty: nobody, and administrators look after it
	OnPages            bool   // pages may show what is said, to everybody
}

// Add makes a room of no user's, so that it counts against nobody's bound, and gives it its owner. ErrTaken: there is
// one of that name; ErrNotFound: the owner is gone.
func (db *SiteRooms) Add(ctx context.Context, r NewSiteRoom) error {
	settings := muc.NewSettings()
	settings.Title, settings.Description, settings.Readable = r.Title, r.About, r.OnPages
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := insertRoom(ctx, tx, muc.Room{Name: r.Name, Settings: settings}); err != nil || r.Owner == "" {
			return err
		}
		return affiliate(ctx, tx, r.Name, []muc.Affiliated{{User: r.Owner, Affiliation: muc.Owner}})
	})
	switch {
	case errors.Is(err, muc.ErrTaken):
		return ErrTaken
	case errors.Is(err, muc.ErrNoAccount):
		return ErrNotFound
	}
	return err
}

// Creators returns who made the rooms of some names, by name; "": the operator.
// Names that no room has are missing.
func (db *SiteRooms) Creators(ctx context.Context, names []string) (map[string]string, error) {
	rows, err := db.pool.Query(ctx, "SELECT name, creator FROM rooms WHERE name = ANY ($1)", names)
	if err != nil {
		return nil, err
	}
	creators := make(map[string]string)
	var name, creator string
	_, err = pgx.ForEachRow(rows, []any{&name, &creator}, func() error {
		creators[name] = creator
		return nil
	})
	return creators, err
}

// Each calls do for every room, by name.
func (db *SiteRooms) Each(ctx context.Context, do func(SiteRoom) error) error {
	rows, err := db.pool.Query(ctx, `SELECT name, title, creator, public, members_only, readable,
			ARRAY(SELECT username FROM room_affiliations WHERE room = r.name AND affiliation = 'owner' ORDER BY username)
		FROM rooms r ORDER BY name COLLATE "C"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := pgx.RowToStructByPos[SiteRoom](rows)
		if err == nil {
			err = do(r)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}
