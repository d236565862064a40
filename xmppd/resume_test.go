package xmppd

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"pgregory.net/rapid"
)

const smNotFound = `<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`

func chat(to, id, extra string) string {
	return `<message xmlns="jabber:client" to="` + to + `" type="chat" id="` + id + `"><body>x</body>` + extra + `</message>`
}

// XEP-0198 §5 (S-94): a page is reloaded while its last message is on its way to
// a slow database. The count of <resumed/> has that message, or the client would
// send it again.
func TestSM_ResumeCountsWhatIsBeingHandled(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	old := w.online("alice", "a")
	id := old.enableSM()
	entered, release := w.store.hold("Append")
	old.Send(chat("bob@h", "m", ""))
	old.Send(chat("bob@h", "unread", "")) // the old stream is not read any more
	entered()
	again := w.signIn("alice")
	again.Send(resume(id, 0))
	if got := streamCondition(old.ExpectEnd()); got != stream.Conflict {
		t.Errorf("ended with %s", got)
	}
	release()
	again.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `" h="1"/>`)
	again.Sync()
	if got := w.store.archived(); len(got) != 2 || got[0].StanzaID != "m" {
		t.Errorf("archived: %v", got)
	}
}

// Two tabs with the same id (a cloned one): each resumption takes the session
// from the one before, and none of them gets stuck.
func TestSM_ResumeTwice(t *testing.T) {
	for range 20 { // so that both wait for the stanza in hand
		w := newWorld(t, "alice", "bob")
		old := w.online("alice", "a")
		id := old.enableSM()
		entered, release := w.store.hold("Append")
		old.Send(chat("bob@h", "m", ""))
		entered()
		one, two := w.signIn("alice"), w.signIn("alice")
		one.Send(resume(id, 0))
		two.Send(resume(id, 0))
		old.ExpectEnd()
		release()
		resumed := `<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `" h="1"/>`
		one.Until(resumed)
		two.Until(resumed)
		var lost error
		select {
		case lost = <-one.done:
			two.Sync()
		case lost = <-two.done:
			one.Sync()
		}
		if got := streamCondition(lost); got != stream.Conflict || w.srv.Stats().Sessions != 1 {
			t.Fatalf("ended with %s; %d sessions", got, w.srv.Stats().Sessions)
		}
	}
}

// A resumption that waits for the stanza in hand finds that another one came
// first.
func TestSM_ResumeInBetween(t *testing.T) {
	w := newWorld(t, "alice")
	old := w.online("alice", "a")
	s := w.srv.registry.resumable(old.enableSM())
	first, second := w.connect(stream.Peer{}), w.connect(stream.Peer{})
	first.Read()
	second.Read()
	s.handling.Lock()
	done := make(chan bool)
	go func() {
		ok, _ := s.takeOver(&conn{server: w.srv, stream: second.server, identity: s.identity}, 0, func(resumed []byte) [][]byte { return [][]byte{resumed} })
		done <- ok
	}()
	old.ExpectEnd()
	s.mu.Lock()
	s.sm.stop()
	s.state, s.stream = connected, first.server
	s.mu.Unlock()
	s.handling.Unlock()
	if got := streamCondition(first.ExpectEnd()); got != stream.Conflict || !<-done || s.currentStream() != second.server {
		t.Errorf("the first ended with %s", got)
	}
}

// XEP-0198 §5: a session that ended while its page was being loaded does not come
// back; one whose standing cannot be asked is not lost for that.
func TestSM_ResumeChecksAgain(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	id := alice.enableSM()
	alice.Drop()
	alice.ended()
	again := w.signIn("alice")
	w.store.setFail(errAway)
	again.Send(resume(id, 0))
	if err := again.ExpectEnd(); !errors.Is(err, stream.ErrDisconnected) { // Converse comes back
		t.Errorf("ended with %v", err)
	}
	w.store.setFail(nil)
	again = w.signIn("alice")
	w.store.revoked["s-alice"] = true
	again.Send(resume(id, 0))
	if got := streamCondition(again.ExpectEnd()); got != stream.NotAuthorized {
		t.Errorf("ended with %s", got)
	}
}

