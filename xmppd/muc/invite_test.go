package muc

import (
	"context"
	"strings"
	"testing"
	"time"

	"foyer/internal/stanza"
)

func (c *client) decline(room, to string) {
	c.Send(`<message xmlns="jabber:client" to="` + room + `@rooms.h"><x xmlns="` + stanza.NSMUCUser + `"><decline to="` + to + `"><reason>no time</reason></decline></x></message>`)
}

func (c *client) invite(room, to string) {
	c.Send(`<message xmlns="jabber:client" to="` + room + `@rooms.h"><x xmlns="` + stanza.NSMUCUser + `"><invite to="` + to + `"/></x></message>`)
}

// a room takes a decline only from who was invited, once, to who invited, and
// from nobody who is banned (XEP-0045 §7.8.2).
func TestInvite_Decline(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice)
	const refused = "message den@rooms.h error auth forbidden"
	bob.decline("den", "alice@h")
	bob.sees(refused) // nobody asked
	alice.invite("den", "bob@h")
	alice.sync()
	bob.sees("message den@rooms.h invite")
	carol.decline("den", "alice@h")
	carol.sees(refused) // somebody else was asked
	bob.decline("den", "carol@h")
	bob.sees(refused) // by somebody else
	bob.decline("den", "alice@h")
	bob.sees()
	alice.sees("message den@rooms.h decline")
	bob.decline("den", "alice@h")
	bob.sees(refused) // again

	alice.invite("den", "bob@h")
	alice.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="outcast"/>`))
	bob.sync()
	bob.decline("den", "alice@h")
	bob.sees(refused)
	for _, e := range alice.seen() {
		if e == "message den@rooms.h decline" {
			t.Error("a decline of somebody who is banned")
		}
	}
}

// XEP-0045 §7.9, XEP-0249 §3: an invitation says with which conversation the room goes on.
func TestInvite_Continue(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice)
	for inside, want := range map[string][]string{
		`<continue thread="t1"/>`: {`<continue thread="t1"/></invite>`, `continue="true" thread="t1"/>`},
		`<continue/>`:             {`<continue/></invite>`, `continue="true"/>`},
		`<continue thread="` + strings.Repeat("x", maxReason+1) + `"/>`: {`<continue/></invite>`, `continue="true"/>`},
	} {
		alice.Send(`<message xmlns="jabber:client" to="den@rooms.h"><x xmlns="` + stanza.NSMUCUser + `"><invite to="bob@h"><reason>more</reason>` + inside + `</invite></x></message>`)
		alice.sync()
		got := bob.sync()
		if len(got) != 1 {
			t.Fatalf("bob has %d messages", len(got))
		}
		bob.has(got[0], want...)
	}
}

// whatever a room sends on somebody's behalf does not reach those who block
// that person: invitations, declines, the news of a membership, requests for voice
// (XEP-0191 §3).
func TestInvite_Blocked(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave")
	w.store.blocked = map[string][]string{"bob": {"alice@h"}, "carol": {"dave@h"}}
	w.open("den", func(s *Settings) { s.MembersOnly = true })
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	if e := alice.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="member"/>`)); e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	alice.ask("set", "den@rooms.h", items(`<item jid="carol@h" affiliation="member"/>`))
	bob.sees()
	carol.sees("message den@rooms.h invite")

	w.open("hall", func(s *Settings) { s.Moderated = true })
	w.store.people["hall"]["carol"] = Affiliated{User: "carol", Affiliation: Admin}
	dave := w.online("dave", "d")
	gather("hall", alice, carol, dave)
	alice.sync()
	carol.sync()
	dave.sync()
	dave.Send(`<message xmlns="jabber:client" to="hall@rooms.h"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>` + nsRequest + `</value></field><field var="muc#role"><value>participant</value></field></x></message>`)
	dave.sees()
	carol.sees()
	if got := alice.sync(); len(got) != 1 {
		t.Errorf("alice got %d requests", len(got))
	}
	carol.invite("hall", "dave@h")
	carol.sync()
	dave.sees("message hall@rooms.h invite")
	dave.decline("hall", "carol@h")
	dave.sees()
	carol.sees()
}

