package xmppd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

func (c *client) refused(request, typ, condition string) {
	c.w.t.Helper()
	c.ask(request, `<iq xmlns="jabber:client" type="error">`+stanzaErrorOf(typ, condition)+`</iq>`)
}

// XEP-0030 §3, §7, §8 (S-45, S-46, S-47); XEP-0199, XEP-0092, XEP-0202 (S-49).
func TestServices(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	c := w.online("alice", "a")
	c.Sync()
	info := func(to, node string) string {
		return `<iq xmlns="jabber:client" type="get" id="1" to="` + to + `"><query xmlns="http://jabber.org/protocol/disco#info"` + node + `/></iq>`
	}
	c.ask(info("h", ""), `<iq xmlns="jabber:client" type="result" id="1" from="h"><query xmlns="http://jabber.org/protocol/disco#info"><identity category="server" type="im"/><feature var="http://jabber.org/protocol/disco#info"/><feature var="http://jabber.org/protocol/disco#items"/><any xmlns="test"/></query></iq>`)
	c.ask(info("alice@h", ""), `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="http://jabber.org/protocol/disco#info"><identity category="account" type="registered"/><any xmlns="test"/></query></iq>`)
	c.ask(info("bob@h", ""), `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="http://jabber.org/protocol/disco#info"><identity category="account" type="registered"/><any xmlns="test"/></query></iq>`)
	c.refused(info("carol@h", ""), "cancel", "service-unavailable")
	c.refused(info("zoe@h", ""), "cancel", "service-unavailable")
	c.refused(info("h", ` node="x"`), "cancel", "item-not-found")
	c.ask(`<iq xmlns="jabber:client" type="get" id="1" to="carol@h"><query xmlns="http://jabber.org/protocol/disco#items" node="n"/></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="http://jabber.org/protocol/disco#items" node="n"/></iq>`)
	for _, to := range []string{``, ` to="alice@h"`, ` to="h"`} {
		c.ask(`<iq xmlns="jabber:client" type="get" id="1"`+to+`><ping xmlns="urn:xmpp:ping"/></iq>`, `<iq xmlns="jabber:client" type="result" id="1"/>`)
	}
	c.ask(`<iq xmlns="jabber:client" type="get" id="1" to="h"><query xmlns="jabber:iq:version"/></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="jabber:iq:version"><name>Foyer</name><version>1</version></query></iq>`)
	c.ask(`<iq xmlns="jabber:client" type="get" id="1" to="h"><time xmlns="urn:xmpp:time"/></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><time xmlns="urn:xmpp:time"><tzo>*</tzo><utc>*</utc></time></iq>`)
	// S-29: an IQ to a bare JID is never forwarded; what is unknown is refused.
	c.refused(`<iq xmlns="jabber:client" type="get" id="1" to="bob@h"><x xmlns="urn:x"/></iq>`, "cancel", "service-unavailable")
	c.refused(`<iq xmlns="jabber:client" type="get" id="1"><x xmlns="urn:x"/></iq>`, "cancel", "service-unavailable")
}

// XEP-0054 §3, XEP-0049 §2 (S-50).
func TestVCardAndPrivate(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	c := w.online("alice", "a")
	get := `<iq xmlns="jabber:client" type="get" id="1"%s><vCard xmlns="vcard-temp"/></iq>`
	c.ask(fmt.Sprintf(get, ` to="bob@h"`), `<iq xmlns="jabber:client" type="result" id="1" from="bob@h"><vCard xmlns="vcard-temp"><FN>Bob</FN><NICKNAME>Bob</NICKNAME></vCard></iq>`)
	c.refused(fmt.Sprintf(get, ` to="zoe@h"`), "cancel", "service-unavailable")
	card := `<vCard xmlns="vcard-temp"><FN>Alice &amp; Co</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>cGl4
ZWxz</BINVAL></PHOTO><URL>http://a</URL></vCard>`
	c.refused(`<iq xmlns="jabber:client" type="set" id="1" to="bob@h">`+card+`</iq>`, "auth", "forbidden")
	c.ask(`<iq xmlns="jabber:client" type="set" id="1">`+card+`</iq>`, `<iq xmlns="jabber:client" type="result" id="1"/>`)
	c.ask(fmt.Sprintf(get, ""), `<iq xmlns="jabber:client" type="result" id="1"><vCard xmlns="vcard-temp"><FN>Alice &amp; Co</FN><NICKNAME>Alice &amp; Co</NICKNAME><PHOTO><TYPE>image/png</TYPE><BINVAL>cGl4ZWxz</BINVAL></PHOTO><URL>http://a</URL></vCard></iq>`)

	c.ask(`<iq xmlns="jabber:client" type="set" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"><x/></storage></query></iq>`, `<iq xmlns="jabber:client" type="result" id="1"/>`)
	c.ask(`<iq xmlns="jabber:client" type="get" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"/></query></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"><x/></storage></query></iq>`)
	c.ask(`<iq xmlns="jabber:client" type="get" id="1"><query xmlns="jabber:iq:private"><other xmlns="urn:o"/></query></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="jabber:iq:private"><other xmlns="urn:o"/></query></iq>`)
	c.refused(`<iq xmlns="jabber:client" type="get" id="1" to="bob@h"><query xmlns="jabber:iq:private"><o xmlns="urn:o"/></query></iq>`, "auth", "forbidden")
}

