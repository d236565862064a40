package xmppd

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream"
)

// an account's streams together spend what one account may, whatever each of
// them sends; others do not wait for them.
func TestSpending_OneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "mallory", "alice", "bob")
		w.srv.spending.input = budget.NewRate(budget.Limit{}, 10_000, 20_000, nil)
		bob := w.online("bob", "b")
		alice := w.online("alice", "a")
		word := strings.Repeat("x", 1000)
		var streams []*client
		for i := range 5 { // all are there before the account has spent what it may
			streams = append(streams, w.online("mallory", fmt.Sprint("m", i)))
		}
		for _, mallory := range streams {
			for range 20 {
				mallory.Send(`<message xmlns="jabber:client" to="bob@h" type="chat"><body>` + word + `</body></message>`)
			}
		}
		synctest.Wait() // all that may be handled now is
		begin := time.Now()
		alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="honest"><body>hello</body></message>`)
		flood := 0
		for bob.Read().ID != "honest" {
			flood++
		}
		if flood > 20 {
			t.Errorf("%d messages of mallory's came", flood)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("alice waited %s", took)
		}
	})
}

// What an account has stored, shown and delivered is bounded likewise, each for
// itself.
func TestSpending_Each(t *testing.T) {
	met := &meter{}
	sp := newSpending(1, met)
	small := func(units int, name string) *budget.Rate {
		return budget.NewRate(budget.Limit{Name: name}, 1e6, units, met)
	}
	sp.input, sp.presence, sp.archive = small(1000, "input"), small(100, "presence"), small(100, "archive")
	for _, c := range []struct{ raw, want string }{
		{`<iq xmlns="jabber:client" type="get" id="1"/>`, ""},
		{`<presence xmlns="jabber:client"><status>` + strings.Repeat("x", 100) + `</status></presence>`, "presence"},
		{`<message xmlns="jabber:client"><body>` + strings.Repeat("x", 50) + `</body></message>`, "archive"},
		{`<iq xmlns="jabber:client" type="get" id="1"><a>` + strings.Repeat("x", 1000) + `</a></iq>`, "input"},
	} {
		met.names = nil
		if err := sp.admit(t.Context(), c.raw[:3]+t.Name(), parsed(t, c.raw)); err != nil || strings.Join(met.names, " ") != c.want {
			t.Errorf("%.20s met %v, want %s; %v", c.raw, met.names, c.want, err)
		}
	}
}

// what an account asks for is answered at its own rate, and refused when that
// would take long.
func TestSpending_Answers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "mallory")
		w.srv.spending.answers = budget.NewRate(budget.Limit{}, 1, 500, nil)
		mallory := w.online("mallory", "m")
		ask := `<iq xmlns="jabber:client" type="get" id="i"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
		mallory.Send(ask)
		mallory.Until(`<iq xmlns="jabber:client" from="mallory@h" type="error" id="i"><error type="wait"><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><any xmlns="test"/></error></iq>`)
	})
}

func parsed(t *testing.T, raw string) *stream.Element {
	t.Helper()
	el, err := stream.Parse([]byte(raw), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return el
}

// meter keeps the names of the limits that are met.
type meter struct{ names []string }

func (m *meter) LimitHit(l budget.Limit, _ string) { m.names = append(m.names, l.Name) }
