package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"

	"github.com/google/uuid"
)

// said is a message in a room's archive; replaces: the id of one that it corrects.
func said(room, by, body, replaces string) archive.Entry {
	id := uuid.Must(uuid.NewV7())
	return archive.Entry{
		ID: id, Owner: room + "@rooms.h", With: by + "@h", Resource: by, Outgoing: true, StanzaID: "s-" + body, Replaces: replaces, Body: body,
		Stanza: []byte(`<message xmlns="jabber:client" from="` + room + `@rooms.h/` + by + `" type="groupchat"><body>` + body + `</body><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o"/></message>`),
	}
}

// All that is kept of somebody is written, however much it is, and nothing of others or that is secret. What they said in
// rooms is taken back, and nobody else's words are.
func TestPersonalData(t *testing.T) {
	db, ctx := open(t), t.Context()
	at := Domains{"h", "rooms.h"}
	db.person(t, "alice")
	db.person(t, "bob")
	s := db.Stores("h", RosterNone)
	var all []archive.Entry
	for i := range 2*personalMessages + 3 {
		all = append(all, said("garden", "alice", fmt.Sprintf("beans-%03d", i), ""))
	}
	first := all[0]
	all = append(all, said("garden", "alice", "a correction", first.StanzaID), said("garden", "bob", "bobs words", ""), said("shed", "alice", "tools", ""))
	retraction := said("garden", "alice", "took something back", "")
	retraction.IsRetraction, retraction.Stanza = true, []byte(`<message xmlns="jabber:client" type="groupchat"><retract xmlns="urn:xmpp:message-retract:1" id="x"/><body>took something back</body></message>`)
	subject := said("garden", "alice", "", "")
	subject.Stanza = []byte(`<message xmlns="jabber:client" from="garden@rooms.h/alice" type="groupchat"><subject>alices subject</subject></message>`)
	damaged := said("shed", "alice", "broken", "")
	damaged.Stanza = []byte("<message")
	all = append(all, subject, damaged)
	own, theirs := message(1, "to bob"), message(1, "from alice")
	theirs.Owner = "bob@h"
	is(t, s.Archive.Append(ctx, append(all, retraction, own, theirs)), nil)
	for _, name := range []string{"garden", "shed"} {
		is(t, db.SiteRooms.Add(ctx, NewSiteRoom{Name: name, Title: name, Owner: "bob"}), nil)
	}
	is(t, db.RoomStore().Pin(ctx, "garden", "garden@rooms.h", muc.Pin{ID: first.ID, By: "bob", At: time.Now()}, 10), nil)
	is(t, db.RoomStore().SetSubject(ctx, "garden", muc.Subject{Text: "alices subject", Nick: "alice", At: time.Now()}), nil)
	is(t, db.RoomStore().SetSubject(ctx, "shed", muc.Subject{Text: "alices subject", Nick: "bob", At: time.Now()}), nil)
	alice, err := db.Accounts.AccountByName(ctx, "alice")
	is(t, err, nil)

	export := func() (lines []map[string]any, kinds map[string]int) {
		t.Helper()
		kinds = map[string]int{}
		is(t, db.Personal.Export(ctx, alice, at, func(line []byte) error {
			var record map[string]any
			if err := json.Unmarshal(line, &record); err != nil || bytes.ContainsRune(line, '\n') {
				t.Fatalf("%s: %v", line, err)
			}
			lines = append(lines, record)
			kinds[record["kind"].(string)]++
			return nil
		}), nil)
		return lines, kinds
	}
	lines, kinds := export()
	if kinds["profile"] != 1 || kinds["message"] != 1 || kinds["roomMessage"] != 2*personalMessages+3+5 {
		t.Errorf("%v", kinds)
	}
	text := fmt.Sprint(lines)
	for _, secret := range []string{"bobs words", "from alice", "hash"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in it", secret)
		}
	}
	if !strings.Contains(text, "to bob") || !strings.Contains(text, "with:shed@rooms.h") || !strings.Contains(text, "user:alice") {
		t.Error("something is missing")
	}

	n, err := db.Personal.EraseRoomMessages(ctx, "alice", at)
	is(t, err, nil)
	sameNumber(t, n, 2*personalMessages+3+4)
	n, err = db.Personal.EraseRoomMessages(ctx, "alice", at) // what is left is left as it is
	is(t, err, nil)
	sameNumber(t, n, 0)
	list, _, err := db.Conversations.RoomMessages(ctx, "garden@rooms.h", uuid.Max, 10*personalMessages)
	is(t, err, nil)
	list = slices.DeleteFunc(list, func(m RoomMessage) bool { return bytes.Contains(m.Stanza, []byte("<retracted ")) })
	if len(list) != 1 || !bytes.Contains(list[0].Stanza, []byte("bobs words")) {
		t.Errorf("a page shows the words of %d", len(list))
	}
	page, err := s.Archive.Query(ctx, archive.Query{Owner: "garden@rooms.h", Max: 1000})
	is(t, err, nil)
	i := slices.IndexFunc(page.Entries, func(e archive.Entry) bool { return e.ID == first.ID })
	if i < 0 || !bytes.Contains(page.Entries[i].Stanza, []byte(`<occupant-id`)) || !bytes.Contains(page.Entries[i].Stanza, []byte(`<retracted xmlns="urn:xmpp:message-retract:1"`)) {
		t.Error("there is no tombstone")
	}
	i = slices.IndexFunc(page.Entries, func(e archive.Entry) bool { return e.ID == retraction.ID })
	if i < 0 || !bytes.Contains(page.Entries[i].Stanza, []byte(`<retract xmlns="urn:xmpp:message-retract:1" id="x">`)) {
		t.Error("what took something back does not any more")
	}
	for _, e := range page.Entries {
		if bytes.Contains(e.Stanza, []byte("beans-")) || bytes.Contains(e.Stanza, []byte("took something back")) || e.Body == "took something back" {
			t.Fatalf("%s", e.Stanza)
		}
		if _, err := stream.Parse(e.Stanza, stream.DefaultLimits); err != nil {
			t.Fatal(err)
		}
	}
	room, _, err := db.RoomStore().Room(ctx, "garden")
	is(t, err, nil)
	sameNumber(t, room.Pins, 0)
	shed, _, err := db.RoomStore().Room(ctx, "shed")
	is(t, err, nil)
	if room.Subject.Text != "" || shed.Subject.Text != "alices subject" {
		t.Errorf("%+v, %+v", room.Subject, shed.Subject)
	}
	if got := search(t, s.Archive, "garden@rooms.h", "beans-001"); got != "" {
		t.Errorf("found: %s", got)
	}
}