// XEP-0049 §2: several elements of one namespace are stored at once; a request for them is about one.
func TestPrivate_Several(t *testing.T) {
	alice := newWorld(t, "alice").bound("alice", "a")
	private := func(typ, inside string) string {
		return `<iq xmlns="jabber:client" type="` + typ + `" id="1"><query xmlns="jabber:iq:private">` + inside + `</query></iq>`
	}
	alice.ask(private("set", `<a xmlns="urn:o">1</a><b xmlns="urn:o">2</b><a xmlns="urn:o">3</a>`), `<iq xmlns="jabber:client" type="result" id="1"/>`)
	for ask, want := range map[string]string{`<a xmlns="urn:o"/>`: `<a xmlns="urn:o">1</a><a xmlns="urn:o">3</a>`, `<b xmlns="urn:o"/>`: `<b xmlns="urn:o">2</b>`} {
		alice.ask(private("get", ask), private("result", want))
	}
	alice.refused(private("set", ``), "modify", "not-acceptable")
	alice.refused(private("get", ``), "modify", "bad-request")
	alice.refused(private("get", `<a xmlns="urn:o"/><b xmlns="urn:o"/>`), "modify", "bad-request")
	alice.refused(private("set", `<a xmlns="urn:o"/><b xmlns="urn:p"/>`), "modify", "bad-request")
	alice.refused(private("set", strings.Repeat(`<a xmlns="urn:o"/>`, maxPrivateElements+1)), "modify", "not-acceptable")
}

// RFC 6121 §8.5.1 (S-23): what is asked of an account that does not exist has no answer; strangers,
// who are refused, cannot tell it from one that does.
func TestServices_NoAccount(t *testing.T) {
	for _, open := range []bool{true, false} {
		w := newWorldWith(t, Config{Open: open}, "alice", "bob")
		alice := w.online("alice", "a")
		for _, what := range []struct{ typ, payload string }{
			{"get", `<query xmlns="jabber:iq:roster"/>`}, {"set", `<query xmlns="jabber:iq:roster"><item jid="x@h"/></query>`},
			{"get", `<query xmlns="jabber:iq:private"><o xmlns="urn:o"/></query>`}, {"set", `<query xmlns="jabber:iq:private"><o xmlns="urn:o"/></query>`},
			{"set", `<query xmlns="urn:xmpp:mam:2"/>`}, {"get", `<metadata xmlns="urn:xmpp:mam:2"/>`}, {"get", `<prefs xmlns="urn:xmpp:mam:2"/>`},
			{"set", `<vCard xmlns="vcard-temp"/>`}, {"get", `<query xmlns="jabber:iq:last"/>`},
		} {
			ask := func(to string) string {
				return `<iq xmlns="jabber:client" type="` + what.typ + `" id="1" to="` + to + `">` + what.payload + `</iq>`
			}
			if open {
				alice.refused(ask("zoe@h"), "cancel", "service-unavailable")
			} else {
				alice.refused(ask("zoe@h"), "auth", "forbidden")
			}
			if !open || !strings.Contains(what.payload, nsLast) {
				alice.refused(ask("bob@h"), "auth", "forbidden")
			}
		}
	}
}

// A piece of private XML has a bound (S-50).
func TestPrivate_Bound(t *testing.T) {
	alice := newWorld(t, "alice").bound("alice", "a")
	piece := func(text int) string {
		return `<iq xmlns="jabber:client" type="set" id="1"><query xmlns="jabber:iq:private"><o xmlns="urn:o">` + strings.Repeat("x", text) + `</o></query></iq>`
	}
	alice.refused(piece(maxPrivate), "modify", "not-acceptable")
	alice.ask(piece(maxPrivate-100), `<iq xmlns="jabber:client" type="result" id="1"/>`)
}

