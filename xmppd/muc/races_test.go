package muc

import (
	"strings"
	"sync"
	"testing"
)

// XEP-0045 §7.10: a nickname is kept for one person, however many ask at once.
func TestRaces_OneNickname(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	people := []*client{w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")}
	register := func(inside string) string { return `<query xmlns="jabber:iq:register">` + inside + `</query>` }
	for range 20 {
		answers := make([]string, len(people))
		var asking sync.WaitGroup
		for i, c := range people {
			asking.Go(func() {
				answers[i] = c.ask("set", "den@rooms.h", register(`<x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>Bo</value></field></x>`)).Type
			})
		}
		asking.Wait()
		if got := strings.Join(answers, " "); strings.Count(got, "result") != 1 {
			t.Fatalf("answers: %s", got)
		}
		for _, c := range people {
			if c.ask("set", "den@rooms.h", register("<remove/>")); c.user == "alice" {
				c.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="none"/><item jid="carol@h" affiliation="none"/>`))
			}
		}
	}
}

// XEP-0045 §10.1 (S-89): a change that comes when the room is ending does not
// bring it back.
func TestRaces_ChangeOfAnEndingRoom(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Persistent = false })
	alice := w.online("alice", "a")
	gather("den", alice)
	r := w.svc.inMemory("den")
	r.mu.Lock()
	r.state = ending // as its last occupant leaves, and until it is deleted
	r.mu.Unlock()
	if err := r.delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	alice.refused(alice.ask("set", "den@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit"/></query>`), "cancel item-not-found")
	alice.refused(alice.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="member"/>`)), "cancel item-not-found")
	if len(w.store.rooms) != 0 {
		t.Errorf("it is back: %v", w.store.rooms)
	}
}
