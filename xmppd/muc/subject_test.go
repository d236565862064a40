package muc

import (
	"testing"
	"time"
)

// XEP-0421 §4 (S-91), XEP-0045 §7.2.15: the subject that is told on entering comes from who set it,
// under their occupant id; from the room once nobody knows that any more, and to those who block
// them.
func TestSubject_Author(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.store.blocked = map[string][]string{"carol": {"den@rooms.h/Al"}}
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.join("den", "Al")
	alice.sync()
	alice.Send(`<message xmlns="jabber:client" type="groupchat" id="s" to="den@rooms.h"><subject>topic</subject></message>`)
	alice.sees("message Al subject=topic")
	id := string(occupantID(w.svc.inMemory("den").occupantIDOf("alice@h")))
	told := func(c *client, nick, want string, parts ...string) {
		t.Helper()
		c.join("den", nick)
		got := c.sync()
		last := got[len(got)-1]
		if short(last) != want {
			t.Errorf("%s is told %s", c.user, last.Raw)
		}
		c.has(last, parts...)
	}
	told(bob, "Bo", "message Al subject=topic delay", id)
	told(carol, "Ca", "message den@rooms.h subject=topic delay")
	for _, c := range []*client{alice, bob, carol} {
		c.Send(`<presence xmlns="jabber:client" to="den@rooms.h" type="unavailable"/>`)
		c.sync()
	}
	w.svc.unload(time.Now().Add(time.Hour))
	told(bob, "Bo", "message den@rooms.h subject=topic delay")
}
