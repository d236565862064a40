package app

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/app/remote"
	"foyer/internal/stream"
	"foyer/models"
)

func published(t *testing.T, from, node string) *stream.Element {
	t.Helper()
	el, err := stream.Parse([]byte(`<iq xmlns="jabber:client" type="set" id="1" from="`+from+`" to="_foyer@localhost/push"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="`+
		stream.Escape(node)+`"><item/></publish></pubsub></iq>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return el
}

// XEP-0357 §7: what the server tells of people with a subscription is taken, once somebody
// else cannot have made it up; anything else is refused, after which servers tell no more.
func TestUnseen_Answer(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	u := s.upstreamPush
	u.grace = time.Hour
	ctx := t.Context()
	answer := func(from, node string) string { return string(u.answer(ctx, published(t, from, node))) }
	if got := answer("localhost", u.node("alice")); !strings.Contains(got, "item-not-found") {
		t.Error("without a subscription:", got)
	}
	signedInAs(t, base, "alice").json("POST", "/xmpp/push", subscriptionJSON(t, "https://push.example.net/x")).wants(404, "") // nobody knows yet that the server tells
	subscribe(t, s, "alice")
	for _, made := range [][2]string{{"eve@localhost", u.node("alice")}, {"elsewhere", u.node("alice")}, {"localhost", "x.alice"}, {"localhost", strings.Replace(u.node("alice"), "alice", "bob", 1)}} {
		if got := answer(made[0], made[1]); !strings.Contains(got, "item-not-found") {
			t.Errorf("%s: %s", made, got)
		}
	}
	for _, from := range []string{"localhost", "alice@localhost"} {
		if got := answer(from, u.node("alice")); !strings.Contains(got, `type="result"`) {
			t.Errorf("from %s: %s", from, got)
		}
	}
	first := u.pending["alice"]
	if n := u.closePending("alice", first); n != 2 {
		t.Errorf("%d messages wait", n)
	}
	answer("localhost", u.node("alice"))
	next := u.pending["alice"]
	if u.closePending("alice", first); next == first || u.pending["alice"] != next {
		t.Error("what came later is forgotten with what came first")
	}
}

// overConn is a stream that has ended.
type overConn struct {
	remote.Conn
	at string
}

func (c overConn) JID() string                                 { return c.at }
func (overConn) Recv(context.Context) (*stream.Element, error) { return nil, io.EOF }
func (overConn) Close() error                                  { return nil }

// While there was no stream, the server may have given up what it was asked: it is asked again.
func TestUnseen_AskedAgain(t *testing.T) {
	s, _ := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	u := s.upstreamPush
	u.mu.Lock()
	u.enabled["alice"] = time.Now()
	u.mu.Unlock()
	u.readStream(t.Context(), overConn{at: u.address()})
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.enabled) > 0 {
		t.Error("the server counts as asked")
	}
}

func subscribe(t *testing.T, s *Server, user string) {
	t.Helper()
	a, err := s.db.Accounts.AccountByName(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	session, err := s.db.Sessions.CurrentSession(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.Notifications.SavePushSubscription(t.Context(), models.PushSubscription{SessionID: session, AccountID: a.ID, Endpoint: "https://push.example.net/x", P256DH: make([]byte, 65), Auth: make([]byte, 16)}); err != nil {
		t.Fatal(err)
	}
}

// Of so many people at once something is looked at, and no more.
func TestUnseen_Bounded(t *testing.T) {
	s, _ := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	u := s.upstreamPush
	for i := range maxPendingPushes {
		u.pending[strconv.Itoa(i)] = &pendingPush{}
	}
	u.messageArrived(t.Context(), "alice")
	u.messageArrived(t.Context(), "1")
	if _, there := u.pending["alice"]; there || len(u.pending) != maxPendingPushes || u.pending["1"].messages != 1 {
		t.Errorf("%d wait", len(u.pending))
	}
	if met := s.limits.Take(); len(met) != 1 || met[0].Last != "alice" {
		t.Errorf("met %+v", met)
	}
}

// Of the archive somebody is told what is new, each message once, however the server's
// counts and its archive overlap.
func TestUnseen_News(t *testing.T) {
	u := &upstreamPush{told: make(map[string]string)}
	list := func(ids string) (out []remote.Archived) {
		for _, id := range strings.Fields(ids) {
			out = append(out, remote.Archived{ID: id})
		}
		return out
	}
	for i, step := range []struct {
		archive string
		n       int
		want    string
	}{
		{"", 1, ""},
		{"a b c", 1, "c"},       // what came before was seen
		{"a b c d", 0, "d"},     // of which the server tells later
		{"a b c d", 1, ""},      // now
		{"b c d e f", 1, "e f"}, // it tells once of two
		{"m n o p", 2, "o p"},   // much was said meanwhile
		{"m n o p q", 9, "q"},   // it counts what is not archived
	} {
		var got []string
		for _, m := range u.newMessages("alice", list(step.archive), step.n) {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, strings.Fields(step.want)) {
			t.Errorf("step %d: %q, not %q", i, got, step.want)
		}
	}
}

// An instance asks the others whether somebody looks at a page there.
func TestUnseen_Elsewhere(t *testing.T) {
	s, _ := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	if s.upstreamPush.isActiveAnywhere("alice") {
		t.Error("she looks at nothing")
	}
	s.handleEvent(models.Event{Kind: models.EventActiveReply, User: "alice"})
	if !s.upstreamPush.isActiveAnywhere("alice") || s.upstreamPush.isActiveAnywhere("bob") {
		t.Error("another instance says that she looks at a page")
	}
}