// XEP-0054 §3.2 (S-50): a nickname is kept, unless it is only the name, which
// may change.
func TestVCard_Nickname(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.online("alice", "a")
	for _, step := range []struct{ set, want string }{
		{`<FN>Alice Adler</FN><NICKNAME>Al</NICKNAME>`, `<FN>Alice Adler</FN><NICKNAME>Al</NICKNAME>`},
		{`<FN>Alice Adler</FN><NICKNAME>Alice Adler</NICKNAME>`, `<FN>Alice Adler</FN><NICKNAME>Alice Adler</NICKNAME>`},
		{`<FN>Alice Baker</FN><NICKNAME>Alice Adler</NICKNAME>`, `<FN>Alice Baker</FN><NICKNAME>Alice Baker</NICKNAME>`},
		{`<FN>Alice Baker</FN><NICKNAME>Al</NICKNAME>`, `<FN>Alice Baker</FN><NICKNAME>Al</NICKNAME>`},
	} {
		c.ask(`<iq xmlns="jabber:client" type="set" id="s"><vCard xmlns="vcard-temp">`+step.set+`</vCard></iq>`, `<iq xmlns="jabber:client" type="result" id="s"/>`)
		c.ask(`<iq xmlns="jabber:client" type="get" id="g"><vCard xmlns="vcard-temp"/></iq>`,
			`<iq xmlns="jabber:client" type="result" id="g"><vCard xmlns="vcard-temp">`+step.want+`</vCard></iq>`)
	}
}

// What a card holds beyond name and picture has a bound (S-50).
func TestVCard_Extra(t *testing.T) {
	alice := newWorld(t, "alice").bound("alice", "a")
	card := func(note int) string {
		return `<iq xmlns="jabber:client" type="set" id="v"><vCard xmlns="vcard-temp"><FN>Al</FN><NOTE>` + strings.Repeat("x", note) + `</NOTE></vCard></iq>`
	}
	alice.refused(card(maxVCardExtra), "modify", "not-acceptable")
	alice.ask(card(maxVCardExtra-100), `<iq xmlns="jabber:client" type="result" id="v"/>`)
}

// names in a card go by the rule for all names; the refusal says why.
func TestVCard_Names(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.online("alice", "a")
	set := func(card string) string {
		return `<iq xmlns="jabber:client" type="set" id="s"><vCard xmlns="vcard-temp">` + card + `</vCard></iq>`
	}
	for _, card := range []string{
		`<FN>Alice Adler&#x200B;</FN>`, `<FN>&#x202E;reldA ecilA</FN>`, `<NICKNAME>Al&#xAD;</NICKNAME>`,
		`<FN>Alice</FN><NICKNAME>Al&#x2066;</NICKNAME>`, `<FN>` + strings.Repeat("x", 65) + `</FN>`,
	} {
		c.refused(set(card), "modify", "not-acceptable")
	}
	c.ask(set("<FN>\n Alice\nAdler ❤\uFE0F</FN><NICKNAME>Al\n</NICKNAME>"), `<iq xmlns="jabber:client" type="result" id="s"/>`)
	c.ask(`<iq xmlns="jabber:client" type="get" id="g"><vCard xmlns="vcard-temp"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="g"><vCard xmlns="vcard-temp"><FN>Alice Adler ❤</FN><NICKNAME>Al</NICKNAME></vCard></iq>`)
}

