package app

import (
	"testing"

	"foyer/models"
)

// Who joins a group is let into its room, and who leaves is put out, when the site is told.
func TestGroupRooms(t *testing.T) {
	s, _ := start(t, map[string]string{"ROSTER": "groups"})
	ctx := t.Context()
	if _, err := s.db.GroupRooms.AddGroupRoom(ctx, models.GroupRoom{Group: "staff", Room: "staff-room"}, "Staff"); err != nil {
		t.Fatal(err)
	}
	belongs := func(user string) bool {
		t.Helper()
		r, err := s.chat.Room(ctx, user, "staff-room")
		return err == nil && r.Member && r.Private
	}
	told := func(user string, want bool) {
		t.Helper()
		s.tellChange(ctx, models.Event{Kind: models.EventGroups, User: user})
		for _, other := range []string{"bob", "carol"} {
			if got := belongs(other); got != want {
				t.Errorf("after a change of %q %s belongs to the room: %v", user, other, got)
			}
		}
	}
	if _, err := s.db.Accounts.AddToGroup(ctx, "staff", []string{"bob", "carol"}); err != nil {
		t.Fatal(err)
	}
	told("", true)
	if _, err := s.db.Accounts.RemoveFromGroup(ctx, "staff", []string{"bob"}); err != nil {
		t.Fatal(err)
	}
	s.tellChange(ctx, models.Event{Kind: models.EventGroups, User: "bob"})
	if belongs("bob") || !belongs("carol") {
		t.Error("bob is in, or carol out")
	}
	if err := s.db.GroupRooms.RemoveGroupRoom(ctx, models.GroupRoom{Group: "staff", Room: "staff-room"}); err != nil {
		t.Fatal(err)
	}
	told("", false)
}
