package models

import (
	"errors"
	"slices"
	"testing"
)

// Who is in a group belongs to its rooms; who is there by somebody's word, or banned, is left
// alone.
func TestGroupRoomChanges(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	alice, i := joined(t, db, "alice")
	for _, name := range []string{"bob", "carol", "dave"} {
		joined(t, db, name)
	}
	g := GroupRoom{Group: "staff", Room: "staff-room"}
	if public, err := db.GroupRooms.AddGroupRoom(ctx, g, "Staff"); err != nil || public {
		t.Fatal(public, err)
	}
	if _, err := db.Accounts.AddToGroup(ctx, "staff", []string{"bob", "carol", "dave"}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Identities.RefreshIdentities(ctx, []ClaimedIdentity{{Source: i.Source, Subject: i.Subject, Groups: []string{"staff"}}}); err != nil {
		t.Fatal(err)
	}
	for user, a := range map[string]string{"carol": "outcast", "dave": "member"} {
		if _, err := db.pool.Exec(ctx, "INSERT INTO room_affiliations (room, username, affiliation) VALUES ('staff-room', $1, $2)", user, a); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(users []string, want ...GroupRoomChange) {
		t.Helper()
		if got, err := db.GroupRooms.GroupRoomChanges(ctx, users); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v %v, want %v", got, err, want)
		}
	}
	wants(nil, GroupRoomChange{"staff-room", "alice", true}, GroupRoomChange{"staff-room", "bob", true})
	wants([]string{"bob"}, GroupRoomChange{"staff-room", "bob", true})
	for _, user := range []string{"alice", "bob"} {
		if err := db.GroupRooms.NoteGroupRoomMember(ctx, "staff-room", user); err != nil {
			t.Fatal(err)
		}
		if _, err := db.pool.Exec(ctx, "INSERT INTO room_affiliations (room, username, affiliation) VALUES ('staff-room', $1, 'member')", user); err != nil {
			t.Fatal(err)
		}
	}
	wants(nil)
	if err := db.GroupRooms.NoteGroupRoomMember(ctx, "staff-room", "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	// The identity goes, and with it its groups; the operator's word is taken back.
	other := Identity{AccountID: alice.ID, Source: "provider", Subject: "7"}
	if err := db.Identities.LinkIdentity(ctx, &other, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Identities.UnlinkIdentity(ctx, alice.ID, i.ID, "", SignInMethods{}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Accounts.RemoveFromGroup(ctx, "staff", []string{"dave"}); err != nil {
		t.Fatal(err)
	}
	wants(nil, GroupRoomChange{"staff-room", "alice", false})
	if err := db.GroupRooms.RemoveGroupRoom(ctx, g); err != nil {
		t.Fatal(err)
	}
	wants(nil, GroupRoomChange{"staff-room", "alice", false}, GroupRoomChange{"staff-room", "bob", false})
}
