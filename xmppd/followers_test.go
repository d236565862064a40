package xmppd

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// large is a site where everybody may talk with everybody, too large for rosters
// that hold all of them.
func large(t testing.TB, users ...string) *world {
	w := newWorldWith(t, Config{Open: true}, users...)
	w.store.everyone, w.store.large = true, true
	return w
}

const (
	rosterGet  = `<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`
	rosterPush = `<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster">%s</query></iq>`
)

// rosters grow with those whom a person talks with, and presence goes to
// them alone.
func TestRoster_LargeSite(t *testing.T) {
	w := large(t, "alice", "bob", "carol")
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	for _, c := range []*client{alice, bob, carol} {
		c.ask(rosterGet, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	}
	if got := presences(alice.Sync()); len(got) > 0 {
		t.Errorf("alice was told of strangers: %v", got)
	}
	// Both have the other on the roster before the message is there.
	alice.Send(`<message xmlns="jabber:client" type="chat" to="bob@h" id="m"><body>hello</body></message>`)
	bob.Until(fmt.Sprintf(rosterPush, `<item jid="alice@h" name="Alice" subscription="both"/>`))
	bob.Until(`<presence xmlns="jabber:client" from="alice@h/a" type="!"><any xmlns="test"/></presence>`)
	bob.Until(`<message xmlns="jabber:client" from="alice@h/a"><body>hello</body><any xmlns="test"/></message>`)
	alice.Until(fmt.Sprintf(rosterPush, `<item jid="bob@h" name="Bob" subscription="both"/>`))
	bob.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b"><show>away</show><any xmlns="test"/></presence>`)
	if got := carol.Sync(); len(got) > 0 {
		t.Errorf("carol was told of others: %s", got[0].Raw)
	}
	// A second message says nothing new.
	alice.Send(`<message xmlns="jabber:client" type="chat" to="bob@h" id="n"><body>again</body></message>`)
	alice.Sync()
	for _, e := range bob.Sync() {
		if e.Name.Local == "iq" {
			t.Errorf("bob is told again: %s", e.Raw)
		}
	}
}

// Somebody whom the roster leaves out may be added, and taken off again; who is
// there for having talked stays.
func TestRoster_LargeSiteAddRemove(t *testing.T) {
	w := large(t, "alice", "bob", "carol")
	alice := w.online("alice", "a")
	alice.ask(rosterGet, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	bob := w.online("bob", "b")
	alice.Send(`<presence xmlns="jabber:client" type="subscribe" to="bob@h"/>`)
	alice.Until(fmt.Sprintf(rosterPush, `<item jid="bob@h" name="Bob" subscription="both"/>`))
	alice.Until(`<presence xmlns="jabber:client" type="subscribed" from="bob@h"/>`)
	if got := presences(bob.Sync()); len(got) > 0 {
		t.Errorf("bob was told: %v", got)
	}
	bob.Send(`<presence xmlns="jabber:client"><show>xa</show></presence>`)
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b"><show>xa</show><any xmlns="test"/></presence>`)
	remove := `<iq xmlns="jabber:client" type="set" id="x"><query xmlns="jabber:iq:roster"><item jid="%s" subscription="remove"/></query></iq>`
	alice.Send(fmt.Sprintf(remove, "bob@h"))
	alice.Until(fmt.Sprintf(rosterPush, `<item jid="bob@h" subscription="remove"/>`))
	alice.Sync()
	bob.Send(`<presence xmlns="jabber:client"/>`)
	bob.Sync()
	if got := presences(alice.Sync()); len(got) > 0 {
		t.Errorf("alice is told of bob still: %v", got)
	}
	alice.Send(`<message xmlns="jabber:client" type="chat" to="carol@h"><body>hello</body></message>`)
	alice.Until(fmt.Sprintf(rosterPush, `<item jid="carol@h" name="Carol" subscription="both"/>`))
	alice.ask(fmt.Sprintf(remove, "carol@h"), `<iq xmlns="jabber:client" type="error" id="x">`+stanzaErrorOf("cancel", "not-allowed")+`</iq>`)
}

// a change is told to those who see it, by one query for all of them.
func TestRoster_ChangeOfManyFollowers(t *testing.T) {
	w := large(t, "alice", "bob", "carol", "dave")
	for _, u := range []string{"bob", "carol"} {
		w.store.rosters[u]["alice@h"] = Contact{JID: "alice@h", Listed: true}
	}
	var seeing []*client
	for _, u := range []string{"bob", "carol"} {
		c := w.online(u, "x")
		c.ask(rosterGet, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"><item jid="alice@h" name="Alice" subscription="both"/></query></iq>`)
		seeing = append(seeing, c)
	}
	dave := w.online("dave", "d")
	dave.ask(rosterGet, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	w.store.mu.Lock()
	w.store.accounts["alice"].Name = "Alice Adler"
	w.store.mu.Unlock()
	before := w.store.timesAsked()
	w.srv.AccountChanged(t.Context(), "alice")
	for _, c := range seeing {
		c.Until(fmt.Sprintf(rosterPush, `<item jid="alice@h" name="Alice Adler" subscription="both"/>`))
	}
	if got := dave.Sync(); len(got) > 0 {
		t.Errorf("dave was told: %s", got[0].Raw)
	}
	if n := w.store.timesAsked() - before; n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
}

// The index holds what rosters hold, and nothing of those who left.
func TestFollowers_Index(t *testing.T) {
	var f followers
	a, b := &account{user: "a", bare: "a@h"}, &account{user: "b", bare: "b@h"}
	list := func(jids ...string) *roster {
		var contacts []Contact
		for _, j := range jids {
			contacts = append(contacts, Contact{JID: j, Subscription: SubscriptionBoth, Listed: true, SharedBySite: true})
		}
		return newRoster(contacts, false)
	}
	names := func(user string) string {
		var out []string
		for _, x := range f.shownTo(user, user+"@h") {
			out = append(out, x.user)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	f.follow(a, list("x@h", "y@h"))
	f.follow(b, list("y@h", "z@h"))
	f.follow(a, list("w@h", "y@h"))
	for user, want := range map[string]string{"w": "a", "x": "", "y": "a b", "z": "b"} {
		if got := names(user); got != want {
			t.Errorf("%s is shown to %q, want %q", user, got, want)
		}
	}
	f.follow(b, newRoster(nil, true))
	if got := names("x") + "," + names("y") + "," + names("b"); got != "b,a b," {
		t.Errorf("with a roster of the whole site: %q", got)
	}
	f.drop(a)
	f.drop(b)
	f.follow(a, list("x@h")) // read before it left
	if len(f.of) > 0 || len(f.complete) > 0 {
		t.Errorf("left behind: %v %v", f.of, f.complete)
	}
}
