package xmppd

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// One fuzz target for each state of a stream. The input is a script, a line at a
// time: what alice's client sends or suffers, and, after "2", what bob's does.
// Whatever it is, the server does not panic, answers somebody else, and is done
// with everything within moments; goleak sees to the rest.

// seedStanzas are what clients send.
var seedStanzas = []string{
	`<presence xmlns="jabber:client"/>`,
	`<presence xmlns="jabber:client" type="unavailable"/>`,
	`<presence xmlns="jabber:client"><priority>-1</priority><x xmlns="vcard-temp:x:update"><photo/></x></presence>`,
	`<presence xmlns="jabber:client" to="bob@h" type="subscribe"/>` + "\n2" + `<presence xmlns="jabber:client" to="alice@h" type="subscribed"/>`,
	`<presence xmlns="jabber:client" to="bob@h" type="unsubscribe"/>` + "\n" + `<presence xmlns="jabber:client" to="bob@h/b"/>`,
	`<message xmlns="jabber:client" to="bob@h" type="chat" id="1"><body>x</body><active xmlns="http://jabber.org/protocol/chatstates"/></message>`,
	`<message xmlns="jabber:client" to="bob@h/b" type="groupchat"/>` + "\n" + `<message xmlns="jabber:client"><body/></message>`,
	`2<message xmlns="jabber:client" to="alice@h" type="chat" id="2"><body>x</body><delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/></message>`,
	`<enable xmlns="urn:xmpp:sm:3" resume="1"/>` + "\n2" + `<message xmlns="jabber:client" to="alice@h"><body>x</body></message>` + "\n" + `!drop` + "\n" + `!connect` + "\n" + `<resume xmlns="urn:xmpp:sm:3" previd="$id" h="1"/>`,
	`<r xmlns="urn:xmpp:sm:3"/>` + "\n" + `<a xmlns="urn:xmpp:sm:3" h="7"/>`,
	`<inactive xmlns="urn:xmpp:csi:0"/>` + "\n2" + `<presence xmlns="jabber:client"/>` + "\n" + `<active xmlns="urn:xmpp:csi:0"/>`,
	`<iq xmlns="jabber:client" type="set" id="1"><query xmlns="urn:xmpp:mam:2" queryid="q"><x xmlns="jabber:x:data" type="submit"><field var="with"><value>bob@h</value></field></x><set xmlns="http://jabber.org/protocol/rsm"><max>1</max><before/></set></query></iq>`,
	`<iq xmlns="jabber:client" type="get" id="1"><query xmlns="jabber:iq:roster" ver=""/></iq>`,
	`<iq xmlns="jabber:client" type="set" id="1"><query xmlns="jabber:iq:roster"><item jid="x@h" name="y"><group>g</group></item></query></iq>`,
	`<iq xmlns="jabber:client" type="set" id="1"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="remove"/></query></iq>`,
	`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/></block></iq>` + "\n" + `<iq xmlns="jabber:client" type="set" id="2"><unblock xmlns="urn:xmpp:blocking"/></iq>`,
	`<iq xmlns="jabber:client" type="set" id="1"><vCard xmlns="vcard-temp"><FN>A</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>eA==</BINVAL></PHOTO></vCard></iq>`,
	`<iq xmlns="jabber:client" type="set" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"/></query></iq>`,
	`<iq xmlns="jabber:client" type="set" id="1"><enable xmlns="urn:xmpp:carbons:2"/></iq>` + "\n" + `<iq xmlns="jabber:client" type="get" id="2" to="bob@h/b"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
	`<iq xmlns="jabber:client" type="get" id="1" to="h"><query xmlns="http://jabber.org/protocol/disco#items" node="x"/></iq>`,
	`<iq xmlns="jabber:client" type="get" id="1"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="urn:xmpp:avatar:metadata"/></pubsub></iq>`,
	`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>a</resource></bind></iq>`,
	`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AGFsaWNlAHNlY3JldA==</auth>` + "\n!open",
	`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL"/>` + "\n" + `<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">=</response>` + "\n!open",
	`<abort xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`,
	"!end", "!close", "!open", "!drop\n!connect\n!bind", "<a", "</a>", "<!DOCTYPE a>",
}

func FuzzAuthenticating(f *testing.F) {
	f.Add(authenticate("app", bindTest))
	f.Add(withToken(sasl.HTPlain, "x", "", fastNow, bindTest))
	fuzzState(f, func(w *world) *client {
		peer := vouched("alice")
		peer.Password, peer.Native, peer.SCRAM = true, true, true
		return w.connect(peer)
	})
}

// FuzzChallenged: SCRAM is under way, and the challenge has come.
func FuzzChallenged(f *testing.F) {
	f.Add(`<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">$final</response>` + "\n!open")
	f.Add(`<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">` + encode("c=biws,r=abc,p=YQ==") + `</response>`)
	f.Add(scramAuth("SCRAM-SHA-512", "n,,n=alice,r=xyz") + "\n" + `<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">$final</response>`)
	fuzzState(f, func(w *world) *client {
		s := newSCRAMClient(w.modernStream(), sasl.SHA256)
		final, _ := s.final(s.challenge())
		s.client.final = encode(final)
		return s.client
	})
}

