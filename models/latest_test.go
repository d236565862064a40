package models

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"foyer/xmppd/archive"
	"foyer/xmppd/pep"

	"github.com/google/uuid"
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
		list, _, err := db.Conversations.LatestMessages(t.Context(), "h", "alice", max, 0, rooms, nil)
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
	// As it was corrected (XEP-0308); what corrects an older one is not the last, nor what takes one back; and
	// that it was deleted (XEP-0424).
	inRoom := func(e *archive.Entry) {
		e.Owner, e.With, e.Resource, e.Outgoing = "room@rooms.h", "bob@h", "Bob", true
	}
	fromCarol := func(e *archive.Entry) { e.With = "carol@h" }
	carolsOlder := message(11, "earlier from carol")
	carolsOlder.ID, carolsOlder.With = message(0, "").ID, "carol@h"
	is(t, s.Append(t.Context(), []archive.Entry{carolsOlder}), nil)
	for _, c := range []struct {
		line        int
		prefix      string
		of          func(*archive.Entry)
		last, older archive.Entry
	}{
		{2, "room@rooms.h|bob@h|Bob|", inRoom, room, older},
		{0, "carol@h|||", fromCarol, carol, carolsOlder},
	} {
		is := func(why, said string) {
			t.Helper()
			if got := strings.Split(latest(10, "room@rooms.h"), "\n")[c.line]; got != c.prefix+said {
				t.Errorf("%s: got %s", why, got)
			}
		}
		change := func(i int, body string, change func(*archive.Entry)) {
			e := message(20+10*c.line+i, body)
			c.of(&e)
			change(&e)
			if err := s.Append(t.Context(), []archive.Entry{e}); err != nil {
				t.Fatal(err)
			}
		}
		change(1, "said better", func(e *archive.Entry) { e.Replaces = c.last.StanzaID })
		is("corrected", "said better")
		change(2, "much earlier", func(e *archive.Entry) { e.Replaces = c.older.StanzaID })
		is("an older one is corrected", "said better")
		change(3, "fallback", func(e *archive.Entry) {
			e.IsRetraction, e.Retracts = true, &archive.Retraction{IDs: []uuid.UUID{c.older.ID, message(20+10*c.line+2, "").ID}, By: "r", At: time.Now()}
		})
		is("an older one is deleted", "said better")
		change(4, "fallback", func(e *archive.Entry) {
			e.IsRetraction, e.Retracts = true, &archive.Retraction{IDs: []uuid.UUID{c.last.ID, message(20+10*c.line+1, "").ID}, By: "r", At: time.Now()}
		})
		is("deleted", "")
	}
	if got := latest(2); got != "carol@h|||" { // of the two latest, one left
		t.Errorf("two at most: %s", got)
	}
	// Nobody else's words stand in for theirs, whatever id they give.
	change := message(50, "not mine to change")
	change.With, change.Outgoing, change.Replaces = "bob@h", false, bob.StanzaID
	is(t, s.Append(t.Context(), []archive.Entry{change}), nil)
	if got := latest(10); !strings.Contains(got, "bob@h|||I: to bob") {
		t.Errorf("somebody else corrects it: got %s", got)
	}
}

// XEP-0490: what is unread is what others said after the message up to which a person has
// read, and after what they said last themselves; corrections are nothing new. Where nothing
// is known, everything is unread that came since the account was there.
func TestLatestMessages_Unread(t *testing.T) {
	db := open(t)
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		db.person(t, name)
	}
	if _, err := db.pool.Exec(t.Context(), "UPDATE accounts SET unread_from = $1", message(3, "").ID); err != nil {
		t.Fatal(err)
	}
	var said []archive.Entry
	say := func(i int, owner, with string, change func(*archive.Entry)) {
		e := message(i, "text")
		e.Owner, e.With = owner, with
		if change != nil {
			change(&e)
		}
		said = append(said, e)
	}
	for i := range 10 { // bob: read up to 4, the last is a correction
		say(i, "alice@h", "bob@h", func(e *archive.Entry) {
			if i == 9 {
				e.Replaces = "m8"
			}
		})
	}
	for i := range 10 { // carol: nothing is known, from 4 on it counts
		say(20+i, "alice@h", "carol@h", func(e *archive.Entry) { e.ID = message(i, "").ID; e.ID[15] = 1 })
	}
	for i := range 5 { // dave: answered after the third
		say(40+i, "alice@h", "dave@h", func(e *archive.Entry) { e.Outgoing = i == 2 })
	}
	is(t, db.Stores("h", RosterNone).Archive.Append(t.Context(), said), nil)
	read := map[string]uuid.UUID{"bob@h": message(4, "").ID, "dave@h": message(40, "").ID}
	list, _, err := db.Conversations.LatestMessages(t.Context(), "h", "alice", 10, 0, nil, read)
	is(t, err, nil)
	got := make(map[string]int)
	for _, m := range list {
		got[m.With] = m.Unread
	}
	want := map[string]int{"bob@h": 4, "carol@h": 7, "dave@h": 2}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// However long ago it was said, what is unread is there, and that there are more.
