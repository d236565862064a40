package models

import (
	"fmt"
	"strings"
	"testing"

	"foyer/xmppd/archive"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"

	"github.com/google/uuid"
)

// bookmark publishes one of a room (XEP-0402), and reads up to a message (XEP-0490).
func (db *DB) publish(t *testing.T, user, node, id, payload string) {
	t.Helper()
	_, err := db.PubsubStore().UpdateNode(t.Context(), user, node, []pep.Item{{ID: id, Payload: []byte(payload)}}, func(n *pep.Node, _ bool) (bool, error) {
		n.Config = pep.NodeConfig{Persist: true, MaxItems: 100}
		return true, nil
	})
	is(t, err, nil)
}

func (db *DB) bookmark(t *testing.T, user, room, attrs string) {
	t.Helper()
	db.publish(t, user, pep.NodeBookmarks, room+"@rooms.h", `<conference xmlns="urn:xmpp:bookmarks:1" `+attrs+`/>`)
}

// Which rooms somebody follows: those they belong to and have not left, and those that they
// enter by themselves and may read.
func TestRooms_Followed(t *testing.T) {
	db := open(t)
	db.person(t, "alice")
	db.person(t, "bob")
	rooms := db.RoomStore()
	settings := muc.Settings{Persistent: true, Archive: true, Private: muc.Anyone, MaxOccupants: 10}
	for _, name := range []string{"own", "left", "open", "quoted", "other", "closed", "secret", "banned", "passing", "spaced", "lines", "shouted"} {
		s := settings
		s.MembersOnly, s.Persistent = name == "closed", name != "passing"
		if name == "secret" {
			s.Password = "x"
		}
		is(t, rooms.Create(t.Context(), muc.Room{Name: name, Creator: "bob", Settings: s}, nil, 100), nil)
		if name != "own" {
			db.bookmark(t, "alice", name, map[bool]string{true: `autojoin="true"`, false: `name="x" autojoin='1'`}[name == "open"])
		}
	}
	for name, a := range map[string]muc.Affiliation{"own": muc.Owner, "left": muc.Member, "banned": muc.Outcast} {
		is(t, rooms.Affiliate(t.Context(), name, 100, []muc.Affiliated{{User: "alice", Affiliation: a}}), nil)
	}
	db.bookmark(t, "alice", "left", `autojoin="false"`)
	db.bookmark(t, "alice", "quoted", `name=" autojoin='true'" autojoin="0"`)
	db.bookmark(t, "alice", "spaced", "autojoin=\"\t true\n\"")
	db.bookmark(t, "alice", "lines", `autojoin=' 1&#10;&#x9;'`)
	db.bookmark(t, "alice", "shouted", `autojoin='TRUE'`)
	db.publish(t, "alice", pep.NodeBookmarks, "own@elsewhere.h", `<conference xmlns="urn:xmpp:bookmarks:1" autojoin="true"/>`)
	list, err := rooms.Visible(t.Context(), muc.Wanted{User: "alice", Joined: true, Max: 100, Domain: "h", RoomsDomain: "rooms.h"})
	is(t, err, nil)
	var names []string
	for _, l := range list {
		names = append(names, l.Name)
	}
	if got := strings.Join(names, " "); got != "lines open other own spaced" {
		t.Errorf("follows %s", got)
	}
	followed, err := rooms.Followed(t.Context(), "alice", "h", "rooms.h", 2)
	if err != nil || len(followed) != 2 {
		t.Errorf("at most two: %v %v", followed, err)
	}
}