// FuzzChallenged2: the same by SASL2, with everything that can come along.
func FuzzChallenged2(f *testing.F) {
	f.Add(`<response xmlns="urn:xmpp:sasl:2">` + encode("\x00alice\x00app") + `</response>` + "\n" + `<r xmlns="urn:xmpp:sm:3"/>`)
	f.Add(`<response xmlns="urn:xmpp:sasl:2">` + encode("\x00alice\x00wrong") + `</response>` + "\n" + authenticate("app", bindTest))
	f.Add(`<abort xmlns="urn:xmpp:sasl:2"/>` + "\n" + withToken(sasl.HTPlain, "x", "", fastNow, bindTest))
	fuzzState(f, func(w *world) *client {
		c := w.modernStream()
		c.Send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="PLAIN">` + userAgent + `<request-token xmlns="urn:xmpp:fast:0" mechanism="` + sasl.HTPlain + `"/>` + bindAll + `</authenticate>`)
		c.Expect(`<challenge xmlns="urn:xmpp:sasl:2"/>`)
		return c
	})
}

// bindAll binds with everything that Bind 2 can turn on.
const bindAll = `<bind xmlns="urn:xmpp:bind:0"><tag>Test</tag><enable xmlns="urn:xmpp:carbons:2"/><enable xmlns="urn:xmpp:sm:3" resume="true"/><inactive xmlns="urn:xmpp:csi:0"/></bind>`

func FuzzRestarting(f *testing.F) {
	fuzzState(f, func(w *world) *client {
		c := w.connect(vouched("alice"))
		c.Read()
		c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`)
		c.Expect(saslOK)
		return c
	})
}

func FuzzBinding(f *testing.F) {
	fuzzState(f, func(w *world) *client { return w.signIn("alice") })
}

func FuzzActive(f *testing.F) {
	fuzzState(f, func(w *world) *client { return w.online("alice", "a") })
}

// FuzzBound2: bound along with signing in (XEP-0386), without presence, with
// stream management and carbons on, and nobody looking.
func FuzzBound2(f *testing.F) {
	fuzzState(f, func(w *world) *client {
		c := w.modernStream()
		c.Send(authenticate("app", bindAll))
		c.Expect(success2(`{jid}</authorization-identifier><any xmlns="test"/>`))
		return c
	})
}

// FuzzManaged begins with stream management on, and stanzas that are not
// acknowledged.
func FuzzManaged(f *testing.F) {
	f.Add(`<a xmlns="urn:xmpp:sm:3" h="1"/>` + "\n" + `<r xmlns="urn:xmpp:sm:3"/>` + "\n!drop\n!connect\n" + `<resume xmlns="urn:xmpp:sm:3" previd="$id" h="2"/>`)
	f.Add(`<a xmlns="urn:xmpp:sm:3" h="4294967295"/>`)
	f.Add(`<a xmlns="urn:xmpp:sm:3"/>`)
	f.Add(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>` + "\n" + `<resume xmlns="urn:xmpp:sm:3" previd="$id" h="0"/>`)
	fuzzState(f, func(w *world) *client {
		c := w.online("alice", "a")
		c.enableSM()
		for _, id := range []string{"1", "2"} {
			w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"}).deliver([]byte(`<message xmlns="jabber:client" id="` + id + `"><body>x</body></message>`))
		}
		return c
	})
}

// FuzzResuming begins with a session that hibernates, with a message that was
// not acknowledged.
func FuzzResuming(f *testing.F) {
	fuzzState(f, func(w *world) *client {
		c := w.online("alice", "a")
		c.enableSM()
		w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"}).deliver([]byte(`<message xmlns="jabber:client" id="m"><body>x</body></message>`))
		c.Drop()
		c.ended()
		return w.signIn("alice")
	})
}

func fuzzState(f *testing.F, begin func(*world) *client) {
	for _, s := range slices.Concat(seedStanzas, converseStanzas) {
		f.Add(s)
	}
	f.Add(`<resume xmlns="urn:xmpp:sm:3" previd="$id" h="1"/>` + "\n" + `<a xmlns="urn:xmpp:sm:3" h="2"/>`)
	f.Fuzz(func(t *testing.T, script string) {
		watch := time.AfterFunc(time.Minute, func() {
			stacks := make([]byte, 1<<20)
			panic("stuck:\n" + string(stacks[:runtime.Stack(stacks, true)]))
		})
		defer watch.Stop()
		w, _ := modern(t, Config{}, "carol")
		w.store.subscribe("alice", "bob")
		bob, carol := w.online("bob", "b"), w.online("carol", "c")
		alice := begin(w)
		for i, line := range strings.SplitN(script, "\n", 64) {
			if i == 63 {
				break
			}
			if rest, ok := strings.CutPrefix(line, "2"); ok {
				bob.play(rest)
			} else {
				alice = alice.play(line)
			}
		}
		alice.Close()
		alice.ended()
		carol.Sync()
		w.srv.Shutdown(context.Background())
		w.serve.Wait()
		if n := w.srv.Stats().Sessions + int64(len(w.srv.registry.byResumption)); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// play does one line of a script. It returns the client that goes on.
func (c *client) play(line string) *client {
	switch line {
	case "!open":
		c.Restart()
	case "!close":
		c.Close()
	case "!drop":
		c.Drop()
	case "!connect": // the old stream may be open still
		return c.w.signIn("alice")
	case "!bind":
		return c.w.bound("alice", "a")
	case "!end":
		c.w.srv.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
	default:
		c.Send(strings.NewReplacer("$id", c.w.anyID(), "$final", c.final).Replace(line))
	}
	return c
}

// anyID returns the id of a session that can be resumed.
func (w *world) anyID() string {
	w.srv.registry.mu.RLock()
	defer w.srv.registry.mu.RUnlock()
	for id := range w.srv.registry.byResumption {
		return id
	}
	return "none"
}
