package models

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/xmppd/archive"
	"foyer/xmppd/muc"

	"github.com/jackc/pgx/v5"
)

func roomNamed(name, creator string, change func(*muc.Settings)) muc.Room {
	r := muc.Room{Name: name, Creator: creator, Settings: muc.Settings{
		Title: strings.ToUpper(name), Persistent: true, Public: true, Private: muc.Anyone, Archive: true, MaxOccupants: 10,
	}}
	if change != nil {
		change(&r.Settings)
	}
	return r
}

// What is stored comes back as it was (S-89), within the bounds.
func TestRooms_StoreAndBounds(t *testing.T) {
	db, ctx := open(t), t.Context()
	for _, user := range []string{"alice", "bob"} {
		db.person(t, user)
	}
	store := db.RoomStore()
	den := roomNamed("den", "alice", func(s *muc.Settings) { s.Password, s.MembersOnly = "x", true })
	owner := []muc.Affiliated{{User: "alice", Affiliation: muc.Owner}}
	if err := store.Create(ctx, den, owner, 2); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		room muc.Room
		most int
		want error
	}{
		"taken":      {den, 5, muc.ErrTaken},
		"too many":   {roomNamed("more", "alice", nil), 1, muc.ErrTooMany},
		"no account": {roomNamed("more", "zoe", nil), 5, muc.ErrNoAccount},
	} {
		if err := store.Create(ctx, c.room, nil, c.most); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	den.Settings.Title, den.Settings.Private = "The den", muc.Moderators
	if err := store.Configure(ctx, "den", den.Settings); err != nil {
		t.Fatal(err)
	}
	den.Subject = muc.Subject{Text: "topic", Nick: "Al", At: time.Now().UTC().Truncate(time.Microsecond)}
	if err := store.SetSubject(ctx, "den", den.Subject); err != nil {
		t.Fatal(err)
	}
	got, people, err := store.Room(ctx, "den")
	if err != nil || got != den || !slices.Equal(people, owner) {
		t.Errorf("%+v %v %v, want %+v", got, people, err, den)
	}
	if err := store.Affiliate(ctx, "den", 5, []muc.Affiliated{{User: "bob", Affiliation: muc.Member, Nick: "Bo", Reason: "r"}}); err != nil {
		t.Fatal(err)
	}
	if err := store.Affiliate(ctx, "den", 5, []muc.Affiliated{{User: "zoe", Affiliation: muc.Member}}); !errors.Is(err, muc.ErrNoAccount) {
		t.Error(err)
	}
	if err := store.Affiliate(ctx, "den", 1, []muc.Affiliated{{User: "bob", Affiliation: muc.Admin}}); !errors.Is(err, muc.ErrTooMany) {
		t.Error(err)
	}
	if _, people, _ = store.Room(ctx, "den"); len(people) != 2 {
		t.Errorf("%v", people)
	}
	is(t, store.SetSubject(ctx, "den", muc.Subject{}), nil) // as it was before there was one
	if got, _, err := store.Room(ctx, "den"); err != nil || got.Subject != (muc.Subject{}) {
		t.Errorf("%+v %v", got.Subject, err)
	}
	for _, err := range []error{store.Configure(ctx, "none", den.Settings), store.SetSubject(ctx, "none", den.Subject), store.Affiliate(ctx, "none", 1, nil)} {
		if !errors.Is(err, muc.ErrNotFound) {
			t.Error(err)
		}
	}
}

