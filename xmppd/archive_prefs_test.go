package xmppd

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/xmppd/archive"
)

func prefs(fallback, always, never string) string {
	list := func(jids string) (out string) {
		for _, j := range strings.Fields(jids) {
			out += "<jid>" + j + "</jid>"
		}
		return out
	}
	return `<prefs xmlns="urn:xmpp:mam:2" default="` + fallback + `"><always>` + list(always) + `</always><never>` + list(never) + `</never></prefs>`
}

func (c *client) setPrefs(p string) {
	c.w.t.Helper()
	c.ask(`<iq xmlns="jabber:client" type="set" id="p">`+p+`</iq>`, `<iq xmlns="jabber:client" type="result" id="p">`+p+`</iq>`)
}

// kept returns the ids of the messages in an archive.
func (m *memStore) kept(owner string) string {
	var ids []string
	for _, e := range m.archived() {
		if e.Owner == owner {
			ids = append(ids, e.StanzaID)
		}
	}
	return strings.Join(ids, " ")
}

// XEP-0441 §2 (S-64): what is asked and answered.
func TestArchivePrefs(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	get := `<iq xmlns="jabber:client" type="get" id="p"><prefs xmlns="urn:xmpp:mam:2"/></iq>`
	alice.ask(get, `<iq xmlns="jabber:client" type="result" id="p"><prefs xmlns="urn:xmpp:mam:2" default="always"><always/><never/></prefs></iq>`)
	alice.ask(`<iq xmlns="jabber:client" type="set" id="p"><prefs xmlns="urn:xmpp:mam:2" default="roster"><always><jid>BOB@h</jid><jid>bob@h</jid></always></prefs></iq>`,
		`<iq xmlns="jabber:client" type="result" id="p">`+prefs("roster", "bob@h", "")+`</iq>`)
	alice.setPrefs(prefs("never", "bob@h", "carol@h dora@h/x"))
	alice.ask(get, `<iq xmlns="jabber:client" type="result" id="p">`+prefs("never", "bob@h", "carol@h dora@h/x")+`</iq>`)
	for _, wrong := range []string{``, ` default="sometimes"`} {
		alice.refused(`<iq xmlns="jabber:client" type="set" id="p"><prefs xmlns="urn:xmpp:mam:2"`+wrong+`/></iq>`, "modify", "bad-request")
	}
	alice.refused(`<iq xmlns="jabber:client" type="set" id="p">`+prefs("never", "@h", "")+`</iq>`, "modify", "jid-malformed")
	many := ""
	for i := range archive.MaxPrefs + 1 {
		many += fmt.Sprintf(" u%d@h", i)
	}
	alice.refused(`<iq xmlns="jabber:client" type="set" id="p">`+prefs("never", many, "")+`</iq>`, "wait", "resource-constraint")
	alice.refused(`<iq xmlns="jabber:client" type="get" id="p" to="bob@h"><prefs xmlns="urn:xmpp:mam:2"/></iq>`, "auth", "forbidden")
	alice.refused(`<iq xmlns="jabber:client" type="set" id="p" to="bob@h">`+prefs("never", "", "")+`</iq>`, "auth", "forbidden")
	w.store.setFail(errAway)
	w.srv.registry.lookup("alice").forget()
	alice.refused(get, "wait", "internal-server-error")
	w.store.setFail(nil)
}

