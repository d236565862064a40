package xmppgw

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/leaks"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, leaks.Fasthttp()...)
}

const domain = "h"

// echo is a server that signs everybody in who may use EXTERNAL, binds, and
// sends back every message. A message to "quiet" is kept; one to "burst" comes
// back three times; one to "end" ends the stream with system-shutdown.
type echo struct {
	mu   sync.Mutex
	got  []string // ids of the stanzas, in order
	ends []stream.Scope
	left []error // how the streams ended, as Serve saw it

	served int // streams

	features string // behind the sign-in
}

func (e *echo) End(scope stream.Scope, _ error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ends = append(e.ends, scope)
}

func (e *echo) stanzas() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.got, " ")
}

func (e *echo) Serve(ctx context.Context, s stream.Stream, peer *stream.Peer) (err error) {
	e.mu.Lock()
	e.served++
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.left = append(e.left, err)
		e.mu.Unlock()
		if errors.Is(err, io.EOF) {
			err = nil
		}
		s.Close(err)
	}()
	mechanism := ""
	if peer.External {
		mechanism = "<mechanism>EXTERNAL</mechanism>"
	}
	if peer.Password {
		mechanism += "<mechanism>PLAIN</mechanism>"
	}
	_ = s.Send([]byte(`<stream:features xmlns:stream="http://etherx.jabber.org/streams"><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl">` + mechanism + `</mechanisms></stream:features>`))
	if _, err := s.Recv(ctx); err != nil {
		return err
	}
	_ = s.Send([]byte(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`))
	if err := s.Restart(ctx); err != nil {
		return err
	}
	_ = s.Send([]byte(`<stream:features xmlns:stream="http://etherx.jabber.org/streams">` + e.features + `</stream:features>`))
	for {
		el, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		e.mu.Lock()
		e.got = append(e.got, el.ID)
		e.mu.Unlock()
		switch {
		case el.Child.Local == "session":
			_ = s.Send([]byte(`<iq xmlns="jabber:client" type="result" id="session"/>`))
		case el.Name.Local == "iq":
			_ = s.Send([]byte(`<iq xmlns="jabber:client" type="result" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>` + peer.Identity.User + `@h/r</jid></bind></iq>`))
		case el.To == "quiet":
		case el.To == "tell": // once, before Recv waits
			w := s.(stream.Waiter)
			w.BeforeWait(func() {
				w.BeforeWait(nil)
				_ = s.Send([]byte(message("a", "waits")))
			})
		case el.To == "end":
			return &stream.Error{Condition: stream.SystemShutdown}
		case el.To == "burst":
			for range 3 {
				_ = s.Send(el.Raw)
			}
		default:
			_ = s.Send(el.Raw)
		}
	}
}

// cookies knows one session, "alice".
type cookies struct {
	mu   sync.Mutex
	away bool
	gone bool
}

func (c *cookies) set(away, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.gone = away, gone
}

func (c *cookies) FromRequest(_ context.Context, h Header, _ string) (stream.Identity, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.away:
		return stream.Identity{}, errors.New("the database is away")
	case h.Get("Cookie") != "s=alice" || c.gone:
		return stream.Identity{}, ErrNoSession
	}
	return stream.Identity{User: "alice", Session: "1"}, nil
}

type site struct {
	t      testing.TB
	gw     *Gateway
	echo   *echo
	auth   *cookies
	base   string
	client *http.Client
	close  func()
	inHTTP func() int32 // connections that the HTTP server has; those that are parked have left it
}

func newSite(t testing.TB, change func(*Config)) *site {
	return newSiteOn(t, fiber.Config{DisableStartupMessage: true, Immutable: true}, change)
}

func newSiteOn(t testing.TB, web fiber.Config, change func(*Config)) *site {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, echo: &echo{}, auth: &cookies{}, base: "http://" + l.Addr().String(), client: &http.Client{Transport: &http.Transport{}}}
	cfg := Config{Domain: domain, Auth: s.auth, Server: s.echo, BaseURL: func() string { return s.base },
		Origin: s.trust, External: true, FinalPolls: 10 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	if s.gw, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	app := fiber.New(web)
	s.gw.Mount(app)
	s.inHTTP = app.Server().GetOpenConnectionsCount
	served := make(chan error, 1)
	go func() { served <- app.Listener(detaching{l}) }()
	s.close = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), streamtest.Timeout)
		defer cancel()
		if err := s.gw.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		s.client.CloseIdleConnections()
		_ = app.ShutdownWithContext(ctx)
		l.Close() // a server that had not begun to serve was not stopped
		<-served
		s.gw.mu.Lock()
		for _, b := range s.gw.sessions {
			b.timer.Stop()
		}
		s.gw.mu.Unlock()
	})
	t.Cleanup(s.close)
	return s
}

// trust: the site itself, and two more origins, of which one is of the same site.
func (s *site) trust(origin string) Trust {
	switch origin {
	case s.base, sameSite:
		return TrustCookies
	case otherSite:
		return TrustTokens
	}
	return TrustNone
}

const (
	sameSite  = "https://app.h.example"
	otherSite = "https://elsewhere.example"
)

// --- WebSocket ---

type wsClient struct {
	t    testing.TB
	conn *websocket.Conn
}

func (s *site) dial(header http.Header) (*wsClient, *http.Response, error) {
	d := websocket.Dialer{Subprotocols: []string{"xmpp"}, HandshakeTimeout: streamtest.Timeout}
	conn, resp, err := d.Dial("ws"+strings.TrimPrefix(s.base, "http")+"/xmpp-websocket", header)
	if err != nil {
		return nil, resp, err
	}
	s.t.Cleanup(func() { conn.Close() })
	return &wsClient{s.t, conn}, resp, nil
}

func (s *site) browser() *wsClient {
	s.t.Helper()
	c, _, err := s.dial(http.Header{"Origin": {s.base}, "Cookie": {"s=alice"}})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (c *wsClient) send(raw string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(raw)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wsClient) read() string {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
	kind, raw, err := c.conn.ReadMessage()
	if err != nil || kind != websocket.TextMessage {
		c.t.Fatalf("read: %d %v", kind, err)
	}
	return string(raw)
}

func (c *wsClient) expect(pattern string) map[string]string {
	c.t.Helper()
	raw := c.read()
	got, err := streamtest.Match(pattern, []byte(raw))
	if err != nil {
		c.t.Fatalf("%v\n got: %s\nwant: %s", err, raw, pattern)
	}
	return got
}

// code reads up to the close frame; 1006 means there was none.
func (c *wsClient) code() int {
	_ = c.conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
	for {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				return closed.Code
			}
			return 1006
		}
	}
}

const (
	wsOpen     = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="h" version="1.0"/>`
	authFrame  = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`
	wsOpenBack = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="h" id="{id}" version="1.0" xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en"/>`
	features   = `<stream:features xmlns:stream="http://etherx.jabber.org/streams"><any xmlns="test"/></stream:features>`
)

func (c *wsClient) signIn() {
	c.t.Helper()
	c.send(wsOpen)
	first := c.expect(wsOpenBack)["id"]
	c.expect(features)
	c.send(authFrame)
	c.expect(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	c.send(wsOpen)
	// W-13: a fresh id each time.
	if second := c.expect(wsOpenBack)["id"]; second == first || len(second) < 22 {
		c.t.Errorf("stream ids %s and %s", first, second)
	}
	c.expect(features)
}

func message(to, id string) string {
	return `<message xmlns="jabber:client" to="` + to + `" id="` + id + `"><body>x</body></message>`
}

// RFC 7395 §3 (W-07, W-08, W-11, W-13, W-15, W-22).
func TestWebSocket_Stream(t *testing.T) {
	s := newSite(t, nil)
	c := s.browser()
	if c.conn.Subprotocol() != "xmpp" { // W-01
		t.Errorf("subprotocol %q", c.conn.Subprotocol())
	}
	c.signIn()
	c.send(message("bob@h", "1"))
	c.expect(message("bob@h", "1"))
	c.send(message("burst", "2"))
	for range 3 { // one element per message (W-09)
		c.expect(message("burst", "2"))
	}
	long := `<message xmlns="jabber:client" id="3"><body>` + strings.Repeat("ü", 40_000) + `</body></message>`
	c.send(long)
	if c.read() != long {
		t.Error("a long stanza was changed")
	}
	c.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	if got := c.read(); got != wsClose {
		t.Errorf("closed with %q", got)
	}
	if got := c.code(); got != 1000 {
		t.Errorf("close code %d", got)
	}
}

// RFC 7395 §3.6 (W-15): a client may leave in order instead of opening the stream again.
func TestWebSocket_CloseBeforeRestart(t *testing.T) {
	s := newSite(t, nil)
	c := s.browser()
	c.send(wsOpen)
	c.expect(wsOpenBack)
	c.expect(features)
	c.send(authFrame)
	c.expect(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	c.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	if got := c.read(); got != wsClose {
		t.Errorf("closed with %q", got)
	}
	if got := c.code(); got != 1000 {
		t.Errorf("close code %d", got)
	}
}

// RFC 7395 §3.1, RFC 6455 §4.2 (W-01, W-02).
func TestWebSocket_Handshake(t *testing.T) {
	s := newSite(t, nil)
	for name, c := range map[string]struct {
		header map[string]string
		want   int
	}{
		"plain GET":         {map[string]string{"Upgrade": ""}, http.StatusUpgradeRequired},
		"old version":       {map[string]string{"Sec-WebSocket-Version": "8"}, http.StatusUpgradeRequired},
		"no subprotocol":    {map[string]string{"Sec-WebSocket-Protocol": ""}, http.StatusBadRequest},
		"other subprotocol": {map[string]string{"Sec-WebSocket-Protocol": "xmpp2, chat"}, http.StatusBadRequest},
		"short key":         {map[string]string{"Sec-WebSocket-Key": "AAAA"}, http.StatusBadRequest},
		"foreign origin":    {map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		"null origin":       {map[string]string{"Origin": "null"}, http.StatusForbidden},
		"no Connection":     {map[string]string{"Connection": "keep-alive"}, http.StatusUpgradeRequired},
		"in a list":         {map[string]string{"Sec-WebSocket-Protocol": "chat, xmpp"}, http.StatusSwitchingProtocols},
		"in two headers":    {map[string]string{"Sec-WebSocket-Protocol": "chat\nxmpp"}, http.StatusSwitchingProtocols},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest("GET", s.base+"/xmpp-websocket", nil)
			for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
				"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "xmpp", "Origin": s.base} {
				req.Header.Set(k, v)
			}
			for k, v := range c.header {
				req.Header[http.CanonicalHeaderKey(k)] = strings.Split(v, "\n")
			}
			resp, err := s.client.Transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != c.want {
				t.Errorf("status %d, want %d", resp.StatusCode, c.want)
			}
			if got := resp.Header.Get("Sec-WebSocket-Protocol"); (got == "xmpp") != (c.want == http.StatusSwitchingProtocols) {
				t.Errorf("it speaks %q", got)
			}
			if c.want == http.StatusUpgradeRequired && resp.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Error("does not say which version it wants")
			}
		})
	}
}

