package muc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// gather brings people into a room, each under the own name, and reads what that
// causes.
func gather(room string, all ...*client) {
	for _, c := range all {
		c.join(room, c.user)
		c.sync()
	}
	for _, c := range all {
		c.sync()
	}
}

// XEP-0045 §8.2, §8.4, §9.1, §9.6, §9.7, §10.3, §10.6 (S-87, S-88): who may do
// what to whom; every pair that the specification names.
func TestRules_Ranks(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave", "erin")
	w.open("den", nil)
	for user, a := range map[string]Affiliation{"bob": Admin, "carol": Member} {
		w.store.people["den"][user] = Affiliated{User: user, Affiliation: a}
	}
	alice, bob, carol, dave := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c"), w.online("dave", "d")
	erin := w.online("erin", "e")
	gather("den", alice, bob, carol, dave, erin)
	alice.ask("set", "den@rooms.h", items(`<item nick="erin" role="moderator"/>`))
	alice.ask("set", "den@rooms.h", items(`<item nick="carol" role="moderator"/>`))
	role := func(nick, role string) string { return items(`<item nick="` + nick + `" role="` + role + `"/>`) }
	affiliation := func(jid, a string) string {
		return items(`<item jid="` + jid + `" affiliation="` + a + `"/>`)
	}
	for _, c := range []struct {
		name string
		who  *client
		what string
		want string
	}{
		{"a participant kicks", dave, role("carol", "none"), "auth forbidden"},
		{"a moderator who is a member kicks an admin", carol, role("bob", "none"), "cancel not-allowed"},
		{"an admin kicks the owner", bob, role("alice", "none"), "cancel not-allowed"},
		{"a moderator takes the owner's voice", carol, role("alice", "visitor"), "cancel not-allowed"},
		{"a moderator without affiliation takes a member's voice", erin, role("carol", "visitor"), "cancel not-allowed"},
		{"and kicks a member", erin, role("carol", "none"), "cancel not-allowed"},
		{"the owner takes an admin's moderation", alice, role("bob", "participant"), "cancel not-allowed"},
		{"a moderator who is a member makes a moderator", carol, role("dave", "moderator"), "auth forbidden"},
		{"nobody is there", alice, role("zoe", "none"), "cancel item-not-found"},
		{"no such role", alice, role("dave", "king"), "modify bad-request"},
		{"no such affiliation", alice, affiliation("dave@h", "king"), "modify bad-request"},
		{"nothing", alice, items(""), "modify bad-request"},
		{"roles and affiliations", alice, items(`<item nick="dave" role="visitor"/><item jid="dave@h" affiliation="member"/>`), "modify bad-request"},
		{"an admin bans the owner", bob, affiliation("alice@h", "outcast"), "cancel not-allowed"},
		{"an admin makes an admin", bob, affiliation("dave@h", "admin"), "auth forbidden"},
		{"an admin makes an owner", bob, affiliation("bob@h", "owner"), "auth forbidden"},
		{"an admin takes the room from its owner", bob, affiliation("alice@h", "member"), "auth forbidden"},
		{"an admin unmakes an admin", bob, affiliation("bob@h", "none"), "auth forbidden"},
		{"a member bans", carol, affiliation("dave@h", "outcast"), "auth forbidden"},
		{"an admin bans himself", bob, affiliation("bob@h", "outcast"), "cancel conflict"},
		{"the last owner goes", alice, affiliation("alice@h", "admin"), "cancel conflict"},
		{"an address elsewhere", alice, affiliation("dave@elsewhere", "member"), "cancel item-not-found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := short(c.who.ask("set", "den@rooms.h", c.what)); !strings.HasSuffix(got, "error "+c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	for _, c := range []struct {
		name string
		who  *client
		what string
	}{
		{"a moderator takes voice", carol, role("dave", "visitor")},
		{"and gives it", carol, role("dave", "participant")},
		{"a moderator kicks", carol, role("dave", "none")},
		{"an admin makes a member", bob, affiliation("dave@h", "member")},
		{"the owner kicks an admin", alice, role("bob", "none")},
		{"the owner makes an owner", alice, affiliation("bob@h", "owner")},
		{"and is none any more", alice, affiliation("alice@h", "none")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if e := c.who.ask("set", "den@rooms.h", c.what); e.Type != "result" {
				t.Errorf("%s", e.Raw)
			}
		})
	}
}

