package muc

import (
	"errors"
	"slices"
	"testing"

	"foyer/internal/stanza"
)

// The site lets people into a room for members, and puts them out (XEP-0045 §9.3, §9.4); what
// others made of them stays.
func TestSetMember(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", func(s *Settings) { s.MembersOnly = true })
	set := func(user string, is bool) {
		t.Helper()
		if err := w.svc.SetMember(t.Context(), "den", user, is); err != nil {
			t.Errorf("%s: %v", user, err)
		}
	}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice)
	set("bob", true)
	set("bob", true) // again changes nothing
	gather("den", alice, bob)
	set("bob", false)
	bob.until("presence bob unavailable none/none bob@h/b 321 110")
	alice.ask("set", "den@rooms.h", items(`<item jid="carol@h" affiliation="admin"/><item jid="bob@h" affiliation="outcast"/>`))
	set("carol", false)
	set("bob", true)
	for user, want := range map[string]Affiliation{"alice": Owner, "bob": Outcast, "carol": Admin} {
		if _, people, _ := (roomStore{w.store}).Room(t.Context(), "den"); !slices.ContainsFunc(people, func(a Affiliated) bool { return a.User == user && a.Affiliation == want }) {
			t.Errorf("%s is not %s: %v", user, want, people)
		}
	}
	var refused *stanza.Error
	if err := w.svc.SetMember(t.Context(), "nowhere", "bob", true); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}
