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

// what is said in a room counts for the account, whatever the number of its
// clients, and with everybody who gets it; others have their own.
func TestRoom_FanOutIsTheAccounts(t *testing.T) {
	w := newWorldWith(t, Config{}, xmppd.Config{FanOut: 100 << 10, FanOutSaid: 1 << 20}, "alice", "bob")
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
	large := strings.Repeat("x", 60<<10)
	message := `<message xmlns="jabber:client" type="groupchat" id="m" to="den@rooms.h"><body>` + large + `</body></message>`
	if refused(phone, message) {
		t.Error("one message is too much")
	}
	for _, raw := range []string{
		message,
		`<presence xmlns="jabber:client" to="den@rooms.h/alice2"><status>` + large[:4000] + `</status></presence>`,
	} {
		if !refused(laptop, message) && !refused(phone, raw) {
			t.Errorf("nothing bounds the account: %.60s", raw)
		}
	}
	if refused(bob, `<message xmlns="jabber:client" type="groupchat" id="m" to="den@rooms.h"><body>hello</body></message>`) {
		t.Error("bob has to pay for alice")
	}
}