// XEP-0045 §9.3 (S-87): a request that reserves the same nickname twice reserves it for nobody; one that gives
// it up for one account may give it to another.
func TestRules_OneNicknameForTwo(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice := w.online("alice", "a")
	member := func(user, nick string) string {
		return `<item jid="` + user + `@h" affiliation="member" nick="` + nick + `"/>`
	}
	for _, both := range []string{member("bob", "Bo") + member("carol", "Bo"), member("bob", "Bo") + member("carol", "bo")} {
		alice.refused(alice.ask("set", "den@rooms.h", items(both)), "cancel conflict")
	}
	if people := w.store.people["den"]; len(people) != 1 {
		t.Errorf("%v", people)
	}
	for _, c := range []struct {
		items, bob, carol string
	}{
		{member("bob", "Bo") + member("carol", "Ca"), "Bo", "Ca"},
		{member("bob", "Ca") + member("carol", "Bo"), "Ca", "Bo"},
		{`<item jid="carol@h" affiliation="none"/>` + member("bob", "Bo"), "Bo", ""},
		{member("bob", "Bob") + member("carol", "Bo") + member("bob", "Robert"), "Robert", "Bo"},
		{`<item jid="bob@h" affiliation="member"/>`, "Robert", "Bo"},
		{member("bob", ""), "", "Bo"}, // §9.5
	} {
		if e := alice.ask("set", "den@rooms.h", items(c.items)); e.Type != "result" {
			t.Errorf("%s: %s", c.items, e.Raw)
		}
		for user, nick := range map[string]string{"bob": c.bob, "carol": c.carol} {
			if got := w.store.people["den"][user].Nick; got != nick {
				t.Errorf("%s: %s is %q", c.items, user, got)
			}
			if r := w.svc.inMemory("den"); nick != "" && r.affiliations.nicks[strings.ToLower(nick)] != user {
				t.Errorf("%s: %v", c.items, r.affiliations.nicks)
			}
		}
	}
}

// XEP-0045 §7.10 (S-83): clients register nicknames by themselves; in a moderated
// room that gives nobody voice.
func TestRules_RegistrationGivesNoVoice(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Moderated = true })
	bob := w.online("bob", "b")
	gather("den", bob)
	e := bob.ask("set", "den@rooms.h", `<query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>bob</value></field></x></query>`)
	if e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	bob.say("den", "1", "may I?")
	bob.sees("message den@rooms.h error auth forbidden")
	bob.has(bob.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`" node="x-roomuser-item"/>`), `name="bob"`)
}

// An account that is deleted is nobody in the rooms in memory either: it does not
// count as an owner.
func TestRules_AccountRemoved(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	w.store.people["den"]["bob"] = Affiliated{User: "bob", Affiliation: Owner}
	alice := w.online("alice", "a")
	gather("den", alice)
	w.store.mu.Lock()
	delete(w.store.people["den"], "bob")
	w.store.mu.Unlock()
	w.srv.AccountRemoved(t.Context(), "bob")
	alice.refused(alice.ask("set", "den@rooms.h", items(`<item jid="alice@h" affiliation="none"/>`)), "cancel conflict")
	if e := alice.ask("get", "den@rooms.h", items(`<item affiliation="owner"/>`)); strings.Contains(string(e.Raw), "bob@h") {
		t.Errorf("%s", e.Raw)
	}
}

