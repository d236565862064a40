package xmppd

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/xmppd/archive"
)

// memTokens is a FASTStore in memory, for one client of one account.
type memTokens struct {
	*memStore
	tokens []FASTToken
}

func (m *memTokens) FASTTokens(_ context.Context, user, agent string) (list []FASTToken, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tokens {
		if t.Identity.User == user && t.Agent == agent {
			list = append(list, t)
		}
	}
	return list, m.fail
}

func (m *memTokens) IssueFAST(_ context.Context, id stream.Identity, agent, mechanism string) (FASTToken, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !strings.HasPrefix(id.Session, "app ") {
		return FASTToken{}, ErrNotFound
	}
	t := FASTToken{
		Token: sasl.Token{Identity: id, Mechanism: mechanism, Secret: rand.Text(), Expires: time.Now().Add(time.Hour)}, Agent: agent, Issued: time.Now(), Fresh: true,
	}
	m.removeLocked(func(o FASTToken) bool { return o.Fresh })
	m.tokens = append(m.tokens, t)
	return t, m.fail
}

func (m *memTokens) removeLocked(drop func(FASTToken) bool) {
	var kept []FASTToken
	for _, t := range m.tokens {
		if !drop(t) {
			kept = append(kept, t)
		}
	}
	m.tokens = kept
}

func (m *memTokens) UseFAST(_ context.Context, used FASTToken) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if used.Fresh {
		m.removeLocked(func(o FASTToken) bool { return o.Secret != used.Secret })
		m.tokens[0].Fresh = false
	}
	return m.fail
}

func (m *memTokens) RevokeFAST(context.Context, FASTToken) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = nil
	return m.fail
}

// change changes every token.
func (m *memTokens) change(f func(*FASTToken)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.tokens {
		f(&m.tokens[i])
	}
}

// modern is a world of native clients, with alice's app password.
func modern(t testing.TB, cfg Config, more ...string) (*world, *memTokens) {
	t.Helper()
	tokens := &memTokens{}
	cfg.FAST = tokens
	w := newWorldWith(t, cfg, append([]string{"alice", "bob"}, more...)...)
	tokens.memStore = w.store
	w.store.apps["alice"] = []string{"app", "third"}
	return w, tokens
}

func native2() stream.Peer {
	p := bindable()
	p.Native = true
	return p
}

const (
	agentID      = "d4565fa7-4d72-4749-b3d3-740edbf87770"
	userAgent    = `<user-agent id="` + agentID + `"><software>Test</software></user-agent>`
	liveFeatures = `<stream:features xmlns:stream="http://etherx.jabber.org/streams"><ver xmlns="urn:xmpp:features:rosterver"/><sub xmlns="urn:xmpp:features:pre-approval"/><csi xmlns="urn:xmpp:csi:0"/><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:foyer" ver="*"/></stream:features>`
)

// authenticate asks with PLAIN, and with what else the test wants.
func authenticate(password, more string) string {
	return `<authenticate xmlns="urn:xmpp:sasl:2" mechanism="PLAIN"><initial-response>` + encode("\x00alice\x00"+password) + `</initial-response>` + userAgent + more + `</authenticate>`
}

func withToken(mechanism, secret, binding, fast, more string) string {
	proof := mac(sasl.SHA256, []byte(secret), []byte("Initiator"+binding))
	return `<authenticate xmlns="urn:xmpp:sasl:2" mechanism="` + mechanism + `"><initial-response>` + encode("alice\x00"+string(proof)) + `</initial-response>` +
		userAgent + fast + more + `</authenticate>`
}

const (
	fastNow   = `<fast xmlns="urn:xmpp:fast:0" count="1"/>`
	bindTest  = `<bind xmlns="urn:xmpp:bind:0"><tag>Test</tag></bind>`
	boundTest = `<bound xmlns="urn:xmpp:bind:0"><metadata xmlns="urn:xmpp:mam:2"/></bound>`
)

// modernStream opens a stream and passes over the features.
func (w *world) modernStream() *client {
	w.t.Helper()
	c := w.connect(native2())
	c.Read()
	return c
}

