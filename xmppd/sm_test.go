package xmppd

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stream"

	"pgregory.net/rapid"
)

func (c *client) enableSM() string {
	return c.ask(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`, `<enabled xmlns="urn:xmpp:sm:3" id="{id}" resume="true" max="45"/>`)["id"]
}

func resume(id string, h int) string {
	return fmt.Sprintf(`<resume xmlns="urn:xmpp:sm:3" previd="%s" h="%d"/>`, id, h)
}

// XEP-0198 §3, §4 (S-93): counters begin at <enable/>, count stanzas only, and a
// message is acknowledged without being asked once it is stored.
func TestSM_Counts(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	c := w.signIn("alice")
	c.Send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	c.Expect(`<failed xmlns="urn:xmpp:sm:3"><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
	c = w.bound("alice", "a")
	c.enableSM()
	c.Send(`<r xmlns="urn:xmpp:sm:3"/>`)
	c.Expect(`<a xmlns="urn:xmpp:sm:3" h="0"/>`)
	c.Send(`<a xmlns="urn:xmpp:sm:3" h=" 0 "/>`)
	c.Sync()
	c.Send(`<message xmlns="jabber:client" to="bob@h" type="chat"><body>x</body></message>`)
	c.Expect(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
	c.Send(`<enable xmlns="urn:xmpp:sm:3"/>`)
	c.Expect(`<failed xmlns="urn:xmpp:sm:3"><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
	c.Send(`<a xmlns="urn:xmpp:sm:3" h="77"/>`)
	// XEP-0198 §4 (S-95).
	if got := streamCondition(c.ExpectEnd()); got != stream.UndefinedCondition {
		t.Errorf("ended with %s", got)
	}
}

// What a client asks is answered, and what it has no business to say ends the stream.
func TestSM_Unexpected(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.bound("alice", "a")
	c.Send(`<r xmlns="urn:xmpp:sm:3"/>`) // XEP-0198 §3: counting begins with <enable/>
	c.Expect(`<failed xmlns="urn:xmpp:sm:3"><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
	c.enableSM()
	c.Send(`<enabled xmlns="urn:xmpp:sm:3"/>`)
	if got := streamCondition(c.ExpectEnd()); got != stream.UnsupportedStanzaType { // RFC 6120 §4.9.3.24
		t.Errorf("ended with %s", got)
	}
}

// XEP-0198 §5 (S-94): what was not acknowledged comes again, in order; presence
// stays meanwhile.
func TestSM_Resume(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	id := alice.enableSM()
	alice.Sync() // one stanza from the server since <enabled/>: the pong
	alice.Drop()
	alice.ended()
	for i := range 3 {
		bob.Send(fmt.Sprintf(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m%d"><body>x</body></message>`, i))
	}
	for _, e := range bob.Sync() {
		if e.Name.Local == "presence" && e.Type == "unavailable" {
			t.Errorf("alice went away: %s", e.Raw)
		}
	}
	again := w.signIn("alice")
	again.Send(resume(id, 1))
	again.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `" h="1"/>`)
	for i := range 3 {
		again.Until(fmt.Sprintf(`<message xmlns="jabber:client" id="m%d"><body>x</body><any xmlns="test"/></message>`, i))
	}
	again.Sync()
	if got := w.srv.Stats(); got.SessionsResumed != 1 || got.SessionsBound != 2 || got.Sessions != 2 {
		t.Errorf("stats: %+v", got)
	}
}

// XEP-0198 §5 (S-94, S-96): a page that resumes with an older count than it acknowledged, since
// it was reloaded before it had written that down, counts on from there; what it has yet to
// get comes, and no more is expected to be acknowledged than that.
func TestSM_ResumeBehind(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	id := alice.enableSM()
	alice.Sync()
	alice.Sync()
	alice.Send(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
	alice.Send(`<r xmlns="urn:xmpp:sm:3"/>`)
	alice.Until(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
	alice.Drop()
	alice.ended()
	bob.Send(chat("alice@h", "m", ""))
	bob.Sync()
	again := w.signIn("alice")
	again.Send(resume(id, 1))
	again.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `" h="2"/>`)
	again.Until(`<message xmlns="jabber:client" id="m"><any xmlns="test"/></message>`)
	again.Send(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
	again.Send(`<r xmlns="urn:xmpp:sm:3"/>`)
	again.Until(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
	s := w.srv.registry.resumable(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.sm.unacked); n != 0 {
		t.Errorf("%d stanzas are not acknowledged", n)
	}
}

// S-94: an id is worth nothing to another account, nor after the session was
// ended; binding is still possible on that stream.
func TestSM_ResumeRefused(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	id := alice.enableSM()
	alice.Drop()
	alice.ended()
	notFound := `<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`
	bob := w.signIn("bob")
	bob.Send(resume(id, 0))
	bob.Expect(notFound)
	bob.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	bob.Expect(`<iq xmlns="jabber:client" type="result" id="b"><any xmlns="test"/></iq>`)
	w.srv.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
	again := w.signIn("alice")
	again.Send(resume("another", 0))
	again.Expect(notFound)
}

// XEP-0198 §5 (S-94): who comes too late to resume is told how much was
// handled, as long as that is known; nobody else is.
func TestSM_CountOfAnEndedSession(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	id := alice.enableSM()
	alice.Send(chat("bob@h", "1", ""))
	alice.Send(chat("bob@h", "2", ""))
	alice.Sync() // a ping, the third
	alice.Drop()
	alice.ended()
	w.srv.End(stream.Scope{User: "alice"}, nil)
	bob := w.signIn("bob")
	bob.Send(resume(id, 0))
	bob.Expect(strings.Replace(smNotFound, ">", ` h="!">`, 1))
	late := w.signIn("alice")
	late.Send(resume(id, 0))
	late.Expect(strings.Replace(smNotFound, ">", ` h="3">`, 1))
	late.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	late.Expect(`<iq xmlns="jabber:client" type="result" id="b"><any xmlns="test"/></iq>`)
}

// What is remembered of sessions that ended is bounded in age and in number.
func TestSM_CountsAreForgotten(t *testing.T) {
	var l resumeCounts
	now := time.Now()
	for i := range maxResumeCounts + 1 {
		l.keep(fmt.Sprint(i), "alice", uint32(i), now)
	}
	l.keep("", "alice", 1, now)
	if _, ok := l.find("0", "alice", now); ok || len(l.byID) != maxResumeCounts || len(l.order) != maxResumeCounts {
		t.Errorf("%d and %d are kept", len(l.byID), len(l.order))
	}
	if h, ok := l.find("1", "alice", now.Add(resumeCountsFor)); !ok || h != 1 {
		t.Errorf("%d %v", h, ok)
	}
	if _, ok := l.find("1", "alice", now.Add(resumeCountsFor+time.Second)); ok || len(l.byID) != 0 || l.order != nil {
		t.Errorf("%d are kept for too long", len(l.byID))
	}
}

// S-94: a stream that is still open is told of the conflict.
func TestSM_ResumeWhileOpen(t *testing.T) {
	w := newWorld(t, "alice")
	old := w.online("alice", "a")
	id := old.enableSM()
	again := w.signIn("alice")
	again.Send(resume(id, 0))
	again.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `" h="0"/>`)
	if got := streamCondition(old.ExpectEnd()); got != stream.Conflict {
		t.Errorf("ended with %s", got)
	}
	again.Sync()
}

// XEP-0198 §6 (S-95), RFC 6121 §4.5.2 (S-42): when nobody resumes, the session
// goes exactly once, and its messages wait.
func TestSM_Expiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "alice", "bob")
		w.store.subscribe("alice", "bob")
		alice, bob := w.online("alice", "a"), w.online("bob", "b")
		id := alice.enableSM()
		alice.Drop()
		alice.ended()
		bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>x</body></message>`)
		bob.Sync()
		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		gone := 0
		for _, e := range bob.Sync() {
			if e.Type == "unavailable" && e.From == "alice@h/a" {
				gone++
			}
		}
		if gone != 1 || len(w.store.offline["alice"]) != 1 {
			t.Errorf("unavailable %d times, %d messages wait", gone, len(w.store.offline["alice"]))
		}
		again := w.signIn("alice")
		again.Send(resume(id, 0))
		again.Expect(`<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
	})
}

// Hibernating sessions are capped, the oldest goes first.
func TestSM_HibernatingCap(t *testing.T) {
	w := newWorldWith(t, Config{Hibernating: 2}, "alice")
	var ids []string
	for i := range 3 {
		c := w.online("alice", fmt.Sprint("r", i))
		ids = append(ids, c.enableSM())
		c.Drop()
		c.ended()
	}
	if got := w.srv.Stats().Sessions; got != 2 {
		t.Errorf("%d sessions are kept", got)
	}
	c := w.signIn("alice")
	c.Send(resume(ids[0], 0))
	c.Expect(`<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
}

// Any pattern of drops gives each message exactly once, in order.
func TestSM_ExactlyOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, "alice", "bob")
		defer w.srv.Shutdown(t.Context())
		alice, bob := w.online("alice", "a"), w.online("bob", "b")
		id := alice.enableSM()
		handled, sent, next := 0, 0, 0
		take := func(e *stream.Element) {
			if e.Name.Space != stream.NSClient {
				return
			}
			handled++
			if e.Name.Local == "message" {
				if want := fmt.Sprint("m", next); e.ID != want {
					rt.Fatalf("got %s, want %s", e.ID, want)
				}
				next++
			}
		}
		for range rapid.IntRange(1, 8).Draw(rt, "rounds") {
			for range rapid.IntRange(0, 5).Draw(rt, "messages") {
				bob.Send(fmt.Sprintf(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m%d"><body>x</body></message>`, sent))
				sent++
			}
			bob.Sync()
			for range rapid.IntRange(0, sent-next).Draw(rt, "read") {
				take(alice.Read())
			}
			alice.Drop()
			alice.ended()
			alice = w.signIn("alice")
			alice.Send(resume(id, handled))
			alice.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `"/>`)
		}
		for next < sent {
			take(alice.Read())
		}
	})
}

// XEP-0198 §5 (S-94): a request to resume without a count, or with one that cannot be, fails, and
// the stream goes on: the client may bind.
func TestSM_ResumeWithoutCount(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.signIn("alice")
	for _, h := range []string{``, ` h=""`, ` h="-1"`, ` h="4294967296"`, ` h="x"`} {
		c.Send(`<resume xmlns="urn:xmpp:sm:3" previd="p"` + h + `/>`)
		c.Expect(`<failed xmlns="urn:xmpp:sm:3"><bad-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
	}
	c.Bind("a")
}