// Who is calling: the cookie counts with the site's own Origin, and only then.
func TestWebSocket_WhoIsCalling(t *testing.T) {
	s := newSite(t, nil)
	for name, c := range map[string]struct {
		header   http.Header
		external bool
	}{
		"signed in":             {http.Header{"Origin": {s.base}, "Cookie": {"s=alice"}}, true},
		"nobody":                {http.Header{"Origin": {s.base}}, false},
		"cookie without Origin": {http.Header{"Cookie": {"s=alice"}}, false},
	} {
		conn, _, err := s.dial(c.header)
		if err != nil {
			t.Fatal(name, err)
		}
		conn.send(wsOpen)
		conn.read()
		if got := strings.Contains(conn.read(), "EXTERNAL"); got != c.external {
			t.Errorf("%s: EXTERNAL offered: %v", name, got)
		}
	}
	s.auth.set(true, false)
	if got := s.browser().code(); got != 1006 {
		t.Errorf("with the database away: close code %d", got)
	}
}

// RFC 7395 §3.2–3.5, RFC 6455 §7.4.1 (W-05, W-07, W-10, W-14, W-23).
func TestWebSocket_Errors(t *testing.T) {
	big := `<message xmlns="jabber:client"><body>` + strings.Repeat("x", 300<<10) + `</body></message>`
	for name, c := range map[string]struct {
		signedIn  bool
		kind      int
		raw       string
		condition string
		code      int
	}{
		"no header":       {false, 1, message("x", "1"), "invalid-namespace", 1008},
		"other host":      {false, 1, strings.Replace(wsOpen, `"h"`, `"other"`, 1), "host-unknown", 1008},
		"no host":         {false, 1, strings.Replace(wsOpen, ` to="h"`, ``, 1), "improper-addressing", 1008},
		"old version":     {false, 1, strings.Replace(wsOpen, `1.0`, `0.9`, 1), "unsupported-version", 1008},
		"leading space":   {true, 1, " " + message("x", "1"), "not-well-formed", 1008},
		"keepalive":       {true, 1, " ", "not-well-formed", 1008},
		"two elements":    {true, 1, message("x", "1") + message("x", "2"), "not-well-formed", 1008},
		"binary":          {true, 2, message("x", "1"), "not-well-formed", 1003},
		"not UTF-8":       {true, 1, "<message xmlns=\"jabber:client\">\xff</message>", "unsupported-encoding", 1007},
		"UTF-16":          {true, 1, "\xff\xfe<\x00a\x00", "unsupported-encoding", 1007},
		"a BOM first":     {false, 1, "\ufeff" + wsOpen, "not-well-formed", 1008},
		"a BOM":           {true, 1, "\ufeff" + message("x", "1"), "not-well-formed", 1008},
		"XML 2.0":         {true, 1, `<?xml version="2.0"?>` + message("x", "1"), "not-well-formed", 1008},
		"comment":         {true, 1, "<!-- x -->", "restricted-xml", 1008},
		"too large":       {true, 1, big, "policy-violation", 1009},
		"a second header": {true, 1, wsOpen, "policy-violation", 1008},
		"server's end":    {true, 1, message("end", "1"), "system-shutdown", 1001},
	} {
		t.Run(name, func(t *testing.T) {
			cl := newSite(t, nil).browser()
			if c.signedIn {
				cl.signIn()
			}
			if err := cl.conn.WriteMessage(c.kind, []byte(c.raw)); err != nil {
				t.Fatal(err)
			}
			if !c.signedIn {
				cl.expect(wsOpenBack) // the header precedes the error
			}
			raw := cl.read()
			if !strings.Contains(raw, `<`+c.condition+` xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>`) || !strings.Contains(raw, `xmlns:stream=`) {
				t.Errorf("got %s, want %s", raw, c.condition)
			}
			if got := cl.read(); got != wsClose {
				t.Errorf("then %s", got)
			}
			if got := cl.code(); got != c.code {
				t.Errorf("close code %d, want %d", got, c.code)
			}
		})
	}
}

