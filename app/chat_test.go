package app

import (
	"errors"
	"testing"
)

// What pages ask of the chat server, in the site's own terms, as any Chat has to
// answer it.
func TestChat_Rooms(t *testing.T) {
	s, _ := start(t, nil)
	ctx := t.Context()
	is := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	names := func(viewer string) map[string]ChatRoom {
		t.Helper()
		list, err := s.chat.Rooms(ctx, viewer, RoomQuery{Max: 100})
		if err != nil {
			t.Fatal(err)
		}
		rooms := make(map[string]ChatRoom, len(list))
		for _, r := range list {
			rooms[r.Name] = r
		}
		return rooms
	}
	den := NewRoom{Name: "den", Title: "The den", Private: true}
	is(s.chat.CreateRoom(ctx, "bob", den), nil)
	is(s.chat.CreateRoom(ctx, "carol", den), ErrRoomTaken)
	is(s.chat.CreateRoom(ctx, "bob", NewRoom{Name: "no name"}), ErrRoomRefused)
	if r := names("bob")["den"]; r.Title != "The den" || !r.Private {
		t.Errorf("%+v", r)
	}
	if _, ok := names("carol")["den"]; ok {
		t.Error("carol knows of bob's room")
	}
	is(s.chat.Invite(ctx, "den", "carol", "dave"), ErrRoomRefused)
	is(s.chat.Invite(ctx, "den", "bob", "carol"), nil)
	if _, ok := names("carol")["den"]; !ok {
		t.Error("carol was invited, and does not know of the room")
	}
	is(s.chat.DestroyRoom(ctx, "den", "carol"), ErrRoomRefused)
	is(s.chat.DestroyRoom(ctx, "nowhere", "bob"), ErrRoomRefused)
	is(s.chat.DestroyRoom(ctx, "den", "bob"), nil)
	if _, ok := names("bob")["den"]; ok {
		t.Error("the room is listed still")
	}
}