func TestLatestMessages_Older(t *testing.T) {
	db := open(t)
	db.person(t, "alice")
	if _, err := db.pool.Exec(t.Context(), "UPDATE accounts SET unread_from = $1", uuid.Nil); err != nil {
		t.Fatal(err)
	}
	read := map[string]uuid.UUID{}
	say := func(minute, ms int, with string, mine bool) archive.Entry {
		e := message(120_000*minute+ms, "text")
		e.With, e.Outgoing = with, mine
		is(t, db.Stores("h", RosterNone).Archive.Append(t.Context(), []archive.Entry{e}), nil)
		return e
	}
	for i := range 12 {
		name := fmt.Sprintf("p%02d", i)
		db.person(t, name)
		said := say(i, 0, name+"@h", i == 2) // who was answered
		if i > 3 || i == 1 {
			read[name+"@h"] = said.ID
		}
	}
	say(1, 1000, "p01@h", false) // of which conversations says nothing: it comes within the minute
	latest := func(max, looked int) string {
		list, more, err := db.Conversations.LatestMessages(t.Context(), "h", "alice", max, looked, nil, read)
		is(t, err, nil)
		var got []string
		for _, m := range list {
			name, _, _ := strings.Cut(m.With, "@")
			got = append(got, fmt.Sprint(name, " ", m.Unread))
		}
		return fmt.Sprint(strings.Join(got, ", "), "; more: ", more)
	}
	for _, c := range []struct {
		max, looked int
		want        string
	}{
		{4, 7, "p11 0, p10 0, p09 0, p08 0, p03 1, p01 1; more: true"}, // p00 is older than those that are looked at
		{8, 3, "p11 0, p10 0, p09 0, p08 0, p07 0, p06 0, p05 0, p04 0, p03 1, p01 1; more: true"},
		{12, 0, "p11 0, p10 0, p09 0, p08 0, p07 0, p06 0, p05 0, p04 0, p03 1, p02 0, p01 1, p00 1; more: false"},
	} {
		if got := latest(c.max, c.looked); got != c.want {
			t.Errorf("%d and %d: %s", c.max, c.looked, got)
		}
	}
}

// What is read of a large archive is at most maxUnread entries of each conversation, in an
// index.
func TestLatestMessages_Plans(t *testing.T) {
	db := open(t)
	fillWords(t, db, 3, 20_000)
	_, err := db.chat.Exec(t.Context(), `INSERT INTO accounts (username, name, password_hash, unread_from) SELECT 'user' || i, 'U', 'x', '00000000-0000-0000-0000-000000000000' FROM generate_series(0, 19) i`)
	if err == nil {
		_, err = db.chat.Exec(t.Context(), `INSERT INTO conversations (owner, peer, latest) SELECT DISTINCT ON (owner, peer) owner, peer, id FROM archive ORDER BY owner, peer, id DESC`)
	}
	if err == nil {
		_, err = db.chat.Exec(t.Context(), "ANALYZE")
	}
	is(t, err, nil)
	read := map[string]uuid.UUID{"x": uuid.Nil}
	plan := explain(t, db.chat, latestBetween(), "user1@h", "h", 100, read, "user1", 0)
	if strings.Contains(plan, "Seq Scan on archive") || strings.Contains(plan, "Bitmap") || !strings.Contains(plan, "(actual rows=100 loops") {
		t.Error(plan)
	}
	if strings.Contains(plan, "Function Scan") { // what was read: in a plan that is kept it would be gone through for each (BenchmarkLatestMessages)
		t.Error(plan)
	}
	// Of those that are older, whatever was said last: a few of each that is looked at, in an index.
	plan = explain(t, db.chat, latestBetween(), "user1@h", "h", 2, read, "user1", 100)
	if strings.Contains(plan, "Seq Scan on archive") || strings.Contains(plan, "Bitmap Heap Scan on archive") {
		t.Error(plan)
	}
	// Of rooms as well: these archives are those of rooms now, to which one of the accounts belongs.
	_, err = db.chat.Exec(t.Context(), `WITH made AS (INSERT INTO rooms (name, creator, title, description, lang, password, persistent, public, members_only, moderated,
			non_anonymous, change_subject, invites, private, archive, max_occupants) SELECT 'user' || i, '', '', '', '', '', true, true, false, false, false, false, false, 'anyone', true, 10 FROM generate_series(0, 2) i RETURNING name)
		INSERT INTO room_affiliations (room, username, affiliation, nick, reason, since) SELECT name, 'user9', 'member', '', '', '1970-01-02' FROM made`)
	is(t, err, nil)
	for _, query := range []string{unreadInRooms(), roomsWithUnread()} {
		if plan := explain(t, db.chat, query, "user9", "x", "h", 100); strings.Contains(plan, "Seq Scan on archive") || strings.Contains(plan, "Bitmap Heap Scan on archive") || strings.Contains(plan, "Sort") {
			t.Error(plan)
		}
	}
}