// An account that is deleted takes its affiliations along; a room takes its
// archive.
func TestRooms_ListsAndEnds(t *testing.T) {
	db, ctx := open(t), t.Context()
	for _, user := range []string{"alice", "bob", "carol"} {
		db.person(t, user)
	}
	store := db.RoomStore()
	for _, r := range []muc.Room{
		roomNamed("open", "alice", nil),
		roomNamed("hidden", "alice", func(s *muc.Settings) { s.Public = false }),
		roomNamed("passing", "alice", func(s *muc.Settings) { s.Persistent = false }),
	} {
		if err := store.Create(ctx, r, []muc.Affiliated{{User: "alice", Affiliation: muc.Owner}}, 9); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Affiliate(ctx, "open", 9, []muc.Affiliated{{User: "carol", Affiliation: muc.Outcast}}); err != nil {
		t.Fatal(err)
	}
	names := func(list []muc.Listing, err error) (out []string) {
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			out = append(out, l.Name)
		}
		return out
	}
	for who, want := range map[string][]string{"alice": {"hidden", "open"}, "bob": {"open"}, "carol": nil} {
		for _, orphans := range []bool{false, true} { // there are none
			if got := names(store.Visible(ctx, muc.Wanted{User: who, Orphans: orphans, Max: 10})); !slices.Equal(got, want) {
				t.Errorf("%s sees %v", who, got)
			}
		}
	}
	if got := names(store.Public(ctx, "open", 10)); !slices.Equal(got, []string{"passing"}) {
		t.Errorf("after open: %v", got)
	}
	messages := db.Stores("h", RosterEveryone).Archive
	fill(t, messages, "passing@rooms.h", 3)
	if err := store.DeleteTemporary(ctx, "rooms.h", []string{"passing"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := messages.Bounds(ctx, "passing@rooms.h"); err != nil {
		t.Errorf("a room that was to stay: %v", err)
	}
	if err := store.DeleteTemporary(ctx, "rooms.h", nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := messages.Bounds(ctx, "passing@rooms.h"); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("its archive: %v", err)
	}
	if n, err := store.Created(ctx, "alice"); n != 2 || err != nil {
		t.Errorf("%d rooms, %v", n, err)
	}
	a, err := db.Accounts.AccountByName(ctx, "carol")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Accounts.DeleteAccount(ctx, a.ID, AnyVersion, "h"); err != nil {
		t.Fatal(err)
	}
	if _, people, _ := store.Room(ctx, "open"); len(people) != 1 {
		t.Errorf("%v", people)
	}
	// With its owner's account a room loses its owner.
	if a, err = db.Accounts.AccountByName(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	if err := db.Accounts.DeleteAccount(ctx, a.ID, AnyVersion, "h"); err != nil {
		t.Fatal(err)
	}
	if got := names(store.Visible(ctx, muc.Wanted{User: "bob", Max: 10})); !slices.Equal(got, []string{"open"}) {
		t.Errorf("bob sees %v", got)
	}
	if list, err := store.Visible(ctx, muc.Wanted{User: "bob", Orphans: true, Max: 10}); err != nil || len(list) != 2 || !list[0].Orphan || !list[1].Orphan || list[0].Name != "hidden" {
		t.Errorf("as a steward bob sees %+v %v", list, err)
	}
	if err := store.Delete(ctx, "open", "open@rooms.h"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Room(ctx, "open"); !errors.Is(err, muc.ErrNotFound) {
		t.Error(err)
	}
}

// What is asked again and again reads no more than it gives, however many rooms
// there are.
func TestRooms_Plans(t *testing.T) {
	db, ctx := open(t), t.Context()
	for _, sql := range []string{
		`INSERT INTO accounts (username, name, password_hash) SELECT 'user' || i, 'x', 'x' FROM generate_series(1, 1000) i`,
		`INSERT INTO rooms (name, creator, title, description, lang, password, persistent, public, members_only, moderated,
			non_anonymous, change_subject, invites, private, archive, max_occupants)
			SELECT 'room' || i, 'user' || 1 + i % 1000, 'x', '', '', '', i % 100 > 0, i % 3 > 0, false, false, false, true, true, 'anyone', true, 10
			FROM generate_series(1, 5000) i`,
		`INSERT INTO room_affiliations (room, username, affiliation) SELECT 'room' || i, 'user' || u, 'member'
			FROM generate_series(1, 1000) i, generate_series(1, 10) u`,
		`ANALYZE accounts, rooms, room_affiliations`,
	} {
		if _, err := db.pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{publicRooms, []any{"room2", 100}},
		{createdRooms, []any{"user7"}},
		{listsOfRoom, []any{"room7"}},
		{temporaryRooms, []any{[]string{"room100"}}},
	} {
		rows, err := db.pool.Query(ctx, "EXPLAIN "+q.sql, q.args...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan := strings.Join(lines, "\n")
		if err != nil || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
			t.Errorf("%s: %v\n%s", q.sql, err, plan)
		}
	}
}
