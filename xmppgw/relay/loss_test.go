package relay

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
)

// Wherever in the sign-in the upstream is lost, the client's stream is dropped so that it
// comes back (B-50, B-61), and nobody waits longer than a sign-in may take.
func TestLoss_SigningIn(t *testing.T) {
	stages := []struct {
		name string
		play func(e *serverEnd)
	}{
		{"accepted", func(*serverEnd) {}},
		{"header", func(e *serverEnd) { _, _ = e.reader.Header() }},
		{"half a header", func(e *serverEnd) { e.send(`<stream:stream xmlns='jabber:cl`) }},
		{"features", func(e *serverEnd) { e.open(featurePlain) }},
		{"success", func(e *serverEnd) { e.open(featurePlain); e.success("alice") }},
		{"stream error", func(e *serverEnd) {
			e.send(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`)
		}},
	}
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	slow := newRelay(t, &site{}, func(c *Config) { c.DialTimeout, c.SignInTimeout = 50*time.Millisecond, 50*time.Millisecond }, u)
	for _, stage := range stages {
		c := serve(t, r, stream.WebSocket)
		c.authenticate()
		e := u.next()
		stage.play(e)
		e.conn.Close()
		if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
			t.Errorf("%s: Serve returns %v", stage.name, err)
		}

		// And one that goes silent there.
		c = serve(t, slow, stream.WebSocket)
		c.authenticate()
		if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
			t.Errorf("%s: Serve returns %v", stage.name, err)
		}
		u.next().conn.Close()
	}
}

// Only so many sign in at once; the others wait for their turn, within bounds.
func TestLoss_Turns(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.Dialling = 1 }, u)
	first, second := serve(t, r, stream.WebSocket), serve(t, r, stream.WebSocket)
	first.authenticate()
	e := u.next()
	second.authenticate()
	e.open(featurePlain)
	select {
	case <-u.conns:
		t.Error("two sign in at once")
	default:
	}
	e.success("alice")
	e.open(featureBind)
	first.begun()
	e = u.next()
	e.signIn(featureBind)
	second.begun()
	second.Read()
	second.Close()
	e.expectEnd()
}

// A silent link is kept open with white space (RFC 6120 §4.6.1).
func TestKeepAlive(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.KeepAlive = time.Millisecond }, u)
	_, e := connected(t, r, u, stream.WebSocket, featureBind)
	b := make([]byte, 1)
	if _, err := io.ReadFull(e.conn, b); err != nil || b[0] != ' ' {
		t.Errorf("the relay sends %q, %v", b, err)
	}
	e.conn.Close()
}

// An upstream that stands still, though its machine still answers, is asked for the
// acknowledgement that it owes, and then given up: the session is resumed on another link.
func TestKeepAlive_Dead(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.KeepAlive = time.Hour }, u)
	c, e := bound(t, r, u)
	e.send(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1")) // it is managed
	c.Send(message("bob@example.test", "1"))
	e.expect(message("bob@example.test", "1"))
	side := r.conns.all()[0].side
	side.keepAlive(time.Now().Add(time.Hour + time.Second))
	e.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	// And nothing more from here.
	side.keepAlive(time.Now().Add(2*time.Hour + time.Second))
	e.expectDrop()
	again := u.next()
	again.resumes(1, 0)
	again.expect(message("bob@example.test", "1"))
	again.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	again.send(`<a xmlns='urn:xmpp:sm:3' h='1'/>`)
	c.Close()
	again.expectEnd()
}

// A link on which nothing came for long is not given up for the first thing that is sent
// over it then.
func TestKeepAlive_LongSilent(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.KeepAlive = time.Hour }, u)
	c, e := bound(t, r, u)
	e.send(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1")) // it is managed
	m := r.conns.all()[0].side.(*smManaged)
	m.link.read.Store(time.Now().Add(-24 * time.Hour).UnixNano())
	c.Send(message("bob@example.test", "1"))
	e.expect(message("bob@example.test", "1"))
	m.keepAlive(time.Now())
	m.keepAlive(time.Now().Add(time.Hour + time.Second)) // now it owes an answer
	e.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	e.send(`<a xmlns='urn:xmpp:sm:3' h='1'/>`)
	c.Close()
	e.expectEnd()
}

// An outage is told once, and again each minute, however many clients come back meanwhile;
// and when it is over.
func TestOutage(t *testing.T) {
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	lines := func() int { return strings.Count(said.String(), "\n") }
	var o outage
	o.succeeded(log)
	if lines() != 0 {
		t.Errorf("said: %s", said.String())
	}
	for range 100 {
		o.failed(log, Upstream{written: "xmpp://h"}, errors.New("refused"))
	}
	if lines() != 1 {
		t.Errorf("said: %s", said.String())
	}
	o.told = o.told.Add(-outageEvery)
	o.failed(log, Upstream{}, errors.New("refused"))
	if lines() != 2 || !strings.Contains(said.String(), "sign_ins=100") {
		t.Errorf("said: %s", said.String())
	}
	o.succeeded(log)
	o.succeeded(log)
	if lines() != 3 {
		t.Errorf("said: %s", said.String())
	}

	// One person who is refused again and again, among others who get in.
	for range 100 {
		o.failed(log, Upstream{}, errors.New("refused"))
		o.succeeded(log)
	}
	if lines() != 3 {
		t.Errorf("said: %s", said.String())
	}
}