// Nor does a room that somebody blocks make a member of them by an invitation that they never see.
func TestInvite_BlockedRoom(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.store.blocked = map[string][]string{"bob": {"den@rooms.h"}, "carol": {"rooms.h"}}
	w.open("den", func(s *Settings) { s.MembersOnly = true })
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice)
	for _, user := range []string{"bob", "carol"} {
		alice.invite("den", user+"@h")
		alice.sees() // nobody hears that somebody blocks them
		if err := w.svc.Invite(t.Context(), "den", "alice", user); err != nil {
			t.Error(err)
		}
		if e, ok := w.store.people["den"][user]; ok {
			t.Errorf("%s is made a member: %+v", user, e)
		}
	}
	bob.sees()
}

// who may see addresses learns that somebody who is not here belongs to the
// room now, or does not any more, whichever way it came about (XEP-0045 §9.3).
func TestInvite_AbsentMember(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave")
	w.open("den", func(s *Settings) { s.MembersOnly = true })
	w.store.people["den"]["bob"] = Affiliated{User: "bob", Affiliation: Member}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	alice.sync()
	alice.ask("set", "den@rooms.h", items(`<item jid="carol@h" affiliation="member"/>`))
	bob.sees()
	if err := w.svc.Invite(context.Background(), "den", "alice", "dave"); err != nil {
		t.Fatal(err)
	}
	alice.sees("message den@rooms.h member/none dave@h")
	alice.configure("den", [2]string{"whois", "anyone"})
	bob.sees("message den@rooms.h 104 172")
	alice.sync()
	alice.Send(`<iq xmlns="jabber:client" type="set" id="a" to="den@rooms.h">` + items(`<item jid="carol@h" affiliation="none"/>`) + `</iq>`)
	alice.sees("message den@rooms.h none/none carol@h", "iq den@rooms.h result")
	bob.sees("message den@rooms.h none/none carol@h")
}

func TestInvitations(t *testing.T) {
	var v invitations
	now := time.Now()
	for i := range maxInvitations + 1 {
		v.add(invitation{"den", "alice", string(rune('a' + i))}, now.Add(time.Duration(i)))
	}
	if v.take(invitation{"den", "alice", "a"}, now) || !v.take(invitation{"den", "alice", "b"}, now) {
		t.Error("the oldest is forgotten first")
	}
	if v.take(invitation{"den", "alice", "c"}, now.Add(invitationLasts+time.Second)) {
		t.Error("an old one was declined")
	}
	v.expire(now.Add(invitationLasts + time.Second))
	if len(v.sent) != 0 {
		t.Errorf("kept: %v", v.sent)
	}
}

// what is sent through the room to one person is copied to the sender's other
// clients, and what a room sends to a client that the recipient's others have not
// got to those (XEP-0280 §6.1).
func TestInvite_Copies(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, other, bob, quiet := w.online("alice", "a"), w.online("alice", "other"), w.online("bob", "b"), w.online("bob", "quiet")
	other.ask("set", "alice@h", `<enable xmlns="urn:xmpp:carbons:2"/>`)
	quiet.ask("set", "bob@h", `<enable xmlns="urn:xmpp:carbons:2"/>`)
	quiet.Send(`<presence xmlns="jabber:client"><priority>-1</priority></presence>`)
	quiet.sync()
	gather("den", alice)
	other.sync()
	bob.sync()
	alice.invite("den", "bob@h")
	alice.sees()
	bob.sees("message den@rooms.h invite")
	for c, kind := range map[*client]string{other: "sent", quiet: "received"} {
		got := c.sync()
		if len(got) != 1 {
			t.Errorf("%s: %d stanzas", kind, len(got))
			continue
		}
		c.has(got[0], `<`+kind+` xmlns="urn:xmpp:carbons:2">`, `<invite`)
	}
}
