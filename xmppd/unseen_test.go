package xmppd

import (
	"sync"
	"testing"

	"foyer/internal/stream"
)

// noticed is a Notifier that notes whom it was told of.
type noticed struct {
	mu  sync.Mutex
	ids []string
}

func (*noticed) Wants(user string) bool { return user == "bob" }

func (n *noticed) Unseen(user string, m *stream.Element) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids = append(n.ids, user+" "+m.ID)
}

// Who looks at a client is told by nothing else; who does not, once for each message
// however many clients there are.
func TestUnseen(t *testing.T) {
	var told noticed
	w := newWorldWith(t, Config{Notifier: &told}, "alice", "bob", "carol")
	alice := w.online("alice", "a")
	say := func(to, id, inner string) {
		t.Helper()
		alice.Send(`<message xmlns="jabber:client" to="` + to + `" type="chat" id="` + id + `">` + inner + `</message>`)
		alice.Sync()
	}
	const text = `<body>x</body>`
	say("bob@h", "away", text)
	say("carol@h", "unwanted", text)
	say("bob@h", "state", `<active xmlns="http://jabber.org/protocol/chatstates"/>`)
	say("alice@h", "self", text)

	one, two := w.online("bob", "one"), w.online("bob", "two")
	say("bob@h", "seen", text)
	one.Send(csiInactive)
	one.Sync()
	say("bob@h", "seen at two", text)
	two.Send(csiInactive)
	two.Sync()
	say("bob@h", "hidden", text)
	two.Send(csiActive)
	two.Sync()
	say("bob@h/one", "seen again", text)

	told.mu.Lock()
	defer told.mu.Unlock()
	if want := []string{"bob away", "bob hidden"}; len(told.ids) != 2 || told.ids[0] != want[0] || told.ids[1] != want[1] {
		t.Errorf("told of %q, want %q", told.ids, want)
	}
}
