package models

import (
	"strings"
	"testing"

	"foyer/xmppd/muc"
)

// with many rooms, a page of them and what is found by typing come from an
// index.
func TestRooms_Visible(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	db.person(t, "bob")
	const fill = `INSERT INTO rooms (name, title, description, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
		SELECT 'r' || n, 'Room ' || n, 'About ' || (ARRAY['chess','gardens','музыка'])[1 + n % 3] || n, true, n % 10 <> 0, false, false, false, false, false, 'anyone', true, 100
		FROM generate_series(1, 20000) n;
		INSERT INTO room_affiliations (room, username, affiliation) VALUES ('r10', 'alice', 'owner'), ('r3', 'alice', 'member'), ('r1', 'alice', 'outcast'), ('r20', 'bob', 'owner');
		INSERT INTO rooms (name, title, description, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
		SELECT 'x' || n, title, '', true, true, false, false, false, false, false, 'anyone', true, 100
		FROM unnest(ARRAY['Sorting vat', 'Vat', 'Vats', 'Tall vat']) WITH ORDINALITY t (title, n);
		ANALYZE rooms; ANALYZE room_affiliations`
	if _, err := db.pool.Exec(ctx, fill); err != nil {
		t.Fatal(err)
	}
	store := db.RoomStore()
	for _, c := range []struct {
		w    muc.Wanted
		want string
	}{
		{muc.Wanted{User: "alice", Max: 3}, "r10 r10001 r10002"},
		{muc.Wanted{User: "alice", Max: 3, After: "r10002", AfterTitle: "Room 10002"}, "r10003 r10004 r10005"},
		{muc.Wanted{User: "alice", Max: 3, After: "gone", AfterTitle: "RÓOM 10002 b"}, "r10003 r10004 r10005"}, // which is not there any more
		{muc.Wanted{User: "alice", Max: 9, Own: true}, "r10 r3"},
		{muc.Wanted{User: "alice", Max: 9, Typed: "room 1999"}, "r1999 r19991 r19992 r19993 r19994 r19995 r19996 r19997 r19998"},
		{muc.Wanted{User: "alice", Max: 9, Typed: "CHESS19998"}, "r19998"},
		{muc.Wanted{User: "alice", Max: 9, Typed: "room 10"}, "r10 r10001 r10002 r10003 r10004 r10005 r10006 r10007 r10008"},
		{muc.Wanted{User: "bob", Max: 9, Typed: "chess3003"}, "r3003"},
		{muc.Wanted{User: "bob", Max: 1, Typed: "room 20"}, "r20"},
		{muc.Wanted{User: "alice", Max: 1, Typed: "room 20"}, "r2001"}, // the other is bob's own
		{muc.Wanted{User: "bob", Max: 9, Own: true}, "r20"},
		{muc.Wanted{User: "bob", Max: 2, Typed: "vat"}, "x2 x3"}, // before those that have it somewhere else in their titles
	} {
		list, err := store.Visible(ctx, c.w)
		var names []string
		for _, l := range list {
			names = append(names, l.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%+v: %s %v, want %s", c.w, got, err, c.want)
		}
	}
	plans := map[string]string{
		"page":  db.explain(t, pageOfRooms, "alice", false, false, 50, "r777", "Room 777"),
		"own":   db.explain(t, pageOfRooms, "alice", false, true, 12, "", ""),
		"found": db.explain(t, foundRooms, "alice", false, false, 50, "chess", "chess"+lastRune, wordQuery("chess1")),
	}
	for what, plan := range plans {
		for line := range strings.Lines(plan) {
			if strings.Contains(line, "Seq Scan on rooms") && !strings.Contains(line, "never executed") {
				t.Errorf("%s:\n%s", what, plan)
			}
		}
	}
}
