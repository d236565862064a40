package xmppd

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stream"
)

// noticed is a Notifier that notes what it was told of.
type noticed struct {
	mu  sync.Mutex
	ids []string
	at  time.Time // of the last
}

func (*noticed) Wants(user string) bool { return user == "bob" }

func (n *noticed) Message(user string, m *stream.Element, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids, n.at = append(n.ids, user+" "+m.ID), at
}

// told returns what it was told of, and when the last of that was sent.
func (n *noticed) told() ([]string, time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.ids), n.at
}

// said is a message to bob with a text.
func said(id string) string {
	return `<message xmlns="jabber:client" to="bob@h" type="chat" id="` + id + `"><body>x</body></message>`
}

// What it wants to be told of: messages with something to read, once however many clients there are.
func TestNotify(t *testing.T) {
	var told noticed
	w := newWorldWith(t, Config{Notifier: &told}, "alice", "bob", "carol")
	alice := w.online("alice", "a")
	alice.Send(said("away"))
	alice.Send(`<message xmlns="jabber:client" to="carol@h" type="chat" id="unwanted"><body>x</body></message>`)
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="state"><active xmlns="http://jabber.org/protocol/chatstates"/></message>`)
	alice.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="self"><body>x</body></message>`)
	alice.Sync()
	w.online("bob", "one")
	w.online("bob", "two")
	alice.Send(said("there"))
	alice.Sync()
	if ids, _ := told.told(); !slices.Equal(ids, []string{"bob away", "bob there"}) {
		t.Errorf("told of %q", ids)
	}
}

// pass lets time go by on the clock of a bubble (testing/synctest), which waits for nothing, until
// all that comes of it is done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// watched is a server whose notifier wants bob's messages, in a bubble of time, with alice there.
func watched(t *testing.T, test func(w *world, saw func(id string, within time.Duration) bool)) {
	synctest.Test(t, func(t *testing.T) {
		var told noticed
		w := newWorldWith(t, Config{Notifier: &told}, "alice", "bob")
		alice := w.online("alice", "a")
		test(w, func(id string, within time.Duration) bool {
			alice.Send(said(id))
			alice.Sync()
			_, at := told.told()
			pass(within)
			return w.srv.HasSeen("bob", at)
		})
	})
}

// Somebody sees a message while a client is looked at, and not when none is, all are gone, or
// have said that nobody looks (XEP-0352).
func TestSaw(t *testing.T) {
	watched(t, func(w *world, saw func(string, time.Duration) bool) {
		expect := func(what string, want bool) {
			w.t.Helper()
			if saw(what, time.Second) != want {
				w.t.Errorf("%s: seen is not %t", what, want)
			}
		}
		expect("away", false)
		one, two := w.online("bob", "one"), w.online("bob", "two")
		expect("two look", true)
		one.Send(csiInactive)
		one.Sync()
		expect("one looks", true)
		two.Send(csiInactive)
		two.Sync()
		expect("none looks", false)
		two.Send(csiActive)
		two.Sync()
		expect("one looks again", true)
		two.Drop()
		two.ended()
		expect("it is gone", false)
	})
}

// XEP-0198 §4: a client is asked at once whether it has what would be told otherwise. One that
// does not answer, as a phone without a network, is not looked at; what was acknowledged was
// seen, also when the page is closed right after it.
func TestSaw_Acknowledged(t *testing.T) {
	watched(t, func(w *world, saw func(string, time.Duration) bool) {
		bob := w.online("bob", "phone")
		bob.enableSM()
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			bob.Until(`<message xmlns="jabber:client" id="answered"><body>x</body><any xmlns="test"/></message>`)
			bob.Until(`<r xmlns="urn:xmpp:sm:3"/>`)
			bob.Send(`<a xmlns="urn:xmpp:sm:3" h="1"/>`)
			bob.Sync()
			bob.Drop()
		}()
		if !saw("answered", 3*time.Second) {
			w.t.Error("what was acknowledged before the client was gone was not seen")
		}
		<-answered
		bob.ended()
		if saw("gone", 3*time.Second) {
			w.t.Error("what came afterwards was seen")
		}
	})
	watched(t, func(w *world, saw func(string, time.Duration) bool) {
		bob := w.online("bob", "phone")
		bob.enableSM()
		if !saw("first", time.Second) {
			w.t.Error("a client that may still answer does not look")
		}
		if saw("second", 3*time.Second) {
			w.t.Error("a client that does not answer looks")
		}
		bob.Drop()
		bob.ended()
		if w.srv.HasSeen("bob", time.Now().Add(-4*time.Second)) {
			w.t.Error("what nobody acknowledged was seen")
		}
	})
}

// away is a stream whose peer is away, as over BOSH between two requests.
type away struct {
	stream.Stream
	mu    sync.Mutex
	since time.Time
}

func (a *away) NoPollSince() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.since
}

// Over BOSH nothing is acknowledged: a page that does not ask for more is gone.
func TestSaw_Absent(t *testing.T) {
	watched(t, func(w *world, saw func(string, time.Duration) bool) {
		var st *away
		w.over = func(under stream.Stream) stream.Stream {
			st = &away{Stream: under}
			return st
		}
		w.online("bob", "page")
		if !saw("there", 3*time.Second) {
			w.t.Error("a page that asks for more does not look")
		}
		st.mu.Lock()
		st.since = time.Now()
		st.mu.Unlock()
		if !saw("between two pages", time.Second) {
			w.t.Error("a page that may come back does not look")
		}
		if saw("closed", 3*time.Second) {
			w.t.Error("a page that is away looks")
		}
	})
}

// Each message to a person is to be acknowledged, what is said in rooms once in a while, and
// nothing by a client that nobody looks at. Who has answered is looked at.
func TestNotify_AsksNoMoreThanNeeded(t *testing.T) {
	watched(t, func(w *world, _ func(string, time.Duration) bool) {
		bob := w.online("bob", "page")
		bob.enableSM()
		send := func(from, to, kind, id string) {
			m, err := stream.Parse([]byte(`<message xmlns="jabber:client" from="`+from+`" to="`+to+`" type="`+kind+`" id="`+id+`"><body>x</body></message>`), stream.DefaultLimits)
			if err != nil {
				w.t.Fatal(err)
			}
			if err := w.srv.Send(w.t.Context(), m); err != nil {
				w.t.Fatal(err)
			}
		}
		room := func(id string) { send("room@echo.h/nick", "bob@h/page", "groupchat", id) }
		direct := func(id string) { send("alice@h/a", "bob@h", "chat", id) }
		asked := func() (n int) {
			for _, e := range bob.Sync() {
				if e.Name.Local == "r" {
					n++
				}
			}
			return n
		}
		direct("one")
		direct("two")
		if n := asked(); n != 2 {
			w.t.Errorf("asked %d times for two messages to a person", n)
		}
		bob.Send(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
		bob.Sync()
		pass(time.Minute)
		if !w.srv.HasSeen("bob", time.Now()) {
			w.t.Error("a client that has answered does not look")
		}
		room("one")
		room("two")
		if n := asked(); n != 1 {
			w.t.Errorf("asked %d times for two messages of a room", n)
		}
		pass(askRooms)
		room("three")
		if n := asked(); n != 1 {
			w.t.Errorf("asked %d times later", n)
		}
		pass(askRooms)
		bob.Send(csiInactive)
		bob.Sync()
		room("four")
		if n := asked(); n != 0 {
			w.t.Errorf("asked %d times of a client that nobody looks at", n)
		}
	})
}
