package relay

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"foyer/internal/stream"
)

// resumable is a WebSocket client whose session can be resumed, and that has acknowledged
// four stanzas.
func resumable(t *testing.T, r *Relay, u *upstream) (*client, *serverEnd) {
	t.Helper()
	c, e := connected(t, r, u, stream.WebSocket, featureBind+featureSM)
	c.Send(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	e.expect(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	e.send(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true' max='60'/>`)
	c.Expect(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true' max='60'/>`)
	c.Send(`<a xmlns='urn:xmpp:sm:3' h='4'/>`)
	e.expect(`<a xmlns='urn:xmpp:sm:3' h='4'/>`)
	return c, e
}

// A WebSocket that was lost leaves its session at the upstream for its client to resume,
// and the relay holds the link; when its person signs out meanwhile, the session ends at
// once, and no credential is needed for that.
func TestEnd_Hibernating(t *testing.T) {
	u, s := newUpstream(t), &site{}
	r := newRelay(t, s, nil, u)
	c, e := resumable(t, r, u)
	c.Drop()
	c.ended(t)
	if ids := r.Identities(); len(ids) != 1 || r.Stats().Hibernating != 1 {
		t.Fatalf("hibernating: %v", ids)
	}
	e.send(message("alice@example.test", "kept for her") + `<r xmlns='urn:xmpp:sm:3'/>`)
	e.expect(`<a xmlns='urn:xmpp:sm:3' h='4'/>`)
	s.end("session-alice")
	r.End(stream.Scope{User: "alice"}, nil)
	e.expectEnd()
	if r.Stats().Hibernating != 0 || s.asked != 1 {
		t.Errorf("stats are %+v; %d credentials were made", r.Stats(), s.asked)
	}
}

// The relay holds the links of a bounded number of sessions, for as long as the upstream
// would keep them.
func TestHibernating_Held(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := resumable(t, r, u)
	c.Drop()
	c.ended(t)
	r.hibernating.expire(time.Now().Add(time.Minute + time.Second))
	e.expectEnd()

	// More than the relay holds for one account.
	var ends []*serverEnd
	for range r.cfg.Hibernating + 1 {
		c, e = resumable(t, r, u)
		c.Drop()
		c.ended(t)
		ends = append(ends, e)
	}
	ends[0].expectDrop() // that one the upstream keeps for its client
}

// When the link is lost as well, the session is taken up and ended over another one.
func TestEnd_HibernatingWithoutLink(t *testing.T) {
	u, s := newUpstream(t), &site{}
	r := newRelay(t, s, nil, u)
	c, e := resumable(t, r, u)
	c.Drop()
	c.ended(t)
	e.conn.Close()
	eventually(t, "lost", func() bool {
		r.hibernating.mu.Lock()
		defer r.hibernating.mu.Unlock()
		return r.hibernating.byUser["alice"][0].link == nil
	})
	r.End(stream.Scope{User: "alice"}, nil)
	endsHibernating(t, u, 4)
	if r.Stats().Hibernating != 0 {
		t.Error("it still hibernates")
	}

	// An upstream that has ended it by itself.
	c, e = resumable(t, r, u)
	c.Drop()
	c.ended(t)
	e.send(streamEnd)
	eventually(t, "forgotten", func() bool { return r.Stats().Hibernating == 0 })
}

// A session that its client takes up again hibernates no more; nobody's that has signed
// out is taken up.
func TestResume_PassesThrough(t *testing.T) {
	u, s := newUpstream(t), &site{}
	r := newRelay(t, s, nil, u)
	c, first := resumable(t, r, u)
	// The upstream is lost: the client's connection is dropped as abruptly (stream
	// management is its own).
	first.conn.Close()
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}
	resume := func() (*client, *serverEnd) {
		c, e := connected(t, r, u, stream.WebSocket, featureBind+featureSM)
		c.Send(`<resume xmlns='urn:xmpp:sm:3' previd='resume-1' h='3'/>`)
		e.expect(`<resume xmlns='urn:xmpp:sm:3' previd='resume-1' h='3'/>`)
		e.send(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='0'/>`)
		c.Expect(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='0'/>`)
		if r.Stats().Hibernating != 0 {
			t.Error("it still hibernates")
		}
		return c, e
	}
	c, e := resume()
	c.Drop()
	c.ended(t)
	if r.Stats().Hibernating != 1 {
		t.Error("it does not hibernate again")
	}
	c, _ = resume()
	e.expectDrop() // the link that was held
	c.Drop()
	c.ended(t)

	s.end("session-alice")
	c = serve(t, r, stream.WebSocket)
	c.authenticate()
	e = u.next()
	e.signIn(featureBind + featureSM)
	c.Send(`<resume xmlns='urn:xmpp:sm:3' previd='resume-1' h='3'/>`)
	e.expectEnd() // and no <resume/>
	wantCondition(t, c.ended(t), stream.NotAuthorized)
}

// A session is noted under the id that the upstream resumed, whatever else its client
// asked for: nobody makes the relay forget somebody else's.
func TestResume_AnotherId(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	r.hibernating.put(hibernatingSession{identity: identity("bob"), id: "bobs", until: time.Now().Add(time.Hour)})
	c, e := resumable(t, r, u)
	c.Drop()
	c.ended(t)

	c, again := connected(t, r, u, stream.WebSocket, featureBind+featureSM)
	for _, id := range []string{"resume-1", "bobs"} {
		c.Send(`<resume xmlns='urn:xmpp:sm:3' previd='` + id + `' h='4'/>`)
		again.expect(`<resume xmlns='urn:xmpp:sm:3' previd='` + id + `' h='4'/>`)
	}
	again.send(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='0'/>`)
	c.Expect(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='0'/>`)
	e.expectDrop()
	if got := r.hibernating.take(stream.Scope{User: "bob"}); len(got) != 1 {
		t.Error("bob's session is forgotten")
	}
	c.Drop()
	c.ended(t)
	if got := r.hibernating.take(stream.Scope{User: "alice"}); len(got) != 1 || got[0].id != "resume-1" {
		t.Errorf("alice's are %v", got)
	} else {
		got[0].drop()
	}
}

// Links are bounded in all: those that are held for lost clients give way first, and then
// nobody gets in until one has ended.
func TestLinks_Bounded(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.Links = 2 }, u)
	c, held := resumable(t, r, u)
	c.Drop()
	c.ended(t)
	first, e := connected(t, r, u, stream.WebSocket, featureBind)
	connected(t, r, u, stream.WebSocket, featureBind)
	held.expectDrop()
	if r.Stats().Hibernating != 1 {
		t.Error("what waits at the upstream is forgotten")
	}
	c = serve(t, r, stream.WebSocket)
	c.authenticate()
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}
	first.Close()
	e.expectEnd()
	first.ended(t)
	connected(t, r, u, stream.WebSocket, featureBind)
}

// The relay remembers a bounded number of sessions of one account, and none for longer
// than the upstream keeps them.
func TestHibernating_Bounds(t *testing.T) {
	ps := hibernatingSet{perUser: 3}
	now := time.Now()
	for i := range 5 {
		ps.put(hibernatingSession{identity: identity("alice"), id: fmt.Sprint(i), until: now.Add(time.Duration(i) * time.Minute)})
	}
	ps.put(hibernatingSession{identity: identity("bob"), id: "b", until: now.Add(time.Hour)})
	if ps.len() != 4 {
		t.Errorf("%d wait", ps.len())
	}
	ps.expire(now.Add(3*time.Minute + time.Second))
	if got := ps.take(stream.Scope{User: "alice"}); len(got) != 1 || got[0].id != "4" {
		t.Errorf("alice's are %v", got)
	}
	if got := ps.take(stream.Scope{Session: "session-bob"}); len(got) != 1 || ps.len() != 0 || len(ps.byUser) != 0 {
		t.Errorf("bob's are %v", got)
	}
}
