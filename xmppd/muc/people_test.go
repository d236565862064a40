package muc

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"foyer/internal/stanza"
)

// Who is in a room or belongs to it, as a page shows them: whose addresses the room shows to
// moderators alone is marked (XEP-0045 §4.2), and who is banned is told to administrators
// (§9.2).
func TestService_People(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	alice.ask("set", "den@rooms.h", items(`<item jid="carol@h" affiliation="member"/><item jid="dave@h" affiliation="outcast"/>`))

	told := func(user string) (out []string) {
		people, err := w.svc.People(t.Context(), "den", user)
		if err != nil {
			t.Fatalf("%s: %v", user, err)
		}
		for _, p := range people {
			out = append(out, fmt.Sprintf("%s %s %q %v", p.User, p.Affiliation, p.Nick, p.Seen))
		}
		return out
	}
	for user, want := range map[string][]string{
		"alice": {`alice owner "alice" true`, `bob none "bob" true`, `carol member "" true`, `dave outcast "" true`},
		"bob":   {`alice owner "alice" false`, `bob none "bob" true`, `carol member "" false`},
	} {
		if got := told(user); !slices.Equal(got, want) {
			t.Errorf("%s is told of %q, want %q", user, got, want)
		}
	}
	for room, user := range map[string]string{"den": "dave", "nowhere": "alice"} {
		var refused *stanza.Error
		if _, err := w.svc.People(t.Context(), room, user); !errors.As(err, &refused) {
			t.Errorf("%s is told who is in %s: %v", user, room, err)
		}
	}
}
