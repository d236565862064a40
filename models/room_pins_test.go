package models

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"foyer/xmppd/archive"
	"foyer/xmppd/muc"

	"github.com/google/uuid"
)

// What is pinned in a room says what its author says now (XEP-0308), and nothing once it was taken
// back (XEP-0424), within the bound; it goes with the room.
func TestRooms_Pins(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	rooms, store := db.RoomStore(), db.Stores("h", RosterNone).Archive
	is(t, rooms.Create(ctx, roomNamed("den", "alice", nil), nil, 10), nil)
	say := func(by, id, replaces string, retracts *archive.Retraction) uuid.UUID {
		t.Helper()
		e := archive.Entry{
			ID: uuid.Must(uuid.NewV7()), Owner: "den@rooms.h", With: by + "@h", Resource: strings.ToUpper(by), Outgoing: true, StanzaID: id, Replaces: replaces, Body: id,
			Stanza: []byte(`<message xmlns="jabber:client" id="` + id + `"><body>` + id + `</body></message>`), Retracts: retracts,
		}
		is(t, store.Append(ctx, []archive.Entry{e}), nil)
		return e.ID
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	pin := func(id uuid.UUID, most int) error {
		at = at.Add(time.Second)
		return rooms.Pin(ctx, "den", "den@rooms.h", muc.Pin{ID: id, By: "Al", At: at}, most)
	}
	pinned := func(want string, q muc.PinQuery) {
		t.Helper()
		list, err := rooms.Pinned(ctx, "den", "den@rooms.h", q)
		is(t, err, nil)
		var got []string
		for _, p := range list {
			got = append(got, fmt.Sprintf("%s by %s: %s %t", p.StanzaID, p.By, p.Nick, strings.Contains(string(p.Stanza), "<body>"+p.StanzaID+"</body>")))
			if (p.Version == p.ID) != strings.Contains(string(p.Stanza), "<body>"+p.StanzaID+"</body>") || p.At.IsZero() {
				t.Errorf("%+v", p)
			}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("pinned: %s, want %s", s, want)
		}
		if room, _, err := rooms.Room(ctx, "den"); err != nil || (room.Pins > 0) != (want != "") && q.IDs == nil && q.StanzaID == "" {
			t.Errorf("the room has %d: %v", room.Pins, err)
		}
	}
	pinned("", muc.PinQuery{})
	tea, cups, cake := say("bob", "tea", "", nil), say("carol", "cups", "", nil), say("bob", "cake", "", nil)
	say("carol", "not hers", "tea", nil)
	is(t, pin(tea, 2), nil)
	is(t, pin(cups, 2), nil)
	is(t, pin(tea, 2), nil) // again
	pinned("cups by Al: CAROL true, tea by Al: BOB true", muc.PinQuery{})
	for name, c := range map[string]struct{ got, want error }{
		"too many":   {pin(cake, 2), muc.ErrTooMany},
		"no message": {pin(uuid.Must(uuid.NewV7()), 10), muc.ErrNotFound},
		"no room":    {rooms.Pin(ctx, "none", "den@rooms.h", muc.Pin{ID: tea, At: at}, 10), muc.ErrNotFound},
		"elsewhere":  {rooms.Pin(ctx, "den", "cellar@rooms.h", muc.Pin{ID: cake, At: at}, 10), muc.ErrNotFound},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
	say("bob", "tea later", "tea", nil)
	say("bob", "tea at six", "tea", nil)
	pinned("cups by Al: CAROL true, tea by Al: BOB false", muc.PinQuery{})
	pinned("tea by Al: BOB false", muc.PinQuery{IDs: []uuid.UUID{tea}})
	pinned("tea by Al: BOB false", muc.PinQuery{Author: "bob@h", StanzaID: "tea"})
	pinned("", muc.PinQuery{Author: "carol@h", StanzaID: "tea"})
	say("carol", "gone", "", &archive.Retraction{IDs: []uuid.UUID{cups}, By: "gone", At: time.Now()})
	pinned("tea by Al: BOB false", muc.PinQuery{})
	is(t, pin(cake, 2), nil) // in the place of what says nothing any more
	pinned("cake by Al: BOB true, tea by Al: BOB false", muc.PinQuery{})
	gone, err := rooms.Unpin(ctx, "den", []uuid.UUID{tea, cups})
	if err != nil || len(gone) != 1 || gone[0] != tea {
		t.Errorf("%v %v", gone, err)
	}
	pinned("cake by Al: BOB true", muc.PinQuery{})
	is(t, rooms.Delete(ctx, "den", "den@rooms.h"), nil)
	is(t, rooms.Create(ctx, roomNamed("den", "alice", nil), nil, 10), nil)
	pinned("", muc.PinQuery{})
	if plan := db.explain(t, pinsOf, "den", "den@rooms.h", nil, "", ""); !strings.Contains(plan, "archive_corrections") {
		t.Errorf("corrections are looked for in the whole archive:\n%s", plan)
	}
}