func success2(content string) string {
	return `<success xmlns="urn:xmpp:sasl:2"><authorization-identifier>` + content + `</success>`
}

func failure2(condition string) string {
	return `<failure xmlns="urn:xmpp:sasl:2"><` + condition + ` xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></failure>`
}

// XEP-0388 §2.2, XEP-0386 §3.1, XEP-0484 §3.1 (S-100): what is offered, and to
// whom.
func TestSASL2_Features(t *testing.T) {
	w, _ := modern(t, Config{})
	f := w.connect(native2()).Read()
	a, ok := f.Find(stanza.NSSASL2, "authentication")
	if !ok {
		t.Fatalf("not offered: %s", f.Raw)
	}
	inline, _ := a.Find(stanza.NSSASL2, "inline")
	for _, n := range []stream.Name{{Space: stanza.NSSM, Local: "sm"}, {Space: nsBind2, Local: "bind"}, {Space: nsFAST, Local: "fast"}} {
		if _, ok := inline.Find(n.Space, n.Local); !ok {
			t.Errorf("%v is not offered", n)
		}
	}
	fast, _ := inline.Find(nsFAST, "fast")
	var names []string
	for m := range fast.Children() {
		names = append(names, m.Text())
	}
	if got := strings.Join(names, " "); got != "HT-SHA-256-EXPR HT-SHA-256-ENDP HT-SHA-256-NONE" {
		t.Errorf("FAST: %s", got)
	}
	for name, peer := range map[string]stream.Peer{
		"a browser": {Transport: stream.WebSocket, Password: true},
		"BOSH":      {Transport: stream.BOSH, Password: true, Native: true},
		"no way in": {Transport: stream.WebSocket, Native: true},
	} {
		c := w.connect(peer)
		if _, ok := c.Read().Find(stanza.NSSASL2, "authentication"); ok {
			t.Errorf("%s is offered SASL2", name)
		}
		c.Send(authenticate("app", ""))
		if got := streamCondition(c.ExpectEnd()); got != stream.NotAuthorized {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// XEP-0388 §2.6.1 (S-100): success, and the features right after it; binding in the
// old way is still there.
func TestSASL2_OldBind(t *testing.T) {
	w, _ := modern(t, Config{})
	c := w.modernStream()
	c.Send(authenticate("app", ""))
	c.Expect(success2(`alice@h</authorization-identifier>`))
	if _, ok := c.Read().Find(stanza.NSBind, "bind"); !ok {
		t.Error("binding is not offered")
	}
	c.ask(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>{jid}</jid></bind></iq>`)
}

// SCRAM over SASL2: the challenge, and the server's proof in the success.
func TestSASL2_SCRAM(t *testing.T) {
	w, _ := modern(t, Config{})
	for _, initial := range []bool{true, false} {
		c := w.modernStream()
		s := newSCRAMClient(c, sasl.SHA256)
		bare := "n=alice,r=abc"
		if initial {
			c.Send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="SCRAM-SHA-256"><initial-response>` + encode("n,,"+bare) + `</initial-response></authenticate>`)
		} else {
			c.Send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="SCRAM-SHA-256"/>`)
			c.Expect(`<challenge xmlns="urn:xmpp:sasl:2"/>`)
			c.Send(`<response xmlns="urn:xmpp:sasl:2">` + encode("n,,"+bare) + `</response>`)
		}
		got := c.Expect(`<challenge xmlns="urn:xmpp:sasl:2">{c}</challenge>`)
		raw, err := base64.StdEncoding.DecodeString(got["c"])
		if err != nil {
			t.Fatal(err)
		}
		message, want := s.final(bare, string(raw))
		c.Send(`<response xmlns="urn:xmpp:sasl:2">` + encode(message) + `</response>`)
		c.Expect(`<success xmlns="urn:xmpp:sasl:2"><additional-data>` + encode(want) + `</additional-data><authorization-identifier>alice@h</authorization-identifier></success>`)
	}
}

// XEP-0388 §2.5, §2.6.2: what does not get in, and how often it may try.
func TestSASL2_Failures(t *testing.T) {
	w, _ := modern(t, Config{})
	const begin = `<authenticate xmlns="urn:xmpp:sasl:2" mechanism="PLAIN"/>`
	for want, sends := range map[string][]string{
		"not-authorized":     {authenticate("wrong", bindTest)},
		"invalid-mechanism":  {`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="X"/>`, withToken("PLAIN", "x", "", fastNow, ""), strings.Replace(withToken(sasl.HTPlain, "x", "", fastNow, ""), agentID, "", 1), withToken(sasl.HTPlain, "x", "", "", "")},
		"incorrect-encoding": {`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="PLAIN"><initial-response>?</initial-response></authenticate>`},
		"malformed-request":  {`<response xmlns="urn:xmpp:sasl:2"/>`, `<other xmlns="urn:xmpp:sasl:2"/>`},
		"aborted":            {`<abort xmlns="urn:xmpp:sasl:2"/>`},
	} {
		tries := saslRefusals
		if sasl.Failure(want).IsGuess() {
			tries = saslAttempts
		}
		for _, send := range sends {
			c := w.modernStream()
			for range tries {
				c.Send(send)
				c.Expect(failure2(want))
			}
			if got := streamCondition(c.ExpectEnd()); got != stream.PolicyViolation {
				t.Errorf("%s: ended with %s", want, got)
			}
		}
	}
	// §2.4: what does not belong to an exchange that is under way ends the stream.
	for _, other := range []string{
		begin, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN"/>`, `<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`,
		`<other xmlns="urn:xmpp:sasl:2"/>`, `<message xmlns="jabber:client"/>`,
	} {
		c := w.modernStream()
		c.Send(begin)
		c.Expect(`<challenge xmlns="urn:xmpp:sasl:2"/>`)
		c.Send(other)
		if got := streamCondition(c.ExpectEnd()); got != stream.NotAuthorized {
			t.Errorf("%s: ended with %s", other, got)
		}
	}
	c := w.modernStream()
	c.Send(begin)
	c.Expect(`<challenge xmlns="urn:xmpp:sasl:2"/>`)
	c.Send(`<abort xmlns="urn:xmpp:sasl:2"/>`)
	c.Expect(failure2("aborted"))
	c.Send(authenticate("app", ""))
	c.Expect(success2(`alice@h</authorization-identifier>`))
}

// XEP-0388 §2.3: who opens the stream in one name signs in under no other.
func TestSASL2_From(t *testing.T) {
	w, _ := modern(t, Config{})
	for from, want := range map[string]string{
		"alice@h": success2(`alice@h</authorization-identifier>`), "": success2(`alice@h</authorization-identifier>`), "bob@h": failure2("invalid-authzid"),
	} {
		peer := native2()
		peer.From = from
		c := w.connect(peer)
		c.Read()
		c.Send(authenticate("app", ""))
		c.Expect(want)
	}
}

// XEP-0386 §3.2 (S-100): a resource, the archive's bounds, carbons, stream
// management and client state at once; a new session takes the place of the same
// client's old one; what waited offline is in the archive.
func TestBind2(t *testing.T) {
	w, _ := modern(t, Config{})
	bob := w.online("bob", "b")
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>x</body></message>`)
	bob.Sync()
	c := w.modernStream()
	c.Send(authenticate("app", `<bind xmlns="urn:xmpp:bind:0"><tag>Test</tag><enable xmlns="urn:xmpp:carbons:2"/><enable xmlns="urn:xmpp:sm:3" resume="true"/><inactive xmlns="urn:xmpp:csi:0"/></bind>`))
	got := c.Expect(success2(`{jid}</authorization-identifier><bound xmlns="urn:xmpp:bind:0"><metadata xmlns="urn:xmpp:mam:2"><start id="{id}" timestamp="*"/><end id="*" timestamp="*"/></metadata>` +
		`<enabled xmlns="urn:xmpp:sm:3" id="*" resume="true" max="45"/></bound>`))
	c.Expect(liveFeatures)
	if !strings.HasPrefix(got["jid"], "alice@h/Test/") || strings.Contains(got["jid"], agentID) {
		t.Errorf("bound %s", got["jid"])
	}
	if n := len(w.store.waiting("alice")); n != 0 {
		t.Errorf("%d messages wait", n)
	}
	s := w.srv.registry.lookup("alice").all()[0]
	if !s.flag(flagCarbons) || !s.flag(func(s *session) *bool { return &s.inactive }) || s.sm == nil {
		t.Error("carbons, client state or stream management is not as it was asked for")
	}
	again := w.modernStream()
	again.Send(authenticate("app", bindTest))
	if second := again.Expect(success2(`{jid}</authorization-identifier><bound xmlns="urn:xmpp:bind:0"><any xmlns="test"/></bound>`))["jid"]; second != got["jid"] {
		t.Errorf("the same client is %s, and was %s", second, got["jid"])
	}
	if _, ok := again.Read().Find(stanza.NSSM, "sm"); !ok {
		t.Error("stream management is not on, and not offered")
	}
	c.cutOff()
	if got := streamCondition(c.ended()); got != stream.Conflict {
		t.Errorf("the old stream ended with %s", got)
	}
}

// XEP-0386 §3.2 (S-100): what is in no archive is delivered, also to who reads the archive.
func TestBind2_WaitsInNoArchive(t *testing.T) {
	w, _ := modern(t, Config{})
	bob := w.online("bob", "b")
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="kept"><body>x</body></message>`)
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="hint"><body>x</body><no-permanent-store xmlns="urn:xmpp:hints"/></message>`)
	bob.Sync()
	w.store.prefs["alice"] = archive.Prefs{Default: archive.Never}
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="never"><body>x</body></message>`)
	bob.Sync()
	c := w.modernStream()
	c.Send(authenticate("app", bindTest))
	c.Expect(success2(`{jid}</authorization-identifier><bound xmlns="urn:xmpp:bind:0"><any xmlns="test"/></bound>`))
	c.Read() // features
	c.Send(`<presence xmlns="jabber:client"/>`)
	var got []string
	for _, e := range c.Sync() {
		if e.Name.Local == "message" {
			got = append(got, e.ID)
		}
	}
	if strings.Join(got, " ") != "hint never" {
		t.Errorf("got %q", got)
	}
	if n := len(w.store.waiting("alice")); n != 0 {
		t.Errorf("%d messages wait", n)
	}
}

