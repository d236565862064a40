package muc

import (
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// blocks blocks, or unblocks, an address, and returns what the client saw until that was done.
func (c *client) blocks(what, jid string) []string {
	c.w.t.Helper()
	c.Send(`<iq xmlns="jabber:client" type="set" id="block"><` + what + ` xmlns="urn:xmpp:blocking"><item jid="` + jid + `"/></` + what + `></iq>`)
	var out []string
	for {
		e := c.Read()
		if e.Name.Local == "iq" && e.ID == "block" {
			return out
		}
		out = append(out, short(e))
	}
}

// XEP-0191 §3.3 (S-52): nothing comes from an occupant's address that is blocked, to any of the
// account's clients: the occupant is gone for them, and is back when it is unblocked. The others
// see it all, and who is blocked by the account's address stays in the room.
func TestBlocked_Occupant(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, phone, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("bob", "phone"), w.online("carol", "c")
	gather("den", alice, bob, phone, carol)
	drain := func() {
		for _, c := range []*client{alice, bob, phone, carol} {
			c.sync()
		}
	}
	drain()
	gone := "presence carol unavailable none/none"
	if got := bob.blocks("block", "den@rooms.h/carol"); strings.Join(got, ", ") != gone {
		t.Errorf("at the block bob sees %q", got)
	}
	phone.sees(gone)
	carol.say("den", "1", "hello")
	carol.Send(`<message xmlns="jabber:client" type="groupchat" id="2" to="den@rooms.h"><subject>Hi</subject></message>`)
	carol.Send(`<presence xmlns="jabber:client" to="den@rooms.h/carol"><show>away</show></presence>`)
	carol.sync()
	bob.sees()
	phone.sees()
	if got := strings.Join(alice.seen(), ", "); got != "message carol body=hello, message carol subject=Hi, presence carol none/participant carol@h/c" {
		t.Errorf("alice, who blocks nobody, sees %s", got)
	}
	alice.say("den", "3", "hello")
	alice.sync()
	bob.sees("message alice body=hello")
	phone.sees("message alice body=hello")
	drain()

	phone.Send(`<presence xmlns="jabber:client" to="den@rooms.h" type="unavailable"/>`)
	phone.sync()
	phone.Send(`<presence xmlns="jabber:client" to="den@rooms.h/bob"><x xmlns="` + stanza.NSMUC + `"/></presence>`)
	for _, s := range phone.seen() {
		if strings.Contains(s, "carol") && !strings.Contains(s, "subject=") {
			t.Errorf("who enters sees %s", s)
		}
	}
	drain()
	if got := bob.blocks("unblock", "den@rooms.h/carol"); strings.Join(got, ", ") != "presence carol none/participant" {
		t.Errorf("after the block bob sees %q", got)
	}
	carol.say("den", "4", "hello again")
	carol.sync()
	bob.sees("message carol body=hello again")
	bob.blocks("block", "carol@h")
	bob.sync()
	carol.say("den", "5", "in the room")
	carol.sync()
	bob.sees("message carol body=in the room")
	bob.blocks("block", "den@rooms.h/bob") // oneself
	bob.say("den", "6", "mine")
	bob.sees("message bob body=mine")
	bob.blocks("block", "den@rooms.h/carol")
	bob.sync()
	carol.Send(`<presence xmlns="jabber:client" to="den@rooms.h/carla"/>`)
	carol.sync()
	bob.sees("presence carla none/participant") // another address
	carol.Send(`<presence xmlns="jabber:client" to="den@rooms.h/carol"/>`)
	carol.Send(`<presence xmlns="jabber:client" to="den@rooms.h" type="unavailable"/>`)
	carol.sync()
	bob.sees("presence carla unavailable none/none")
}

// Whoever takes a nickname that somebody blocks goes, for these, and where to they do not hear.
func TestBlocked_Rename(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob, carol)
	bob.blocks("block", "den@rooms.h/carla")
	for _, c := range []*client{alice, bob, carol} {
		c.sync()
	}
	rename := func(nick string) {
		carol.Send(`<presence xmlns="jabber:client" to="den@rooms.h/` + nick + `"/>`)
		carol.sync()
	}
	rename("carla")
	for _, e := range bob.sync() {
		if got := short(e); got != "presence carol unavailable none/none" || strings.Contains(string(e.Raw), "carla") {
			t.Errorf("bob sees %s: %s", got, e.Raw)
		}
	}
	alice.has(alice.sync()[0], `nick="carla"`, "303")
	rename("cara")
	bob.sees("presence cara none/participant")
}

