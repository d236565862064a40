package relay

import (
	"fmt"
	"strings"
	"testing"

	"foyer/internal/stream"
)

// Servers of which there is no package to start (docs/SERVERS.md): what they say is played
// here as their sources have it, where that differs from what the other tests play.
//
//	MongooseIM 6  src/c2s/mongoose_c2s.erl, mongoose_c2s_stanzas.erl, src/stream_management/mod_stream_management.erl
//	Openfire 5    session/LocalClientSession.java, net/SASLAuthentication.java, streammanagement/StreamManager.java

// dialect is how a server speaks before anybody asks it anything.
type dialect struct {
	name    string
	before  string // features before SASL
	after   string // features behind it
	passed  string // of those, what a WebSocket client is to see
	success string
	enabled string // of stream management
	told    string // of that, what a WebSocket client is to see
	asks    string // whether something came
}

// mongooseIM with deploy/mongooseim: a session has to be opened (listen.c2s.backwards_compatible_session
// is on unless somebody turns it off), who is asked to resume says no time, and after each stanza comes
// a question (mod_stream_management.ack_freq is 1).
func mongooseIM() dialect {
	const hooked = `<sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>`
	return dialect{
		name:    "MongooseIM",
		before:  `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>` + hooked,
		after:   `<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><ver xmlns='urn:xmpp:features:rosterver'/>` + hooked,
		passed:  `<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>` + featureBind + `<ver xmlns='urn:xmpp:features:rosterver'/>` + hooked,
		success: `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`,
		enabled: `<enabled xmlns='urn:xmpp:sm:3' id='b3BhcXVl/+=' resume='true'/>`,
		told:    `<enabled xmlns='urn:xmpp:sm:3' id='b3BhcXVl/+=' resume='true'/>`,
		asks:    `<r xmlns='urn:xmpp:sm:3'/>`,
	}
}

// openfire with sasl.mechs=PLAIN, on the site's machine and with a certificate that nobody
// has to use. It says its limits twice, offers the second version of stream management
// besides the third, and tells on which of its nodes it likes to be resumed.
func openfire() dialect {
	const caps = `<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://www.igniterealtime.org/projects/openfire/" ver="q07IKJEyjvHSyhy//CH0CxmKi8w="/>`
	const limits = `<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>1048576</max-bytes><idle-seconds>360</idle-seconds></limits>`
	return dialect{
		name: "Openfire",
		before: `<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"></starttls>` + limits +
			`<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms><mechanisms xmlns="urn:xmpp:sasl:2"><mechanism>PLAIN</mechanism></mechanisms>` +
			`<compression xmlns="http://jabber.org/features/compress"><method>zlib</method></compression><ver xmlns="urn:xmpp:features:rosterver"/>` +
			`<auth xmlns="http://jabber.org/features/iq-auth"/><register xmlns="http://jabber.org/features/iq-register"/>` + caps + limits,
		after: `<compression xmlns="http://jabber.org/features/compress"><method>zlib</method></compression><ver xmlns="urn:xmpp:features:rosterver"/>` +
			`<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/><session xmlns="urn:ietf:params:xml:ns:xmpp-session"><optional/></session>` +
			`<sm xmlns='urn:xmpp:sm:2'/><sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>` + caps + limits,
		passed: `<ver xmlns="urn:xmpp:features:rosterver"/>` + featureBind + `<session xmlns="urn:ietf:params:xml:ns:xmpp-session"><optional/></session>` +
			featureSM + `<csi xmlns='urn:xmpp:csi:0'/>` + caps + `<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>1048576</max-bytes></limits>`,
		success: `<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`,
		enabled: `<enabled xmlns="urn:xmpp:sm:3" resume="true" id="b3BhcXVl/+=" location="openfire.internal" max="600"/>`,
		told:    `<enabled xmlns='urn:xmpp:sm:3' resume='true' id='b3BhcXVl/+=' max='600'/>`,
		asks:    `<r xmlns='urn:xmpp:sm:3' />`,
	}
}

