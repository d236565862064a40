package muc

import (
	"fmt"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// configure submits a room's form with these fields.
func (c *client) configure(room string, fields ...[2]string) {
	c.w.t.Helper()
	form := ""
	for _, f := range fields {
		form += `<field var="muc#roomconfig_` + f[0] + `"><value>` + f[1] + `</value></field>`
	}
	if e := c.ask("set", room+"@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit">`+form+`</x></query>`); e.Type != "result" {
		c.w.t.Fatalf("%s", e.Raw)
	}
}

// what disco#info says of the subject, under every name it goes by (XEP-0045
// §6.4, §15.5.4).
func TestConfig_SubjectInfo(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	w.open("open", nil)
	w.open("strict", func(s *Settings) { s.ChangeSubject = false })
	alice := w.online("alice", "a")
	for room, value := range map[string]string{"open": "1", "strict": "0"} {
		e := alice.ask("get", room+"@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`)
		for _, field := range []string{"muc#roominfo_subjectmod", "muc#roomconfig_changesubject", "muc#roominfo_changesubject"} {
			alice.has(e, `<field var="`+field+`" type="boolean"><value>`+value+`</value>`)
		}
	}
}

// in a room that is not configured yet nothing is said: what is acknowledged
// is stored (XEP-0045 §10.1.1).
func TestConfig_NothingSaidBefore(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	alice := w.online("alice", "a")
	alice.join("new", "alice")
	alice.sync()
	alice.say("new", "1", "early")
	got := alice.sync()
	if len(got) != 1 {
		t.Fatalf("got %d stanzas", len(got))
	}
	alice.has(got[0], `type="error"`, "not-allowed", "Set the room up first")
	alice.configure("new")
	alice.say("new", "2", "hello")
	alice.sees("message alice body=hello")
	if len(w.store.entries) != 1 || w.store.entries[0].StanzaID != "2" {
		t.Errorf("kept: %+v", w.store.entries)
	}
}

// the first configuration is a change like any other; an instant room is what
// its creator found (XEP-0045 §10.1.2, §10.2.1).
func TestConfig_FirstNotice(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	alice := w.online("alice", "a")
	for _, room := range []string{"instant", "reserved"} {
		alice.join(room, "alice")
		alice.sync()
	}
	alice.configure("instant")
	alice.sees()
	for _, change := range []struct{ fields, notice string }{
		{`<field var="muc#roomconfig_membersonly"><value>1</value></field><field var="muc#roomconfig_whois"><value>anyone</value></field>`, "104 172"},
		{`<field var="muc#roomconfig_whois"><value>moderators</value></field><field var="muc#roomconfig_enablearchiving"><value>0</value></field>`, "104 171 173"},
	} {
		alice.Send(`<iq xmlns="jabber:client" type="set" id="c" to="reserved@rooms.h"><query xmlns="` + nsOwner + `"><x xmlns="jabber:x:data" type="submit">` + change.fields + `</x></query></iq>`)
		alice.sees("message reserved@rooms.h "+change.notice, "iq reserved@rooms.h result")
	}
}

// rooms that are not configured count among those that somebody has created,
// until they are configured or gone.
func TestConfig_UnconfiguredCount(t *testing.T) {
	const most = 5
	w := newWorld(t, Config{RoomsPerUser: most}, "alice", "bob")
	alice, second, bob := w.online("alice", "a"), w.online("alice", "a2"), w.online("bob", "b")
	for i := range most {
		c := []*client{alice, second}[i%2] // whichever client it is
		c.join(fmt.Sprint("r", i), "alice")
		c.sync()
	}
	full := func(c *client, room string) bool {
		c.join(room, c.user)
		got := c.seen()
		return strings.HasSuffix(got[0], "error cancel not-allowed")
	}
	if !full(alice, "more") || !full(second, "more") {
		t.Error("more rooms than one person may create")
	}
	if full(bob, "bobs") {
		t.Error("bob has to pay for alice")
	}
	alice.configure("r0")
	if !full(alice, "more") {
		t.Error("a room that was configured does not count")
	}
	alice.ask("set", "r2@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="cancel"/></query>`)
	alice.sync()
	if full(alice, "more") {
		t.Error("a room that was cancelled counts")
	}
	second.Send(`<presence xmlns="jabber:client" type="unavailable" to="r1@rooms.h/alice"/>`)
	second.sync()
	if full(second, "again") {
		t.Error("a room that was left counts")
	}
	w.svc.mu.Lock()
	defer w.svc.mu.Unlock()
	if w.svc.unconfiguredByCreator["alice"] != most-1 {
		t.Errorf("counted: %v", w.svc.unconfiguredByCreator)
	}
}

// nor does a room that is not configured keep more people than any other.
func TestConfig_UnconfiguredAffiliations(t *testing.T) {
	w := newWorld(t, Config{Affiliations: 3}, "alice")
	alice := w.online("alice", "a")
	alice.join("r", "alice")
	alice.sync()
	add := func(users ...string) *stream.Element {
		items := ""
		for _, u := range users {
			items += `<item affiliation="member" jid="` + u + `@h"/>`
		}
		return alice.ask("set", "r@rooms.h", `<query xmlns="`+nsAdmin+`">`+items+`</query>`)
	}
	alice.refused(add("a", "b", "c"), "wait resource-constraint")
	for _, users := range [][]string{{"a", "b"}, {"a", "b"}} { // those who are there are no more
		if e := add(users...); e.Type != "result" {
			t.Errorf("%s", e.Raw)
		}
	}
	alice.refused(add("c"), "wait resource-constraint")
}

// An owner shows a room on pages of the site by muc#roomconfig_enablelogging (XEP-0045 §15.5.3);
// not one that not everybody may enter, and closing a room takes it back for good.
func TestConfig_Readable(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	w.open("garden", nil)
	alice := w.online("alice", "a")
	readable := func(want bool) {
		t.Helper()
		if _, err := w.svc.Readable(t.Context(), "garden"); (err == nil) != want {
			t.Errorf("readable: %v, want %t", err, want)
		}
	}
	readable(false)
	alice.configure("garden", [2]string{"enablelogging", "1"})
	readable(true)
	alice.configure("garden", [2]string{"membersonly", "1"})
	readable(false)
	alice.configure("garden", [2]string{"membersonly", "0"})
	readable(false)
	alice.configure("garden", [2]string{"enablelogging", "1"}, [2]string{"passwordprotectedroom", "1"}, [2]string{"roomsecret", "x"})
	alice.configure("garden", [2]string{"passwordprotectedroom", "0"})
	readable(false)
}
