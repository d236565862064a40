package relay

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// A conversation over WebSocket: the client's SASL is the relay's, the upstream's features
// come after it, without what would be negotiated with the upstream (W-12), and elements
// go both ways and stand alone (RFC 7395 §3.3.3, W-09, W-11).
func TestServe_WebSocket(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c := serve(t, r, stream.WebSocket)
	c.authenticate()
	e := u.next()
	e.signIn(featureBind + featureSM + featurePlain + featureTLS +
		`<sm xmlns='urn:xmpp:sm:2'/><compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression><ver xmlns='urn:xmpp:features:rosterver'/>`)
	c.begun()
	c.Expect(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'>` + featureBind + featureSM + `<ver xmlns='urn:xmpp:features:rosterver'/></stream:features>`)

	c.Send(bindRequest)
	e.expect(bindRequest)
	e.send(`<iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.test/r</jid></bind></iq>`)
	c.Expect(bindResult)
	c.Send(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	e.expect(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	e.send(`<enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>`)
	c.Expect(`<enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>`)
	// A resource that Converse has made up is not passed on.
	c.Send(`<message xmlns='jabber:client' from='alice@example.test/wrong' to='bob@example.test'><body>hello</body></message>`)
	e.expect(`<message xmlns='jabber:client' from='!' to='bob@example.test'><body>hello</body></message>`)
	e.send(`<message from='bob@example.test/x'><body>and to you</body></message>`)
	if el := c.Read(); string(el.Raw) != `<message xmlns="jabber:client" from='bob@example.test/x'><body>and to you</body></message>` {
		t.Errorf("the client gets %s", el.Raw)
	}
	if st := r.Stats(); st.SignedIn != 1 || st.Streams != 1 {
		t.Errorf("stats are %+v", st)
	}
	if ids := r.Identities(); len(ids) != 1 || ids[0] != identity("alice") {
		t.Errorf("identities are %v", ids)
	}
	c.Close()
	e.expectEnd()
	if err := c.ended(t); err != nil {
		t.Errorf("Serve returns %v", err)
	}
}

// The client learns what both the gateway and the upstream take (XEP-0478 §3).
func TestServe_Limits(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	for theirs, want := range map[string]string{
		"": "1000", "<max-bytes>500</max-bytes>": "500", "<max-bytes>5000</max-bytes><idle-seconds>1</idle-seconds>": "1000", "<max-bytes>x</max-bytes>": "1000",
	} {
		c := servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Identity: identity("alice"), External: true, MaxBytes: 1000, Idle: 90 * time.Second})
		c.Expect(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>` +
			`<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>1000</max-bytes><idle-seconds>90</idle-seconds></limits></stream:features>`)
		c.Send(authExternal)
		e := u.next()
		e.signIn(featureBind + `<limits xmlns='urn:xmpp:stream-limits:0'>` + theirs + `</limits>`)
		c.begun()
		c.Expect(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'>` + featureBind +
			`<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>` + want + `</max-bytes><idle-seconds>90</idle-seconds></limits></stream:features>`)
		c.Close()
		e.expectEnd()
	}
}

// A browser's token is proved to the site, and another one is made for the upstream. An
// authzid that is somebody else's gets nowhere (ejabberd before 26.07 would obey it).
func TestServe_Token(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c := servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Password: true})
	c.Expect(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>`)
	c.Send(plainAuth("", "alice", "wrong"))
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`)
	c.Send(plainAuth("bob@example.test", "alice", "token-alice"))
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><invalid-authzid/></failure>`)
	c.Send(plainAuth("alice@example.test", "alice", "token-alice"))
	e := u.next()
	e.signIn(featureBind)
	c.begun()
	c.Read()
	if ids := r.Identities(); len(ids) != 1 || ids[0] != identity("alice") {
		t.Errorf("identities are %v", ids)
	}
	c.Close()
	e.expectEnd()
}

// Nothing but SASL before the sign-in, a bounded number of attempts, and nobody who is
// not known (RFC 6120 §4.3.5, §6.4.5).
func TestServe_NotSignedIn(t *testing.T) {
	r := newRelay(t, &site{}, nil, newUpstream(t))
	c := serve(t, r, stream.WebSocket)
	c.Read()
	c.Send(message("bob@example.test", "hello"))
	wantCondition(t, c.ExpectEnd(), stream.NotAuthorized)

	c = servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Password: true})
	c.Read()
	for range saslAttempts {
		c.Send(plainAuth("", "alice", "wrong"))
		c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`)
	}
	wantCondition(t, c.ExpectEnd(), stream.PolicyViolation)

	c = servePeer(t, r, &stream.Peer{Transport: stream.WebSocket})
	c.Expect(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:features>`)
	c.Send(authExternal)
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><invalid-mechanism/></failure>`)
	c.Close()
}