const (
	previd         = `b3BhcXVl/+=`
	sessionRequest = `<iq xmlns='jabber:client' type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>`
	sessionResult  = `<iq xmlns='jabber:client' type='result' id='s' from='example.test' to='alice@example.test/r'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>`
	joinRoom       = `<presence xmlns='jabber:client' to='tea@conference.example.test/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
	inRoom         = `<presence xmlns='jabber:client' from='tea@conference.example.test/alice' to='alice@example.test/r'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' role='participant'/><status code='110'/></x></presence>`
	toRoom         = `<message xmlns='jabber:client' to='tea@conference.example.test' type='groupchat' id='g1'><body>hello</body></message>`
	ofRoom         = `<message xmlns='jabber:client' from='tea@conference.example.test/alice' to='alice@example.test/r' type='groupchat' id='g1'><body>hello</body></message>`
	smAsked        = `<r xmlns='urn:xmpp:sm:3'/>`
)

// smCount is an acknowledgement, as the relay and these servers write it.
func smCount(h int) string { return fmt.Sprintf(`<a xmlns='urn:xmpp:sm:3' h='%d'/>`, h) }

// greet opens a stream as the server does; to is whose stream it is, once that is known.
func (d dialect) greet(e *serverEnd, to, features string) {
	e.t.Helper()
	if _, err := e.reader.Header(); err != nil {
		e.t.Fatalf("no stream header: %v", err)
	}
	if to != "" {
		to = ` to="` + to + `"`
	}
	e.send(`<?xml version='1.0' encoding='UTF-8'?><stream:stream xmlns:stream="http://etherx.jabber.org/streams" xmlns="jabber:client" from="example.test" id="8zqx0pc1i" xml:lang="en"` +
		to + ` version="1.0"><stream:features>` + features + `</stream:features>`)
}

// signIn plays a sign-in of alice's by a token: PLAIN, without an authzid.
func (d dialect) signIn(e *serverEnd) {
	e.t.Helper()
	d.greet(e, "", d.before)
	e.expect(plainAuth("", "alice", "secret-alice"))
	e.send(d.success)
	d.greet(e, "alice@example.test", d.after)
}

// begin is a client of alice's that is signed in, with the server's end.
func (d dialect) begin(t *testing.T, r *Relay, u *upstream, transport stream.Transport) (*client, *serverEnd) {
	t.Helper()
	c := serve(t, r, transport)
	c.authenticate()
	e := u.next()
	d.signIn(e)
	c.begun()
	return c, e
}

// opens plays what follows the binding, where the server insists on it.
func (d dialect) opens(c *client, e *serverEnd) {
	e.t.Helper()
	if !strings.Contains(d.after, "xmpp-session'/>") {
		return
	}
	c.Send(sessionRequest)
	e.expect(sessionRequest)
	e.send(sessionResult)
	c.Expect(sessionResult)
}

// room plays that alice enters a room and speaks in it.
func (d dialect) room(c *client, e *serverEnd) {
	e.t.Helper()
	c.Send(joinRoom)
	e.expect(joinRoom)
	e.send(inRoom)
	c.Expect(inRoom)
	c.Send(toRoom)
	e.expect(toRoom)
	e.send(ofRoom)
	c.Expect(ofRoom)
}

func eachDialect(t *testing.T, play func(t *testing.T, d dialect)) {
	for _, d := range []dialect{mongooseIM(), openfire()} {
		t.Run(d.name, func(t *testing.T) { play(t, d) })
	}
}

// bind is what a client of one's own does when its stream begins: it binds a resource, and
// manages the stream itself.
func (d dialect) bind(c *client, e *serverEnd) {
	c.Send(bindRequest)
	e.expect(bindRequest)
	e.send(bindResult)
	c.Expect(bindResult)
	d.opens(c, e)
	c.Send(smEnable)
	e.expect(smEnable)
	e.send(d.enabled)
	c.Expect(d.told)
}

