package xmppd

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// RFC 6120 §13.12 (S-06): presence is kept and goes to many; more than it may be
// is an error for its sender, and the stream goes on.
func TestLimits_Presence(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.Send(`<presence xmlns="jabber:client" id="p"><status>` + strings.Repeat("x", maxPresence) + `</status></presence>`)
	alice.Until(`<presence xmlns="jabber:client" type="error" id="p"><error type="modify"><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><any xmlns="test"/></error></presence>`)
	alice.Send(`<presence xmlns="jabber:client" id="q"><status>` + strings.Repeat("x", 10_000) + `</status></presence>`)
	alice.Sync()
	for _, e := range bob.Sync() {
		if e.ID == "p" {
			t.Error("it was broadcast")
		}
	}
}

// Requests that wait for one account's answer are bounded; another of the same
// person is not one more.
func TestLimits_Requests(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	for i := range maxRequests - 1 {
		jid := fmt.Sprint("u", i, "@h")
		w.store.rosters["alice"][jid] = Contact{JID: jid, Subscription: SubscriptionNone, Request: []byte("x")}
	}
	bob, carol := w.bound("bob", "b"), w.bound("carol", "c")
	ask := `<presence xmlns="jabber:client" to="alice@h" type="subscribe" id="s"/>`
	for range 2 {
		bob.Send(ask)
		bob.none()
	}
	carol.Send(ask)
	carol.Until(`<presence xmlns="jabber:client" type="error" id="s"><error type="wait"><resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`)
	if w.store.rosters["alice"]["carol@h"].Request != nil || w.store.rosters["alice"]["bob@h"].Request == nil {
		t.Error("the wrong request was kept")
	}
}

// gatheringRoster is a store in which who reads alice's roster waits until all others of so many do, or wait for their turn.
type gatheringRoster struct {
	RosterStore
	w      *world
	reads  atomic.Int32
	others int32
}

func (g *gatheringRoster) Roster(ctx context.Context, user string) ([]Contact, bool, error) {
	list, complete, err := g.RosterStore.Roster(ctx, user)
	if user == "alice" {
		for n := g.reads.Add(1); n+g.waiting() < g.others; n = g.reads.Load() {
			runtime.Gosched()
		}
	}
	return list, complete, err
}

// waiting is how many wait until alice's roster is nobody else's.
func (g *gatheringRoster) waiting() int32 {
	l := &g.w.srv.changing
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.byKey["alice"]; k != nil {
		return int32(k.users) - 1
	}
	return 0
}

// however many ask at once, or however many streams of one account add contacts, the roster keeps to its bounds.
func TestLimits_RosterAtOnce(t *testing.T) {
	const many = 8
	for name, c := range map[string]struct {
		there   int
		contact Contact
		add     func(w *world, i int) error
		counts  func(Contact) bool
	}{
		"requests": {maxRequests, Contact{Request: []byte("x")}, func(w *world, i int) error {
			from := fmt.Sprint("more", i, "@h")
			return w.srv.receiveSubscription(t.Context(), from, "alice@h", "subscribe", subscriptionBytes(from, "alice@h", "subscribe"))
		}, func(c Contact) bool { return c.Request != nil }},
		"subscriptions": {maxContacts, Contact{Listed: true}, func(w *world, i int) error {
			to := fmt.Sprint("more", i, "@h")
			return w.srv.subscriptionStanza(t.Context(), "alice", to, "subscribe", subscriptionBytes("alice@h", to, "subscribe"))
		}, func(c Contact) bool { return c.Listed }},
		"items": {maxContacts, Contact{Listed: true}, func(w *world, i int) error {
			set, err := stream.Parse(fmt.Appendf(nil, `<iq xmlns="jabber:client" type="set" id="r"><query xmlns="jabber:iq:roster"><item jid="more%d@h"/></query></iq>`, i), stream.Limits{})
			if err != nil {
				return err
			}
			query, _ := set.Find("jabber:iq:roster", "query")
			_, err = handleRosterSet(t.Context(), &session{server: w.srv, user: "alice", bare: "alice@h"}, set, query)
			return err
		}, func(c Contact) bool { return c.Listed }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice")
			for i := range c.there - 1 {
				contact := c.contact
				contact.JID, contact.Subscription = fmt.Sprint("u", i, "@h"), SubscriptionNone
				w.store.rosters["alice"][contact.JID] = contact
			}
			gathering := &gatheringRoster{RosterStore: w.srv.stores.Roster, w: w, others: many}
			w.srv.rosters.store = gathering
			var added atomic.Int32
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() {
					err := c.add(w, i)
					if err == nil {
						added.Add(1)
					} else if !errors.Is(err, stanza.ErrResourceConstraint) {
						t.Error(err)
					}
					gathering.reads.Add(1) // it waits for nothing any more
				})
			}
			all.Wait()
			n := 0
			for _, kept := range w.store.rosters["alice"] {
				if c.counts(kept) {
					n++
				}
			}
			if n != c.there || added.Load() != 1 {
				t.Errorf("%d are there of %d, %d were added", n, c.there, added.Load())
			}
		})
	}
}