// S-08, S-83: everybody sees the same order, the archive's, however many speak at
// once.
func TestRules_OneOrder(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	all := []*client{w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")}
	gather("den", all...)
	const each = 80
	var talking sync.WaitGroup
	for _, c := range all {
		talking.Go(func() {
			for i := range each {
				c.say("den", fmt.Sprintf("%s-%d", c.user, i), "x")
				if i%10 == 0 { // what is not archived keeps its place in the queue
					c.Send(`<message xmlns="jabber:client" type="groupchat" id="state" to="den@rooms.h"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`)
				}
			}
		})
	}
	talking.Wait()
	var orders [3][]string
	for i, c := range all {
		for len(orders[i]) < each*len(all)+each*len(all)/10 {
			if e := c.Read(); e.Name.Local == "message" {
				orders[i] = append(orders[i], e.ID+e.From)
			}
		}
	}
	for i := range orders {
		if !slices.Equal(orders[i], orders[0]) {
			t.Errorf("client %d saw another order", i)
		}
	}
	var kept, said []string
	for _, e := range w.store.entries {
		kept = append(kept, e.StanzaID)
	}
	for _, id := range orders[0] {
		if id, _, _ := strings.Cut(id, "den@"); id != "state" {
			said = append(said, id)
		}
	}
	if !slices.Equal(kept, said) {
		t.Errorf("said %q\nkept %q", said, kept)
	}
}

// S-95: a client whose stream was lost stays in the room until nobody waits for
// it any more, and gets what was said meanwhile when it comes back.
func TestRules_Hibernation(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	bob.Send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	enabled := bob.Read()
	id, _ := enabled.Attr("id")
	gather("den", alice, bob)
	bob.Drop()
	alice.say("den", "1", "still there?")
	alice.sees("message alice body=still there?")
	back := w.resume("bob", id)
	back.until("message alice body=still there?")
	back.say("den", "2", "yes")
	back.until("message bob body=yes")
	alice.until("message bob body=yes")
	back.Close()
	alice.until("presence bob unavailable none/none bob@h/b")
}

// XEP-0045 §17.4, RFC 6120 §8.2.3 (S-10): a request to an occupant whose stream was lost, and
// who does not come back to it, is refused in the occupant's name.
func TestRules_Unanswered(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	bob.Send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	bob.Read()
	gather("den", alice, bob)
	bob.Drop()
	alice.Send(`<iq xmlns="jabber:client" type="get" id="v" to="den@rooms.h/bob"><query xmlns="jabber:iq:version"/></iq>`)
	alice.sync()
	w.online("bob", "b") // takes the place of the one that was lost
	for {
		e := alice.Read()
		if e.Name.Local != "iq" {
			continue
		}
		alice.refused(e, "cancel service-unavailable")
		if e.ID != "v" || e.From != "den@rooms.h/bob" || strings.Contains(string(e.Raw), "bob@h") {
			t.Errorf("%s", e.Raw)
		}
		return
	}
}

// resume signs in and takes over a session (XEP-0198 §5).
func (w *world) resume(user, id string) *client {
	w.t.Helper()
	c := w.connect(user)
	c.Send(`<resume xmlns="urn:xmpp:sm:3" previd="` + id + `" h="0"/>`)
	if e := c.Read(); e.Name.Local != "resumed" {
		w.t.Fatalf("%s", e.Raw)
	}
	return c
}

// A room that has been empty for a while leaves memory, and nothing else.
func TestRules_Unload(t *testing.T) {
	w := newWorld(t, Config{Idle: time.Minute}, "alice", "bob")
	w.open("den", nil)
	alice := w.online("alice", "a")
	gather("den", alice)
	alice.say("den", "1", "note")
	alice.sync()
	later := time.Now().Add(2 * time.Minute)
	w.svc.unload(later)
	if w.svc.inMemory("den") == nil {
		t.Fatal("a room with people in it was unloaded")
	}
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/alice"/>`)
	alice.sync()
	w.svc.unload(time.Now())
	if w.svc.inMemory("den") == nil {
		t.Fatal("a room that was just left was unloaded")
	}
	w.svc.unload(later)
	if w.svc.inMemory("den") != nil {
		t.Fatal("an idle room was not unloaded")
	}
	alice.join("den", "alice")
	alice.sees("presence alice owner/moderator alice@h/a 110 170", "message den@rooms.h subject=")
	if len(w.svc.joined.of(nil)) != 0 || len(w.store.entries) != 1 {
		t.Error("something was lost")
	}
}

// While somebody reads the history, what happens waits, and comes after it, once
// (S-77).
func TestRules_HistoryThenLive(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice)
	const before, during = 15, 30 // together no more than the history has
	for i := range before {
		alice.say("den", fmt.Sprint(i), fmt.Sprint(i))
	}
	alice.sync()
	bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/bob"><x xmlns="` + stanza.NSMUC + `"><history maxstanzas="50"/></x></presence>`)
	for i := range during {
		alice.say("den", fmt.Sprint(before+i), fmt.Sprint(before+i))
	}
	var got []string
	subject := false
	for len(got) < before+during {
		e := bob.Read()
		if b, ok := e.Find(stream.NSClient, "body"); ok {
			got = append(got, b.Text())
			if _, old := e.Find("urn:xmpp:delay", "delay"); old == subject {
				t.Fatalf("history and what is live are mixed: %s", e.Raw)
			}
		}
		if _, ok := e.Find(stream.NSClient, "subject"); ok {
			subject = true
		}
	}
	for i, text := range got {
		if text != fmt.Sprint(i) {
			t.Fatalf("got %q", got)
		}
	}
}

