package models

import (
	"strings"
	"testing"

	"foyer/xmppd/archive"
)

// The list of conversations: the latest text of each, whatever came later without one;
// nobody who left, and no room that is not asked for.
func TestLatestMessages(t *testing.T) {
	db := open(t)
	for _, name := range []string{"alice", "bob", "carol"} {
		db.person(t, name)
	}
	s := db.Stores("h", RosterNone).Archive
	bob, reaction, carol, left := message(1, "to bob"), message(2, ""), message(3, "from carol"), message(4, "from somebody who left")
	bob.Outgoing, carol.With, left.With = true, "carol@h", "left@h"
	room, older, other := message(6, "in the room"), message(5, "earlier"), message(7, "elsewhere")
	for _, e := range []*archive.Entry{&room, &older, &other} {
		e.Owner, e.With, e.Resource, e.Outgoing = "room@rooms.h", "bob@h", "Bob", true
	}
	other.Owner = "other@rooms.h"
	if err := s.Append(t.Context(), []archive.Entry{bob, reaction, carol, left, older, room, other}); err != nil {
		t.Fatal(err)
	}
	latest := func(max int, rooms ...string) string {
		list, err := db.LatestMessages(t.Context(), "h", "alice", max, rooms)
		is(t, err, nil)
		var said []string
		for _, m := range list {
			_, text, _ := strings.Cut(string(m.Stanza), "<body>")
			text, _, _ = strings.Cut(text, "</body>")
			if m.Outgoing {
				text = "I: " + text
			}
			said = append(said, strings.Join([]string{m.With, m.Author, m.Nick, text}, "|"))
		}
		return strings.Join(said, "\n")
	}
	want := "carol@h|||from carol\nbob@h|||I: to bob\nroom@rooms.h|bob@h|Bob|in the room"
	if got := latest(10, "room@rooms.h", "silent@rooms.h"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := latest(2); got != "carol@h|||from carol" { // of the two latest, one left
		t.Errorf("two at most: %s", got)
	}
}
