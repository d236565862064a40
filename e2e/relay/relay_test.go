package relay

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/e2e/peers"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"github.com/fasthttp/websocket"
	"mellium.im/xmpp/stanza"
)

func message(to, id string) string {
	return `<message xmlns="jabber:client" type="chat" to="` + to + `@` + domain + `" id="` + id + `"><body>hello</body></message>`
}

// TestServers: what people need of the gateway, with each release of each server behind it.
func TestServers(t *testing.T) {
	t.Parallel()
	for _, server := range servers("alice", "bob", "foyer") {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			behind(t, server.start(t))
		})
	}
}

func behind(t *testing.T, s *peers.Server) {
	w := newWire(t, s.Port)
	for _, part := range []struct {
		name string
		play func(g *gateway)
	}{
		{"a conversation between transports", (*gateway).conversation},
		{"a BOSH session outlives its link", func(g *gateway) { g.outlivesLink(w) }},
		{"a WebSocket resumes at the server", func(g *gateway) { g.resumes(w) }},
		{"signing out", (*gateway).signsOut},
		{"a resource that another client takes", (*gateway).conflict},
		{"a service account", (*gateway).serviceAccount},
		{"everybody comes back after its restart", func(g *gateway) { g.restart(s, []string{"alice", "bob"}, 12) }},
	} {
		t.Run(part.name, func(t *testing.T) {
			g := newGateway(t, "xmpp://"+w.address())
			if err := g.relay.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			part.play(g)
		})
	}
}

func (g *gateway) conversation() {
	alice, bob := g.open("alice"), g.prebind("bob")
	alice.bind()
	bob.post(`<presence xmlns="jabber:client"/>`)
	bob.until("presence")
	alice.send(message("bob", "1"))
	if m := bob.until("message"); m.ID != "1" || m.From == "" {
		g.t.Errorf("bob gets %s", m.Raw)
	}
	bob.post(message("alice", "2"))
	if m := alice.until("message"); m.ID != "2" {
		g.t.Errorf("alice gets %s", m.Raw)
	}
	// What Prosody would ask of its own clients is not asked of the browser: from is as
	// the server knows it, whatever the client says (Converse after resuming).
	alice.send(`<message xmlns="jabber:client" from="alice@` + domain + `/wrong" type="chat" to="bob@` + domain + `" id="3"><body>hello</body></message>`)
	bob.until("message", "3")
}

// outlivesLink: the link to the server is cut while both sides speak (XEP-0198 §5).
func (g *gateway) outlivesLink(w *wire) {
	alice, bob := g.prebind("alice"), g.prebind("bob")
	for _, p := range []*poller{alice, bob} {
		p.post(`<presence xmlns="jabber:client"/>`)
		p.until("presence")
	}
	// What an earlier session ended too early to acknowledge, the server brings again (§5).
	next := func(p *poller) *stream.Element {
		for {
			if m := p.until("message"); strings.HasPrefix(m.ID, "cut-") {
				return m
			}
		}
	}
	for i := range 5 {
		id := "cut-" + strconv.Itoa(i)
		alice.post(message("bob", id))
		w.cut()
		bob.post(message("alice", id))
		if m := next(bob); m.ID != id {
			g.t.Fatalf("bob gets %s, want %s", m.Raw, id)
		}
		if m := next(alice); m.ID != id {
			g.t.Fatalf("alice gets %s, want %s", m.Raw, id)
		}
	}
	if st := g.relay.Stats(); st.Resumed == 0 {
		g.t.Errorf("stats are %+v", st)
	}
}

// resumes: a WebSocket is dropped with its link, and its client resumes at the server
// through the next (W-16).
func (g *gateway) resumes(w *wire) {
	alice := g.open("alice")
	alice.bind()
	alice.send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	id, _ := alice.until("enabled").Attr("id")
	w.cut()
	if code := alice.code(); code != websocket.CloseAbnormalClosure {
		g.t.Errorf("the WebSocket closes with %d", code)
	}
	bob := g.prebind("bob")
	bob.post(message("alice", "meanwhile"))
	alice = g.open("alice")
	alice.send(`<resume xmlns="urn:xmpp:sm:3" previd="` + id + `" h="0"/>`)
	alice.until("resumed")
	alice.until("message", "meanwhile")

	// And when it is the client that is lost, while the link is held for it.
	alice.conn.Close()
	g.eventually(func() bool { return g.relay.Stats().Hibernating == 1 })
	bob.post(message("alice", "again"))
	alice = g.open("alice")
	alice.send(`<resume xmlns="urn:xmpp:sm:3" previd="` + id + `" h="0"/>`)
	alice.until("resumed")
	alice.until("message", "again")
	g.eventually(func() bool { return g.relay.Stats().Hibernating == 0 })
}

