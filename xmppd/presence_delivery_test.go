package xmppd

import (
	"bytes"
	"testing"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// marking is a stream.Batcher that marks what may wait.
type marking struct{ *streamtest.Server }

func (m marking) SendBatched(raw []byte) error {
	return m.Send(bytes.Replace(raw, []byte("<presence "), []byte(`<presence soon="1" `), 1))
}

// The presence of others may wait for more of the kind, when they come, change and go;
// one's own, what a client is told when it comes, and messages may not.
func TestPresence_Batched(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	w.over = func(s stream.Stream) stream.Stream { return marking{s.(*streamtest.Server)} }
	alice := w.online("alice", "a")
	bob := w.bound("bob", "b")
	bob.Send(`<presence xmlns="jabber:client"/>`)
	bob.Expect(`<presence xmlns="jabber:client" from="bob@h/b" soon="!"><any xmlns="test"/></presence>`)
	bob.Expect(`<presence xmlns="jabber:client" from="alice@h/a" soon="!"><any xmlns="test"/></presence>`)
	alice.Expect(`<presence xmlns="jabber:client" from="bob@h/b" soon="1"><any xmlns="test"/></presence>`)
	bob.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	alice.Expect(`<presence xmlns="jabber:client" from="bob@h/b" soon="1"><any xmlns="test"/></presence>`)
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>hello</body></message>`)
	alice.Expect(`<message xmlns="jabber:client" id="m"><any xmlns="test"/></message>`)
	bob.Close()
	alice.Expect(`<presence xmlns="jabber:client" from="bob@h/b" type="unavailable" soon="1"/>`)
}
