package muc

import (
	"context"
	"errors"
	"testing"

	"foyer/internal/stanza"
)

// A page ends a room as its owner does in the chat, whether or not the owner is in
// it (XEP-0045 §10.9, X-34).
func TestService_Destroy(t *testing.T) {
	admin := func(_ context.Context, user string) (bool, error) { return user == "admin", nil }
	w := newWorld(t, Config{MayTakeOver: admin}, "alice", "bob", "admin")
	w.open("den", nil)
	bob := w.online("bob", "b")
	gather("den", bob)
	for room, user := range map[string]string{"den": "bob", "nowhere": "alice"} {
		var refused *stanza.Error
		if err := w.svc.Destroy(t.Context(), room, user); !errors.As(err, &refused) {
			t.Errorf("%s ended %s: %v", user, room, err)
		}
	}
	if err := w.svc.Destroy(t.Context(), "den", "alice"); err != nil {
		t.Fatal(err)
	}
	bob.sees("presence bob unavailable none/none bob@h/b destroy 110")
	if err := w.svc.Destroy(t.Context(), "den", "alice"); err == nil {
		t.Error("ended twice")
	}

	w.open("ruin", nil)
	w.store.mu.Lock()
	delete(w.store.people["ruin"], "alice")
	w.store.mu.Unlock()
	if err := w.svc.Destroy(t.Context(), "ruin", "admin"); err != nil {
		t.Errorf("nobody owns it, and the admin may not end it: %v", err)
	}
}

// a page names a room as its address does, in any case and form; what is no
// name of a room is refused.
func TestService_NamesOfRooms(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	s := w.svc.DefaultSettings()
	s.Title, s.Description = "\u202EКафе\n для всех", "чай\u202E и\n\tкофе"
	if err := w.svc.CreateRoom(t.Context(), "Кафе", "alice", s); err != nil {
		t.Fatal(err)
	}
	if got := w.store.rooms["кафе"].Settings; got.Title != "Кафе для всех" || got.Description != "чай и кофе" {
		t.Errorf("the title is %q, the description %q", got.Title, got.Description)
	}
	bob := w.online("bob", "b")
	if err := w.svc.Invite(t.Context(), "КАФЕ", "alice", "bob"); err != nil {
		t.Error(err)
	}
	bob.sees("message кафе@rooms.h invite")
	for _, name := range []string{"", "a/b", "a@b", "a b"} {
		var refused *stanza.Error
		if err := w.svc.CreateRoom(t.Context(), name, "alice", s); !errors.As(err, &refused) {
			t.Errorf("%q was made: %v", name, err)
		}
	}
	if err := w.svc.Destroy(t.Context(), "Кафе", "alice"); err != nil {
		t.Error(err)
	}
}

// Who asks is told whether they are among those whom a page counts.
func TestService_WhoIsThere(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	w.open("loft", nil)
	gather("den", w.online("alice", "a"), w.online("bob", "b"))
	for user, entered := range map[string]bool{"alice": true, "carol": false} {
		list, err := w.svc.Directory(t.Context(), Wanted{User: user, Max: 10})
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		for _, r := range append(list, w.svc.Busy(user, 10)...) {
			want := Listed{Listing: r.Listing}
			if r.Name == "den" {
				want.Occupants, want.Entered = 2, entered
			}
			if r != want {
				t.Errorf("%s sees %+v; want %+v", user, r, want)
			}
		}
	}
}