// XEP-0191 §3 (S-51, S-52).
func TestBlocking(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, other, bob := w.online("alice", "a"), w.online("alice", "o"), w.online("bob", "b")
	for _, c := range []*client{alice, other} {
		c.ask(`<iq xmlns="jabber:client" type="get" id="l"><blocklist xmlns="urn:xmpp:blocking"/></iq>`, `<iq xmlns="jabber:client" type="result" id="l"><blocklist xmlns="urn:xmpp:blocking"/></iq>`)
	}
	alice.refused(`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"/></iq>`, "modify", "bad-request")
	bob.Sync()
	alice.Send(`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/></block></iq>`)
	other.Until(`<iq xmlns="jabber:client" type="set"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/></block></iq>`)
	alice.Until(`<iq xmlns="jabber:client" type="result" id="1"/>`)
	bob.Until(`<presence xmlns="jabber:client" type="unavailable" from="alice@h/a"/>`)

	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>x</body></message>`)
	bob.Until(`<message xmlns="jabber:client" type="error" id="m">` + stanzaErrorOf("cancel", "service-unavailable") + `</message>`)
	bob.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	bob.Sync()
	if got := presences(alice.Sync()); len(got) > 0 {
		t.Errorf("alice sees %v", got)
	}
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m"><body>x</body></message>`)
	alice.Until(`<message xmlns="jabber:client" type="error" id="m"><error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><blocked xmlns="urn:xmpp:blocking:errors"/></error></message>`)
	if len(w.store.archived()) > 0 {
		t.Error("what was blocked is in the archive")
	}
	alice.Send(`<iq xmlns="jabber:client" type="set" id="2"><unblock xmlns="urn:xmpp:blocking"/></iq>`)
	other.Until(`<iq xmlns="jabber:client" type="set"><unblock xmlns="urn:xmpp:blocking"/></iq>`)
	bob.Until(`<presence xmlns="jabber:client" from="alice@h/a" type="!"><any xmlns="test"/></presence>`)

	list := &blocklist{jids: map[string]struct{}{"x@y/z": {}, "x@w": {}, "d/r": {}, "e": {}}}
	for jid, want := range map[string]bool{"x@y/z": true, "x@y": false, "x@w/any": true, "a@d/r": true, "a@d": false, "a@e/b": true, "e": true} {
		a, err := stanza.ParseAddress(jid)
		if err != nil || list.matches(a) != want {
			t.Errorf("%s: %v, want %v (%v)", jid, !want, want, err)
		}
	}
}

// XEP-0191 §3.3 (S-52): who sees somebody go who blocks them is blocked already; nothing
// that they say then gets through.
func TestBlocking_BeforeItIsSeen(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	bob.Sync()
	entered, release := w.store.hold("Block")
	alice.Send(`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/></block></iq>`)
	entered()
	if got := presences(bob.Sync()); len(got) > 0 {
		t.Errorf("bob sees %v while alice's list is written", got)
	}
	release()
	bob.Until(`<presence xmlns="jabber:client" type="unavailable" from="alice@h/a"/>`)
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>x</body></message>`)
	bob.Until(`<message xmlns="jabber:client" type="error" id="m">` + stanzaErrorOf("cancel", "service-unavailable") + `</message>`)
}

// XEP-0206 §7 (B-53): what comes for a BOSH session that has died: presence is
// dropped, requests are refused, and messages wait for the account.
func TestServices_DeadBOSHSession(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	peer := vouched("alice")
	peer.Transport = stream.BOSH
	alice := w.boundAs(peer, "a")
	alice.Send(`<presence xmlns="jabber:client"/>`)
	alice.Sync()
	bob := w.online("bob", "b")
	alice.Drop() // as after its inactivity (XEP-0124 §10)
	alice.ended()
	bob.Until(`<presence xmlns="jabber:client" type="unavailable" from="alice@h/a"/>`)
	bob.Send(`<presence xmlns="jabber:client" to="alice@h/a"/>`)
	bob.Send(chat("alice@h/a", "m", ""))
	bob.refused(`<iq xmlns="jabber:client" type="get" id="1" to="alice@h/a"><query xmlns="jabber:iq:version"/></iq>`, "cancel", "service-unavailable")
	bob.none()
	if id := waitingID(t, w); id != "m" {
		t.Errorf("%q waits", id)
	}
}

// returning is a stream that could not deliver everything.
type returning struct {
	stream.Stream
	left [][]byte
}

func (r *returning) Undelivered() ([][]byte, time.Time) { return r.left, time.Now() }

// XEP-0206 §7 (B-53): messages that came for a BOSH session before it was known
// to be dead wait as well.
func TestServices_ReturnedByBOSH(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.bound("alice", "a")
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	r := &returning{Stream: alice.server, left: [][]byte{
		[]byte(`<presence xmlns="jabber:client" from="bob@h/b" to="alice@h/a"/>`),
		[]byte(`<message xmlns="jabber:client" from="bob@h/b" to="alice@h/a" type="chat" id="m"><body>x</body></message>`),
	}}
	s.mu.Lock()
	s.stream = r
	s.mu.Unlock()
	w.srv.end(s, stream.ErrDisconnected)
	if id := waitingID(t, w); id != "m" {
		t.Errorf("%q waits", id)
	}
}

// XEP-0191 §3.3, RFC 6121 §4.6 (S-52): who sees somebody by directed presence sees them go
// when they block; of an entry for one client or for a domain (§3.2) those whom it is about.
func TestBlocking_IsSeen(t *testing.T) {
	for _, c := range []struct {
		item       string
		subscribed bool   // bob sees alice by subscription; else she shows herself
		to         string // to whom
		want       string // which of bob's clients see her go
	}{
		{"bob@h", false, "bob@h", "phone laptop"},
		{"bob@h", false, "bob@h/phone", "phone"},
		{"bob@h/phone", false, "bob@h", "phone"},
		{"bob@h/phone", true, "", "phone"},
		{"bob@h", true, "", "phone laptop"},
		{"h", true, "", "phone laptop"},
		{"h/laptop", true, "", "laptop"},
		{"bob@h", true, "bob@h", "phone laptop"},
		{"carol@h", true, "", ""},
		{"conference.h", true, "", ""},
	} {
		t.Run(fmt.Sprint(c.item, c.to, c.subscribed), func(t *testing.T) {
			w := newWorld(t, "alice", "bob", "carol")
			if c.subscribed {
				w.store.subscribe("alice", "bob")
			}
			alice, phone, laptop := w.online("alice", "a"), w.online("bob", "phone"), w.online("bob", "laptop")
			if c.to != "" {
				alice.Send(`<presence xmlns="jabber:client" to="` + c.to + `"/>`)
			}
			alice.Sync()
			phone.Sync()
			laptop.Sync()
			alice.ask(`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="`+c.item+`"/></block></iq>`,
				`<iq xmlns="jabber:client" type="result" id="1"/>`)
			var got []string
			for _, of := range []*client{phone, laptop} {
				for _, e := range of.Sync() {
					if e.From == "alice@h/a" && e.Type == "unavailable" {
						got = append(got, strings.TrimPrefix(of.full, "bob@h/"))
					}
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v see her go, want %s", got, c.want)
			}
		})
	}
}

// XEP-0191 §3.3 (S-52): to somebody whom one blocks one neither shows oneself nor subscribes.
func TestBlocking_OutboundPresence(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.blocked["alice"] = []string{"bob@h"}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	for _, attrs := range []string{``, ` type="subscribe"`, ` type="subscribed"`} {
		alice.Send(`<presence xmlns="jabber:client" id="p" to="bob@h"` + attrs + `/>`)
		alice.Until(`<presence xmlns="jabber:client" type="error" id="p" from="bob@h"><error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><blocked xmlns="urn:xmpp:blocking:errors"/></error></presence>`)
	}
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="bob@h"/>`)
	if got := alice.Sync(); len(got) > 0 {
		t.Errorf("alice is told %s", got[0].Raw)
	}
	if got := bob.Sync(); len(got) > 0 {
		t.Errorf("bob is sent %s", got[0].Raw)
	}
}

