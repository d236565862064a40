package models

import (
	"errors"
	"slices"
	"testing"
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
