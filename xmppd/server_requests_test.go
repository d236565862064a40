package xmppd

import (
	"context"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The server's own requests to a client are bounded; each is answered once, and by
// what the client says to it.
func TestRequests(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.bound("alice", "a")
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	var answers []string
	var last map[string]string
	for range 5 * maxServerRequests {
		s.Request([]byte(`<query xmlns="urn:example"/>`), func(_ context.Context, iq *stream.Element) { answers = append(answers, iq.Type) })
		last = alice.Expect(`<iq xmlns="jabber:client" type="get" from="h" to="alice@h/a" id="{id}"><query xmlns="urn:example"/></iq>`)
	}
	s.mu.Lock()
	if len(s.requests) != maxServerRequests {
		t.Errorf("%d requests are open", len(s.requests))
	}
	s.mu.Unlock()
	for _, typ := range []string{"result", "error"} { // the second comes to no request
		alice.Send(`<iq xmlns="jabber:client" type="` + typ + `" to="h" id="` + last["id"] + `"/>`)
	}
	alice.Sync()
	if len(answers) != 1 || answers[0] != "result" {
		t.Errorf("answers: %q", answers)
	}
}
