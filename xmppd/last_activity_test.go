package xmppd

import "testing"

// XEP-0012 §4, §5, §7: the server's uptime to everybody, a person's last
// activity to those who see that person's presence.
func TestLastActivity(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	get := func(to string) string {
		return `<iq xmlns="jabber:client" type="get" id="l" to="` + to + `"><query xmlns="jabber:iq:last"/></iq>`
	}
	result := `<iq xmlns="jabber:client" type="result" id="l"><query xmlns="jabber:iq:last" seconds="*">`
	alice.ask(get("h"), result+`</query></iq>`)
	alice.ask(get("bob@h"), `<iq xmlns="jabber:client" type="result" id="l" from="bob@h"><query xmlns="jabber:iq:last" seconds="0"/></iq>`)
	alice.ask(get("alice@h"), `<iq xmlns="jabber:client" type="result" id="l"><query xmlns="jabber:iq:last" seconds="0"/></iq>`)
	carol.refused(get("bob@h"), "auth", "forbidden")
	carol.refused(get("nobody@h"), "auth", "forbidden")
	bob.Send(`<presence xmlns="jabber:client" type="unavailable"><status>off to lunch</status></presence>`)
	bob.sync()
	alice.ask(get("bob@h"), result+`off to lunch</query></iq>`)
	bob.Close()
	bob.ended()
	alice.ask(get("bob@h"), result+`off to lunch</query></iq>`)
	carol.refused(get("bob@h"), "auth", "forbidden")
}

func TestDepartures_Bounded(t *testing.T) {
	var d departures
	for i := range maxDepartures + 10 {
		d.note(string(rune(i)), departure{})
	}
	if len(d.last) > maxDepartures {
		t.Errorf("%d are kept", len(d.last))
	}
}
