package xmppd

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"pgregory.net/rapid"
)

const (
	csiActive   = `<active xmlns="urn:xmpp:csi:0"/>`
	csiInactive = `<inactive xmlns="urn:xmpp:csi:0"/>`
)

func composing(to, state string) string {
	return `<message xmlns="jabber:client" to="` + to + `" type="chat" id="` + state + `"><` + state + ` xmlns="http://jabber.org/protocol/chatstates"/><no-store xmlns="urn:xmpp:hints"/></message>`
}

func showing(show string) string {
	return `<presence xmlns="jabber:client" id="` + show + `"><show>` + show + `</show></presence>`
}

// seen is what a client got, one word each: kind and id.
func seen(elements []*stream.Element) (out []string) {
	for _, e := range elements {
		if e.Name.Space == stream.NSClient {
			out = append(out, e.Name.Local+" "+e.ID)
		}
	}
	return out
}

// XEP-0352 §4.1 (S-97): the feature comes after login, whatever the transport.
func TestCSI_Feature(t *testing.T) {
	w := newWorld(t, "alice")
	for _, transport := range []stream.Transport{stream.WebSocket, stream.BOSH, stream.TCP} {
		peer := vouched("alice")
		peer.Transport = transport
		c := w.connect(peer)
		if features := c.Read(); strings.Contains(string(features.Raw), stanza.NSCSI) {
			t.Errorf("%s: before login: %s", transport, features.Raw)
		}
		c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`)
		c.Expect(saslOK)
		c.Restart()
		if _, ok := c.Read().Find(stanza.NSCSI, "csi"); !ok {
			t.Errorf("%s: no feature", transport)
		}
	}
}

// XEP-0352 §5.1 (S-97): what waited comes before the answer to a later request,
// in order, of each sender the latest; and nobody else is told anything.
func TestCSI_HoldsBack(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	w.store.subscribe("alice", "carol")
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.Sync()
	bob.Sync()
	alice.Send(csiInactive)
	alice.Sync()
	for _, show := range []string{"away", "xa", "dnd"} {
		bob.Send(showing(show))
	}
	bob.Send(composing("alice@h", "composing"))
	bob.Send(composing("alice@h", "paused"))
	if others := bob.Sync(); slices.ContainsFunc(others, func(e *stream.Element) bool { return e.From != bob.full }) {
		t.Errorf("bob learnt of it: %v", others)
	}
	carol.Send(showing("away"))
	carol.Sync()
	if n := alice.server.(*streamtest.Server).Queued(); n != 0 {
		t.Errorf("%d stanzas were not held back", n)
	}
	if got := seen(alice.Sync()); fmt.Sprint(got) != "[presence dnd message paused presence away]" {
		t.Errorf("alice got %q", got)
	}
	bob.Send(showing("away")) // still inactive
	bob.Sync()
	alice.Send(csiActive)
	alice.Until(`<presence xmlns="jabber:client" id="away" from="bob@h/b"><any xmlns="test"/></presence>`)
	bob.Send(showing("xa"))
	alice.Until(`<presence xmlns="jabber:client" id="xa" from="bob@h/b"><any xmlns="test"/></presence>`)
	alice.Send(`<away xmlns="urn:xmpp:csi:0"/>`)
	if got := streamCondition(alice.ExpectEnd()); got != stream.UnsupportedStanzaType {
		t.Errorf("ended with %s", got)
	}
}

// S-97: a message is important: it comes at once, after what waited. Copies of
// chat states wait too (XEP-0280).
func TestCSI_MessageComesAtOnce(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	one, two, bob := w.online("alice", "one"), w.online("alice", "two"), w.online("bob", "b")
	one.ask(`<iq xmlns="jabber:client" type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="c"/>`)
	one.Send(csiInactive)
	one.Sync()
	two.Send(composing("bob@h/b", "composing"))
	two.Send(composing("bob@h/b", "paused"))
	two.Sync()
	bob.Send(showing("away"))
	bob.Send(chat("alice@h", "m", ""))
	bob.Sync()
	one.Until(`<message xmlns="jabber:client" type="chat"><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" id="paused"><any xmlns="test"/></message></forwarded></sent></message>`)
	one.Expect(`<presence xmlns="jabber:client" id="away"><any xmlns="test"/></presence>`)
	one.Expect(`<message xmlns="jabber:client" id="m"><any xmlns="test"/></message>`)
}

// What may wait, and what may not (XEP-0352 §3.2).
func TestCSI_Deferrable(t *testing.T) {
	s := &session{full: "alice@h/a"}
	muc := func(attrs, inner string) string {
		return `<presence xmlns="jabber:client" from="room@conference.h/nick"` + attrs + `><x xmlns="http://jabber.org/protocol/muc#user">` + inner + `</x></presence>`
	}
	for raw, want := range map[string]bool{
		`<presence xmlns="jabber:client" from="bob@h/b"/>`:                                    true,
		`<presence xmlns="jabber:client" from="bob@h/b" type="unavailable"/>`:                 true,
		`<presence xmlns="jabber:client" from="alice@h/a"/>`:                                  false,
		`<presence xmlns="jabber:client" from="alice@h/other"/>`:                              true,
		`<presence xmlns="jabber:client" from="bob@h" type="subscribe"/>`:                     false,
		`<presence xmlns="jabber:client" from="bob@h/b" type="error"/>`:                       false,
		muc("", `<item role="participant"/>`):                                                 true,
		muc("", `<item role="participant"/><status code="110"/>`):                             false,
		muc(` type="unavailable"`, `<item role="none"/><destroy/>`):                           false,
		muc(` type="unavailable"`, `<item role="none"/><status code="307"/>`):                 true,
		composing("alice@h", "composing"):                                                     true,
		strings.Replace(composing("alice@h", "composing"), "no-store", "store", 1):            false,
		strings.Replace(composing("alice@h", "active"), "</message>", "<body/></message>", 1): false,
		strings.Replace(composing("alice@h", "active"), `"chat"`, `"error"`, 1):               false,
		chat("alice@h", "m", ""):                                                              false,
		`<message xmlns="jabber:client"/>`:                                                    false,
		`<iq xmlns="jabber:client" type="set" id="1"/>`:                                       false,
	} {
		if _, got := s.deferrable([]byte(raw)); got != want {
			t.Errorf("%v: %s", got, raw)
		}
	}
}

// What waits is bounded: beyond that it goes out, and nothing is lost.
func TestCSI_Bounded(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	alice.Send(csiInactive)
	alice.Sync()
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	for i := range 2*maxHeld + 1 {
		s.deliver([]byte(fmt.Sprintf(`<presence xmlns="jabber:client" from="room@h/%d" id="p%d"/>`, i, i)))
		if n := len(s.held.latest); n > maxHeld {
			t.Fatalf("%d are held", n)
		}
	}
	large := strings.Repeat("x", maxHeldBytes/4)
	for i := range 5 {
		s.deliver([]byte(fmt.Sprintf(`<presence xmlns="jabber:client" from="room@h/large%d" id="l%d"><status>%s</status></presence>`, i, i, large)))
	}
	if s.held.size > maxHeldBytes {
		t.Errorf("%d bytes are held", s.held.size)
	}
	got := seen(alice.Sync())
	for i := range 2*maxHeld + 1 {
		if got[i] != fmt.Sprint("presence p", i) {
			t.Fatalf("%s at %d", got[i], i)
		}
	}
	if len(got) != 2*maxHeld+1+5 {
		t.Errorf("%d stanzas", len(got))
	}
}

// XEP-0352 §5.2 (S-97): a resumed stream is active; what waited was not counted,
// and comes.
func TestCSI_Resumed(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	id := alice.enableSM()
	alice.Sync() // 1: bob, unless he came before; so count
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	alice.Send(csiInactive)
	alice.Send(`<a xmlns="urn:xmpp:sm:3" h="` + fmt.Sprint(len(s.sm.unacked)) + `"/>`)
	alice.Sync()
	bob.Send(showing("away"))
	bob.Sync()
	alice.Drop()
	alice.ended()
	bob.Send(showing("xa")) // held while nobody is there, too
	bob.Sync()
	handled := s.sm.acked + uint32(len(s.sm.unacked))
	again := w.signIn("alice")
	again.Send(resume(id, int(handled)))
	again.Expect(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `"/>`)
	again.Expect(`<presence xmlns="jabber:client" id="xa" from="bob@h/b"><any xmlns="test"/></presence>`)
	again.Expect(`<r xmlns="urn:xmpp:sm:3"/>`)
	bob.Send(showing("dnd"))
	again.Expect(`<presence xmlns="jabber:client" id="dnd" from="bob@h/b"><any xmlns="test"/></presence>`)
	again.Send(`<a xmlns="urn:xmpp:sm:3" h="` + fmt.Sprint(handled+2) + `"/>`)
	again.Sync()
	if n := len(s.sm.unacked); n != 1 { // the pong
		t.Errorf("%d unacknowledged", n)
	}
}

// Whatever the client says of itself and whatever its stream suffers: it gets
// every message once and in order, and of each sender's presence the last, all
// in the order in which it was sent (S-97).
func TestCSI_LosesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, "alice")
		defer w.srv.Shutdown(t.Context())
		alice := w.bound("alice", "a")
		id := alice.enableSM()
		s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
		var sent, got []string
		handled := 0
		take := func(elements []*stream.Element, pongs int) {
			handled += pongs
			for _, line := range seen(elements) {
				handled++
				if !strings.Contains(line, "sync") {
					got = append(got, line)
				}
			}
		}
		last := map[string]string{}
		for i := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"active", "inactive", "presence", "presence", "message", "sync", "drop"}).Draw(rt, "step") {
			case "active":
				alice.Send(csiActive)
			case "inactive":
				alice.Send(csiInactive)
			case "presence":
				from := fmt.Sprint("bob", rapid.IntRange(0, 2).Draw(rt, "sender"), "@h/b")
				line := fmt.Sprint("presence ", i)
				sent, last[from] = append(sent, line), line
				s.deliver([]byte(fmt.Sprintf(`<presence xmlns="jabber:client" from="%s" id="%d"/>`, from, i)))
			case "message":
				sent = append(sent, fmt.Sprint("message ", i))
				s.deliver([]byte(fmt.Sprintf(`<message xmlns="jabber:client" from="bob@h/b" id="%d"><body>x</body></message>`, i)))
			case "sync":
				take(alice.Sync(), 1)
			case "drop":
				alice.Drop()
				alice.ended()
				alice = w.signIn("alice")
				alice.Send(resume(id, handled))
				alice.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `"/>`)
			}
		}
		take(alice.Sync(), 1)
		at := 0
		for _, line := range got {
			i := slices.Index(sent[at:], line)
			if i < 0 {
				rt.Fatalf("%s out of order, twice or from nowhere: %v of %v", line, got, sent)
			}
			at += i + 1
		}
		for _, line := range sent {
			if strings.HasPrefix(line, "message") && !slices.Contains(got, line) {
				rt.Fatalf("%s is lost: %v", line, got)
			}
		}
		for from, line := range last {
			if !slices.Contains(got, line) {
				rt.Fatalf("the last presence of %s is lost: %v", from, got)
			}
		}
	})
}
