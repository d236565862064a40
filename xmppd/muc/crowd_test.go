package muc

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/xmppd"
)

// who enters a room whose occupants' presence is more than a queue holds is
// shown all of them at the pace at which it reads, then the history, then what
// happened meanwhile, in order (XEP-0045 §7.1).
func TestJoin_CrowdAtTheReadersPace(t *testing.T) {
	const n = 60 // 6 MB; the queue takes 4
	words := []Hat{{URI: "urn:example", Title: strings.Repeat("x", 100<<10)}}
	w := newWorld(t, Config{Hats: func(context.Context, string) ([]Hat, error) { return words, nil }}, "alice")
	w.open("den", nil)
	for i := range n {
		user := fmt.Sprint("user", i)
		enter(t, w.svc, &sink{user: user, jid: user + "@h/x"})
	}
	alice := w.online("alice", "a")
	alice.Send(`<presence xmlns="jabber:client" to="den@rooms.h/alice"><x xmlns="` + stanza.NSMUC + `"/></presence>`)
	alice.say("den", "1", "made it")
	shown, self := 0, -1
	for i, e := range alice.sync() {
		switch got := short(e); {
		case e.Name.Local == "presence" && strings.Contains(got, " 110"):
			self = i
		case e.Name.Local == "presence":
			shown++
		case got == "message den@rooms.h subject=" && self != i-1:
			t.Error("the subject does not come right after her own presence")
		}
	}
	if shown != n || self != n {
		t.Errorf("%d of %d occupants were shown, her own presence came at %d", shown, n, self)
	}
}

// so is who becomes a moderator, whom everybody is shown to again, with addresses
// (§7.2.4).
func TestRole_CrowdAtTheReadersPace(t *testing.T) {
	const n = 60 // 6 MB; the queue takes 4
	words := []Hat{{URI: "urn:example", Title: strings.Repeat("x", 100<<10)}}
	w := newWorld(t, Config{Hats: func(context.Context, string) ([]Hat, error) { return words, nil }}, "alice", "bob")
	w.open("den", nil)
	for i := range n {
		user := fmt.Sprint("user", i)
		enter(t, w.svc, &sink{user: user, jid: user + "@h/x"})
	}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	if e := alice.ask("set", "den@rooms.h", `<query xmlns="`+nsAdmin+`"><item nick="bob" role="moderator"/></query>`); e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	alice.say("den", "1", "welcome")
	alice.sync()
	var last string
	shown := 0
	for last = ""; !strings.Contains(last, "welcome"); {
		switch last = short(bob.Read()); {
		case strings.Contains(last, "@h/x"):
			shown++
		case strings.HasPrefix(last, "presence bob") && shown < n:
			t.Errorf("his own presence comes after %d", shown)
		}
	}
	if shown != n {
		t.Errorf("%d of %d were shown", shown, n)
	}
}

// what is said and shown in a room counts for the account, whatever the number
// of its clients; others have their own budget.
func TestRoom_FanOutIsTheAccounts(t *testing.T) {
	w := newWorldWith(t, Config{}, xmppd.Config{FanOutSaid: 2 << 10}, "alice", "bob") // 8 KiB at once
	w.open("den", nil)
	phone, laptop, bob := w.online("alice", "phone"), w.online("alice", "laptop"), w.online("bob", "b")
	gather("den", phone, laptop, bob)
	refused := func(c *client, raw string) bool {
		c.Send(raw)
		for _, e := range c.sync() {
			if e.Type == "error" {
				c.has(e, "policy-violation", "too much at once")
				return true
			}
		}
		return false
	}
	words := strings.Repeat("x", 6500)
	message := `<message xmlns="jabber:client" type="groupchat" id="m" to="den@rooms.h"><body>` + words + `</body></message>`
	if refused(phone, message) {
		t.Error("one message is too much")
	}
	for _, raw := range []string{
		message,
		`<presence xmlns="jabber:client" to="den@rooms.h/alice"><status>` + words + `</status></presence>`,
		`<presence xmlns="jabber:client" to="den@rooms.h/adler"><status>` + words + `</status></presence>`,
	} {
		if !refused(laptop, raw) {
			t.Errorf("let through: %.80s", raw)
		}
	}
	if refused(bob, `<message xmlns="jabber:client" type="groupchat" id="m" to="den@rooms.h"><body>hello</body></message>`) {
		t.Error("bob has to pay for alice")
	}
	phone.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/alice"/>`)
	for _, e := range phone.sync() {
		if e.Type == "error" {
			t.Errorf("she cannot leave: %s", e.Raw)
		}
	}
}

// so does what a request tells everybody, and stores: who registers becomes a
// member, and is shown again; what a moderator takes back is told, and kept.
func TestRoom_RequestsCount(t *testing.T) {
	// again asks again and again until something is refused, and reports whether it was.
	again := func(c *client, payloads ...string) bool {
		for i := range 12 {
			if e := c.ask("set", "den@rooms.h", payloads[i%len(payloads)]); e.Type == "error" {
				c.has(e, "policy-violation", "too much at once")
				return true
			}
		}
		return false
	}
	w := newWorldWith(t, Config{}, xmppd.Config{FanOutSaid: 1 << 10}, "alice", "bob") // 4 KiB at once
	w.open("den", nil)
	bob := w.online("bob", "b")
	bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/bob"><x xmlns="` + stanza.NSMUC + `"/><status>` + strings.Repeat("x", 3000) + `</status></presence>`)
	bob.sync()
	register := `<query xmlns="` + nsRegister + `"><x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>bob</value></field></x></query>`
	if !again(bob, register, `<query xmlns="`+nsRegister+`"><remove/></query>`) {
		t.Error("registering costs nothing")
	}

	for name, limits := range map[string]xmppd.Config{"told": {FanOutSaid: 120}, "kept": {ArchiveRate: 8}} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, Config{}, limits, "alice")
			w.open("den", nil)
			alice := w.online("alice", "a")
			gather("den", alice)
			alice.say("den", "1", "rude")
			alice.sync()
			moderate := `<moderate xmlns="` + stanza.NSModerate + `" id="` + w.store.entries[0].ID.String() + `"><retract xmlns="` + stanza.NSRetract + `"/><reason>` + strings.Repeat("x", 300) + `</reason></moderate>`
			if !again(alice, moderate) {
				t.Error("it costs nothing")
			}
		})
	}
}
