package xmppd

import (
	"strings"
	"testing"
)

// names in requests for a subscription go by the rule for all names, as those in
// vCards do (XEP-0172 §4.1).
func TestNickname_InRequests(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	nick := func(name string) string { return `<nick xmlns="http://jabber.org/protocol/nick">` + name + `</nick>` }
	for _, name := range []string{"Al", "Al&#x202E;"} {
		alice.Send(`<presence xmlns="jabber:client" type="subscribe" to="bob@h"><status>hello</status>` + nick(name) + `</presence>`)
		alice.Sync()
		got := string(w.store.rosters["bob"]["alice@h"].Request)
		if want := name == "Al"; strings.Contains(got, "<nick") != want || !strings.Contains(got, "hello") {
			t.Errorf("%s: bob has %s", name, got)
		}
	}
	bob.Sync()
}