// signsOut: who sees alice sees her go at once, whether she is connected or her session
// waits for resumption, for which Prosody would keep it much longer.
func (g *gateway) signsOut() {
	watcher := g.open("alice/tablet") // sees the presence of her phone
	watcher.bind()
	for _, connected := range []bool{true, false} {
		g.site.signOut("nobody")
		alice := g.open("alice/phone")
		alice.bind()
		watcher.until("presence")
		alice.send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
		alice.until("enabled")
		if !connected {
			alice.conn.Close()
			g.eventually(func() bool { return g.relay.Stats().Hibernating == 1 })
		}
		g.site.signOut("alice/phone")
		g.gw.End(stream.Scope{Session: identity("alice/phone").Session}, &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"})
		for watcher.until("presence").Type != "unavailable" {
		}
	}
	g.site.signOut("nobody")
}

func (g *gateway) eventually(is func() bool) {
	g.t.Helper()
	for end := time.Now().Add(streamtest.Timeout); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatal("it did not come to that")
		}
	}
}

// conflict: a stream error of the server's reaches BOSH as remote-stream-error, whole,
// since Strophe looks for the condition in it (XEP-0124 §17.2, B-51, B-61).
func (g *gateway) conflict() {
	bob := g.prebind("bob")
	_, resource, _ := strings.Cut(bob.session.JID, "/")
	other := g.open("bob")
	other.send(`<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>` + resource + `</resource></bind></iq>`)
	other.until("iq", "bind")
	if end := bob.untilEnd(); end != "remote-stream-error" {
		g.t.Errorf("the session ends with %q", end)
	}
	el := bob.until("error")
	if _, ok := el.Find(stream.NSStreams, "conflict"); !ok {
		g.t.Errorf("the error is %s", el.Raw)
	}
}

// TestAway: while the server cannot be reached, Converse is told what brings it back, on
// each transport: not remote-connection-failed, since it has had features, and no failure of
// SASL, after both of which it gives up (B-50, B-61).
func TestAway(t *testing.T) {
	g := newGateway(t, "xmpp://"+peers.Addr(peers.FreePort(t)))
	b := g.connect("alice")
	b.send(wsOpen)
	b.until("features")
	b.send(authExternal)
	if code := b.code(); code != websocket.CloseAbnormalClosure {
		t.Errorf("the WebSocket closes with %d", code)
	}

	_, err := g.gw.Prebind(t.Context(), identity("alice"), "127.0.0.1")
	if err == nil || !strings.Contains(err.Error(), "system-shutdown") {
		t.Errorf("Prebind returns %v", err)
	}
}

// serviceAccount: the site's own session, by PLAIN, which is all that SignIn offers.
func (g *gateway) serviceAccount() {
	session, err := g.relay.SignIn(g.t.Context(), "foyer", "", secret)
	if err != nil {
		g.t.Fatal(err)
	}
	defer session.Conn().Close()
	go func() { _ = session.Serve(nil) }()
	resp, err := session.SendIQElement(g.t.Context(), nil, stanza.IQ{Type: stanza.GetIQ, To: session.RemoteAddr()})
	if err != nil {
		g.t.Fatal(err)
	}
	if got := session.LocalAddr().Bare().String(); got != "foyer@"+domain {
		g.t.Errorf("the session is %s", got)
	}
	_ = resp.Close()
	_ = session.Close()
}

// restart: everybody is told so that Converse comes back, and can, all at once (B-50, B-61).
// Each of the users has so many sessions on each transport. What becomes of their messages,
// TestCrowd counts.
func (g *gateway) restart(s *peers.Server, users []string, each int) {
	var browsers []*browser
	var pollers []*poller
	crowd := slices.Repeat(users, each)
	for _, user := range crowd {
		b := g.open(user)
		b.bind()
		browsers, pollers = append(browsers, b), append(pollers, g.prebind(user))
	}
	s.Restart()
	for _, b := range browsers {
		if code := b.code(); code == websocket.CloseNormalClosure {
			g.t.Errorf("the WebSocket closes with %d", code)
		}
	}
	for _, p := range pollers {
		if end := p.untilEnd(); end != "system-shutdown" {
			g.t.Errorf("the BOSH session ends with %q", end)
		}
	}
	var back sync.WaitGroup
	for _, user := range crowd {
		back.Go(func() { g.prebindSoon(user) })
	}
	for i, user := range crowd {
		browsers[i] = g.open(user)
		browsers[i].bind()
	}
	back.Wait()
	for i, b := range browsers { // and each can speak again
		id := "back" + strconv.Itoa(i)
		b.send(`<iq xmlns="jabber:client" type="get" id="` + id + `"><ping xmlns="urn:xmpp:ping"/></iq>`)
		b.until("iq", id)
	}
}