// BenchmarkLatestMessages is a list of a hundred conversations of somebody who has read 1,100, with and without a look at
// those that come after: after some times Postgres keeps a plan, which must be as good.
func BenchmarkLatestMessages(b *testing.B) {
	for _, looked := range []int{0, 1000} {
		b.Run(fmt.Sprint(looked), func(b *testing.B) {
			db := open(b)
			db.person(b, "alice")
			for _, q := range []string{
				`INSERT INTO accounts (username, name, password_hash, unread_from) SELECT 'user' || i, 'U', 'x', '00000000-0000-0000-0000-000000000000' FROM generate_series(0, 1099) i`,
				`INSERT INTO archive (owner, id, peer, outgoing, stanza_id, body, stanza)
					SELECT 'alice@h', (lpad(to_hex(1700000000000 + i), 12, '0') || '70008' || lpad('1', 15, '0'))::uuid, 'user' || i % 1100 || '@h', false, i::text, 'word', convert_to('<message>' || repeat('x', 400) || '</message>', 'UTF8')
					FROM generate_series(1, 22000) i`,
				`INSERT INTO conversations (owner, peer, latest) SELECT DISTINCT ON (owner, peer) owner, peer, id FROM archive ORDER BY owner, peer, id DESC`,
				`VACUUM ANALYZE`,
			} {
				_, err := db.chat.Exec(b.Context(), q)
				is(b, err, nil)
			}
			list, _, err := db.Conversations.LatestMessages(b.Context(), "h", "alice", 1100, 0, nil, nil)
			is(b, err, nil)
			read := map[string]uuid.UUID{}
			for _, m := range list {
				read[m.With] = m.ID
			}
			for b.Loop() {
				if list, _, err := db.Conversations.LatestMessages(b.Context(), "h", "alice", 100, looked, nil, read); err != nil || len(list) != 100 || len(read) != 1100 {
					b.Fatal(len(list), len(read), err)
				}
			}
		})
	}
}

// Only what this site's archives gave an id for says up to where somebody has read.
func TestReadUpTo(t *testing.T) {
	db := open(t)
	db.person(t, "alice")
	item := func(jid, by, id string) pep.Item {
		return pep.Item{ID: jid, Payload: fmt.Appendf(nil, `<displayed xmlns="urn:xmpp:mds:displayed:0"><stanza-id xmlns="urn:xmpp:sid:0" by="%s" id="%s"/></displayed>`, by, id)}
	}
	known := message(1, "").ID
	items := []pep.Item{item("bob@h", "alice@h", known.String()), item("room@rooms.h", "room@rooms.h", known.String()), item("carol@h", "alice@h", "x7"), item("dave@h", "else@h", known.String())}
	_, err := db.PubsubStore().UpdateNode(context.Background(), "alice", pep.NodeDisplayed, items, func(n *pep.Node, _ bool) (bool, error) {
		n.Config = node(10)
		return true, nil
	})
	is(t, err, nil)
	read, err := db.Conversations.ReadUpTo(t.Context(), "h", "alice")
	is(t, err, nil)
	if len(read) != 2 || read["bob@h"] != known || read["room@rooms.h"] != known {
		t.Errorf("%v", read)
	}
}
