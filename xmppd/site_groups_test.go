package xmppd

import "testing"

// Somebody whom the site puts into a group sees the others at once, and loses them
// when they are taken out of it.
func TestGroupsChanged(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.mu.Lock()
	w.store.subscribe("alice", "carol")
	w.store.mu.Unlock()
	alice := w.online("alice", "a")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"><item jid="carol@h" subscription="both"/></query></iq>`)
	w.online("bob", "b")
	w.online("carol", "c")
	w.store.mu.Lock()
	w.store.subscribe("alice", "bob")
	delete(w.store.rosters["alice"], "carol@h")
	w.store.mu.Unlock()
	w.srv.GroupsChanged(t.Context(), "alice")
	// RFC 6121 §2.6.2 (S-35): each push tells the version that the roster has with it.
	first := alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster" ver="{ver}"><item jid="bob@h" subscription="both"/></query></iq>`)["ver"]
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b" type="!"><any xmlns="test"/></presence>`)
	alice.Until(`<presence xmlns="jabber:client" type="unavailable" from="carol@h/c" to="alice@h"/>`)
	last := alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster" ver="{ver}"><item jid="carol@h" subscription="remove"/></query></iq>`)["ver"]
	if first == last {
		t.Errorf("two changes have the version %s", last)
	}
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster" ver="`+last+`"/></iq>`, `<iq xmlns="jabber:client" type="result" id="r"/>`)
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster" ver="`+first+`"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="both"/></query></iq>`)
	w.srv.GroupsChanged(t.Context(), "alice")
	if got := alice.Sync(); len(got) > 0 {
		t.Errorf("alice was told again: %v", got)
	}
}
