package muc

import (
	"strings"
	"testing"

	"foyer/internal/stanza"
)

// XEP-0191 §3: who blocks a person gets neither private messages, requests nor
// invitations from there, and who blocks an occupant's address none from that.
func TestPrivate_Blocked(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave")
	w.store.blocked = map[string][]string{"bob": {"carol@h", "den@rooms.h/dave"}}
	w.open("den", nil)
	alice, bob, carol, dave := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c"), w.online("dave", "d")
	gather("den", alice, bob, carol, dave)
	for _, c := range []*client{carol, dave} {
		c.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/bob"><body>psst</body></message>`)
		c.sees("message bob error cancel service-unavailable")
	}
	carol.refused(carol.ask("get", "den@rooms.h/bob", `<query xmlns="jabber:iq:version"/>`), "cancel service-unavailable")
	carol.refused(carol.ask("get", "den@rooms.h/bob", `<vCard xmlns="vcard-temp"/>`), "cancel service-unavailable")
	carol.Send(`<message xmlns="jabber:client" to="den@rooms.h"><x xmlns="` + stanza.NSMUCUser + `"><invite to="bob@h"><reason>read this</reason></invite></x></message>`)
	carol.sees()
	bob.sees()
	alice.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/bob"><body>psst</body></message>`)
	alice.sees()
	bob.sees("message alice chat body=psst")
	for _, e := range w.store.entries {
		if e.Owner == "bob@h" && e.Resource != "alice" {
			t.Errorf("kept: %s", e.Stanza)
		}
	}
}

// who blocks one client of somebody gets nothing from that client, and still
// hears the others (XEP-0191 §3).
func TestPrivate_BlockedClient(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.store.blocked = map[string][]string{"bob": {"carol@h/phone"}}
	w.open("den", nil)
	alice, bob, phone, laptop := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "phone"), w.online("carol", "laptop")
	gather("den", alice, bob, phone, laptop)
	alice.sync()
	bob.sync()
	phone.sync()
	for _, stanza := range []string{
		`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/bob"><body>psst</body></message>`,
		`<iq xmlns="jabber:client" type="get" id="p" to="den@rooms.h/bob"><query xmlns="jabber:iq:version"/></iq>`,
	} {
		phone.Send(stanza)
		if got := phone.seen(); len(got) != 1 || !strings.HasSuffix(got[0], "bob error cancel service-unavailable") {
			t.Errorf("%s: %q", stanza, got)
		}
	}
	phone.Send(`<message xmlns="jabber:client" to="den@rooms.h"><x xmlns="` + stanza.NSMUCUser + `"><invite to="bob@h"/></x></message>`)
	phone.sees()
	bob.sees()
	laptop.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/bob"><body>psst</body></message>`)
	laptop.sees()
	bob.sees("message carol chat body=psst")
}

// what somebody writes to one person in a room is copied to the other
// clients, and stands in the own archive, as it was sent: from the own address, to
// the occupant's (XEP-0280 §6.1, XEP-0313 §4.2).
func TestPrivate_Sender(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	bob, here, away, plain := w.online("bob", "b"), w.online("alice", "here"), w.online("alice", "away"), w.online("alice", "plain")
	away.ask("set", "alice@h", `<enable xmlns="urn:xmpp:carbons:2"/>`)
	here.ask("set", "alice@h", `<enable xmlns="urn:xmpp:carbons:2"/>`)
	gather("den", bob, here, away)
	bob.sync()
	here.sync()
	here.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/bob"><body>psst</body></message>`)
	here.sees()
	plain.sync()
	bob.sees("message alice chat body=psst")
	got := away.sync()
	if len(got) != 1 {
		t.Fatalf("the other client got %d stanzas", len(got))
	}
	away.has(got[0], `<sent xmlns="urn:xmpp:carbons:2">`, `from="alice@h/here"`, `to="den@rooms.h/bob"`, `<body>psst</body>`, `by="alice@h"`)
	here.Send(`<message xmlns="jabber:client" type="chat" id="q" to="den@rooms.h/bob"><body>between us</body><no-copy xmlns="urn:xmpp:hints"/></message>`)
	here.sees()
	away.sees()
	bob.Send(`<message xmlns="jabber:client" type="chat" id="r" to="den@rooms.h/bob"><body>to myself</body></message>`)
	bob.sync()
	for _, e := range w.store.entries {
		want := `from="den@rooms.h/`
		if e.Outgoing {
			want = `from="alice@h/here"`
		}
		if !strings.Contains(string(e.Stanza), want) {
			t.Errorf("in the archive of %s: %s", e.Owner, e.Stanza)
		}
	}
}
