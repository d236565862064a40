package relay

import "testing"

// Somebody looks at a stream from when it is carried until its client says that nobody does
// (XEP-0352 §4), or it ends; which of several streams it is does not matter.
func TestLookedAt(t *testing.T) {
	r := &Relay{}
	one, two := &conn{relay: r}, &conn{relay: r}
	one.identity.User, two.identity.User = "alice", "alice"
	for i, step := range []struct {
		conn *conn
		to   bool
		want bool
	}{
		{one, true, true}, {two, true, true}, {one, false, true}, {one, false, true}, {two, false, false}, {one, true, true}, {one, false, false},
	} {
		step.conn.setActive(step.to)
		if got := r.HasActiveClient("alice"); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if len(r.activeClients.byUser) != 0 {
		t.Error("they are remembered for ever:", r.activeClients.byUser)
	}
}
