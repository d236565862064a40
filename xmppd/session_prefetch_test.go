package xmppd

import (
	"testing"

	"foyer/internal/stanza"
)

// What a client asks first was read when it bound its resource: no store is asked
// again until it sends its presence and after.
func TestArrival_ReadOnce(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	w.online("bob", "b")
	alice := w.bound("alice", "a")
	w.store.setFail(errAway)
	alice.Send(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	alice.Expect(`<iq xmlns="jabber:client" type="result" id="r" to="alice@h/a"><query xmlns="jabber:iq:roster" ver="{ver}"><item jid="bob@h" subscription="both"/></query></iq>`)
	alice.Send(`<presence xmlns="jabber:client"/>`)
	if got := presences(alice.Sync()); len(got) != 2 {
		t.Errorf("presences of herself and of bob, and not %v", got)
	}
	if !w.srv.Online("alice") {
		t.Error("alice is not available")
	}
}

// A change of the picture reaches what was read at the beginning (XEP-0153 §4.1).
func TestArrival_PictureChanges(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.bound("alice", "a")
	w.store.accounts["alice"].PhotoHash = "abc"
	w.srv.AccountChanged(t.Context(), "alice")
	alice.Send(`<presence xmlns="jabber:client"/>`)
	alice.Expect(`<presence xmlns="jabber:client" from="alice@h/a"><x xmlns="vcard-temp:x:update"><photo>abc</photo></x></presence>`)
}

// A message that comes between binding and presence is not left behind (XEP-0160 §3).
func TestArrival_MessageMeanwhile(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.bound("alice", "a"), w.online("bob", "b")
	if !w.srv.registry.lookup("alice").hasNoOffline() {
		t.Error("nothing waits for alice, and that was read")
	}
	bob.Send(chat("alice@h", "m1", ""))
	bob.Sync()
	alice.Send(`<presence xmlns="jabber:client"/>`)
	alice.Until(`<message xmlns="jabber:client" id="m1"><any xmlns="test"/></message>`)
}

// An identity that ended while its client was binding does not get in (S-12).
func TestArrival_Ended(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.signIn("alice")
	entered, release := w.store.hold("Arrival")
	alice.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="` + stanza.NSBind + `"/></iq>`)
	entered()
	w.store.mu.Lock()
	w.store.revoked["s-alice"] = true
	w.store.mu.Unlock()
	release()
	alice.ExpectEnd()
}