// Tags that are no part of an address, or that go on for ever, are left out; so is
// the whole, where there are too many sessions.
func TestBind2_Odd(t *testing.T) {
	for _, tag := range []string{"", "\u200e\u0001x", strings.Repeat("x", 65)} {
		w, _ := modern(t, Config{})
		c := w.modernStream()
		c.Send(authenticate("app", `<bind xmlns="urn:xmpp:bind:0"><tag>`+strings.ReplaceAll(tag, "\u0001", "&#x202e;")+`</tag></bind>`))
		got := c.Expect(success2(`{jid}</authorization-identifier>` + boundTest))
		if _, resource, _ := strings.Cut(got["jid"], "/"); resource == "" || strings.Contains(resource, "x") {
			t.Errorf("tag %q: %s", tag, got["jid"])
		}
	}
	w, _ := modern(t, Config{Resources: 1})
	bob := w.online("bob", "b")
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>x</body></message>`)
	bob.Sync()
	w.bound("alice", "a")
	c := w.modernStream()
	c.Send(authenticate("app", bindTest))
	c.Expect(success2(`alice@h</authorization-identifier>`))
	if _, ok := c.Read().Find(stanza.NSBind, "bind"); !ok {
		t.Error("nothing to bind with")
	}
	if n := len(w.store.waiting("alice")); n != 1 {
		t.Errorf("%d messages wait for who is not in", n)
	}
}

// goneTeller is a service that writes to a client's address when the client leaves.
type goneTeller struct {
	srv    *Server
	sent   func()
	writes []string
}

func (*goneTeller) Domain() string { return "gone.h" }
func (*goneTeller) Name() string   { return "gone" }

func (*goneTeller) Handle(context.Context, Client, *stream.Element, stanza.Address) error { return nil }

func (g *goneTeller) Gone(ctx context.Context, c Client, _ *stream.Element) {
	for _, raw := range g.writes {
		if el, err := stream.Parse([]byte(strings.ReplaceAll(raw, "TO", c.JID())), stream.DefaultLimits); err == nil {
			_ = g.srv.Send(ctx, el)
		}
	}
	g.writes = nil
	if g.sent != nil {
		g.sent()
	}
}

// XEP-0386 §3.2, RFC 6121 §8.5.3.1 (S-27, S-100): what comes for the address of a client that
// takes the place of its old session, before it is told that it did, comes after that; and in the
// order in which it came.
func TestBind2_WritesWhileTheOldSessionEnds(t *testing.T) {
	w, _ := modern(t, Config{})
	g := &goneTeller{srv: w.srv}
	w.srv.Mount(g)
	const managed = `<bind xmlns="urn:xmpp:bind:0"><tag>Test</tag><enable xmlns="urn:xmpp:sm:3" resume="true"/></bind>`
	for _, bind := range []string{bindTest, managed} {
		g.writes = nil
		c := w.modernStream()
		c.Send(authenticate("app", bindTest))
		c.Read()
		c.Read()
		g.writes = []string{
			`<message xmlns="jabber:client" from="gone.h" to="TO" type="headline" id="1"><body>x</body></message>`,
			`<iq xmlns="jabber:client" from="gone.h" to="TO" type="set" id="2"><query xmlns="urn:x"/></iq>`,
			`<presence xmlns="jabber:client" from="gone.h" to="TO" id="3"/>`,
			`<message xmlns="jabber:client" from="gone.h/x" to="TO" type="chat" id="4"><body>x</body><no-store xmlns="urn:xmpp:hints"/></message>`,
		}
		again := w.modernStream()
		again.Send(authenticate("app", bind))
		again.Expect(success2(`*</authorization-identifier><bound xmlns="urn:xmpp:bind:0"><any xmlns="test"/></bound>`))
		again.Read() // features
		for _, id := range []string{"1", "2", "3", "4"} {
			if e := again.Read(); e.ID != id {
				t.Errorf("%s came where %s was due", e.Raw, id)
			}
		}
		if s := w.srv.registry.lookup("alice").all()[0]; bind == managed && len(s.sm.unacked) != 4 {
			t.Errorf("%d stanzas wait for an acknowledgement", len(s.sm.unacked))
		}
		again.Close()
		again.ended()
	}
}

// XEP-0198 §6, RFC 6120 §8.2.3 (S-10, S-95): where the client is gone before it has its
// session, what came for that is kept for the account, or answered.
func TestBind2_EndsBeforeItsStream(t *testing.T) {
	w, _ := modern(t, Config{})
	g := &goneTeller{srv: w.srv}
	w.srv.Mount(g)
	bob := w.online("bob", "b")
	g.writes = []string{
		`<message xmlns="jabber:client" from="x@gone.h" to="TO" type="chat" id="kept"><body>x</body></message>`,
		`<iq xmlns="jabber:client" from="` + bob.full + `" to="TO" type="get" id="asked"><query xmlns="urn:x"/></iq>`,
	}
	c := w.modernStream()
	c.Send(authenticate("app", bindTest))
	c.Read()
	c.Read()
	g.sent = func() {
		g.sent = nil
		for _, s := range w.srv.registry.lookup("alice").all() {
			w.srv.end(s, nil)
		}
	}
	again := w.modernStream()
	again.Send(authenticate("app", bindTest))
	again.cutOff()
	again.ended()
	bob.Until(`<iq xmlns="jabber:client" type="error" id="asked">` + stanzaErrorOf("cancel", "service-unavailable") + `</iq>`)
	if waiting := w.store.waiting("alice"); len(waiting) != 1 {
		t.Errorf("%d messages wait", len(waiting))
	}
}

// XEP-0198 §9.2 (S-100): resumed along with signing in, with what was missed right after
// that, and without features; or told that it failed, and bound again.
func TestSASL2_Resume(t *testing.T) {
	w, _ := modern(t, Config{})
	bob := w.online("bob", "b")
	c := w.modernStream()
	c.Send(authenticate("app", `<bind xmlns="urn:xmpp:bind:0"><enable xmlns="urn:xmpp:sm:3" resume="true"/></bind>`))
	got := c.Expect(success2(`{jid}</authorization-identifier><bound xmlns="urn:xmpp:bind:0"><metadata xmlns="urn:xmpp:mam:2"/><enabled xmlns="urn:xmpp:sm:3" id="{id}" resume="true" max="45"/></bound>`))
	c.Expect(liveFeatures)
	c.Drop()
	c.ended()
	bob.Send(`<message xmlns="jabber:client" to="` + got["jid"] + `" type="chat" id="missed"><body>x</body></message>`)
	bob.Sync()

	c = w.modernStream()
	c.Send(authenticate("app", `<resume xmlns="urn:xmpp:sm:3" previd="`+got["id"]+`" h="0"/>`+bindTest))
	c.Expect(success2(`alice@h</authorization-identifier><resumed xmlns="urn:xmpp:sm:3" previd="` + got["id"] + `" h="0"/>`))
	if m := c.Read(); m.ID != "missed" {
		t.Errorf("after the success: %s", m.Raw)
	}

	c = w.modernStream()
	c.Send(authenticate("app", `<resume xmlns="urn:xmpp:sm:3" previd="other" h="0"/>`+bindTest))
	c.Expect(success2(`{jid}</authorization-identifier><failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed><bound xmlns="urn:xmpp:bind:0"><any xmlns="test"/></bound>`))

	c = w.modernStream()
	c.Send(authenticate("app", `<resume xmlns="urn:xmpp:sm:3" previd="other" h="0"/>`))
	c.Expect(success2(`alice@h</authorization-identifier><failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`))
}

// A password that is revoked while its client is being let in does not get in.
func TestBind2_RevokedMeanwhile(t *testing.T) {
	w, _ := modern(t, Config{})
	w.store.revoked["app app"] = true
	c := w.modernStream()
	c.Send(authenticate("app", bindTest))
	c.cutOff()
	if got := streamCondition(c.ended()); got != stream.NotAuthorized || w.srv.Stats().Sessions != 0 {
		t.Errorf("ended with %s; %d sessions", got, w.srv.Stats().Sessions)
	}
}

// requested signs in with a password and returns the token.
func (w *world) requested(mechanism string) (token string) {
	w.t.Helper()
	c := w.modernStream()
	c.Send(authenticate("app", `<request-token xmlns="urn:xmpp:fast:0" mechanism="`+mechanism+`"/>`))
	return c.Expect(success2(`alice@h</authorization-identifier><token xmlns="urn:xmpp:fast:0" token="{token}" expiry="*"/>`))["token"]
}

// fast signs in with a token and returns the answer.
func (w *world) fast(mechanism, token, binding, fast string) *stream.Element {
	w.t.Helper()
	c := w.modernStream()
	c.Send(withToken(mechanism, token, binding, fast, ""))
	return c.Read()
}

func (w *world) fastFails(condition, mechanism, token, binding string) {
	w.t.Helper()
	if _, err := streamtest.Match(failure2(condition), w.fast(mechanism, token, binding, fastNow).Raw); err != nil {
		w.t.Error(err)
	}
}

// XEP-0484 §3 (S-100): a token signs in with the mechanism that it was asked for,
// over the connection that it is used on, and the server proves itself too.
func TestFAST(t *testing.T) {
	b := bindable().Binding
	for mechanism, binding := range map[string]string{sasl.HTPlain: "", sasl.HTEndpoint: string(b.Endpoint), sasl.HTExporter: string(b.Exporter)} {
		w, _ := modern(t, Config{})
		token := w.requested(mechanism)
		proof := encode(string(mac(sasl.SHA256, []byte(token), []byte("Responder"+binding))))
		for range 2 {
			c := w.modernStream()
			c.Send(withToken(mechanism, token, binding, fastNow, bindTest))
			c.Expect(`<success xmlns="urn:xmpp:sasl:2"><additional-data>` + proof + `</additional-data><authorization-identifier>{jid}</authorization-identifier>` + boundTest + `</success>`)
			if ids := w.srv.Identities(); len(ids) != 1 || ids[0].Session != "app app" {
				t.Errorf("%v", ids)
			}
		}
		w.fastFails("not-authorized", mechanism, "wrong", binding)
		w.fastFails("not-authorized", mechanism, token, binding+"another connection's")
		other := sasl.HTPlain
		if mechanism == sasl.HTPlain {
			other = sasl.HTEndpoint
		}
		w.fastFails("not-authorized", other, token, binding)
	}
}

// XEP-0484 §3.5, §3.6, §4.2: renewed when due, ended by the use of a later one,
// by the client's wish, by time.
func TestFAST_Ends(t *testing.T) {
	w, tokens := modern(t, Config{})
	first := w.requested(sasl.HTPlain)
	tokens.change(func(t *FASTToken) { t.Issued = t.Issued.Add(-2 * fastRenew) })
	const renewed = `<success xmlns="urn:xmpp:sasl:2"><additional-data>*</additional-data><authorization-identifier>alice@h</authorization-identifier><token xmlns="urn:xmpp:fast:0" token="{token}" expiry="*"/></success>`
	el := w.fast(sasl.HTPlain, first, "", fastNow)
	offered, err := streamtest.Match(renewed, el.Raw)
	if err != nil {
		t.Fatalf("not renewed: %v %s", err, el.Raw)
	}
	if el := w.fast(sasl.HTPlain, first, "", fastNow); el.Name.Local != "success" {
		t.Errorf("the old token ended before the new one was used: %s", el.Raw)
	}
	// §3.5: the last one that was offered counts. The one before it was offered to
	// a client that did not take it.
	el = w.fast(sasl.HTPlain, first, "", fastNow)
	got, err := streamtest.Match(renewed, el.Raw)
	if err != nil {
		t.Fatal(err)
	}
	w.fastFails("not-authorized", sasl.HTPlain, offered["token"], "")
	if el := w.fast(sasl.HTPlain, got["token"], "", fastNow); el.Name.Local != "success" {
		t.Errorf("the new token: %s", el.Raw)
	}
	w.fastFails("not-authorized", sasl.HTPlain, first, "")

	if el := w.fast(sasl.HTPlain, got["token"], "", `<fast xmlns="urn:xmpp:fast:0" invalidate="true"/>`); el.Name.Local != "success" {
		t.Errorf("to end it: %s", el.Raw)
	}
	w.fastFails("not-authorized", sasl.HTPlain, got["token"], "")

	last := w.requested(sasl.HTPlain)
	tokens.change(func(t *FASTToken) { t.Expires = time.Now().Add(-time.Minute) })
	w.fastFails("credentials-expired", sasl.HTPlain, last, "")
}

// What has no tokens, and a database that is away.
func TestFAST_None(t *testing.T) {
	w, tokens := modern(t, Config{})
	c := w.modernStream()
	c.Send(authenticate("secret", `<request-token xmlns="urn:xmpp:fast:0" mechanism="HT-SHA-256-NONE"/>`)) // no app password
	c.Expect(success2(`alice@h</authorization-identifier>`))
	c = w.modernStream()
	c.Send(authenticate("app", `<request-token xmlns="urn:xmpp:fast:0" mechanism="X"/>`))
	c.Expect(success2(`alice@h</authorization-identifier>`))
	if len(tokens.tokens) != 0 {
		t.Errorf("issued: %v", tokens.tokens)
	}
	c = w.modernStream()
	c.Send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="HT-SHA-256-NONE"><initial-response>YQ==</initial-response>` + userAgent + fastNow + `</authenticate>`)
	c.Expect(failure2("malformed-request"))
	token := w.requested(sasl.HTPlain)
	w.store.disabled["alice"] = true
	w.fastFails("account-disabled", sasl.HTPlain, token, "")
	w.store.setFail(errAway)
	w.fastFails("temporary-auth-failure", sasl.HTPlain, token, "")
}