// XEP-0191 §3.3, RFC 6121 §4.6: who blocks a room, or where the rooms are, shows itself there no
// more, and hears nothing of it.
func TestBlocked_Room(t *testing.T) {
	for _, jid := range []string{"den@rooms.h", "rooms.h"} {
		w := newWorld(t, Config{}, "alice", "bob")
		w.open("den", nil)
		alice, bob, phone := w.online("alice", "a"), w.online("bob", "b"), w.online("bob", "phone")
		gather("den", alice, bob, phone)
		for _, c := range []*client{alice, bob, phone} {
			c.sync()
		}
		if got := bob.blocks("block", jid); len(got) != 1 || !strings.HasPrefix(got[0], "presence bob unavailable none/none bob@h/b 110") {
			t.Errorf("%s: at the block bob sees %q", jid, got)
		}
		if got := alice.seen(); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "presence bob unavailable") {
			t.Errorf("%s: alice sees %q", jid, got)
		}
		phone.sync()
		alice.say("den", "1", "hello")
		alice.sync()
		bob.sees()
		phone.sees()
		bob.join("den", "bob")
		bob.sees("presence bob error cancel not-acceptable cancel blocked")
	}
}

// Nor is a blocked occupant heard later, in the archive, or without being in the room (XEP-0437);
// of oneself one hears everything.
func TestBlocked_ArchiveAndFollow(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", func(s *Settings) { s.Archive = true })
	w.store.bookmarked = []string{"den"}
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.join("den", "Alice")
	carol.join("den", "Carol")
	alice.sync()
	carol.sync()
	bob.follow(withSaid)
	bob.isTold()
	archived := func(c *client) string {
		var out []string
		c.Send(`<iq xmlns="jabber:client" type="set" id="mam" to="den@rooms.h"><query xmlns="` + stanza.NSMAM + `"/></iq>`)
		for _, e := range c.sync() {
			if r, ok := e.Find(stanza.NSMAM, "result"); ok {
				f, _ := r.Find(stanza.NSForward, "forwarded")
				m, _ := f.Find(stream.NSClient, "message")
				from, _ := m.Attr("from")
				out = append(out, strings.TrimPrefix(from, "den@rooms.h/"))
			}
		}
		return strings.Join(out, " ")
	}
	carol.say("den", "1", "one")
	carol.sync()
	bob.isTold("den by Carol: one")
	bob.blocks("block", "den@rooms.h/Carol")
	carol.say("den", "2", "two")
	carol.Send(`<message xmlns="jabber:client" type="groupchat" id="3" to="den@rooms.h"><body>changed</body><replace xmlns="urn:xmpp:message-correct:0" id="2"/></message>`)
	carol.sync()
	alice.say("den", "4", "three")
	alice.sync()
	bob.isTold("den by Alice: three")
	if got := archived(bob); got != "Alice" {
		t.Errorf("bob's archive has %s", got)
	}
	if got := archived(alice); got != "Carol Carol Carol Alice" {
		t.Errorf("alice's archive has %s", got)
	}
	bob.Send(`<presence xmlns="jabber:client" type="unavailable" to="rooms.h"/>`)
	bob.follow(withSaid) // again
	bob.isTold()
	carol.say("den", "5", "four")
	carol.sync()
	bob.isTold()
	bob.blocks("unblock", "den@rooms.h/Carol")
	carol.say("den", "6", "five")
	carol.sync()
	bob.isTold("den by Carol: five")
	carol.blocks("block", "den@rooms.h/Carol") // oneself
	if got := archived(carol); got != "Carol Carol Carol Alice Carol Carol" {
		t.Errorf("carol's archive has %s", got)
	}
}
