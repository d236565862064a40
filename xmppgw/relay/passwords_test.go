package relay

import (
	"encoding/base64"
	"testing"

	"foyer/internal/stream"
)

// An upstream that knows only real passwords gets the one that the site found good, once,
// and its refusal is the client's: asking again would be another guess. Who brings no
// password gets no further.
func TestServe_PassPasswords(t *testing.T) {
	u := newUpstream(t)
	s := &site{}
	r := newRelay(t, s, func(c *Config) { c.PassPasswords = true }, u)
	real := `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>` + base64.StdEncoding.EncodeToString([]byte("\x00alice\x00token-alice")) + `</auth>`
	serve := func() *client {
		c := servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Password: true})
		c.Read()
		c.Send(plainAuth("", "alice", "token-alice"))
		return c
	}
	c := serve()
	e := u.next()
	e.open(offers("PLAIN"))
	e.expect(real)
	e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	e.open(featureBind)
	c.begun()
	c.Read()
	c.Close()
	e.expectEnd()

	c = serve()
	e = u.next()
	e.open(offers("PLAIN"))
	e.expect(real)
	e.send(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`)
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`)
	wantCondition(t, c.ExpectEnd(), stream.NotAuthorized)

	// One that was changed while a BOSH stream was there is tried once as well.
	c = servePeer(t, r, &stream.Peer{Transport: stream.BOSH, Password: true})
	c.Read()
	c.Send(plainAuth("", "alice", "token-alice"))
	e = u.next()
	e.open(offers("PLAIN"))
	e.expect(real)
	e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	e.open(featureBind + featureSM)
	c.begun()
	c.Read()
	c.Send(bindRequest)
	e.expect(bindRequest)
	e.send(bindResult)
	c.Expect(bindResult)
	e.expect(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	e.send(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true' max='120'/>` + message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1"))
	e.conn.Close()
	e = u.next()
	e.open(offers("PLAIN"))
	e.expect(real)
	e.send(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`)
	wantCondition(t, c.ended(t), stream.SystemShutdown)

	c = servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Identity: identity("alice"), External: true})
	c.Read()
	c.Send(authExternal)
	u.next().open(offers("PLAIN"))
	if err := c.ExpectEnd(); err == nil {
		t.Error("somebody without a password is let in")
	}
	if s.asked != 0 {
		t.Errorf("%d credentials were made", s.asked)
	}
}
