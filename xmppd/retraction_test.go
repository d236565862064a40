package xmppd

import (
	"fmt"
	"strings"
	"testing"

	"foyer/internal/stream"
)

func (m *memStore) stanza(owner, id string) string {
	for _, e := range m.archived() {
		if e.Owner == owner && e.StanzaID == id {
			return string(e.Stanza)
		}
	}
	return ""
}

const retract = `<message xmlns="jabber:client" to="%s" type="chat" id="%s"><retract xmlns="urn:xmpp:message-retract:1" id="%s"/><body>retracted</body></message>`

// XEP-0424 §5, §6: a tombstone in both archives, with nothing of the message but
// its addresses and id; of its corrections too. The retraction is a message, and
// is stored.
func TestRetraction(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m1">secret<body>secret</body><x xmlns="u" secret="secret"/></message>`)
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m2"><body>secret, corrected</body><replace xmlns="urn:xmpp:message-correct:0" id="m1"/></message>`)
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m3"><body>something else</body></message>`)
	alice.Send(fmt.Sprintf(retract, "bob@h", "r1", "m1"))
	alice.Sync()
	bob.Until(`<message xmlns="jabber:client" id="r1"><retract xmlns="urn:xmpp:message-retract:1" id="m1"/><any xmlns="test"/></message>`)
	for _, owner := range []string{"alice@h", "bob@h"} {
		if got := w.store.kept(owner); got != "m1 m2 m3 r1" {
			t.Errorf("%s has %s", owner, got)
		}
		for _, id := range []string{"m1", "m2"} {
			el, err := stream.Parse([]byte(w.store.stanza(owner, id)), stream.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := streamMatch(`<message xmlns="jabber:client" from="alice@h/a" to="bob@h" type="chat" id="`+id+`"><retracted xmlns="urn:xmpp:message-retract:1" id="r1" stamp="*"/></message>`, el); err != nil {
				t.Error(err)
			}
			if strings.Contains(string(el.Raw), "secret") {
				t.Errorf("%s", el.Raw)
			}
		}
		if got := w.store.stanza(owner, "m3"); !strings.Contains(got, "something else") {
			t.Error(got)
		}
	}
	for _, e := range w.store.archived() {
		if strings.Contains(e.Body, "secret") {
			t.Errorf("%s can be found still", e.StanzaID)
		}
	}
}

// XEP-0424 §6, §9: nobody takes back what another said, and what cannot be found
// is no error.
func TestRetraction_OfOthers(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m1"><body>hers</body></message>`)
	alice.Sync()
	bob.Send(fmt.Sprintf(retract, "alice@h", "r1", "m1"))
	carol.Send(fmt.Sprintf(retract, "bob@h", "r2", "m1"))
	alice.Send(fmt.Sprintf(retract, "carol@h", "r3", "m1"))
	alice.Send(fmt.Sprintf(retract, "bob@h", "", "m1")) // no id: nothing a tombstone could name
	for _, c := range []*client{alice, bob, carol} {
		for _, e := range c.Sync() {
			if e.Type == "error" {
				t.Errorf("%s", e.Raw)
			}
		}
	}
	for _, owner := range []string{"alice@h", "bob@h"} {
		if got := w.store.stanza(owner, "m1"); !strings.Contains(got, "hers") {
			t.Errorf("%s has %s", owner, got)
		}
	}
}

// The copy that waits for somebody who is away goes too, a retraction reaches
// archives that want nothing else, and notes to oneself can be taken back.
func TestRetraction_Everywhere(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m1"><body>secret</body></message>`)
	alice.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="note"><body>secret</body></message>`)
	alice.Sync()
	alice.setPrefs(prefs("never", "", ""))
	alice.Send(fmt.Sprintf(retract, "bob@h", "r1", "m1"))
	alice.Send(fmt.Sprintf(retract, "alice@h", "r2", "note"))
	alice.Sync()
	if got := w.store.waiting("bob"); len(got) != 1 || strings.Contains(string(got[0].Stanza), "secret") {
		t.Errorf("%s", got)
	}
	for _, e := range w.store.archived() {
		if strings.Contains(string(e.Stanza), "secret") {
			t.Errorf("%s has %s", e.Owner, e.Stanza)
		}
	}
	if got := w.store.kept("alice@h"); got != "m1 note r1 r2" {
		t.Error(got)
	}
}
