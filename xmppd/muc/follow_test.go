package muc

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
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
			change, _ := s.Attr("change")
			if to, ok := s.Attr("answers"); ok {
				by += " to " + to
			}
			if named, ok := s.Attr("named"); ok {
				by += " naming " + named
			}
			words = append(words, change+"by "+by+": "+s.Text()+mine+encrypted)
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
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="5a" to="garden@rooms.h"><body>&gt; roses
yes</body><reply xmlns="urn:xmpp:reply:0" id="1" to="garden@rooms.h/Al the gardener"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="8"/></fallback></message>`)
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="5b" to="garden@rooms.h"><body>Al, Bobby</body><reference xmlns="urn:xmpp:reference:0" type="mention" begin="0" end="2" uri="xmpp:garden@rooms.h/Al%20the%20gardener"/><reference xmlns="urn:xmpp:reference:0" type="mention" begin="4" end="9" uri="xmpp:bob@h"/></message>`)
	bob.sync()
	alice.isTold("garden by Bob: roses & tulips", "garden editedby Bob: roses", "garden by Bob: true", "garden by Bob to Al the gardener: yes", // whom it answers, without what (XEP-0461 §3, §3.1)
		"garden by Bob naming Al%20the%20gardener bob: @Al, @Bobby") // XEP-0372 §3.2

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

// What the latest message says is told again when it is edited (XEP-0308) or deleted (XEP-0424,
// XEP-0425), also after the room was out of memory; of an older one it is told that one is deleted, and
// to anyone who asked for indicators alone nothing is.
func TestFollow_Changes(t *testing.T) {
	w := newWorld(t, Config{Idle: time.Minute}, "alice", "bob", "carol")
	w.open("garden", nil)
	w.store.bookmarked = []string{"garden"}
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.follow(withSaid)
	carol.follow("")
	alice.isTold()
	carol.isTold()
	gather("garden", bob)
	w.store.people["garden"]["bob"] = Affiliated{User: "bob", Affiliation: Owner}
	send := func(inside string) {
		bob.Send(`<message xmlns="jabber:client" type="groupchat" to="garden@rooms.h" ` + inside + `</message>`)
		bob.sync()
	}
	correct := func(id, text string) {
		send(`id="c-` + id + text + `"><body>` + text + `</body><replace xmlns="` + stanza.NSCorrect + `" id="` + id + `"/>`)
	}
	send(`id="1"><body>one</body>`)
	send(`id="2"><body>two</body>`)
	alice.isTold("garden by bob: one", "garden by bob: two")
	correct("1", "first")
	correct("2", "second")
	alice.isTold("garden editedby bob: second")
	send(`id="3"><body>three</body>`)
	bob.Send(`<presence xmlns="jabber:client" type="unavailable" to="garden@rooms.h/bob"/>`)
	bob.sync()
	w.svc.unload(time.Now().Add(2 * time.Minute))
	gather("garden", bob)
	correct("3", "third")
	alice.isTold("garden by bob: three", "garden editedby bob: third")
	id := func(stanzaID string) string {
		for _, e := range w.store.entries {
			if e.StanzaID == stanzaID {
				return e.ID.String()
			}
		}
		return ""
	}
	send(`id="r"><retract xmlns="` + stanza.NSRetract + `" id="` + id("1") + `"/>`)
	send(`id="r3"><retract xmlns="` + stanza.NSRetract + `" id="` + id("3") + `"/>`)
	alice.isTold("garden deletedby : ", "garden deletedby bob: ")
	send(`id="4"><body>four</body>`)
	bob.ask("set", "garden@rooms.h", `<moderate xmlns="`+stanza.NSModerate+`" id="`+id("4")+`"><retract xmlns="`+stanza.NSRetract+`"/></moderate>`)
	alice.isTold("garden by bob: four", "garden deletedby bob: ")
	carol.isTold("garden")
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
		{true, []string{"cellar roomby : ", "cellar by Bob: word"}},
		{true, []string{"cellar by Bob: word"}},
		{false, []string{"cellar roomby : "}},
	} {
		if err := w.svc.SetMember(t.Context(), "cellar", "alice", step.is); err != nil {
			t.Fatal(err)
		}
		bob.say("cellar", "w", "word")
		bob.sync()
		alice.isTold(step.want...)
	}

	// Of a room that keeps nothing, nothing is told: its followers look.
	if err := w.svc.SetMember(t.Context(), "cellar", "alice", true); err != nil {
		t.Fatal(err)
	}
	bob.configure("cellar", [2]string{"enablearchiving", "0"})
	bob.say("cellar", "w", "word")
	bob.sync()
	alice.isTold("cellar roomby : ", "cellar roomby : ")
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

// Each room that is looked into counts, for the account, and who has asked too often waits.
func TestFollow_Bounded(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	for i := range 3 {
		w.open(fmt.Sprintf("r%d", i), nil)
		w.store.bookmarked = append(w.store.bookmarked, fmt.Sprintf("r%d", i))
	}
	w.svc.archiveLookups = budget.NewRate(budget.Limit{}, 1e-9, 8, nil) // two times three, and the questions
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

// Following costs one presence and no answer, however many rooms there are and people are in
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

// XEP-0160 §3: what the service and a room tell a client of waits for nobody; what somebody says
// does, and an invitation.
func TestFollow_NothingOffline(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("garden", nil)
	w.open("shed", nil)
	w.store.bookmarked = []string{"garden"}
	w.store.people["shed"] = map[string]Affiliated{"alice": {User: "alice", Affiliation: Owner}, "bob": {User: "bob", Affiliation: Owner}}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	bob.join("garden", "Bob")
	alice.Send(`<enable xmlns="urn:xmpp:sm:3"/>`)
	alice.follow("")
	alice.join("shed", "Alice")
	bob.join("shed", "Bob")
	alice.sync()
	bob.say("garden", "1", "roses")
	bob.ask("set", "shed@rooms.h", items(`<item jid="carol@h" affiliation="admin"/>`))
	bob.invite("garden", "alice@h")
	bob.Send(`<message xmlns="jabber:client" type="chat" id="2" to="alice@h"><body>hello</body></message>`)
	bob.sync()
	if got := strings.Join(alice.seen(), ", "); !strings.Contains(got, "message rooms.h") || strings.Count(got, "message ") < 4 {
		t.Errorf("alice got %s", got)
	}
	w.srv.Shutdown(t.Context())
	var kept []string
	for _, m := range w.store.offline["alice"] {
		el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)})
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, short(el))
	}
	if got := strings.Join(kept, ", "); got != "message garden@rooms.h invite, message bob@h/b chat body=hello" {
		t.Errorf("kept for later: %s", got)
	}
}