// one account, however its domain is written.
func TestDomainInAnyWriting(t *testing.T) {
	if _, err := New(Config{Domain: "LOCALHOST", Authority: newMemStore()}); err == nil {
		t.Error("a domain that is not prepared is taken")
	}
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.Send(`<message xmlns="jabber:client" to="bob@H." type="chat" id="m"><body>x</body></message>`)
	bob.Until(`<message xmlns="jabber:client" id="m" from="alice@h/a" type="chat"><body>x</body><any xmlns="test"/></message>`)
	alice.ask(`<iq xmlns="jabber:client" type="get" id="p" to="H"><ping xmlns="urn:xmpp:ping"/></iq>`, `<iq xmlns="jabber:client" type="result" id="p"/>`)
}

// XEP-0092, XEP-0030 §3.1, XEP-0115 §5.1: apps are told what the site is called, whatever stands in its name.
func TestServices_Name(t *testing.T) {
	w := newWorldWith(t, Config{Name: "Garden & <Shed>"}, "alice")
	c := w.online("alice", "a")
	c.Sync()
	c.ask(`<iq xmlns="jabber:client" type="get" id="1" to="h"><query xmlns="jabber:iq:version"/></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="jabber:iq:version"><name>Garden &amp; &lt;Shed&gt;</name><version>1</version></query></iq>`)
	c.Send(`<iq xmlns="jabber:client" type="get" id="2" to="h"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`)
	query, _ := c.Read().Find(stanza.NSDiscoInfo, "query")
	var d stanza.Capabilities
	if err := query.Decode(&d); err != nil {
		t.Fatal(err)
	}
	if len(d.Identities) != 1 || d.Identities[0].Name != "Garden & <Shed>" {
		t.Errorf("%+v", d.Identities)
	}
	if err := d.Verify("sha-1", w.srv.ver); err != nil {
		t.Error(err)
	}
}