// What is unread: by others, after the marker, after what one said oneself, and after one
// came; of that, what is to her (stanza.AddressedBy).
func TestRooms_Unread(t *testing.T) {
	db := open(t)
	db.person(t, "alice")
	db.person(t, "bob")
	rooms, store := db.RoomStore(), db.Stores("h", RosterNone).Archive
	settings := muc.Settings{Persistent: true, Archive: true, Private: muc.Anyone, MaxOccupants: 10}
	say := func(room, by, body string, more ...string) uuid.UUID {
		id := uuid.Must(uuid.NewV7())
		e := archive.Entry{ID: id, Owner: room + "@rooms.h", With: by + "@h", Resource: by, Outgoing: true, Body: body, Stanza: []byte(`<message xmlns="jabber:client"><body>` + body + "</body>" + strings.Join(more, "") + "</message>")}
		is(t, store.Append(t.Context(), []archive.Entry{e}), nil)
		return id
	}
	unread := func(want string) {
		t.Helper()
		list, err := db.Conversations.UnreadRooms(t.Context(), "h", "rooms.h", "alice", 100)
		is(t, err, nil)
		var got []string
		for _, r := range list {
			got = append(got, fmt.Sprintf("%s %d %d", r.Name, r.Unread, r.Mentioned))
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("unread: %s, want %s", s, want)
		}
	}
	is(t, rooms.Create(t.Context(), muc.Room{Name: "room", Creator: "bob", Settings: settings}, nil, 100), nil)
	say("room", "bob", "before she came")
	is(t, rooms.Affiliate(t.Context(), "room", 100, []muc.Affiliated{{User: "alice", Affiliation: muc.Member}}), nil)
	_, err := db.pool.Exec(t.Context(), "UPDATE room_affiliations SET since = now() + interval '1 second'")
	is(t, err, nil)
	unread("")
	_, err = db.pool.Exec(t.Context(), "UPDATE room_affiliations SET since = now() - interval '1 hour'")
	is(t, err, nil)
	say("room", "bob", "malice is a word, and alice is")
	unread("room 2 0")
	for _, attrs := range []string{`autojoin="true"`, `autojoin="true" name="Another name"`} { // nothing is read by that
		db.bookmark(t, "alice", "room", attrs)
		unread("room 2 0")
	}
	said := say("room", "alice", "my own")
	unread("")
	read := say("room", "bob", "hello @alice!")
	say("room", "bob", "and more")
	unread("room 2 1")
	db.publish(t, "alice", pep.NodeDisplayed, "room@rooms.h", `<displayed xmlns="urn:xmpp:mds:displayed:0"><stanza-id xmlns="urn:xmpp:sid:0" by="room@rooms.h" id="`+read.String()+`"/></displayed>`)
	unread("room 1 0")
	db.publish(t, "alice", pep.NodeDisplayed, "room@rooms.h", `<displayed xmlns="urn:xmpp:mds:displayed:0"><stanza-id xmlns="urn:xmpp:sid:0" by="room@rooms.h" id="------------------------------------"/></displayed>`)
	unread("room 2 1") // no marker that can be read
	_ = said
	_, err = db.pool.Exec(t.Context(), "UPDATE accounts SET name = 'Alice d''Été' WHERE username = 'alice'")
	is(t, err, nil)
	const refers = `<reference xmlns="urn:xmpp:reference:0" type="mention" begin="0" end="1" uri="xmpp:`
	for _, more := range []string{
		refers + `alice@h"/>`, refers + `room@rooms.h/Alice%20d'%C3%89t%C3%A9"/>`, refers + `room@rooms.h/alice"/>`, refers + `carol@h"/>`, refers + `room@rooms.h/Carol"/>`,
		`<reply xmlns="urn:xmpp:reply:0" id="1" to="room@rooms.h/Alice d&apos;Été"/>`, `<reply xmlns="urn:xmpp:reply:0" to="room@rooms.h/Carol" id="1"/>`,
	} {
		say("room", "bob", "hey", more)
	}
	unread("room 9 5")
	say("room", "bob", "ask alice d'été")
	unread("room 10 6")
	_, err = db.pool.Exec(t.Context(), "UPDATE accounts SET name = 'Иван Петров' WHERE username = 'alice'")
	is(t, err, nil)
	say("room", "alice", "my own again")
	for _, name := range []string{"Иван%20Петров", "%D0%98%D0%B2%D0%B0%D0%BD%20%D0%9F%D0%B5%D1%82%D1%80%D0%BE%D0%B2", "иван%20петров", "%D0%BF%D1%91%D1%82%D1%80", "Мария"} {
		say("room", "bob", "hey", refers+"room@rooms.h/"+name+`"/>`)
	}
	say("room", "bob", "hey", `<reply xmlns="urn:xmpp:reply:0" id="1" to="room@rooms.h/&#1048;ван Петров"/>`)
	for range 20 {
		say("room", "bob", "hey", `<reply xmlns="urn:xmpp:reply:0" id="1" to="room@rooms.h/Мария Гончарова"/>`)
		say("room", "bob", "hey", refers+`carol@h"/>`)
		say("room", "bob", "hey", refers+`alice@h"/>`)
	}
	unread("room 66 24")
	for range 150 {
		say("room", "bob", "much")
	}
	unread("room 100 0")
	followed, err := rooms.Followed(t.Context(), "alice", "h", "rooms.h", 100)
	if err != nil || len(followed) != 1 || !followed[0].Unread {
		t.Errorf("%+v %v", followed, err)
	}

	// A room that she only enters by herself counts from when she first did.
	is(t, rooms.Create(t.Context(), muc.Room{Name: "zoo", Creator: "bob", Settings: settings}, nil, 100), nil)
	db.bookmark(t, "alice", "zoo", `autojoin="true"`)
	say("zoo", "bob", "hello")
	for _, name := range []string{"Zoo", "The zoo"} {
		db.bookmark(t, "alice", "zoo", `autojoin="true" name="`+name+`"`)
		unread("room 100 0, zoo 1 0")
	}
	plan := db.explain(t, unreadInRooms(), "alice", "h", "rooms.h", 100)
	if strings.Contains(plan, "Seq Scan on archive") {
		t.Errorf("the archive is read from end to end:\n%s", plan)
	}
}
