package muc

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"foyer/internal/budget"
	"foyer/internal/stream"
)

// follow asks to be told of rooms (XEP-0437 §4.1).
func (c *client) follow(inside string) {
	c.Send(`<presence xmlns="jabber:client" to="rooms.h"><rai xmlns="` + nsRAI + `">` + inside + `</rai></presence>`)
}

const withSaid = `<said xmlns="` + nsSaid + `"/>`

// told is what a client was told of rooms, in short.
func (c *client) told() string {
	c.w.t.Helper()
	var out []string
	for _, e := range c.sync() {
		rai, ok := e.Find(nsRAI, "rai")
		if !ok || e.From != "rooms.h" || e.Name.Local != "message" {
			out = append(out, short(e))
			continue
		}
		var words []string
		for a := range rai.Children() {
			words = append(words, strings.TrimSuffix(a.Text(), "@rooms.h"))
		}
		if s, ok := e.Find(nsSaid, "said"); ok {
			by, _ := s.Attr("by")
			mine, _ := s.Attr("mine")
			encrypted, _ := s.Attr("encrypted")
			words = append(words, "by "+by+": "+s.Text()+mine+encrypted)
		}
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "\n")
}

func (c *client) isTold(want ...string) {
	c.w.t.Helper()
	if got := c.told(); got != strings.Join(want, "\n") {
		c.w.t.Errorf("%s is told\n%s\nwant\n%s", c.user, got, strings.Join(want, "\n"))
	}
}

// XEP-0437: who follows their rooms is told of what is said there, without being in them; not
// of rooms that they may not read, nor of what is nothing new, nor where they are.
func TestFollow(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("garden", nil)
	w.open("cellar", func(s *Settings) { s.MembersOnly = true })
	w.open("attic", nil)
	w.store.bookmarked = []string{"garden", "cellar"} // the store would say no to the second
	for _, room := range []string{"cellar", "attic"} {
		w.store.people[room] = map[string]Affiliated{"bob": {User: "bob", Affiliation: Owner}}
	}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.follow(withSaid)
	alice.isTold()
	for _, room := range []string{"garden", "cellar", "attic"} {
		bob.join(room, "Bob")
	}
	bob.sync()
	alice.isTold() // who comes and goes is nothing
	bob.say("garden", "1", "roses &amp; tulips")
	bob.say("cellar", "2", "secret")
	bob.say("attic", "3", "not one of hers")
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="4" to="garden@rooms.h"><body>roses</body><replace xmlns="urn:xmpp:message-correct:0" id="1"/></message>`)
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="5" to="garden@rooms.h"><body>no OMEMO here</body><encryption xmlns="urn:xmpp:eme:0" namespace="x"/></message>`)
	bob.sync()
	alice.isTold("garden by Bob: roses & tulips", "garden by Bob: true")

	second := w.online("alice", "a2")
	alice.sync() // its presence
	second.join("garden", "Alice")
	second.sync()
	second.say("garden", "6", "mine")
	second.sync()
	alice.isTold("garden by Alice: minetrue")
	alice.join("garden", "Alice")
	alice.sync()
	bob.say("garden", "7", "you are here")
	bob.sync()
	alice.isTold("message Bob body=you are here")

	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="garden@rooms.h/Alice"/>`)
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="rooms.h"/>`)
	alice.sync()
	bob.say("garden", "8", "alone")
	bob.sync()
	alice.isTold()
}

// Who becomes a member follows the room from then on, and who is no member any more hears nothing.
func TestFollow_Lists(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("cellar", func(s *Settings) { s.MembersOnly = true })
	w.store.people["cellar"] = map[string]Affiliated{"bob": {User: "bob", Affiliation: Owner}}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.follow(withSaid)
	alice.isTold()
	bob.join("cellar", "Bob")
	bob.sync()
	for _, step := range []struct {
		is   bool
		want []string
	}{
		{true, []string{"cellar", "cellar by Bob: word"}},
		{true, []string{"cellar by Bob: word"}},
		{false, []string{"cellar"}},
	} {
		if err := w.svc.SetMember(t.Context(), "cellar", "alice", step.is); err != nil {
			t.Fatal(err)
		}
		bob.say("cellar", "w", "word")
		bob.sync()
		alice.isTold(step.want...)
	}
}

// A client that asks for indicators alone is told once of each room: when it asks, and after it
// was there.
func TestFollow_IndicatorsAlone(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("garden", nil)
	w.open("attic", nil)
	w.store.bookmarked, w.store.unread = []string{"garden", "attic"}, []string{"attic"}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.follow("")
	alice.isTold("attic")
	for _, room := range []string{"garden", "attic"} {
		bob.join(room, "Bob")
		bob.sync()
		bob.say(room, "1", "one")
		bob.say(room, "2", "two")
	}
	bob.sync()
	alice.isTold("garden")
	alice.join("garden", "Alice")
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="garden@rooms.h/Alice"/>`)
	alice.sync()
	bob.say("garden", "3", "three")
	bob.sync()
	alice.isTold("garden")
	if e := alice.ask("get", "rooms.h", `<query xmlns="http://jabber.org/protocol/disco#info"/>`); !strings.Contains(string(e.Raw), nsRAI) {
		t.Errorf("not announced (§5): %s", e.Raw)
	}
	alice.Send(`<presence xmlns="jabber:client" type="unavailable"/>`)
	alice.sync()
	w.svc.followers.mu.RLock()
	defer w.svc.followers.mu.RUnlock()
	if n := len(w.svc.followers.byClient) + len(w.svc.followers.byUser) + len(w.svc.followers.byRoom); n != 0 {
		t.Errorf("%d entries are left of a client that went", n)
	}
}

// Each room that is looked into counts, for the account, and whoever has asked too often waits.
func TestFollow_Bounded(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	for i := range 3 {
		w.open(fmt.Sprintf("r%d", i), nil)
		w.store.bookmarked = append(w.store.bookmarked, fmt.Sprintf("r%d", i))
	}
	w.svc.looks = budget.NewRate(budget.Limit{}, 1e-9, 8, nil) // two times three, and the questions
	p, err := stream.Parse([]byte(`<presence xmlns="jabber:client" to="rooms.h"><rai xmlns="`+nsRAI+`"/></presence>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	for i, want := range []bool{true, true, false} {
		alice := &sink{user: "alice", jid: fmt.Sprintf("alice@h/%d", i)}
		if err := w.svc.follow(gone, alice, p); (err == nil) != want {
			t.Errorf("the %d. time: %v", i+1, err)
		}
	}
	if err := w.svc.follow(gone, &sink{user: "bob", jid: "bob@h/b"}, p); err != nil {
		t.Errorf("somebody else waits as well: %v", err)
	}
}

// Following costs one presence and no answer, however many rooms there are and whoever is in
// them; entering them costs at least the presence of all who are there.
func TestFollow_ManyRooms(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	for i := range 200 {
		w.open(fmt.Sprintf("r%d", i), nil)
	}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	bob.join("r7", "Bob")
	bob.sync()
	alice.follow(withSaid)
	alice.isTold()
	bob.say("r7", "1", "word")
	bob.sync()
	alice.isTold("r7 by Bob: word")
}