// Over WebSocket: signed in by a token, in a room; the link is lost, and the client takes
// its session up again, then another time from a held link, and at last too late (W-12, W-16).
func TestDialects_WebSocket(t *testing.T) {
	eachDialect(t, func(t *testing.T, d dialect) {
		u := newUpstream(t)
		r := newRelay(t, &site{}, nil, u)
		features := `<stream:features xmlns:stream='http://etherx.jabber.org/streams'>` + d.passed + `</stream:features>`
		c, e := d.begin(t, r, u, stream.WebSocket)
		c.Expect(features)
		d.bind(c, e)
		d.room(c, e)
		e.send(d.asks)
		c.Expect(smAsked)
		c.Send(smCount(2))
		e.expect(smCount(2))
		e.conn.Close()
		c.ended(t)

		resume := func() (*client, *serverEnd) {
			c, e := d.begin(t, r, u, stream.WebSocket)
			c.Expect(features)
			c.Send(`<resume xmlns='urn:xmpp:sm:3' previd='` + previd + `' h='2'/>`)
			e.expect(`<resume xmlns='urn:xmpp:sm:3' previd='` + previd + `' h='2'/>`)
			return c, e
		}
		const resumed = `<resumed xmlns='urn:xmpp:sm:3' previd='` + previd + `' h='2'/>`
		const kept = `<message xmlns='jabber:client' from='bob@example.test/x' to='alice@example.test/r'><body>meanwhile</body><delay xmlns='urn:xmpp:delay' stamp='2026-11-27T03:00:00.000Z' from='example.test'/></message>`
		c, e = resume()
		e.send(resumed + kept + d.asks)
		c.Expect(resumed)
		c.Expect(kept)
		c.Expect(smAsked)

		// Both end the connection that the session was on with a conflict, when it is taken up
		// from another one; the session is not over by that.
		c.Drop()
		c.ended(t)
		held := e
		c, e = resume()
		held.send(`<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`)
		e.send(resumed)
		c.Expect(resumed)
		held.conn.Close()
		c.Send(message("bob@example.test", "back"))
		e.expect(message("bob@example.test", "back"))
		e.conn.Close()
		c.ended(t)

		// Too late: the client binds on the same stream, and begins again.
		c, e = resume()
		const failed = `<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
		e.send(failed)
		c.Expect(failed)
		d.bind(c, e)
		c.Close()
		e.expectEnd()
	})
}

// Over BOSH, where the relay manages the stream: what it says is what these servers take,
// who count as well, and end the stream of somebody who counts otherwise.
func TestDialects_BOSH(t *testing.T) {
	eachDialect(t, func(t *testing.T, d dialect) {
		u := newUpstream(t)
		r := newRelay(t, &site{}, nil, u)
		c, e := d.begin(t, r, u, stream.BOSH)
		if el := c.Read(); strings.Contains(string(el.Raw), "urn:xmpp:sm:") {
			t.Errorf("a BOSH client is offered %s", el.Raw)
		}
		c.Send(bindRequest)
		e.expect(bindRequest)
		e.send(bindResult)
		c.Expect(bindResult)
		e.expect(smEnable) // before anything of the client's, and before the session is open
		e.send(d.enabled)
		sent, got := 2, 2 // in the room
		if strings.Contains(d.after, "xmpp-session'/>") {
			sent, got = 3, 3
		}
		d.opens(c, e)
		d.room(c, e)
		e.send(d.asks)
		e.expect(smCount(got))

		e.conn.Close()
		e = u.next()
		d.signIn(e)
		e.expect(fmt.Sprintf(`<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>`, previd, got))
		e.send(fmt.Sprintf(`<resumed xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>`, previd, sent-1) + d.asks)
		e.expect(toRoom) // which was lost with the link
		e.expect(smAsked)
		e.send(fmt.Sprintf(`<a xmlns='urn:xmpp:sm:3' h='%d' />`, sent))
		e.expect(smCount(got))
		e.send(ofRoom)
		c.Expect(ofRoom)
		c.Close()
		e.expectEnd()
	})
}

// What they refuse: a wrong token leaves the stream open, so that one more is tried, over a
// connection of its own; what ends the stream is passed on whole.
func TestDialects_Refused(t *testing.T) {
	eachDialect(t, func(t *testing.T, d dialect) {
		u, s := newUpstream(t), &site{}
		r := newRelay(t, s, nil, u)
		c := serve(t, r, stream.WebSocket)
		c.authenticate()
		for range 2 {
			e := u.next()
			d.greet(e, "", d.before)
			e.expect(plainAuth("", "alice", "secret-alice"))
			e.send(`<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>`)
			e.expectDrop()
		}
		c.ended(t)
		if s.asked != 2 {
			t.Errorf("%d credentials were made", s.asked)
		}

		// A client that takes longer than listen.c2s.state_timeout to bind, or more unread than
		// mod_stream_management.buffer_max; Openfire's administrator who closes a session.
		for _, condition := range []stream.Condition{"connection-timeout", stream.ResourceConstraint, stream.SystemShutdown} {
			c, e := d.begin(t, r, u, stream.WebSocket)
			c.Read()
			e.send(`<stream:error><` + string(condition) + ` xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`)
			wantCondition(t, c.ended(t), condition)
		}
	})
}