// XEP-0441 §2, XEP-0313 §3.5 (S-54, S-64): each side's archive follows that
// side's preferences, and nobody gets an id of an archive that has nothing.
func TestArchivePrefs_Applied(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "carol")
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	n := 0
	say := func(from *client, to string) {
		t.Helper()
		n++
		from.Send(fmt.Sprintf(`<message xmlns="jabber:client" to="%s" type="chat" id="m%d"><body>x</body></message>`, to, n))
		from.Sync()
	}
	last := func(c *client) (id bool) {
		t.Helper()
		for _, e := range c.Sync() {
			if e.Name.Local == "message" {
				_, id = e.Find(stanza.NSSID, "stanza-id")
			}
		}
		return id
	}
	alice.setPrefs(prefs("roster", "", ""))
	say(alice, "bob@h") // m1: bob is no contact of alice's
	if !last(bob) {
		t.Error("bob's archive has it, and he was not told its id")
	}
	say(bob, "alice@h") // m2
	if last(alice) {
		t.Error("alice got an id that her archive does not have")
	}
	say(alice, "carol@h") // m3
	say(carol, "alice@h") // m4
	if got := w.store.kept("alice@h"); got != "m3 m4" {
		t.Errorf("roster: %s", got)
	}
	if got := w.store.kept("bob@h"); got != "m1 m2" {
		t.Errorf("bob keeps everything: %s", got)
	}
	alice.setPrefs(prefs("never", "bob@h/b", "carol@h"))
	say(bob, "alice@h")   // m5: always, by his full address
	say(alice, "bob@h")   // m6: the bare one is not listed
	say(carol, "alice@h") // m7
	bob.setPrefs(prefs("always", "alice@h/a", "alice@h"))
	say(alice, "bob@h") // m8: the full address counts before the bare one
	bob.setPrefs(prefs("always", "alice@h", "alice@h"))
	say(alice, "bob@h") // m9: on both lists
	if got := w.store.kept("alice@h"); got != "m3 m4 m5" {
		t.Errorf("never, except one: %s", got)
	}
	if got := w.store.kept("bob@h"); got != "m1 m2 m5 m6 m8" {
		t.Errorf("bob: %s", got)
	}
	// Nobody archives, and the message waits for who is away all the same.
	carol.Close()
	if err := carol.ended(); err != nil {
		t.Fatal(err)
	}
	w.store.mu.Lock()
	w.store.prefs["carol"] = archive.Prefs{Default: archive.Never}
	w.store.mu.Unlock()
	say(alice, "carol@h")
	if got := w.store.waiting("carol"); len(got) != 1 {
		t.Errorf("%d messages wait", len(got))
	}
	if got := w.store.kept("carol@h"); got != "m3 m4 m7" {
		t.Errorf("carol: %s", got)
	}
}

// XEP-0334 §4, XEP-0313 §6.1.1 (S-63, S-64): what is kept without a body, and
// what is not with one.
func TestArchive_WhatIsKept(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	kept := []string{
		`<body>x</body>`,
		`<received xmlns="urn:xmpp:receipts" id="1"/>`,
		`<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>`,
		`<reactions xmlns="urn:xmpp:reactions:0" id="1"><reaction>x</reaction></reactions>`,
		`<retract xmlns="urn:xmpp:message-retract:1" id="none"/>`,
		`<replace xmlns="urn:xmpp:message-correct:0" id="none"/>`,
		`<encrypted xmlns="urn:xmpp:omemo:2"/>`,
		`<active xmlns="http://jabber.org/protocol/chatstates"/><store xmlns="urn:xmpp:hints"/>`,
	}
	lost := []string{
		`<active xmlns="http://jabber.org/protocol/chatstates"/>`,
		`<body>x</body><no-store xmlns="urn:xmpp:hints"/>`,
		`<body>x</body><no-permanent-store xmlns="urn:xmpp:hints"/>`,
		`<body>x</body><no-store xmlns="urn:xmpp:hints"/><store xmlns="urn:xmpp:hints"/>`,
	}
	var want []string
	for i, payload := range slices.Concat(kept, lost) {
		for _, typ := range []string{"chat", "normal"} {
			id := fmt.Sprint(typ, i)
			alice.Send(`<message xmlns="jabber:client" to="bob@h" type="` + typ + `" id="` + id + `">` + payload + `</message>`)
			if i < len(kept) {
				want = append(want, id)
			}
		}
	}
	// XEP-0334 §4.4: what is marked to be stored is, also where nobody is there for it; no error is.
	for id, attrs := range map[string]string{"h": `type="headline"`, "e": `type="error"`} {
		alice.Send(`<message xmlns="jabber:client" to="bob@h" ` + attrs + ` id="` + id + `"><body>x</body><store xmlns="urn:xmpp:hints"/></message>`)
		alice.Send(`<message xmlns="jabber:client" to="bob@h" ` + attrs + ` id="lost"><body>x</body></message>`)
	}
	want = append(want, "h")
	alice.Sync()
	for _, owner := range []string{"alice@h", "bob@h"} {
		if got := w.store.kept(owner); got != strings.Join(want, " ") {
			t.Errorf("%s has %s", owner, got)
		}
	}
}