// What comes for a session while it ends is bounded, and only messages are kept.
func TestLimits_Late(t *testing.T) {
	w := newWorldWith(t, Config{Unacked: 5, UnackedBytes: 1000}, "alice")
	alice := w.online("alice", "a")
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	if _, ok := w.srv.cutOff(s, nil, nil); !ok {
		t.Fatal("it had ended")
	}
	alice.cutOff()
	for range 10 {
		s.deliver([]byte(`<presence xmlns="jabber:client"/>`))
		s.deliver([]byte(`<message xmlns="jabber:client"/>`))
	}
	if len(s.late.list) != 5 || !isMessage(s.late.list[0]) {
		t.Errorf("%d are kept", len(s.late.list))
	}
	s.late = lateStanzas{}
	for range 3 {
		s.deliver([]byte(`<message xmlns="jabber:client"><body>` + strings.Repeat("x", 600) + `</body></message>`))
	}
	if len(s.late.list) != 2 { // the one that reaches the bound is the last
		t.Errorf("%d large ones are kept", len(s.late.list))
	}
	w.srv.finish(s, nil)
}

// RFC 6120 §8.3.1 (S-09): an error has the stanza's kind and id, its addresses
// swapped, and one condition; nothing answers an error, or the result of an IQ.
func TestErrors_Shape(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	for _, kind := range []string{"message", "iq", "presence"} {
		typ, to := "chat", "nobody@h"
		switch kind {
		case "iq":
			typ = "get"
		case "presence":
			typ, to = "subscribe", "@"
		}
		alice.Send(`<` + kind + ` xmlns="jabber:client" id="1" to="` + to + `" type="` + typ + `"><body xmlns="jabber:client">x</body></` + kind + `>`)
		e := alice.Read()
		if e.Name.Local != kind || e.ID != "1" || e.From != to || e.To != alice.full || e.Type != "error" {
			t.Errorf("%s", e.Raw)
		}
		if _, err := streamtest.Match(`<`+kind+` xmlns="jabber:client"><error type="*"><any xmlns="test"/></error></`+kind+`>`, e.Raw); err != nil {
			t.Error(err)
		}
	}
	for _, raw := range []string{
		`<message xmlns="jabber:client" to="nobody@h" type="error"/>`, `<presence xmlns="jabber:client" to="@" type="error"/>`,
		`<iq xmlns="jabber:client" id="1" to="nobody@h/x" type="result"/>`, `<iq xmlns="jabber:client" id="1" to="@" type="error"/>`,
		`<iq xmlns="jabber:client" id="1" to="x@elsewhere" type="result"/>`,
	} {
		alice.Send(raw)
		if got := alice.Sync(); len(got) != 0 {
			t.Errorf("%s is answered by %s", raw, got[0].Raw)
		}
	}
}

// RFC 6120 §10.3 (S-11): without to, a message is for the account itself,
// presence for all who may see it, and an IQ is handled for the account.
func TestNoTo(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	one, two, bob := w.online("alice", "one"), w.online("alice", "two"), w.online("bob", "b")
	one.Send(`<message xmlns="jabber:client" type="chat" id="m"><body>x</body></message>`)
	for _, c := range []*client{one, two} {
		c.Until(`<message xmlns="jabber:client" id="m" from="alice@h/one" to="alice@h"><any xmlns="test"/></message>`)
	}
	one.Send(showing("away"))
	bob.Until(`<presence xmlns="jabber:client" id="away" from="alice@h/one"><any xmlns="test"/></presence>`)
	one.Send(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	one.Until(`<iq xmlns="jabber:client" type="result" id="r" to="alice@h/one"><query xmlns="jabber:iq:roster"><item jid="bob@h"/></query></iq>`)
	bob.none()
}

// a block list is bounded in bytes as well as in entries.
func TestLimits_BlockedBytes(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	items, size := "", 0
	for i := 0; size <= MaxBlockedBytes; i++ {
		jid := fmt.Sprint(i) + strings.Repeat("x", 1000) + "@h"
		items += `<item jid="` + jid + `"/>`
		if size += len(jid); i%50 == 49 || size > MaxBlockedBytes {
			block := `<iq xmlns="jabber:client" type="set" id="b"><block xmlns="urn:xmpp:blocking">` + items + `</block></iq>`
			if size > MaxBlockedBytes {
				alice.refused(block, "wait", "resource-constraint")
				return
			}
			alice.ask(block, `<iq xmlns="jabber:client" type="result" id="b"/>`)
			items = ""
		}
	}
}