func wantCondition(t testing.TB, err error, condition stream.Condition) {
	t.Helper()
	var se *stream.Error
	if !errors.As(err, &se) || se.Condition != condition {
		t.Errorf("the stream ends with %v; want %s", err, condition)
	}
}

// What is no stanza does not reach the upstream, which would negotiate again (RFC 6120
// §4.8.4).
func TestServe_Negotiation(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	for _, raw := range []string{
		`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
		plainAuth("", "bob", "token-bob"),
		`<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>`,
		`<features xmlns='http://etherx.jabber.org/streams'/>`,
		`<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>`,
		`<challenge xmlns='jabber:client'/>`,
	} {
		c, e := connected(t, r, u, stream.WebSocket, featureBind)
		c.Send(raw)
		e.expectEnd()
		wantCondition(t, c.ended(t), stream.UnsupportedStanzaType)
	}
	c, e := connected(t, r, u, stream.BOSH, featureBind+featureSM)
	// Converse, when it has changed from WebSocket: nobody has agreed to that, and it does no harm.
	c.Send(`<r xmlns='urn:xmpp:sm:3'/>`)
	c.Send(`<a xmlns='urn:xmpp:sm:3' h='1'/>`)
	c.Send(`<presence xmlns='jabber:client'/>`)
	e.expect(`<presence xmlns='jabber:client'/>`)
	c.Send(`<enable xmlns='urn:xmpp:sm:3'/>`)
	e.expectEnd()
	wantCondition(t, c.ended(t), stream.UnsupportedStanzaType)
}

// When the upstream is away, or does not sign in whom the site has vouched for, Converse
// must come back: a SASL failure, or remote-connection-failed, would end its chat for good
// (B-50, B-61).
func TestServe_UpstreamAway(t *testing.T) {
	u := newUpstream(t)
	u.listen.Close()
	r := newRelay(t, &site{}, nil, u)
	c := serve(t, r, stream.BOSH)
	c.authenticate()
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}
	if st := r.Stats(); st.Failed != 1 {
		t.Errorf("stats are %+v", st)
	}
}

// The first sign-in after a restart of Prosody fails: another credential is tried once.
func TestServe_Refused(t *testing.T) {
	u := newUpstream(t)
	s := &site{}
	r := newRelay(t, s, nil, u)
	refuse := func(condition string) {
		e := u.next()
		e.open(featurePlain)
		e.expect(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>*</auth>`)
		e.send(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><` + condition + `/></failure>`)
		e.expectDrop()
	}
	c := serve(t, r, stream.WebSocket)
	c.authenticate()
	refuse("not-authorized")
	e := u.next()
	e.signIn(featureBind)
	c.begun()
	c.Read()
	c.Close()
	e.expectEnd()
	if s.asked != 2 {
		t.Errorf("%d credentials were made", s.asked)
	}

	c = serve(t, r, stream.WebSocket)
	c.authenticate()
	refuse("not-authorized")
	refuse("temporary-auth-failure")
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}

	// That does not mend itself: the client is told.
	c = serve(t, r, stream.WebSocket)
	c.authenticate()
	refuse(string(sasl.AccountDisabled))
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><account-disabled/></failure>`)
	wantCondition(t, c.ended(t), stream.NotAuthorized)
}