// RFC 7395 §3.3.3, RFC 6120 §11.4 (W-10): an XML declaration is taken, and one of version 1.1 as if it were 1.0 (XML 1.0 §2.8).
func TestWebSocket_Declaration(t *testing.T) {
	for _, declaration := range []string{`<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version='1.1'?>`} {
		c := newSite(t, nil).browser()
		c.signIn()
		c.send(declaration + message("x", "declared"))
		c.expect(message("x", "declared"))
	}
}

// RFC 6455 §5 (W-03, W-04, W-06): pings, fragments, unmasked frames.
func TestWebSocket_Frames(t *testing.T) {
	s := newSite(t, nil)
	c := s.browser()
	c.signIn()
	pong := make(chan string, 1)
	c.conn.SetPongHandler(func(data string) error { pong <- data; return nil })
	if err := c.conn.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(streamtest.Timeout)); err != nil {
		t.Fatal(err)
	}
	w, err := c.conn.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`<message xmlns="jabber:client" `, `id="frag"><body>x</bo`, `dy></message>`} {
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if got := c.read(); !strings.Contains(got, `id="frag"`) {
		t.Errorf("got %s", got)
	}
	if got := <-pong; got != "are you there" {
		t.Errorf("pong %q", got)
	}
	if _, err := c.conn.NetConn().Write([]byte{0x81, 1, '<'}); err != nil { // not masked
		t.Fatal(err)
	}
	if got := c.code(); got != 1002 {
		t.Errorf("close code %d", got)
	}
}

