package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// On BOSH the relay manages the stream towards the upstream (XEP-0198): the client sees
// nothing of it.
func TestManaged(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := bound(t, r, u)
	e.send(message("alice@example.test", "1") + message("alice@example.test", "2") + `<r xmlns='urn:xmpp:sm:3'/>`)
	c.Expect(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "2"))
	e.expect(`<a xmlns='urn:xmpp:sm:3' h='2'/>`)
	for i := range ackEvery {
		c.Send(message("bob@example.test", fmt.Sprint(i)))
		e.expect(message("bob@example.test", fmt.Sprint(i)))
	}
	e.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	e.send(`<a xmlns='urn:xmpp:sm:3' h='10'/>`)
	c.Close()
	e.expectEnd()
	if err := c.ended(t); err != nil {
		t.Errorf("Serve returns %v", err)
	}
}

// resumes expects the relay's resumption on another connection, and grants it.
func (e *serverEnd) resumes(h, handled int) {
	e.t.Helper()
	e.signIn(featureBind + featureSM)
	e.expect(fmt.Sprintf(`<resume xmlns='urn:xmpp:sm:3' previd='resume-1' h='%d'/>`, h))
	e.send(fmt.Sprintf(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='%d'/>`, handled))
}

// A link that is lost is resumed: what the upstream has not handled is sent again, what it
// had sent comes once, and the client notices nothing.
func TestManaged_Resume(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := bound(t, r, u)
	e.send(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1"))
	c.Send(message("bob@example.test", "handled"))
	e.expect(message("bob@example.test", "handled"))
	c.Send(message("bob@example.test", "lost"))
	e.expect(message("bob@example.test", "lost"))
	e.conn.Close()
	c.Send(message("bob@example.test", "meanwhile"))
	c.Send(`<inactive xmlns='urn:xmpp:csi:0'/>`)

	// The first attempts meet a server that has not started yet.
	u.next().conn.Close()
	u.next().conn.Close()
	e = u.next()
	e.resumes(1, 1)
	e.expect(message("bob@example.test", "lost"))
	e.expect(message("bob@example.test", "meanwhile"))
	e.expect(`<inactive xmlns='urn:xmpp:csi:0'/>`) // XEP-0352 §5.2
	e.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	e.send(`<a xmlns='urn:xmpp:sm:3' h='3'/>` + message("alice@example.test", "2"))
	c.Expect(message("alice@example.test", "2"))
	if st := r.Stats(); st.Lost != 1 || st.Resumed != 1 || st.Streams != 1 {
		t.Errorf("stats are %+v", st)
	}
	c.Close()
	e.expectEnd()
}

// Who is signed out while the relay takes the session up on another link is not left at
// the upstream: it is taken up, and ended.
func TestManaged_EndedWhileResuming(t *testing.T) {
	u, s := newUpstream(t), &site{}
	r := newRelay(t, s, nil, u)
	c, e := bound(t, r, u)
	e.send(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1"))
	e.conn.Close()
	e = u.next()
	e.signIn(featureBind + featureSM)
	e.expect(`<resume xmlns='urn:xmpp:sm:3' previd='resume-1' h='1'/>`)
	s.end("session-alice")
	r.End(stream.Scope{User: "alice"}, nil)
	e.send(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='0'/>`)
	e.expectEnd()
	c.ended(t)
	if s.asked != 2 {
		t.Errorf("%d credentials were made", s.asked)
	}
}

// What cannot be resumed is system-shutdown, after which Converse signs in again (B-50,
// B-61); as is a link that is lost before anything was agreed.
func TestManaged_NotResumed(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := bound(t, r, u)
	c.Send(message("bob@example.test", "1"))
	e.expect(message("bob@example.test", "1"))
	e.conn.Close()
	e = u.next()
	e.signIn(featureBind + featureSM)
	e.expect(`<resume xmlns='urn:xmpp:sm:3' previd='resume-1' h='0'/>`)
	e.send(`<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`)
	e.expectEnd()
	wantCondition(t, c.ended(t), stream.SystemShutdown)

	// More than was ever sent: the counts do not agree.
	c, e = bound(t, r, u)
	e.send(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1"))
	e.conn.Close()
	e = u.next()
	e.resumes(1, 7)
	e.expectEnd()
	wantCondition(t, c.ended(t), stream.SystemShutdown)

	c, e = connected(t, r, u, stream.BOSH, featureBind+featureSM)
	e.conn.Close()
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) { // system-shutdown, as features were sent
		t.Errorf("Serve returns %v", err)
	}
}

// What waits for acknowledgement is bounded: then the client is read no more until there is
// one, from the first moment on.
func TestManaged_Bounded(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.Unacked = 1 << 10 }, u)
	c, e := connected(t, r, u, stream.BOSH, featureBind+featureSM)
	c.Send(bindRequest)
	e.expect(bindRequest)
	e.send(bindResult)
	c.Expect(bindResult)
	e.expect(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	first, second, third := message("b", strings.Repeat("1", 1<<10)), message("b", strings.Repeat("2", 1<<10)), message("b", "3")
	c.Send(first)
	c.Send(second)
	c.Send(third)
	e.expect(first)
	e.send(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true'/>`)
	e.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	e.send(`<a xmlns='urn:xmpp:sm:3' h='1'/>`)
	e.expect(second)
	e.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	e.send(`<a xmlns='urn:xmpp:sm:3' h='2'/>`)
	e.expect(third)

	// An acknowledgement of what was never sent: nothing is certain any more.
	e.send(`<a xmlns='urn:xmpp:sm:3' h='9'/>`)
	e.expectEnd()
	wantCondition(t, c.ended(t), stream.InternalServerError)
}

// A link is resumed only for somebody who still stands, and for as long as was said.
func TestManaged_NotResumedAnyMore(t *testing.T) {
	u, s := newUpstream(t), &site{}
	r := newRelay(t, s, func(c *Config) { c.ResumeFor = time.Nanosecond }, u)
	c, e := bound(t, r, u)
	e.send(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1"))
	e.conn.Close()
	u.next().conn.Close()                                           // the one attempt
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) { // system-shutdown, as features were sent
		t.Errorf("Serve returns %v", err)
	}
	endsHibernating(t, u, 1)

	c, e = bound(t, r, u)
	e.send(message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1"))
	s.end("session-alice") // and End was not heard of
	e.conn.Close()
	wantCondition(t, c.ended(t), stream.NotAuthorized)
	endsHibernating(t, u, 1)
}

// A session that the upstream has ended itself is not taken up again to be ended: at its
// restart, everybody's would be.
func TestManaged_EndedByUpstream(t *testing.T) {
	u := newUpstream(t)
	s := &site{}
	r := newRelay(t, s, nil, u)
	for _, end := range []string{streamEnd, `<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`} {
		for _, transport := range []stream.Transport{stream.BOSH, stream.WebSocket} {
			var c *client
			var e *serverEnd
			if transport == stream.BOSH {
				c, e = bound(t, r, u)
			} else {
				c, e = resumable(t, r, u)
			}
			e.send(end)
			e.conn.Close()
			wantCondition(t, c.ended(t), stream.SystemShutdown)
		}
	}
	if s.asked != 4 || r.Stats().Hibernating != 0 {
		t.Errorf("%d credentials were made; stats are %+v", s.asked, r.Stats())
	}
}

// A server without XEP-0198, or that refuses it, is carried without.
func TestManaged_Without(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := connected(t, r, u, stream.BOSH, featureBind)
	c.Send(bindRequest)
	e.expect(bindRequest)
	e.send(bindResult)
	c.Expect(bindResult)
	c.Send(message("bob@example.test", "1"))
	e.expect(message("bob@example.test", "1"))
	e.conn.Close()
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}

	c, e = connected(t, r, u, stream.BOSH, featureBind+featureSM)
	c.Send(bindRequest)
	e.expect(bindRequest)
	e.send(bindResult)
	c.Expect(bindResult)
	e.expect(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	e.send(`<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>` + message("alice@example.test", "1"))
	c.Expect(message("alice@example.test", "1"))
	c.Close()
	e.expectEnd()
}

// Signing out ends a stream whatever it is doing, here and at the upstream, where nothing
// is left to resume.
func TestEnd(t *testing.T) {
	signedOut := &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"}
	out := func(r *Relay, s *site) {
		s.end("session-alice")
		r.End(stream.Scope{Session: "session-alice"}, signedOut)
	}
	tests := map[string]func(t *testing.T, r *Relay, s *site, u *upstream){
		"before the sign-in": func(t *testing.T, r *Relay, s *site, u *upstream) {
			c := serve(t, r, stream.WebSocket)
			c.Read()
			out(r, s)
			wantCondition(t, c.ended(t), stream.NotAuthorized)
		},
		"while the upstream is dialled": func(t *testing.T, r *Relay, s *site, u *upstream) {
			c := serve(t, r, stream.WebSocket)
			c.authenticate()
			e := u.next()
			e.open(featurePlain)
			e.expect(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>*</auth>`)
			out(r, s)
			e.expectDrop()
			c.ended(t)
			wantCondition(t, c.ExpectEnd(), stream.NotAuthorized)
		},
		"between the credential and the success": func(t *testing.T, r *Relay, s *site, u *upstream) {
			c := serve(t, r, stream.WebSocket)
			c.authenticate()
			e := u.next()
			e.open(featurePlain)
			s.end("session-alice") // and End was not heard of
			e.success("alice")
			e.open(featureBind)
			e.expectEnd()
			wantCondition(t, c.ended(t), stream.NotAuthorized)
		},
		"before the restart": func(t *testing.T, r *Relay, s *site, u *upstream) {
			c := serve(t, r, stream.WebSocket)
			c.authenticate()
			e := u.next()
			e.signIn(featureBind)
			c.Expect(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
			out(r, s)
			e.expectEnd()
			wantCondition(t, c.ended(t), stream.NotAuthorized)
		},
		"chatting over WebSocket": func(t *testing.T, r *Relay, s *site, u *upstream) {
			c, e := connected(t, r, u, stream.WebSocket, featureBind)
			out(r, s)
			e.expectEnd()
			wantCondition(t, c.ended(t), stream.NotAuthorized)
		},
		"chatting over BOSH": func(t *testing.T, r *Relay, s *site, u *upstream) {
			c, e := bound(t, r, u)
			out(r, s)
			e.expectEnd()
			wantCondition(t, c.ended(t), stream.NotAuthorized)
		},
		"while the relay resumes": func(t *testing.T, r *Relay, s *site, u *upstream) {
			c, e := bound(t, r, u)
			e.conn.Close()
			e = u.next()
			e.open(featurePlain)
			out(r, s)
			wantCondition(t, c.ended(t), stream.NotAuthorized)
			// What waits at the upstream is taken up, and ended there.
			endsHibernating(t, u, 0)
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u, s := newUpstream(t), &site{}
			test(t, newRelay(t, s, nil, u), s, u)
		})
	}
}

// endsHibernating expects that a session which waits at the upstream is ended there: taken up,
// and closed in order.
func endsHibernating(t *testing.T, u *upstream, h int) {
	t.Helper()
	e := u.next()
	e.signIn(featureBind + featureSM)
	e.expect(fmt.Sprintf(`<resume xmlns='urn:xmpp:sm:3' previd='resume-1' h='%d'/>`, h))
	e.send(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='0'/>`)
	e.expectEnd()
}

// An upstream that takes nothing slows its client down, and what is queued for it is
// bounded. It cannot be told of the end any more: the session that it keeps is ended by a
// separate link.
func TestEnd_Stalled(t *testing.T) {
	u, s := newUpstream(t), &site{}
	r := newRelay(t, s, func(c *Config) { c.Stalled = 2 * time.Second }, u)
	c, e := connected(t, r, u, stream.WebSocket, featureBind+featureSM)
	e.send(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true'/>`)
	c.Expect(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true'/>`)
	large := message("bob@example.test", strings.Repeat("x", 64<<10))
	for range 512 {
		c.Send(large)
	}
	queue := r.conns.all()[0].side.(*smPassthrough).link.queue
	eventually(t, "slowed down", func() bool { return queue.Len() > r.cfg.Queue/4/len(large) })
	s.end("session-alice")
	r.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
	wantCondition(t, c.ExpectEnd(), stream.NotAuthorized)
	if most := r.cfg.Queue/len(large) + 1; queue.Len() > most {
		t.Errorf("%d elements are queued", queue.Len())
	}
	endsHibernating(t, u, 0)
	c.ended(t)
}

// A client that reads slowly slows down its upstream; nothing is lost or piles up.
func TestServe_SlowClient(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := connected(t, r, u, stream.WebSocket, featureBind)
	const n = 200 // times 64 KiB is three times what may be queued
	go func() {
		for i := range n {
			_, _ = e.conn.Write([]byte(`<message id='` + strconv.Itoa(i) + `'><body>` + strings.Repeat("x", 64<<10) + `</body></message>`))
		}
	}()
	eventually(t, "full", func() bool { return c.stream.Queued() >= 16 })
	for i := range n {
		if el := c.Read(); el.ID != strconv.Itoa(i) {
			t.Fatalf("message %s instead of %d", el.ID, i)
		}
	}
	c.Close()
	e.expectEnd()
}

// The upstream learns of the end at once, and not only when the client has closed its side
// as well, which a WebSocket is given time for (RFC 7395 §3.6).
func TestEnd_LingeringClient(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	st, pipe := streamtest.Pipe(t)
	c := &client{pipe, st, make(chan error, 1)}
	lingering := &lingering{Server: st, closed: make(chan struct{})}
	c.serve(r, lingering, &stream.Peer{Transport: stream.WebSocket, Identity: identity("alice"), External: true})
	c.authenticate()
	e := u.next()
	e.signIn(featureBind)
	c.begun()
	c.Read()
	r.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
	e.expectEnd()
	close(lingering.closed)
	wantCondition(t, c.ended(t), stream.NotAuthorized)
}

// lingering is a stream whose client takes its time to close its side.
type lingering struct {
	*streamtest.Server
	closed chan struct{}
}

func (l *lingering) Recv(ctx context.Context) (*stream.Element, error) {
	el, err := l.Server.Recv(ctx)
	if err != nil {
		<-l.closed
	}
	return el, err
}

// When the program stops, BOSH sessions end at the upstream as well, and those of clients
// that can resume wait there (system-shutdown brings all of them back).
func TestShutdown(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	bosh, e1 := bound(t, r, u)
	ws, e2 := connected(t, r, u, stream.WebSocket, featureBind+featureSM)
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(t.Context()) }()
	e1.expectEnd()
	e2.expectDrop()
	wantCondition(t, bosh.ended(t), stream.SystemShutdown)
	wantCondition(t, ws.ended(t), stream.SystemShutdown)
	if err := <-done; err != nil {
		t.Error(err)
	}
	late := serve(t, r, stream.WebSocket)
	wantCondition(t, late.ended(t), stream.SystemShutdown)
}

// XEP-0206 §7 (B-53): what came for a BOSH client that did not come back goes back:
// messages so that the server keeps them, requests so that nobody waits.
func TestManaged_Undelivered(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	st, pipe := streamtest.Pipe(t)
	c := &client{pipe, st, make(chan error, 1)}
	lost := &losing{Server: st}
	c.serve(r, lost, &stream.Peer{Transport: stream.BOSH, Identity: identity("alice"), External: true})
	c.authenticate()
	e := u.next()
	e.signIn(featureBind + featureSM)
	c.begun()
	c.Read()
	lost.left = [][]byte{
		[]byte(`<message xmlns="jabber:client" from="bob@example.test/x" id="m" type="chat"><body>hello</body></message>`),
		[]byte(`<presence xmlns="jabber:client" from="bob@example.test/x"/>`),
		[]byte(`<iq xmlns="jabber:client" from="bob@example.test/x" id="i" type="get"><q xmlns="urn:x"/></iq>`),
		[]byte(`<iq xmlns="jabber:client" from="bob@example.test/x" id="r" type="result"/>`),
		[]byte(`<message xmlns="jabber:client" from="bob@example.test/x" id="e" type="error"/>`),
	}
	c.Drop()
	e.expect(`<message xmlns='jabber:client' type='error' id='m' to='bob@example.test/x'><error type='wait'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`)
	e.expect(`<iq xmlns='jabber:client' type='error' id='i' to='bob@example.test/x'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`)
	e.expectEnd()
	c.ended(t)
}

// losing is a stream that could not deliver something.
type losing struct {
	*streamtest.Server
	left [][]byte
}

func (l *losing) Undelivered() ([][]byte, time.Time) { return l.left, time.Now() }