// Every list that a client can make grow has a bound.
func TestRules_Bounds(t *testing.T) {
	w := newWorld(t, Config{RoomsPerSession: 3}, "alice")
	alice := w.online("alice", "a")
	for i := range 3 {
		w.open(fmt.Sprintf("r%d", i), nil)
		alice.join(fmt.Sprintf("r%d", i), "al")
		alice.sync()
	}
	w.open("r3", nil)
	alice.join("r3", "al")
	alice.sees("presence al error wait resource-constraint")
	long := strings.Repeat("x", maxMessage)
	alice.say("r0", "1", long)
	alice.sees("message r0@rooms.h error modify policy-violation")
	alice.Send(`<presence xmlns="jabber:client" to="r0@rooms.h/al"><status>` + long[:maxPresence] + `</status></presence>`)
	alice.sees("presence al error modify policy-violation")
	alice.Send(`<message xmlns="jabber:client" type="groupchat" to="r0@rooms.h"><subject>` + long[:maxSubject+1] + `</subject></message>`)
	alice.sees("message r0@rooms.h error modify policy-violation")
	alice.join("r0", strings.Repeat("n", names.Max+1))
	alice.sees("presence " + strings.Repeat("n", names.Max+1) + " error cancel not-acceptable")
	alice.refused(alice.ask("set", "r0@rooms.h", items(strings.Repeat(`<item jid="alice@h" affiliation="owner"/>`, maxListChanges+1))), "wait resource-constraint")
}

// XEP-0045 §5.2.1, §9.5 (S-88): lists bear real addresses; where those are hidden
// only moderators get them, members or not.
func TestRules_WhoSeesLists(t *testing.T) {
	for _, anonymous := range []bool{true, false} {
		w := newWorld(t, Config{}, "alice", "bob", "carol")
		w.open("den", func(s *Settings) { s.MembersOnly, s.NonAnonymous = true, !anonymous })
		for _, user := range []string{"bob", "carol"} {
			w.store.people["den"][user] = Affiliated{User: user, Affiliation: Member}
		}
		alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
		gather("den", bob)
		want := map[*client]string{alice: "result", bob: "result", carol: "result"}
		if anonymous {
			want[bob], want[carol] = "error", "error"
		}
		for c, answer := range want {
			for _, list := range []string{"owner", "admin", "member"} {
				if e := c.ask("get", "den@rooms.h", items(`<item affiliation="`+list+`"/>`)); e.Type != answer {
					t.Errorf("anonymous %v, %s asks for %ss: %s", anonymous, c.user, list, e.Raw)
				}
			}
		}
	}
}

