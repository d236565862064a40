package xmppd

import (
	"fmt"
	"strings"
	"testing"
)

func watchIQ(jids ...string) string {
	var b strings.Builder
	for _, j := range jids {
		b.WriteString(`<account jid="` + j + `"/>`)
	}
	return `<iq xmlns="jabber:client" type="set" id="w"><watch xmlns="urn:foyer:watch:0">` + b.String() + `</watch></iq>`
}

func watchResult(jids ...string) string {
	return strings.NewReplacer(`type="set"`, `type="result"`).Replace(watchIQ(jids...))
}

// A page's people are followed without being on the roster, until the page
// changes.
func TestWatch(t *testing.T) {
	w := large(t, "alice", "bob", "carol", "dave")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.ask(watchIQ("bob@h", "carol@h", "nobody@h", "alice@h"), watchResult("bob@h/b"))
	carol := w.online("carol", "c")
	alice.Until(`<presence xmlns="jabber:client" from="carol@h/c" type="!"><any xmlns="test"/></presence>`)
	w.online("dave", "d") // on no page
	if got := presences(alice.Sync()); len(got) > 0 {
		t.Errorf("alice was told of dave: %v", got)
	}
	alice.ask(watchIQ("carol@h"), watchResult("carol@h/c"))
	bob.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	bob.Sync()
	carol.Send(`<presence xmlns="jabber:client" type="unavailable"/>`)
	if got := alice.Until(`<presence xmlns="jabber:client" from="{who}"><any xmlns="test"/></presence>`); got["who"] != "carol@h/c" {
		t.Errorf("alice hears of %s", got["who"])
	}
	alice.ask(watchIQ(), watchResult())
	alice.ask(watchIQ("bob@h"), watchResult("bob@h/b"))
	alice.Close()
	<-alice.done
	if len(w.srv.watches.watchers) > 0 || len(w.srv.watches.watched) > 0 {
		t.Error("watches are left behind")
	}
}

// ROSTER=groups: who shares a large group is followed as well, and asked about, on the roster or not.
func TestWatch_Groups(t *testing.T) {
	w := newWorldWith(t, Config{Groups: true}, "alice", "bob", "stranger")
	w.store.everyone, w.store.large, w.store.stranger = true, true, "stranger" // one group, and rosters that leave most of it out
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	w.online("stranger", "s")
	alice.ask(watchIQ("bob@h", "stranger@h"), watchResult("bob@h/b"))
	bob.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b"><any xmlns="test"/></presence>`)
	alice.Send(`<presence xmlns="jabber:client" type="probe" to="bob@h"/>`)
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b"><any xmlns="test"/></presence>`)
	alice.Send(`<presence xmlns="jabber:client" type="probe" to="stranger@h"/>`)
	alice.Until(`<presence xmlns="jabber:client" from="stranger@h" to="alice@h" type="unsubscribed"/>`)
	if around, err := w.srv.Around(t.Context(), "alice", 9); err != nil || len(around) != 1 || around[0] != "bob" {
		t.Errorf("around %v, %v", around, err)
	}
	alice.ask(rosterGet, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	alice.Send(`<message xmlns="jabber:client" type="chat" to="bob@h" id="1"><body>hi</body></message>`)
	alice.Until(fmt.Sprintf(rosterPush, `<item jid="bob@h" name="Bob" subscription="both"/>`))
}

// Who is out of a group is followed no longer by those who are in it, nor follows them.
func TestWatch_GroupLeft(t *testing.T) {
	w := newWorldWith(t, Config{Groups: true}, "alice", "bob")
	w.store.everyone, w.store.large = true, true
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.ask(watchIQ("bob@h"), watchResult("bob@h/b"))
	bob.ask(watchIQ("alice@h"), watchResult("alice@h/a"))
	w.store.mu.Lock()
	w.store.stranger = "bob"
	w.store.mu.Unlock()
	w.srv.GroupsChanged(t.Context(), "bob")
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b" to="alice@h" type="unavailable"/>`)
	bob.Until(`<presence xmlns="jabber:client" from="alice@h/a" to="bob@h" type="unavailable"/>`)
	bob.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	alice.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	bob.Sync()
	if got := strings.Join(presences(alice.Sync()), ""); strings.Contains(got, "bob") {
		t.Errorf("alice is told: %s", got)
	}
	if got := strings.Join(presences(bob.Sync()), ""); strings.Contains(got, "alice") {
		t.Errorf("bob is told: %s", got)
	}
}

// A message to somebody who shares no group does not ask the store each time.
func TestRoster_Strangers(t *testing.T) {
	w := newWorldWith(t, Config{Groups: true}, "alice", "stranger")
	w.store.everyone, w.store.large, w.store.stranger = true, true, "stranger"
	alice, stranger := w.online("alice", "a"), w.online("stranger", "s")
	say := func(id string) {
		t.Helper()
		alice.Send(`<message xmlns="jabber:client" type="chat" to="stranger@h" id="` + id + `"><body>hi</body></message>`)
		stranger.Until(`<message xmlns="jabber:client" from="alice@h/a" id="` + id + `"><body>hi</body><any xmlns="test"/></message>`)
	}
	say("1")
	once := w.store.timesAsked()
	for i := range 9 {
		say(fmt.Sprint("again", i))
	}
	if n := w.store.timesAsked(); n != once || once != 2 {
		t.Errorf("the store was asked %d times for the first message, and %d times in all", once, n)
	}
}

// Nobody sees by a page what the site or the person keeps from them (XEP-0191 §3).
func TestWatch_Refused(t *testing.T) {
	w := newWorld(t, "alice", "bob") // contacts by request
	alice := w.online("alice", "a")
	w.online("bob", "b")
	alice.ask(watchIQ("bob@h"), watchResult())

	w = large(t, "alice", "bob", "carol")
	w.store.blocked["bob"] = []string{"alice@h"}
	alice = w.online("alice", "a")
	bob := w.online("bob", "b")
	alice.ask(watchIQ("bob@h"), watchResult())
	bob.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	bob.Sync()
	if got := presences(alice.Sync()); len(got) > 0 {
		t.Errorf("alice is blocked, and told: %v", got)
	}
	refused := func(jid, typ, condition string) {
		t.Helper()
		alice.ask(watchIQ(jid), `<iq xmlns="jabber:client" type="error" id="w">`+stanzaErrorOf(typ, condition)+`</iq>`)
	}
	refused("room@conference.h", "modify", "bad-request")
	refused("h", "modify", "bad-request")
	var many []string
	for i := range maxWatched + 1 {
		many = append(many, fmt.Sprintf("u%d@h", i))
	}
	alice.ask(watchIQ(many...), `<iq xmlns="jabber:client" type="error" id="w">`+stanzaErrorOf("wait", "resource-constraint")+`</iq>`)
	many = many[:0]
	for i := range 20 {
		many = append(many, fmt.Sprint(i, strings.Repeat("x", maxWatchedBytes/20), "@h"))
	}
	alice.ask(watchIQ(many...), `<iq xmlns="jabber:client" type="error" id="w">`+stanzaErrorOf("wait", "resource-constraint")+`</iq>`)
	alice.ask(watchIQ(many[:19]...), watchResult())
}
