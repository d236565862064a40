package xmppd

import (
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
)

// XEP-0198 §5, §6 (S-95): what all sessions of an account owe is bounded. The one
// that hibernates longest goes first, and what it did not get waits for the
// account; with none that hibernates it is the one that owes most.
func TestBounds_UnackedTotal(t *testing.T) {
	w := newWorldWith(t, Config{UnackedTotal: 35_000}, "alice")
	clients, ids := make([]*client, 3), make([]string, 3)
	for i, resource := range []string{"a", "b", "c"} {
		clients[i] = w.bound("alice", resource) // not available: what is left behind goes to none of them
		ids[i] = clients[i].enableSM()
	}
	a := w.srv.registry.lookup("alice")
	sessions := a.all() // in the order in which they were bound
	owe := func(s *session, id string, size int) {
		s.deliver([]byte(`<message xmlns="jabber:client" to="alice@h/x" type="chat" id="` + id + `"><body>` + strings.Repeat("x", size) + `</body></message>`))
	}
	for _, i := range []int{1, 0} { // b is the older one
		clients[i].Drop()
		clients[i].ended()
	}
	owe(sessions[0], "to a", 10_000)
	owe(sessions[1], "to b", 10_000)
	owe(sessions[2], "to c", 10_000)
	if n := len(a.all()); n != 3 {
		t.Fatalf("%d sessions", n)
	}
	owe(sessions[2], "too much", 10_000)
	w.srv.ending.Wait()
	if !sessions[1].hasEnded() || sessions[0].hasEnded() || sessions[2].hasEnded() {
		t.Fatalf("not the oldest hibernating session was ended: %v %v %v, %d owed", sessions[0].hasEnded(), sessions[1].hasEnded(), sessions[2].hasEnded(), a.unacked.Load())
	}
	if id := waitingID(t, w); id != "to b" {
		t.Errorf("%q waits", id)
	}
	again := w.signIn("alice")
	again.Send(resume(ids[1], 0))
	again.Until(strings.Replace(smNotFound, ">", ` h="*">`, 1))
	again.Send(resume(ids[0], 0))
	again.Until(`<message xmlns="jabber:client" type="chat" id="to a"><body>*</body></message>`)

	owe(sessions[2], "too much again", 10_000) // nobody hibernates now
	clients[2].cutOff()
	w.srv.ending.Wait()
	if !sessions[2].hasEnded() || sessions[0].hasEnded() {
		t.Error("not the one that owes most was ended")
	}
	total := a.unacked.Load()
	sessions[0].mu.Lock()
	defer sessions[0].mu.Unlock()
	if total != int64(sessions[0].sm.size) || total > 35_000 {
		t.Errorf("the account owes %d, its only session %d", total, sessions[0].sm.size)
	}
}

// waitingID returns the id of the one message that waits for alice.
func waitingID(t *testing.T, w *world) string {
	t.Helper()
	waiting := w.store.waiting("alice")
	if len(waiting) != 1 {
		t.Fatalf("%d messages wait", len(waiting))
	}
	m, err := stream.Parse(waiting[0].Stanza, stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// XEP-0478 §3: a client is told the bounds of its stream before it signs in and
// after.
func TestStreamLimits(t *testing.T) {
	w := newWorld(t, "alice")
	const limits = `<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>262144</max-bytes><idle-seconds>90</idle-seconds></limits>`
	peer := vouched("alice")
	peer.MaxBytes, peer.Idle = 262144, 90*time.Second
	c := w.connect(peer)
	if e := c.Read(); !strings.Contains(string(e.Raw), limits) {
		t.Errorf("before: %s", e.Raw)
	}
	c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`)
	c.Expect(saslOK)
	c.Restart()
	if e := c.Read(); !strings.Contains(string(e.Raw), limits) {
		t.Errorf("after: %s", e.Raw)
	}
	if got := streamLimits(&stream.Peer{}); got != "" {
		t.Errorf("of a transport that tells nothing: %s", got)
	}
}