// XEP-0198 §4: an acknowledgement is asked for now and then.
func TestSM_Asks(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.bound("alice", "a")
	alice.enableSM()
	for range 2 * smAckEvery {
		alice.Send(`<iq xmlns="jabber:client" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>`)
	}
	asked := 0
	for range 2*smAckEvery + 2 {
		if e := alice.Read(); e.Name == (stream.Name{Space: stanza.NSSM, Local: "r"}) {
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

// A timer that has fired already does not end a session that was resumed just
// then.
func TestSM_ExpiryMissesResumption(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	id := alice.enableSM()
	s := w.srv.registry.resumable(id)
	alice.Drop()
	alice.ended()
	since := s.sm.since
	again := w.signIn("alice")
	again.Send(resume(id, 0))
	again.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `"/>`)
	w.srv.expire(s, since)
	again.Sync()
	again.Drop()
	again.ended()
	w.srv.expire(s, since)
	if w.srv.Stats().Sessions != 1 {
		t.Error("a later hibernation ended with the earlier one")
	}
}

// A session that hibernates is bounded, and what it holds is not lost with it.
func TestSM_Overflow(t *testing.T) {
	for name, cfg := range map[string]Config{"stanzas": {Unacked: 3}, "bytes": {UnackedBytes: 600}} {
		w := newWorldWith(t, cfg, "alice", "bob")
		alice, bob := w.online("alice", "a"), w.online("bob", "b")
		id := alice.enableSM()
		alice.Drop()
		alice.ended()
		for i := range 5 {
			bob.Send(chat("alice@h", fmt.Sprint("m", i), ""))
		}
		bob.Sync()
		w.srv.ending.Wait()
		if got := w.store.waiting("alice"); len(got) != 5 {
			t.Errorf("%s: %d messages wait", name, len(got))
		}
		again := w.signIn("alice")
		again.Send(resume(id, 0))
		again.Expect(smNotFound)
	}
}

// However much comes for a session that is being ended since too much waits, it is ended once.
func TestOverflow_Once(t *testing.T) {
	w := newWorldWith(t, Config{Unacked: 3}, "alice")
	alice := w.online("alice", "a")
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	s.mu.Lock()
	st := s.stream
	s.stream = nil // as while Bind 2 is answered
	before := runtime.NumGoroutine()
	for range 1000 {
		s.deliverLocked(immediate, sentStanza{[]byte(`<message xmlns="jabber:client"><body>x</body></message>`), time.Now()})
	}
	if n := runtime.NumGoroutine() - before; n > 10 {
		t.Errorf("%d goroutines end it", n)
	}
	s.stream = st
	s.mu.Unlock()
	alice.ended()
}

// XEP-0198 §4 (S-93): the counts wrap at 2^32.
func TestSM_CountsWrap(t *testing.T) {
	m := &smState{acked: 1<<32 - 2, total: new(atomic.Int64)}
	for range 4 {
		m.sent(sentStanza{raw: []byte("<iq/>")})
	}
	acks := func(h uint32) bool { _, ok := m.ack(h); return ok }
	if !acks(1<<32-1) || len(m.unacked) != 3 || m.size != 15 {
		t.Errorf("%d left, %d bytes", len(m.unacked), m.size)
	}
	if acks(3) || acks(1<<32-2) {
		t.Error("acknowledged what was never sent, or twice")
	}
	if !acks(1) || len(m.unacked) != 1 {
		t.Errorf("%d left", len(m.unacked))
	}
}

// XEP-0198 §6 (S-95): what a session leaves behind goes to those who did not get
// it, once, with the time it was sent.
func TestUndelivered(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	bob := w.online("bob", "b")
	early := w.online("alice", "early")
	alice := w.online("alice", "a")
	id := alice.enableSM()
	bob.Send(chat("alice@h", "both", ""))
	bob.Sync()
	early.Until(`<message xmlns="jabber:client" id="both"><any xmlns="test"/></message>`)
	early.Close()
	early.ended()
	alice.Drop()
	alice.ended()
	bob.Send(chat("alice@h", "alone", ""))
	bob.Send(chat("alice@h/a", "full", ""))
	bob.Send(chat("alice@h/a", "fleeting", `<no-permanent-store xmlns="urn:xmpp:hints"/>`))
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="headline" id="headline"><body>x</body></message>`)
	bob.Sync()
	late := w.online("alice", "late")
	bob.Send(chat("alice@h", "live", ""))
	bob.Sync()
	late.Until(`<message xmlns="jabber:client" id="live"><any xmlns="test"/></message>`)
	s := w.srv.registry.resumable(id)
	w.srv.expire(s, s.sm.since)
	var got []string
	for _, e := range late.Sync() {
		if e.Name.Local != "message" {
			continue
		}
		got = append(got, e.ID)
		if at, ok := delayed(e, "h"); !ok || time.Since(at) > time.Minute {
			t.Errorf("%s: no delay", e.Raw)
		}
	}
	// "both" was acknowledged by nobody: early had no stream management.
	if fmt.Sprint(got) != "[both alone full fleeting]" {
		t.Errorf("got %v", got)
	}
	if left := w.store.waiting("alice"); len(left) > 0 {
		t.Errorf("%d messages are left", len(left))
	}
}

// What one resource left behind and another got is not in a third's hands yet:
// it moves on when that one leaves, too.
func TestUndelivered_MovesOn(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.enableSM()
	bob.Send(chat("alice@h", "m", ""))
	bob.Sync()
	one := w.bound("alice", "one")
	one.enableSM()
	one.Send(`<presence xmlns="jabber:client"><priority>5</priority></presence>`)
	one.Sync()
	two := w.online("alice", "two")
	m := `<message xmlns="jabber:client" id="m"><any xmlns="test"/></message>`
	alice.Close()
	one.Until(m)
	one.Close()
	two.Until(m)
}

// A message that waited, was delivered and never acknowledged waits again, with
// its first time and one delay.
func TestUndelivered_Twice(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	bob := w.online("bob", "b")
	bob.Send(chat("alice@h", "m", ""))
	bob.Sync()
	first := w.store.waiting("alice")[0]
	for range 2 {
		alice := w.bound("alice", "a")
		alice.enableSM()
		alice.Send(`<presence xmlns="jabber:client"/>`)
		alice.Until(`<message xmlns="jabber:client" id="m"><body>x</body><stanza-id xmlns="urn:xmpp:sid:0"/><delay xmlns="urn:xmpp:delay" from="h"/></message>`)
		alice.Close()
		alice.ended()
		again := w.store.waiting("alice")
		if len(again) != 1 || again[0].ID != first.ID || again[0].Stamp.Sub(first.Stamp).Abs() > time.Second {
			t.Fatalf("%+v, want %+v", again, first)
		}
	}
}

// A message that was being stored when its only recipient left is kept.
func TestUndelivered_LeftMeanwhile(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	entered, release := w.store.hold("Append")
	bob.Send(chat("alice@h", "m", ""))
	entered()
	alice.Close()
	alice.ended()
	release()
	bob.Sync()
	if got := w.store.waiting("alice"); len(got) != 1 {
		t.Errorf("%d messages wait", len(got))
	}
}

// Signing out while presence is on its way: nobody keeps seeing somebody who has
// gone (S-42).
func TestPresence_NoGhost(t *testing.T) {
	for _, to := range []string{"", ` to="bob@h/b"`} {
		w := newWorld(t, "alice", "bob")
		w.store.subscribe("alice", "bob")
		alice, bob := w.bound("alice", "a"), w.online("bob", "b")
		w.srv.registry.lookup("alice").forget() // presence asks for the picture then
		entered, release := w.store.hold("Account")
		alice.Send(`<presence xmlns="jabber:client"` + to + `/>`)
		entered()
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.srv.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
		}()
		alice.ExpectEnd() // at once, whatever is under way
		release()
		<-done
		if got := presences(bob.Sync()); fmt.Sprint(got) != "[ alice@h/a unavailable alice@h/a]" {
			t.Errorf("bob sees %v", got)
		}
	}
}

// Signing out while messages that waited are being delivered: they go on
// waiting.
func TestUndelivered_EndedWhileFlushing(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	bob := w.online("bob", "b")
	bob.Send(chat("alice@h", "m", ""))
	bob.Sync()
	alice := w.bound("alice", "a")
	entered, release := w.store.hold("Offline")
	alice.Send(`<presence xmlns="jabber:client"/>`)
	entered()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.srv.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
	}()
	alice.cutOff()
	release()
	<-done
	if got := w.store.waiting("alice"); len(got) != 1 {
		t.Errorf("%d messages wait", len(got))
	}
}

// Whatever becomes of a session, a subscriber sees it come before it goes, and
// go exactly once (RFC 6121 §4.5.2, S-42).
func TestPresence_GoesOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, "alice", "bob")
		defer w.srv.Shutdown(t.Context())
		w.store.subscribe("alice", "bob")
		bob := w.online("bob", "b")
		alice, id := w.bound("alice", "a"), ""
		steps := map[string]func(){
			"available":   func() { alice.Send(`<presence xmlns="jabber:client"/>`) },
			"unavailable": func() { alice.Send(`<presence xmlns="jabber:client" type="unavailable"/>`) },
			"directed":    func() { alice.Send(`<presence xmlns="jabber:client" to="bob@h"/>`) },
			"enable": func() {
				if id == "" {
					id = alice.enableSM()
				}
			},
			"drop": func() {
				alice.Drop()
				alice.ended()
				if id == "" {
					alice = w.bound("alice", "a")
					return
				}
				alice = w.signIn("alice")
				alice.Send(resume(id, 0))
			},
			"close":   func() { alice.Close(); alice.ended(); alice, id = w.bound("alice", "a"), "" },
			"replace": func() { alice, id = w.bound("alice", "a"), "" },
			"end": func() {
				w.srv.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
				alice.ended()
				alice, id = w.bound("alice", "a"), ""
			},
		}
		names := []string{"available", "unavailable", "directed", "enable", "drop", "close", "replace", "end"}
		for _, step := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 12).Draw(rt, "steps") {
			steps[step]()
			alice.Sync()
		}
		alice.Close()
		alice.ended()
		here := false
		for _, e := range bob.Sync() {
			if e.Name.Local != "presence" || !strings.HasPrefix(e.From, "alice") {
				continue
			}
			if e.Type == "unavailable" && !here {
				rt.Fatal("went twice, or without having come")
			}
			here = e.Type != "unavailable"
		}
		if here {
			rt.Fatal("never went")
		}
	})
}

// RFC 6120 §10.1 (S-08): what is sent to somebody who is just arriving does not
// overtake what waited.
func TestOffline_KeepsOrder(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	bob := w.online("bob", "b")
	bob.Send(chat("alice@h", "m1", ""))
	bob.Sync()
	alice := w.bound("alice", "a")
	entered, release := w.store.hold("Offline")
	alice.Send(`<presence xmlns="jabber:client"/>`)
	entered()
	bob.Send(chat("alice@h", "m2", ""))
	bob.Sync()
	release()
	for _, id := range []string{"m1", "m2"} {
		if e := alice.Until(`<message xmlns="jabber:client" id="{id}"><any xmlns="test"/></message>`); e["id"] != id {
			t.Errorf("got %s, want %s", e["id"], id)
		}
	}
	alice.none()
	if got := w.store.waiting("alice"); len(got) != 0 {
		t.Errorf("%d messages wait", len(got))
	}
}

// Somebody comes while a message for them is being kept: it comes once.
func TestOffline_Once(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	bob := w.online("bob", "b")
	for i := range 200 {
		alice := w.bound("alice", "a")
		bob.Send(chat("alice@h", fmt.Sprint(i), ""))
		alice.Send(`<presence xmlns="jabber:client"/>`)
		bob.Sync()
		n := 0
		for _, e := range alice.Sync() {
			if e.Name.Local == "message" {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d times", n)
		}
		alice.Close()
		alice.ended()
	}
}

// A session ends between the delivery of what waited and its removal: the
// message goes on waiting (S-95).
func TestOffline_EndedMeanwhile(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.Send(`<presence xmlns="jabber:client" type="unavailable"/>`)
	alice.Sync()
	bob.Send(chat("alice@h", "m", ""))
	bob.Sync()
	entered, release := w.store.hold("RemoveOffline")
	done := make(chan error)
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	go func() {
		_, err := w.srv.offline.flush(t.Context(), s)
		done <- err
	}()
	entered()
	w.srv.End(stream.Scope{User: "alice"}, &stream.Error{Condition: stream.NotAuthorized})
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := w.store.waiting("alice"); len(got) != 1 {
		t.Errorf("%d messages wait", len(got))
	}
}

// what a client missed may be more than a queue holds: it is sent again at the
// pace at which it is read, and what comes meanwhile comes after it (XEP-0198 §5).
func TestSM_ResumesMoreThanAQueue(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice := w.online("alice", "a")
	id := alice.enableSM()
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	s.mu.Lock()
	lost := s.stream
	s.hibernateLocked() // as if the line had been lost
	s.mu.Unlock()
	lost.Close(nil)
	const n = 60 // 6 MB; the queue takes 4
	for i := range n {
		s.deliver([]byte(fmt.Sprintf(`<message xmlns="jabber:client" id="m%d" from="bob@h" to="alice@h"><body>%s</body></message>`, i, strings.Repeat("x", 100<<10))))
	}
	again := w.signIn("alice")
	again.Send(resume(id, 0))
	again.Until(`<resumed xmlns="urn:xmpp:sm:3" previd="` + id + `"/>`)
	s.deliver([]byte(`<message xmlns="jabber:client" id="last" from="bob@h" to="alice@h"><body>x</body></message>`))
	var got []string
	for _, e := range again.Sync() {
		if e.Name.Local == "message" {
			got = append(got, e.ID)
		}
	}
	if len(got) != n+1 {
		t.Fatalf("%d messages came", len(got))
	}
	for i := range n {
		if got[i] != fmt.Sprint("m", i) {
			t.Fatalf("message %d is %s", i, got[i])
		}
	}
	if got[n] != "last" {
		t.Errorf("what came last is %s", got[n])
	}
}

// RFC 6120 §8.2.3 (S-10), XEP-0198 §6 (S-95), XEP-0206 §7 (B-53): a request that a session
// did not acknowledge is answered when the session ends, once; answers and what the server
// itself asks are not.
func TestUnanswered(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq xmlns="jabber:client" type="result" id="r"><any xmlns="test"/></iq>`)
	id := alice.enableSM()
	alice.Drop()
	alice.ended()
	bob.Send(`<iq xmlns="jabber:client" type="get" id="q" to="alice@h/a"><query xmlns="jabber:iq:version"/></iq>`)
	bob.Send(`<iq xmlns="jabber:client" type="result" id="answer" to="alice@h/a"/>`)
	bob.none()
	if err := w.srv.pushContact(t.Context(), "alice", "bob@h"); err != nil {
		t.Fatal(err)
	}
	s := w.srv.registry.resumable(id)
	w.srv.expire(s, s.sm.since)
	bob.Until(`<iq xmlns="jabber:client" type="error" id="q" from="alice@h/a" to="bob@h/b">` + stanzaErrorOf("cancel", "service-unavailable") + `</iq>`)
	bob.none()
}