// A stream error of the upstream is passed on whole, each child with its own xmlns
// (XEP-0124 §17.2, B-51, W-23); another host is nothing for the client.
func TestServe_StreamError(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := connected(t, r, u, stream.WebSocket, featureBind)
	e.send(`<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced</text><x xmlns='urn:x'>1</x></stream:error></stream:stream>`)
	err := c.ended(t)
	wantCondition(t, err, stream.Conflict)
	var se *stream.Error
	errors.As(err, &se)
	const want = `<stream:error xmlns:stream="http://etherx.jabber.org/streams"><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced</text><x xmlns='urn:x'>1</x></stream:error>`
	if got := string(se.Append(nil)); got != want {
		t.Errorf("the client gets %s", got)
	}

	c, e = connected(t, r, u, stream.WebSocket, featureBind)
	e.send(`<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>10.0.0.1:22</see-other-host></stream:error></stream:stream>`)
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}
}

// What the upstream ends without a reason, or breaks, ends the client's stream so that it
// comes back, and not so that it resumes into the same again.
func TestServe_UpstreamEnds(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(cfg *Config) { cfg.Limits.Bytes = 4 << 10 }, u)
	for name, test := range map[string]struct {
		raw  string
		want stream.Condition
	}{
		"in order":   {streamEnd, stream.SystemShutdown},
		"malformed":  {`<message><body></message></body>`, stream.InternalServerError},
		"restricted": {`<message><!-- --></message>`, stream.InternalServerError},
		"oversized":  {`<message><body>` + longText(5<<10) + `</body></message>`, stream.InternalServerError},
	} {
		c, e := connected(t, r, u, stream.WebSocket, featureBind)
		e.send(test.raw)
		err := c.ended(t)
		wantCondition(t, err, test.want)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// What the client's side ends with is what the client is told, and not that the upstream's
// link, which ends after it, is gone: who closes gets a close, and who breaks the rules an
// error, after which nobody comes back to the same again (RFC 7395 §3.5, §3.6, B-51).
func TestServe_ClientEnds(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	for _, transport := range []stream.Transport{stream.WebSocket, stream.BOSH} {
		c, e := connected(t, r, u, transport, featureBind)
		c.Send(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
		e.expectEnd()
		wantCondition(t, c.ExpectEnd(), stream.UnsupportedStanzaType)
		wantCondition(t, c.ended(t), stream.UnsupportedStanzaType)

		c, e = connected(t, r, u, transport, featureBind)
		c.Close()
		e.expectEnd()
		if err := c.ExpectEnd(); err != nil {
			t.Errorf("%s: a stream that its client closed ends with %v", transport, err)
		}
		if err := c.ended(t); err != nil {
			t.Errorf("%s: Serve returns %v", transport, err)
		}
	}
}

func longText(n int) string { return strings.Repeat("x", n) }

// The site makes no credential for somebody who has signed out meanwhile, or whom the
// upstream could not take: the client is told, and does not come back for ever.
func TestServe_NoCredential(t *testing.T) {
	u, s := newUpstream(t), &site{err: sasl.NotAuthorized}
	r := newRelay(t, s, nil, u)
	c := serve(t, r, stream.WebSocket)
	c.authenticate()
	u.next().open(featurePlain)
	wantCondition(t, c.ended(t), stream.NotAuthorized)

	s.err = fmt.Errorf("%w: its name is another one there", sasl.AccountDisabled)
	c = serve(t, r, stream.WebSocket)
	c.authenticate()
	u.next().open(featurePlain)
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><account-disabled/></failure>`)
	wantCondition(t, c.ended(t), stream.NotAuthorized)

	s.err = errors.New("the database is away")
	c = serve(t, r, stream.WebSocket)
	c.authenticate()
	u.next().open(featurePlain)
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}
}
