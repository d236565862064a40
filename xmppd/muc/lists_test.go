package muc

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"foyer/internal/budget"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// meter notes which limits are met.
type meter struct {
	mu    sync.Mutex
	names []string
}

func (m *meter) LimitHit(l budget.Limit, _ string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names = append(m.names, l.Name)
}

// A list of those who are banned ends no stream, however long it is, and whatever XML makes of the
// reasons; and it costs who asks, as other answers do.
func TestLists_Long(t *testing.T) { synctest.Test(t, listsLong) }

func listsLong(t *testing.T) {
	met := &meter{}
	w := newWorldWith(t, Config{}, xmppd.Config{Recorder: met}, "alice", "user0001")
	w.open("den", nil)
	const banned = 5000
	for i := range banned {
		user := fmt.Sprintf("user%04d", i)
		w.store.people["den"][user] = Affiliated{User: user, Affiliation: Outcast, Reason: strings.Repeat("&", 1000)} // kept before it was bounded so
	}
	alice := w.online("alice", "a")
	const ask = `<query xmlns="` + nsAdmin + `"><item affiliation="outcast"/></query>`
	list := alice.ask("get", "den@rooms.h", ask)
	if n := strings.Count(string(list.Raw), "<item "); n != banned || len(list.Raw) > 2<<20 {
		t.Errorf("%d people in %d bytes", n, len(list.Raw))
	}
	if !strings.Contains(string(list.Raw), "<reason>&amp;") || !strings.Contains(string(list.Raw), `jid="user4999@h"/>`) {
		t.Errorf("%.300s", list.Raw)
	}
	// Many at once are answered as they are read, and no faster than an account may ask.
	for i := range 16 {
		alice.Send(fmt.Sprintf(`<iq xmlns="jabber:client" type="get" id="l%d" to="den@rooms.h">%s</iq>`, i, ask))
	}
	synctest.Wait()
	for i := range 16 {
		if e := alice.Read(); e.ID != fmt.Sprint("l", i) || e.Type != "result" {
			t.Fatalf("%.300s", e.Raw)
		}
	}
	if met.mu.Lock(); !slices.Contains(met.names, "answers to one account") {
		t.Errorf("what was met: %q", met.names)
	}
	met.mu.Unlock()

	// A reason is measured as it is sent to everybody.
	ban := `<query xmlns="` + nsAdmin + `"><item affiliation="outcast" jid="user0001@h"><reason>%s</reason></item></query>`
	alice.refused(alice.ask("set", "den@rooms.h", fmt.Sprintf(ban, stream.Escape(strings.Repeat("&", 201)))), "modify policy-violation")
	if e := alice.ask("set", "den@rooms.h", fmt.Sprintf(ban, stream.Escape(strings.Repeat("&", 200)))); e.Type != "result" {
		t.Errorf("%s", e.Raw)
	}
}