func sameNumber(t *testing.T, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%d, want %d", got, want)
	}
}

// What is under a former domain is handed out and erased with the rest, and goes with the account and the room.
func TestFormerDomains(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	db.person(t, "bob")
	s := db.Stores("h", RosterNone)
	kept, err := db.KeepChatDomain(ctx, "old")
	is(t, err, nil)
	is(t, db.SetChatDomain(ctx, "h"), nil)
	is(t, db.SetChatDomain(ctx, "h"), nil)
	now, err := db.KeepChatDomain(ctx, "old")
	is(t, err, nil)
	former, err := db.FormerChatDomains(ctx, "h")
	is(t, err, nil)
	if kept != "old" || now != "h" || !slices.Equal(former, []string{"old"}) {
		t.Fatal(kept, now, former)
	}
	is(t, db.SiteRooms.Add(ctx, NewSiteRoom{Name: "garden", Title: "Garden", Owner: "bob"}), nil)
	own := message(1, "long ago")
	own.Owner = "alice@old"
	inRoom := said("garden", "alice", "in the old garden", "")
	inRoom.Owner, inRoom.With = "garden@conference.old", "alice@old"
	bobs := said("garden", "bob", "bobs words", "")
	bobs.Owner, bobs.With = "garden@conference.old", "bob@old"
	is(t, s.Archive.Append(ctx, []archive.Entry{own, inRoom, bobs}), nil)
	at := Domains{"h", "conference.h"}

	var text strings.Builder
	is(t, db.Personal.Export(ctx, alice, at, func(line []byte) error { text.Write(line); return nil }), nil)
	if !strings.Contains(text.String(), "long ago") || !strings.Contains(text.String(), "in the old garden") || strings.Contains(text.String(), "bobs words") {
		t.Error(text.String())
	}
	n, err := db.Personal.EraseRoomMessages(ctx, "alice", at)
	is(t, err, nil)
	sameNumber(t, n, 1)
	is(t, db.Accounts.DeleteAccount(ctx, alice.ID, AnyVersion, "h"), nil)
	count := func(owner string) (n int) {
		t.Helper()
		is(t, db.pool.QueryRow(ctx, "SELECT count(*) FROM archive WHERE owner = $1", owner).Scan(&n), nil)
		return n
	}
	sameNumber(t, count("alice@old"), 0)
	sameNumber(t, count("garden@conference.old"), 2)
	is(t, db.RoomStore().Delete(ctx, "garden", "garden@conference.h"), nil)
	sameNumber(t, count("garden@conference.old"), 0)
}