// Limits: streams per address and account, and the time to sign in (B-24).
func TestGateway_Limits(t *testing.T) {
	s := newSite(t, func(c *Config) { c.PerUser = 1 })
	first := s.browser()
	first.signIn()
	second := s.browser()
	second.send(wsOpen)
	second.expect(wsOpenBack)
	if got := second.read(); !strings.Contains(got, "policy-violation") {
		t.Errorf("a stream too many: %s", got)
	}
	first.send(message("a", "1"))
	first.expect(message("a", "1"))

	s = newSite(t, func(c *Config) { c.Unauthenticated = 50 * time.Millisecond })
	slow, _, err := s.dial(http.Header{"Origin": {s.base}})
	if err != nil {
		t.Fatal(err)
	}
	if got := slow.code(); got != 1008 {
		t.Errorf("a slow one: close code %d", got)
	}
}

// XEP-0478 §3: the server is told what it tells clients, for each transport.
func TestGateway_TellsItsBounds(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Limits.Bytes, c.Ping, c.Inactivity, c.Idle = 20_000, 10*time.Second, 40*time.Second, time.Minute
	})
	local, remote := net.Pipe()
	defer local.Close()
	defer remote.Close()
	for _, told := range []struct {
		peer *stream.Peer
		idle time.Duration
	}{
		{s.gw.peer(&caller{}, stream.WebSocket), 33 * time.Second},
		{s.gw.peer(&caller{}, stream.BOSH), 40 * time.Second},
		{s.gw.nativePeer(local, TCPOptions{}), time.Minute},
	} {
		if p := told.peer; p.MaxBytes != 20_000 || p.Idle != told.idle {
			t.Errorf("%s: %d bytes, %s", p.Transport, p.MaxBytes, p.Idle)
		}
	}
}

