package muc

import "testing"

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
	carol.Send(`<message xmlns="jabber:client" to="den@rooms.h"><x xmlns="` + nsUser + `"><invite to="bob@h"><reason>read this</reason></invite></x></message>`)
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
