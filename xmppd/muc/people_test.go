package muc

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"foyer/internal/stanza"

	"github.com/google/uuid"
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
			out = append(out, fmt.Sprintf("%s %s %q %v", p.User, p.Affiliation, p.Nick, p.AddressVisible))
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

// Who has left goes on to be the author of what they said, as far as the room shows whose address
// theirs is (XEP-0045 §4.2). Who is banned is so for administrators alone (§9.2), and may not ask.
func TestService_Author(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave")
	w.open("den", nil)
	alice, bob, dave := w.online("alice", "a"), w.online("bob", "b"), w.online("dave", "d")
	gather("den", alice, bob, dave)
	bob.say("den", "1", "tea at four")
	bob.sync()
	dave.say("den", "2", "never")
	for _, c := range []*client{bob, dave} {
		c.sync()
		c.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/` + c.user + `"/>`)
		c.sync()
	}
	alice.ask("set", "den@rooms.h", items(`<item jid="dave@h" affiliation="outcast"/>`))
	byBob, byDave := w.store.entries[0].ID, w.store.entries[1].ID

	told := func(user string, said uuid.UUID) string {
		p, err := w.svc.Author(t.Context(), "den", user, said)
		var refused *stanza.Error
		if errors.As(err, &refused) {
			return string(refused.Condition)
		}
		return fmt.Sprintf("%s %s %q %v", p.User, p.Affiliation, p.Nick, p.AddressVisible)
	}
	for _, c := range []struct {
		user string
		said uuid.UUID
		want string
	}{
		{"alice", byBob, `bob none "bob" true`},
		{"bob", byBob, `bob none "bob" true`},
		{"carol", byBob, `bob none "bob" false`},
		{"alice", byDave, `dave outcast "dave" true`},
		{"carol", byDave, `dave none "dave" false`},
		{"dave", byBob, "forbidden"},
		{"alice", uuid.Nil, "item-not-found"},
	} {
		if got := told(c.user, c.said); got != c.want {
			t.Errorf("%s is told %s of %s, want %s", c.user, got, c.said, c.want)
		}
	}
}