// Ending a site session ends its streams at once, on both transports, whatever
// their state, and tells the server.
func TestGateway_End(t *testing.T) {
	s := newSite(t, nil)
	signedIn, half := s.browser(), s.browser()
	signedIn.signIn()
	half.send(wsOpen)
	half.read()
	half.read()
	b := s.bosh(true)
	b.signIn()
	poll := b.async(b.body("", ""))
	s.gw.End(stream.Scope{User: "alice", Session: "1"}, errSignedOut)
	for _, c := range []*wsClient{signedIn, half} {
		if got := c.read(); !strings.Contains(got, "<not-authorized ") {
			t.Errorf("got %s", got)
		}
	}
	if got := <-poll; !strings.Contains(got.body, `condition="remote-stream-error"`) || !strings.Contains(got.body, "<not-authorized ") {
		t.Errorf("bosh: %s", got.body)
	}
	if len(s.echo.ends) != 1 {
		t.Errorf("the server was told %d times", len(s.echo.ends))
	}
}

// The session's own end comes by itself.
func TestGateway_Expiry(t *testing.T) {
	s := newSite(t, nil)
	// On a slow machine it may come before somebody waits for it.
	for soon := 50 * time.Millisecond; ; soon *= 4 {
		identity := stream.Identity{User: "alice", Session: "1", Expires: time.Now().Add(soon)}
		got, err := s.gw.Prebind(t.Context(), identity, "127.0.0.1")
		body := ""
		if err == nil {
			b := &boshClient{site: s, cookie: true, sid: got.SID, rid: got.RID}
			body = b.post(b.body("", "")).body
		}
		if strings.Contains(body, "<not-authorized ") {
			return
		}
		if soon > streamtest.Timeout {
			t.Fatalf("got %q, %v", body, err)
		}
	}
}

// XEP-0156 §2 (W-18, W-19, W-20, W-21).
func TestDiscovery(t *testing.T) {
	s := newSite(t, func(c *Config) { c.BaseURL = func() string { return "https://chat.example" } })
	for path, want := range map[string][2]string{
		"/.well-known/host-meta": {"application/xrd+xml", `<?xml version='1.0' encoding='utf-8'?><XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>` +
			`<Link rel='urn:xmpp:alt-connections:xbosh' href='https://chat.example/http-bind'/><Link rel='urn:xmpp:alt-connections:websocket' href='wss://chat.example/xmpp-websocket'/></XRD>`},
		"/.well-known/host-meta.json": {"application/json", `{"links":[{"rel":"urn:xmpp:alt-connections:xbosh","href":"https://chat.example/http-bind"},{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://chat.example/xmpp-websocket"}]}`},
	} {
		resp, err := s.client.Get(s.base + path)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(raw) != want[1] || resp.Header.Get("Content-Type") != want[0] || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v %s", path, resp.Header, raw)
		}
	}
}