// XEP-0045 §7.2.4, §9.6 (S-88): a new moderator learns who everybody is, and nobody
// else does.
func TestRules_NewModeratorSeesAddresses(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob, carol)
	alice.ask("set", "den@rooms.h", items(`<item nick="bob" role="moderator"/>`))
	carol.sees("presence bob none/moderator")
	got := bob.seen()
	slices.Sort(got[:len(got)-1])
	if want := []string{"presence alice owner/moderator alice@h/a", "presence carol none/participant carol@h/c", "presence bob none/moderator bob@h/b 110"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	alice.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="admin"/>`)) // moderates already
	bob.sees("presence bob admin/moderator bob@h/b 110")
}

// XEP-0045 §10.2, §9.4 (S-87): when only members may stay, strangers are put out
// all at once: each is told of itself, and the members of everybody.
func TestRules_StrangersGoAtOnce(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave")
	w.open("den", nil)
	w.store.people["den"]["dave"] = Affiliated{User: "dave", Affiliation: Member}
	alice, bob, carol, dave := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c"), w.online("dave", "d")
	second := w.online("bob", "b2")
	second.join("den", "bob")
	second.sync()
	gather("den", alice, bob, carol, dave)
	second.sync()
	e := alice.ask("set", "den@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_membersonly"><value>1</value></field></x></query>`)
	if e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	const told = "message den@rooms.h 104"
	for _, c := range []*client{bob, second} {
		c.sees(told, "presence bob unavailable none/none bob@h/b 322 110")
	}
	carol.sees(told, "presence carol unavailable none/none carol@h/c 322 110")
	got := dave.seen()
	slices.Sort(got)
	if want := []string{told, "presence bob unavailable none/none 322", "presence carol unavailable none/none 322"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// nobody says in a room what its recipients believe of the server only: an id
// in their own archives, a delay of the domain (XEP-0359 §5, XEP-0203 §4).
func TestRules_ForgedInOurName(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	alice.sync()
	const (
		forged = `<stanza-id xmlns="urn:xmpp:sid:0" by="bob@h" id="x1"/><stanza-id xmlns="urn:xmpp:sid:0" by="den@rooms.h" id="x2"/>` +
			`<stanza-id xmlns="urn:xmpp:sid:0" by="h" id="x3"/><stanza-id xmlns="urn:xmpp:sid:0" id="x4"/>` +
			`<delay xmlns="urn:xmpp:delay" from="h" stamp="2001-01-01T00:00:00Z"/><delay xmlns="urn:xmpp:delay" from="rooms.h" stamp="2001-01-01T00:00:00Z"/>` +
			`<delay xmlns="urn:xmpp:delay" from="bob@h" stamp="2001-01-01T00:00:00Z"/><delay xmlns="urn:xmpp:delay" stamp="2001-01-01T00:00:00Z"/>`
		own = `<delay xmlns="urn:xmpp:delay" from="alice@h/a" stamp="2002-02-02T00:00:00Z"/>`
	)
	for _, start := range []string{
		`<message xmlns="jabber:client" type="groupchat" id="m" to="den@rooms.h"><body>hello</body>`,
		`<message xmlns="jabber:client" type="groupchat" id="t" to="den@rooms.h"><subject>topic</subject>`,
		`<message xmlns="jabber:client" type="chat" id="m" to="den@rooms.h/bob"><body>psst</body>`,
		`<presence xmlns="jabber:client" to="den@rooms.h/alice"><status>here</status>`,
	} {
		name, _, _ := strings.Cut(start[1:], " ")
		alice.Send(start + forged + own + "</" + name + ">")
		alice.sync()
		got := bob.sync()
		if len(got) != 1 {
			t.Fatalf("%s: bob gets %d stanzas", start, len(got))
		}
		bob.has(got[0], `stamp="2002`)
		for _, lie := range []string{`"x1"`, `"x2"`, `"x3"`, `"x4"`, `stamp="2001`} {
			if strings.Contains(string(got[0].Raw), lie) {
				t.Errorf("%s is let through: %s", lie, got[0].Raw)
			}
		}
	}
}

// XEP-0425 §3 (S-92): that a moderator took something back only the room says, however it is
// written: clients would believe it.
func TestRules_ForgedModeration(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	alice.say("den", "m1", "one")
	alice.sync()
	bob.sync()
	id := w.store.entries[0].ID.String()
	said := `<moderated xmlns="urn:xmpp:message-moderate:1" by="den@rooms.h/alice"/>`
	old := `<apply-to xmlns="urn:xmpp:fasten:0" id="` + id + `"><moderated xmlns="urn:xmpp:message-moderate%s0" by="den@rooms.h/alice"><retract xmlns="urn:xmpp:message-retract:0"/></moderated></apply-to>`
	for _, start := range []string{`type="groupchat" to="den@rooms.h"`, `type="groupchat" id="f" to="den@rooms.h"`, `type="chat" id="f" to="den@rooms.h/alice"`} {
		for _, payload := range []string{
			`<retract xmlns="urn:xmpp:message-retract:1" id="` + id + `">` + said + `</retract>`,
			`<retract xmlns="urn:xmpp:message-retract:1" id="other"/><retract xmlns="urn:xmpp:message-retract:1" id="` + id + `"><x xmlns="u">` + said + `</x></retract>`,
			fmt.Sprintf(old, ":"),
			fmt.Sprintf(old, "&#58;"),
			`<x xmlns="u">` + fmt.Sprintf(old, ":") + `</x><body>x</body>`,
		} {
			bob.Send(`<message xmlns="jabber:client" ` + start + `>` + payload + `</message>`)
			if got := bob.sync(); len(got) != 1 {
				t.Fatalf("%s %s: %v", start, payload, got)
			} else {
				bob.refused(got[0], "auth forbidden")
			}
		}
	}
	bob.say("den", "m2", "I moderated it")
	bob.sync()
	alice.sees("message bob body=I moderated it")
	if n := len(w.store.entries); n != 2 {
		t.Errorf("%d messages are kept", n)
	}
}

// XEP-0424 §6 (S-92): clients go by the name that an author has now, and bob takes alice's.
func TestRules_RetractionUnderAnothersName(t *testing.T) {
	const (
		group   = `type="groupchat" id="r" to="den@rooms.h"`
		private = `type="chat" id="r" to="den@rooms.h/carol"`
		now     = `<retract xmlns="urn:xmpp:message-retract:1" id="%s"/>`
		old     = `<apply-to xmlns="urn:xmpp:fasten:0" id="%s"><retract xmlns="urn:xmpp:message-retract:0"/></apply-to>`
	)
	forged := []struct{ start, payload, want string }{
		{group, fmt.Sprintf(now, "m1"), "cancel item-not-found"},
		{`type="groupchat" to="den@rooms.h"`, fmt.Sprintf(now, "m1"), "cancel item-not-found"}, // without an id of its own
		{group, fmt.Sprintf(old, "m1"), "cancel item-not-found"},
		{group, fmt.Sprintf(now, "b1") + fmt.Sprintf(now, "m1"), "modify bad-request"},
		{group, fmt.Sprintf(now, "b1") + fmt.Sprintf(old, "m1"), "modify bad-request"},
		{private, fmt.Sprintf(now, "p1"), "auth forbidden"},
		{private, fmt.Sprintf(old, "p1"), "auth forbidden"},
	}
	for _, archived := range []bool{true, false} {
		w := newWorld(t, Config{}, "alice", "bob", "carol")
		w.open("den", func(s *Settings) { s.Archive = archived })
		alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
		gather("den", alice, bob, carol)
		alice.say("den", "m1", "alice's")
		alice.Send(`<message xmlns="jabber:client" type="chat" id="p1" to="den@rooms.h/carol"><body>for carol</body></message>`)
		bob.say("den", "b1", "bob's")
		bob.sync()
		alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/alice"/>`)
		alice.sync()
		bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/alice"/>`)
		bob.sync()
		carol.sync()
		for _, f := range forged {
			if !archived && f.want == "cancel item-not-found" {
				continue // nobody knows there who said what
			}
			bob.Send(`<message xmlns="jabber:client" ` + f.start + `>` + f.payload + `</message>`)
			if got := bob.sync(); len(got) != 1 {
				t.Fatalf("%s %s: %v", f.start, f.payload, got)
			} else {
				bob.refused(got[0], f.want)
			}
		}
		if got := carol.sync(); len(got) != 0 {
			t.Errorf("carol is told %s", got[0].Raw)
		}
		bob.Send(`<message xmlns="jabber:client" ` + group + `>` + fmt.Sprintf(old, "b1") + `</message>`)
		bob.sync()
		if got := carol.sync(); len(got) != 1 {
			t.Errorf("bob's own: %v", got)
		}
		for _, e := range w.store.entries {
			if s := string(e.Stanza); e.StanzaID == "b1" && strings.Contains(s, "<body>") || e.StanzaID == "m1" && !strings.Contains(s, "<body>") {
				t.Errorf("archived: %t: %s", archived, s)
			}
		}
	}
}

// XEP-0045 §17.3, XEP-0421 §4, XEP-0317 §3.1 (S-91, S-92): what only the room says nobody says
// inside something else either: clients find it there.
func TestRules_ForgedInside(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	alice.sync()
	inside := `<message xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc#user"><item jid="forged@h"/></x></message>` +
		`<presence xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc#user"><status code="forged"/></x>` +
		`<hats xmlns="urn:xmpp:hats:0"><hat title="forged"/></hats></presence><occupant-id xmlns="urn:xmpp:occupant-id:0" id="forged"/>`
	for start, end := range map[string]string{
		`<message xmlns="jabber:client" type="groupchat" id="m" to="den@rooms.h"><body>hello</body>`: `</message>`,
		`<message xmlns="jabber:client" type="chat" id="m" to="den@rooms.h/bob"><body>psst</body>`:   `</message>`,
		`<presence xmlns="jabber:client" to="den@rooms.h/alice"><show>away</show>`:                   `</presence>`,
		`<presence xmlns="jabber:client" to="den@rooms.h/alice"><status>here`:                        `</status></presence>`,
	} {
		alice.Send(start + `<w xmlns="u"><w><w/>` + inside + `</w></w>` + end)
		alice.sync()
		if got := bob.sync(); len(got) != 1 || strings.Contains(string(got[0].Raw), "forged") {
			t.Errorf("%s: bob gets %v", start, got)
		}
	}
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/alice"><status>bye` + inside + `</status></presence>`)
	alice.sync()
	if got := bob.sync(); len(got) != 1 || strings.Contains(string(got[0].Raw), "forged") {
		t.Errorf("bob gets %s", got[0].Raw)
	}
}

// XEP-0410 §3.2 (S-92): the room answers a ping to oneself; one to another goes there.
func TestRules_PingOfAnother(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	alice.sync()
	bob.Send(`<iq xmlns="jabber:client" type="get" id="p" to="den@rooms.h/alice"><ping xmlns="urn:xmpp:ping"/></iq>`)
	if got := bob.sync(); len(got) > 0 {
		t.Errorf("bob is answered %s", got[0].Raw)
	}
	if got := alice.sync(); len(got) != 1 || got[0].From != "den@rooms.h/bob" {
		t.Errorf("alice gets %v", got)
	}
}

// XEP-0313 §6.1.2 (S-65): who may not know addresses does not find out by asking for what one
// of them said.
func TestRules_WhoAsksWho(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	with := `<query xmlns="` + stanza.NSMAM + `"><x xmlns="jabber:x:data" type="submit"><field var="with"><value>bob@h</value></field></x></query>`
	bob.refused(bob.ask("set", "den@rooms.h", with), "auth forbidden")
	if e := alice.ask("set", "den@rooms.h", with); e.Type != "result" {
		t.Errorf("%s", e.Raw)
	}
}

// XEP-0045 §7.6, §7.10: a nickname that is kept for somebody is not taken by changing to it.
func TestRules_ReservedNickname(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	w.store.people["den"]["carol"] = Affiliated{User: "carol", Affiliation: Member, Nick: "Caz"}
	bob, carol := w.online("bob", "b"), w.online("carol", "c")
	gather("den", bob, carol)
	bob.sync()
	bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/Caz"/>`)
	bob.sees("presence Caz error cancel conflict")
	carol.sync()
	carol.Send(`<presence xmlns="jabber:client" to="den@rooms.h/Caz"/>`)
	carol.until("presence Caz member/participant carol@h/c 110")
}

// XEP-0045 §7.2.13 (S-82): of the bounds of the history the smallest counts.
func TestParseHistory(t *testing.T) {
	now := time.Now()
	for history, want := range map[string]struct {
		stanzas, chars int
		since          time.Duration // before now; 0: always
	}{
		``:                                    {defaultHistory, -1, 0},
		`maxchars="1"`:                        {maxHistory, 1, 0},
		`maxstanzas="3" maxchars="900"`:       {3, 900, 0},
		`maxstanzas="1000"`:                   {maxHistory, -1, 0},
		`seconds="60"`:                        {maxHistory, -1, time.Minute},
		`seconds="60" since="HOUR"`:           {maxHistory, -1, time.Minute},
		`seconds="7200" since="HOUR"`:         {maxHistory, -1, time.Hour},
		`maxstanzas="3" seconds="0" since=""`: {-1, 0, 0},
		`maxstanzas="-1"`:                     {-1, 0, 0},
		`seconds="1.5"`:                       {-1, 0, 0},
	} {
		inside := ""
		if history != "" {
			inside = "<history " + strings.ReplaceAll(history, "HOUR", now.Add(-time.Hour).UTC().Format(time.RFC3339Nano)) + "/>"
		}
		el, err := stream.Parse([]byte(`<presence xmlns="jabber:client"><x xmlns="`+stanza.NSMUC+`">`+inside+`</x></presence>`), stream.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := el.Find(stanza.NSMUC, "x")
		h, err := parseHistory(x)
		if want.stanzas < 0 {
			if err == nil {
				t.Errorf("%s is taken", history)
			}
			continue
		}
		ago := time.Duration(0)
		if !h.since.IsZero() {
			ago = now.Sub(h.since).Round(time.Minute)
		}
		if err != nil || h.stanzas != want.stanzas || h.chars != want.chars || ago != want.since {
			t.Errorf("%s: %+v %v", history, h, err)
		}
	}
}

// XEP-0045 §10.1.1: nobody makes a room by entering whose name the site keeps for itself, and the
// site makes it all the same.
func TestRules_ReservedRoom(t *testing.T) {
	w := newWorld(t, Config{Reserved: func(name string) bool { return name == "garden" }}, "alice", "bob")
	alice := w.online("alice", "a")
	for range 2 { // nothing of the first attempt stays
		alice.join("garden", "Al")
		if got := alice.seen(); !slices.Equal(got, []string{"presence Al error cancel not-allowed"}) {
			t.Fatal(got)
		}
	}
	if err := w.svc.CreateRoom(t.Context(), "garden", "bob", w.svc.DefaultSettings()); err != nil {
		t.Fatal(err)
	}
	alice.join("garden", "Al")
	if got := alice.seen(); len(got) == 0 || strings.Contains(got[0], "error") {
		t.Error(got)
	}
	if a := w.store.people["garden"]["alice"].Affiliation; a == Owner {
		t.Error("who enters owns it")
	}
}

// XEP-0317: who begins to run the site, or no longer does, is shown as what they are in the rooms that they are in.
func TestRules_HatsChange(t *testing.T) {
	var admin atomic.Bool
	w := newWorld(t, Config{Hats: func(_ context.Context, user string) ([]Hat, error) {
		if user != "alice" || !admin.Load() {
			return nil, nil
		}
		return []Hat{{URI: "urn:x:admin", Title: "Site admin"}}, nil
	}}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	for _, is := range []bool{true, false} {
		admin.Store(is)
		for i := range 2 { // what is as before is not shown again
			w.srv.AccountChanged(t.Context(), "alice")
			shown := 0
			for _, e := range bob.sync() {
				if e.From == "den@rooms.h/Al" {
					shown++
					if strings.Contains(string(e.Raw), "Site admin") != is {
						t.Errorf("%t: %s", is, e.Raw)
					}
				}
			}
			if shown != 1-i {
				t.Errorf("%t: shown %d times", is, shown)
			}
		}
	}
}
