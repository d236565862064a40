package models

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// An external chat server is told of a profile once, and again when it changed.
func TestExternal_Profile(t *testing.T) {
	db, ctx := open(t), t.Context()
	ann := Account{Username: "ann", Name: "Ann"}
	if err := db.Accounts.CreateAccount(ctx, &ann); err != nil {
		t.Fatal(err)
	}
	p, err := db.External.UntoldProfile(ctx, "ann")
	if err != nil || p.Name != "Ann" || p.Photo != nil {
		t.Fatal(p, err)
	}
	if _, err := db.Accounts.SetAvatar(ctx, ann.ID, []byte("picture"), "image/png"); err != nil {
		t.Fatal(err)
	}
	if err := db.External.ProfileTold(ctx, "ann", p); err != nil {
		t.Fatal(err)
	}
	if p, err = db.External.UntoldProfile(ctx, "ann"); err != nil || string(p.Photo) != "picture" || p.PhotoType != "image/png" {
		t.Error("the picture came while it was told of the name:", p, err)
	}
	if err := db.External.ProfileTold(ctx, "ann", p); err != nil {
		t.Fatal(err)
	}
	if _, err := db.External.UntoldProfile(ctx, "ann"); !errors.Is(err, ErrNotFound) {
		t.Error("nothing has changed:", err)
	}
}

func TestExternal_Rooms(t *testing.T) {
	db, ctx := open(t), t.Context()
	for i, name := range []string{"den", "attic", "den"} {
		if added, err := db.External.AddExternalRoom(ctx, name); err != nil || added != (i < 2) {
			t.Fatal(name, added, err)
		}
	}
	if list, err := db.External.ExternalRooms(ctx, 1); err != nil || !slices.Equal(list, []string{"attic"}) {
		t.Error("the latest:", list, err)
	}
	if err := db.External.RemoveExternalRoom(ctx, "attic"); err != nil {
		t.Fatal(err)
	}
	if list, err := db.External.ExternalRooms(ctx, 10); err != nil || !slices.Equal(list, []string{"den"}) {
		t.Error(list, err)
	}
}

// Of people who were copied, the next copy is told who left; names that were given here once and never copied are none of its business.
func TestExternal_PeopleCopied(t *testing.T) {
	db, ctx := open(t), t.Context()
	leave := func(a Account) {
		t.Helper()
		if _, err := db.pool.Exec(ctx, "DELETE FROM accounts WHERE id = $1", a.ID); err != nil {
			t.Fatal(err)
		}
	}
	leave(db.person(t, "never"))
	var people []Account
	for _, name := range []string{"ann", "Ben", "cy"} {
		people = append(people, db.person(t, name))
	}
	for range 2 {
		is(t, db.External.PeopleCopied(ctx, []string{"ann", "Ben", "cy"}), nil)
	}
	is(t, db.External.PeopleCopied(ctx, nil), nil)
	leave(people[0])
	leave(people[1])
	src, err := db.Snapshot(ctx, "h", RosterEveryone)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if gone, err := src.Gone(ctx, "", 10); err != nil || !slices.Equal(gone, []string{"Ben", "ann"}) {
		t.Error(gone, err)
	}
	if gone, err := src.Gone(ctx, "Ben", 10); err != nil || !slices.Equal(gone, []string{"ann"}) {
		t.Error(gone, err)
	}
}

// Of rooms that were copied, those that ended are noted no more, and the next copy is told of
// them; a room that was made there is no copy.
func TestExternal_RoomsCopied(t *testing.T) {
	db, ctx := open(t), t.Context()
	if _, err := db.chat.Exec(ctx, `INSERT INTO rooms (name, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
		VALUES ('den', true, true, false, false, false, true, true, 'anyone', true, 10), ('again', true, true, false, false, false, true, true, 'anyone', true, 10),
			('passing', false, true, false, false, false, true, true, 'anyone', true, 10)`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.External.AddExternalRoom(ctx, "own"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.chat.Exec(ctx, "UPDATE rooms SET created_at = now() - interval '1 hour' WHERE name <> 'again'"); err != nil { // which was made again between the two
		t.Fatal(err)
	}
	for i, copied := range [][]string{{"den", "attic", "own", "again", "passing"}, {"den", "again"}} {
		if err := db.External.RoomsCopied(ctx, copied, time.Now().Add(time.Duration(2*i-1)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := db.External.ExternalRooms(ctx, 10); err != nil || !slices.Equal(slices.Sorted(slices.Values(list)), []string{"again", "den"}) {
		t.Error(list, err)
	}
	for _, want := range [][]string{{"again", "attic", "own", "passing"}, {"again", "attic", "passing"}} {
		src, err := db.Snapshot(ctx, "localhost", RosterNone)
		if err != nil {
			t.Fatal(err)
		}
		if gone, err := src.GoneRooms(ctx); err != nil || !slices.Equal(gone, want) {
			t.Error(gone, err)
		}
		src.Close()
		if _, err := db.External.AddExternalRoom(ctx, "own"); err != nil {
			t.Fatal(err)
		}
	}
}
