package xmppd

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"foyer/internal/stanza"
)

// a page asks, another accepts; nobody has to be online for it.
func TestContacts_AskAndAnswer(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	ctx := t.Context()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	state := func(user, other string) string {
		t.Helper()
		c, err := w.store.Contact(ctx, user, other+"@h")
		if err != nil {
			return err.Error()
		}
		s := string(c.Subscription)
		if c.Ask {
			s += " asked"
		}
		if c.Request != nil {
			s += " request"
		}
		return s
	}
	do(w.srv.AskContact(ctx, "alice", "bob"))
	do(w.srv.AskContact(ctx, "alice", "bob"))
	if a, b := state("alice", "bob"), state("bob", "alice"); a != "none asked" || b != "none request" {
		t.Errorf("asked: %q %q", a, b)
	}
	bob := w.bound("bob", "b")
	bob.Send(`<presence xmlns="jabber:client"/>`)
	bob.Until(`<presence xmlns="jabber:client" type="subscribe" from="alice@h"/>`)
	alice := w.online("alice", "a")
	do(w.srv.AnswerContact(ctx, "bob", "alice", true))
	if a, b := state("alice", "bob"), state("bob", "alice"); a != "both" || b != "both" {
		t.Errorf("accepted: %q %q", a, b)
	}
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b" type="!"><any xmlns="test"/></presence>`)

	do(w.srv.AskContact(ctx, "carol", "bob"))
	do(w.srv.AnswerContact(ctx, "bob", "carol", false))
	if a, b := state("carol", "bob"), state("bob", "carol"); a != "none" || b != ErrNotFound.Error() {
		t.Errorf("declined: %q %q", a, b)
	}
	// Who asked in another way, to see and not to be seen, is only asked in return.
	do(w.srv.subscriptionStanza(ctx, "carol", "alice@h", "subscribe", subscriptionBytes("carol@h", "alice@h", "subscribe")))
	do(w.srv.AnswerContact(ctx, "alice", "carol", true))
	if a, c := state("alice", "carol"), state("carol", "alice"); a != "from asked" || c != "to request" {
		t.Errorf("one way: %q %q", a, c)
	}
	if err := w.srv.AnswerContact(ctx, "alice", "nobody", true); !errors.Is(err, stanza.ErrItemNotFound) {
		t.Errorf("there is no request: %v", err)
	}
	if err := w.srv.AnswerContact(ctx, "alice", "nobody", false); !errors.Is(err, stanza.ErrItemNotFound) {
		t.Errorf("there is no request to decline: %v", err)
	}
	// Another page is older than the answer, or than what was made of it.
	for _, other := range []string{"alice", "carol"} {
		if err := w.srv.AnswerContact(ctx, "bob", other, false); !errors.Is(err, stanza.ErrItemNotFound) {
			t.Errorf("%s is declined after the answer: %v", other, err)
		}
	}
	if a, b := state("alice", "bob"), state("bob", "alice"); a != "both" || b != "both" {
		t.Errorf("declined after it was accepted: %q %q", a, b)
	}
	if got := state("nobody", "alice"); got != ErrNotFound.Error() {
		t.Errorf("nobody: %q", got)
	}
}

// a page is refused what a client is: nobody is their own contact, and a roster has
// its bound.
func TestContacts_Refused(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	ctx := t.Context()
	refused := func(err error, want *stanza.Error) {
		t.Helper()
		var e *stanza.Error
		if !errors.As(err, &e) || e.Condition != want.Condition {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if err := w.srv.AskContact(ctx, "bob", "alice"); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.subscriptionStanza(ctx, "bob", "alice@h", "unsubscribe", subscriptionBytes("bob@h", "alice@h", "unsubscribe")); err != nil {
		t.Fatal(err)
	}
	refused(w.srv.AnswerContact(ctx, "alice", "bob", true), stanza.ErrItemNotFound) // it was taken back
	if c, err := w.store.Contact(ctx, "alice", "bob@h"); err == nil && (c.Approved || c.Ask) {
		t.Errorf("alice asks bob: %+v", c)
	}
	refused(w.srv.AskContact(ctx, "alice", "alice"), stanza.ErrBadRequest)
	refused(w.srv.AnswerContact(ctx, "alice", "alice", true), stanza.ErrBadRequest)
	if got := w.store.rosters["alice"]; len(got) > 0 {
		t.Errorf("alice has %v", got)
	}
	for i := range maxContacts {
		jid := fmt.Sprintf("c%d@h", i)
		w.store.rosters["alice"][jid] = Contact{JID: jid, Subscription: SubscriptionNone, Listed: true}
	}
	refused(w.srv.AskContact(ctx, "alice", "bob"), stanza.ErrResourceConstraint)
	if err := w.srv.AskContact(ctx, "bob", "alice"); err != nil {
		t.Fatal(err)
	}
	refused(w.srv.AnswerContact(ctx, "alice", "bob", true), stanza.ErrResourceConstraint)
	if err := w.srv.AnswerContact(ctx, "alice", "bob", false); err != nil {
		t.Fatal(err)
	}
}

// whom one blocks is not asked, nor accepted, from a page either.
func TestContacts_Blocked(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	ctx := t.Context()
	if err := w.srv.AskContact(ctx, "bob", "alice"); err != nil {
		t.Fatal(err)
	}
	w.store.blocked["alice"] = []string{"bob@h"}
	for what, err := range map[string]error{"asked": w.srv.AskContact(ctx, "alice", "bob"), "accepted": w.srv.AnswerContact(ctx, "alice", "bob", true)} {
		if !errors.Is(err, errBlockedByYou) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if c, err := w.store.Contact(ctx, "alice", "bob@h"); err != nil || c.hasFrom() || c.Listed {
		t.Errorf("%+v %v", c, err)
	}
	if err := w.srv.AnswerContact(ctx, "alice", "bob", false); err != nil { // a request can be declined all the same
		t.Error(err)
	}
}

// strangers do not see who is around.
func TestAround(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	w.online("bob", "b")
	w.online("carol", "c")
	if got, err := w.srv.Around(t.Context(), "alice", 9); err != nil || !slices.Equal(got, []string{"bob"}) {
		t.Errorf("by request: %v %v", got, err)
	}
	w = large(t, "alice", "bob", "carol", "dave")
	w.store.blocked["dave"] = []string{"alice@h"}
	for _, u := range []string{"alice", "bob", "carol", "dave"} {
		w.online(u, "x")
	}
	if got, err := w.srv.Around(t.Context(), "alice", 9); err != nil || !slices.Equal(got, []string{"bob", "carol"}) {
		t.Errorf("everyone: %v %v", got, err)
	}
	if got, _ := w.srv.Around(t.Context(), "alice", 1); len(got) != 1 {
		t.Errorf("one of them: %v", got)
	}
}
