package xmppd

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stanza"
)

// what all streams of an account send to many is bounded together; others
// have their own, and who waits a moment may go on.
func TestFanOut(t *testing.T) {
	w := newWorldWith(t, Config{FanOut: 32 << 20, FanOutSaid: 2 << 10}, "alice", "bob")
	w.store.subscribe("alice", "bob")
	phone, laptop, bob := w.online("alice", "a"), w.online("alice", "b"), w.online("bob", "b")
	large := `<presence xmlns="jabber:client" id="large"><status>` + strings.Repeat("x", 7000) + `</status></presence>`
	refused := 0
	for range 3 {
		for _, c := range []*client{phone, laptop} {
			c.Send(large)
		}
	}
	for _, c := range []*client{phone, laptop} {
		for _, e := range c.Sync() {
			if e.ID == "large" && e.Type == "error" {
				refused++
			}
		}
	}
	if refused < 2 { // one at once, and another after four seconds
		t.Errorf("%d of 6 were refused", refused)
	}
	bob.Send(`<presence xmlns="jabber:client" id="small"><show>away</show></presence>`)
	for _, e := range bob.Sync() {
		if e.ID == "small" && e.Type == "error" {
			t.Error("bob has to pay for alice")
		}
	}
}

// a name goes to everybody who has its account on their roster, and presence to the
// clients whose page shows it: both count.
func TestFanOut_Audience(t *testing.T) {
	w := newWorldWith(t, Config{Open: true, FanOut: 100}, "alice", "bob")
	w.store.everyone, w.store.large = true, true
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	bob.ask(watchIQ("alice@h"), watchResult("alice@h/a"))
	refused := func(request string) bool {
		t.Helper()
		for range 3 {
			alice.Send(request)
			for _, e := range alice.Sync() {
				if e.Type == "error" && strings.Contains(string(e.Raw), "policy-violation") {
					return true
				}
			}
		}
		return false
	}
	if !refused(`<presence xmlns="jabber:client" id="p"><show>away</show></presence>`) {
		t.Error("presence that a page shows costs nothing")
	}
	if !refused(`<iq xmlns="jabber:client" type="set" id="v"><vCard xmlns="vcard-temp"><FN>Alice</FN></vCard></iq>`) {
		t.Error("a name costs nothing")
	}
	if !refused(`<iq xmlns="jabber:client" type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="h"/></block></iq>`) {
		t.Error("to block everybody costs nothing")
	}
}

func TestFanOut_WaitsAMoment(t *testing.T) { synctest.Test(t, testFanOutWaits) }

func testFanOutWaits(t *testing.T) {
	cfg := Config{FanOut: 1000, FanOutSaid: 1 << 20}
	srv := &Server{fanOut: newFanOut(cfg)}
	if err := srv.SpendFanOut(t.Context(), "alice", 1488, 1); err != nil { // the whole burst
		t.Fatal(err)
	}
	var refused *stanza.Error
	if err := srv.SpendFanOut(t.Context(), "alice", 3000, 1); !errors.As(err, &refused) {
		t.Errorf("far too much: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.SpendFanOut(ctx, "alice", 10, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("her stream has ended: %v", err)
	}
	begin := time.Now()
	if err := srv.SpendFanOut(t.Context(), "alice", 10, 1); err != nil || time.Since(begin) == 0 || time.Since(begin) > fanOutTimeout {
		t.Errorf("went on after %s: %v", time.Since(begin), err)
	}
}
