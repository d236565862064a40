package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"foyer/internal/stream"
	"foyer/xmppgw/relay"

	"github.com/fasthttp/websocket"
)

// chatServer is a scripted XMPP server of one domain, on loopback: alice's password is
// "of " and the domain.
type chatServer struct {
	t      *testing.T
	domain string
	addr   string

	mu     sync.Mutex
	listen net.Listener
	conns  []net.Conn
	served sync.WaitGroup
	asked  []string // what came as SASL
}

func newChatServer(t *testing.T, domain string) *chatServer {
	c := &chatServer{t: t, domain: domain, addr: "127.0.0.1:0"}
	c.start()
	t.Cleanup(c.stop)
	return c
}

// start listens, at the same address again after stop.
func (c *chatServer) start() {
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.listen, c.addr = l, l.Addr().String()
	c.mu.Unlock()
	c.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn)
			c.mu.Unlock()
			c.served.Go(func() { c.serve(conn) })
		}
	})
}

func (c *chatServer) stop() {
	c.mu.Lock()
	c.listen.Close()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.served.Wait()
}

// connections is how many there have been.
func (c *chatServer) connections() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

func (c *chatServer) serve(conn net.Conn) {
	defer conn.Close()
	send := func(s string) { _, _ = conn.Write([]byte(s)) }
	reader := stream.NewReader(conn, stream.Limits{Bytes: 1 << 20})
	features := saslOffer
	for {
		h, err := reader.Header()
		if err != nil || h.To != c.domain {
			return
		}
		send(`<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" id="x" version="1.0" from="` + c.domain + `">` +
			`<stream:features>` + features + `</stream:features>`)
		restarted := false
		for !restarted {
			el, err := reader.Next()
			if err != nil {
				send(`</stream:stream>`)
				return
			}
			restarted = c.answer(el, send)
		}
		features = `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>`
	}
}

const saslOffer = `<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>`

// answer answers an element, and reports whether the stream begins again.
func (c *chatServer) answer(el *stream.Element, send func(string)) bool {
	text, _ := base64.StdEncoding.DecodeString(el.Text())
	if el.Name.Space == "urn:ietf:params:xml:ns:xmpp-sasl" {
		c.mu.Lock()
		c.asked = append(c.asked, string(text))
		c.mu.Unlock()
	}
	switch {
	case el.Name.Local == "auth" && strings.HasPrefix(string(text), "n,,"):
		send(saslText("challenge", "r=abcdef,s=c2FsdA==,i=4096"))
	case el.Name.Local == "response" && strings.HasSuffix(string(text), "p=cHJvb2Y="),
		el.Name.Local == "auth" && string(text) == "\x00alice\x00of "+c.domain:
		send(saslText("success", ""))
		return true
	case el.Name.Local == "auth", el.Name.Local == "response":
		send(`<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>`)
	default:
		send(`<message from="` + c.domain + `" id="` + el.ID + `"/>`)
	}
	return false
}

func saslText(name, text string) string {
	mechanism := ""
	switch {
	case name == "auth" && strings.HasPrefix(text, "n,"):
		mechanism = ` mechanism="SCRAM-SHA-1"`
	case name == "auth":
		mechanism = ` mechanism="PLAIN"`
	}
	return "<" + name + ` xmlns="urn:ietf:params:xml:ns:xmpp-sasl"` + mechanism + ">" + base64.StdEncoding.EncodeToString([]byte(text)) + "</" + name + ">"
}

// standalone is a running gateway.
type standalone struct {
	*Standalone
	t    *testing.T
	base string
	http *http.Client
	stop func() error
}

func startStandalone(t *testing.T, resolver relay.Resolver, more map[string]string) *standalone {
	t.Helper()
	environ := map[string]string{"APP_ENV": "development", "ADDR": "localhost:0", "GATEWAY_ORIGINS": pageOrigin}
	for k, v := range more {
		environ[k] = v
	}
	cfg, err := LoadGatewayConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStandalone(cfg, slog.New(slog.DiscardHandler), resolver)
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, l) }()
	g := &standalone{Standalone: s, t: t, base: "http://" + l.Addr().String(), http: &http.Client{Transport: &http.Transport{}}}
	g.stop = sync.OnceValue(func() error { cancel(); g.http.CloseIdleConnections(); return <-ended })
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Error(err)
		}
	})
	return g
}

const pageOrigin = "https://www.example.org"

// request returns the status and the body.
func (g *standalone) request(method, path, host, origin, body string) (int, string) {
	g.t.Helper()
	req, err := http.NewRequest(method, g.base+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := g.http.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw)
}

// talker is a client of either transport.
type talker interface {
	open(to string) string // returns the features, or why there are none
	ask(raw string) string // returns the answer
	restart(to string) string
}

type wsTalker struct {
	t    *testing.T
	conn *websocket.Conn
}

func (g *standalone) webSocket() *wsTalker {
	g.t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"xmpp"}}
	conn, _, err := d.Dial("ws"+strings.TrimPrefix(g.base, "http")+"/xmpp-websocket", http.Header{"Origin": {pageOrigin}})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	return &wsTalker{g.t, conn}
}

func (w *wsTalker) ask(raw string) string {
	w.t.Helper()
	if err := w.conn.WriteMessage(websocket.TextMessage, []byte(raw)); err != nil {
		w.t.Fatal(err)
	}
	return w.read()
}

func (w *wsTalker) read() string {
	_, raw, err := w.conn.ReadMessage()
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func (w *wsTalker) open(to string) string {
	w.t.Helper()
	w.ask(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + to + `" version="1.0"/>`)
	return w.read()
}

func (w *wsTalker) restart(to string) string { return w.open(to) }

type boshTalker struct {
	g   *standalone
	sid string
	rid int
}

func (b *boshTalker) post(attrs, payload string) string {
	b.g.t.Helper()
	_, body := b.g.request("POST", "/http-bind", "", pageOrigin, b.body(attrs, payload))
	return body
}

// body is the next request.
func (b *boshTalker) body(attrs, payload string) string {
	b.rid++
	return fmt.Sprintf(`<body xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh" rid="%d" sid="%s"%s>%s</body>`, b.rid, b.sid, attrs, payload)
}

// leave ends the session, unless the gateway has ended.
func (b *boshTalker) leave() {
	if resp, err := b.g.http.Post(b.g.base+"/http-bind", "text/xml", strings.NewReader(b.body(` type="terminate"`, ""))); err == nil {
		resp.Body.Close()
	}
}

func (b *boshTalker) ask(raw string) string { return b.post("", raw) }

func (b *boshTalker) open(to string) string {
	b.rid = 1000
	_, body := b.g.request("POST", "/http-bind", "", pageOrigin, `<body xmlns="http://jabber.org/protocol/httpbind" rid="1000" to="`+to+
		`" ver="1.6" wait="5" hold="1" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0"/>`)
	if _, sid, ok := strings.Cut(body, ` sid="`); ok {
		b.sid, _, _ = strings.Cut(sid, `"`)
		b.g.t.Cleanup(b.leave) // the gateway waits for it otherwise
	}
	return body
}

func (b *boshTalker) restart(to string) string { return b.post(` to="`+to+`" xmpp:restart="true"`, "") }

// both runs a test over both transports.
func (g *standalone) both(test func(t *testing.T, dial func() talker)) {
	g.t.Helper()
	g.t.Run("websocket", func(t *testing.T) { test(t, func() talker { return g.webSocket() }) })
	g.t.Run("bosh", func(t *testing.T) { test(t, func() talker { return &boshTalker{g: g} }) })
}

func has(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Two domains, each with its server, over both transports: PLAIN and SCRAM go through to
// the right one, and a name that is not served leads nowhere (B-19, B-46).
func TestStandalone(t *testing.T) {
	one, two := newChatServer(t, "one.example"), newChatServer(t, "two.example")
	g := startStandalone(t, nil, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr + ", Two.example=xmpp://" + two.addr})
	g.both(func(t *testing.T, dial func() talker) {
		for _, server := range []*chatServer{one, two} {
			c := dial()
			offer := c.open(server.domain)
			has(t, offer, "<mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>")
			if strings.Contains(offer, "PLUS") {
				t.Errorf("offered %s", offer)
			}
			has(t, c.ask(saslText("auth", "bob@"+server.domain+"\x00alice\x00of "+server.domain)), "invalid-authzid")
			has(t, c.ask(saslText("auth", "\x00alice\x00of another")), "not-authorized")
			has(t, c.ask(saslText("auth", "alice@"+server.domain+"\x00alice\x00of "+server.domain)), "success")
			has(t, c.restart(server.domain), "xmpp-bind")
			has(t, c.ask(`<message xmlns="jabber:client" to="x" id="1"/>`), `from="`+server.domain+`"`)
		}
		c := dial()
		c.open("one.example")
		has(t, c.ask(saslText("auth", "n,,n=alice,r=abc")), "challenge")
		has(t, c.ask(saslText("response", "c=biws,r=abcdef,p=cHJvb2Y=")), "success")
		has(t, c.restart("one.example"), "xmpp-bind")
		before := one.connections() + two.connections()
		for _, to := range []string{"three.example", one.addr, "127.0.0.1", "localhost", "sub.one.example", "alice@one.example"} {
			has(t, dial().open(to), "host-unknown")
		}
		if one.connections()+two.connections() != before {
			t.Error("a domain that is not served led to a server")
		}
	})
	_, figures := g.request("GET", "/metrics", "", "", "")
	for _, transport := range []string{"bosh", "websocket"} {
		has(t, figures, `foyer_streams_opened_total{domain="one.example",transport="`+transport+`"} 2`)
		has(t, figures, `foyer_streams_opened_total{domain="two.example",transport="`+transport+`"} 1`)
		has(t, figures, `foyer_elements_total{direction="in",domain="two.example",transport="`+transport+`"} `)
	}
	has(t, figures, `foyer_logins_total{domain="two.example",mode=`)
	one.mu.Lock()
	defer one.mu.Unlock()
	for _, asked := range one.asked {
		if strings.HasPrefix(asked, "bob") || strings.HasPrefix(asked, "alice@") {
			t.Errorf("an authzid reached the server: %q", asked)
		}
	}
}

// What the web sees: origins by list, discovery by Host, figures by domain, readiness.
func TestStandalone_Web(t *testing.T) {
	one := newChatServer(t, "one.example")
	g := startStandalone(t, nil, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr + ",two.example=xmpp://127.0.0.1:1"})
	for _, tt := range []struct {
		method, path, host, origin, body string
		status                           int
		says                             string
	}{
		{"POST", "/http-bind", "", "https://evil.example", `<body/>`, 403, ""},
		{"POST", "/http-bind", "", "null", `<body/>`, 403, ""},
		{"GET", "/.well-known/host-meta", "one.example", "", "", 200, "/http-bind"},
		{"GET", "/.well-known/host-meta.json", "two.example", "", "", 200, "/xmpp-websocket"},
		{"GET", "/.well-known/host-meta", "three.example", "", "", 404, ""},
		{"GET", "/healthz", "", "", "", 200, "ok"},
		{"GET", "/readyz", "", "", "", 200, "one.example: ok\ntwo.example: its XMPP server does not answer"},
		{"GET", "/metrics", "", "", "", 200, `foyer_domain_logins_total{domain="two.example",outcome="success"} 0`},
		{"GET", "/metrics", "", "", "", 200, `foyer_upstream_answer_seconds_count{domain="two.example"} 0`},
		{"GET", "/metrics", "", "", "", 200, "foyer_memory_given_back_total 0"},
		{"GET", "/signin", "", "", "", 404, "There is no page at this address"},
	} {
		status, body := g.request(tt.method, tt.path, tt.host, tt.origin, tt.body)
		if status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s %s of %s from %s: %d %.300s", tt.method, tt.path, tt.host, tt.origin, status, body)
		}
	}
	d := websocket.Dialer{Subprotocols: []string{"xmpp"}}
	if _, resp, err := d.Dial("ws"+strings.TrimPrefix(g.base, "http")+"/xmpp-websocket", http.Header{"Origin": {"https://evil.example"}}); err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign page gets a WebSocket: %v %v", resp, err)
	}
}

// A domain's limits are its own, and so is its outage; its clients are told to come back
// (B-50, B-61), and can.
func TestStandalone_Limits(t *testing.T) {
	one, two := newChatServer(t, "one.example"), newChatServer(t, "two.example")
	g := startStandalone(t, nil, map[string]string{
		"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr + ",two.example=xmpp://" + two.addr, "GATEWAY_STREAMS_PER_DOMAIN": "1", "GATEWAY_FAILURES_PER_ADDRESS": "1",
	})
	first := g.webSocket()
	has(t, first.open("one.example"), "PLAIN")
	has(t, g.webSocket().open("one.example"), "resource-constraint")
	has(t, first.ask(saslText("auth", "\x00alice\x00guess")), "not-authorized")
	has(t, first.ask(saslText("auth", "\x00alice\x00of one.example")), "temporary-auth-failure")

	other := &boshTalker{g: g}
	has(t, other.open("two.example"), "PLAIN")
	has(t, other.ask(saslText("auth", "\x00alice\x00of two.example")), "success")
	has(t, other.restart("two.example"), "xmpp-bind")
	two.stop()
	has(t, other.ask(""), `condition="system-shutdown"`)
	has(t, (&boshTalker{g: g}).open("two.example"), `condition="system-shutdown"`)
	two.start()
	has(t, (&boshTalker{g: g}).open("two.example"), "PLAIN")
}

// route opens a BOSH session with a route.
func (g *standalone) route(to, route string) string {
	g.t.Helper()
	_, body := g.request("POST", "/http-bind", "", pageOrigin, `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="`+to+`" route="`+route+`" ver="1.6" wait="5" hold="1"/>`)
	if _, sid, ok := strings.Cut(body, ` sid="`); ok {
		sid, _, _ = strings.Cut(sid, `"`)
		g.request("POST", "/http-bind", "", pageOrigin, `<body xmlns="http://jabber.org/protocol/httpbind" rid="2" sid="`+sid+`" type="terminate"/>`)
	}
	return body
}

// XEP-0124 §7.1 (B-19): a route is taken where it is an address that the setting spells out
// for the domain; one domain's clients reach no other domain's server by it, and nothing else.
func TestStandalone_Route(t *testing.T) {
	one, two := newChatServer(t, "one.example"), newChatServer(t, "two.example")
	g := startStandalone(t, nil, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr + ",xmpp://127.0.0.1:1,two.example=xmpp://" + two.addr + ",three.example=xmpp+srv://three.example"})
	has(t, g.route("one.example", "xmpp:"+one.addr), "PLAIN")
	has(t, g.route("one.example", "XMPP:127.0.0.1:1"), "PLAIN") // a node, which is as good as the other
	has(t, g.route("two.example", "xmpp:"+two.addr), "PLAIN")
	before := one.connections() + two.connections()
	for to, route := range map[string]string{
		"one.example": "xmpp:" + two.addr, "two.example": "xmpp:127.0.0.1:1", "three.example": "xmpp:" + one.addr, "four.example": "xmpp:" + two.addr,
	} {
		has(t, g.route(to, route), `condition="host-unknown"`)
	}
	if one.connections()+two.connections() != before {
		t.Error("a route that is not the domain's own led to a server")
	}
}

// XEP-0124 §17.2 (B-18), RFC 6120 §4.9.3.5: the clients of a domain that was served once hear
// that, and are told to look for it no more; those of any other hear that it is unknown (§4.9.3.6).
func TestStandalone_Gone(t *testing.T) {
	one := newChatServer(t, "one.example")
	g := startStandalone(t, nil, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr, "GATEWAY_GONE_DOMAINS": "Gone.example, bäume.example"})
	g.both(func(t *testing.T, dial func() talker) {
		for to, want := range map[string]string{"gone.example": "host-gone", "xn--bume-loa.example": "host-gone", "two.example": "host-unknown"} {
			has(t, dial().open(to), want)
		}
	})
}

// XMPP_SEE_OTHER sends new streams elsewhere (RFC 7395 §3.6.1, W-17; XEP-0124 §17.2, B-52).
func TestStandalone_SeeOther(t *testing.T) {
	one := newChatServer(t, "one.example")
	g := startStandalone(t, nil, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr, "XMPP_SEE_OTHER": "https://New.example.org/"})
	has(t, g.webSocket().ask(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="one.example" version="1.0"/>`), `see-other-uri="wss://new.example.org/xmpp-websocket"`)
	has(t, (&boshTalker{g: g}).open("one.example"), `condition="see-other-uri"><uri>https://new.example.org/http-bind</uri>`)
	if n := one.connections(); n > 0 {
		t.Errorf("%d connections to the server all the same", n)
	}
}

// BOSH_COMPRESSION lets bodies be compressed (XEP-0124 §5, §7.2, B-05): requests are taken,
// which are refused otherwise, and answers that are worth it are compressed for who asks.
func TestStandalone_Compression(t *testing.T) {
	one := newChatServer(t, "one.example")
	for setting, want := range map[string]int{"true": http.StatusOK, "false": http.StatusUnsupportedMediaType} {
		g := startStandalone(t, nil, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr, "BOSH_COMPRESSION": setting})
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		fmt.Fprintf(w, `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="two.example" ver="1.6" wait="5" hold="1">%s</body>`, strings.Repeat(" ", 2048))
		w.Close()
		req, err := http.NewRequest("POST", g.base+"/http-bind", &packed)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Origin": {pageOrigin}, "Content-Encoding": {"gzip"}}
		resp, err := g.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("BOSH_COMPRESSION=%s: a compressed body is answered with %d, want %d", setting, resp.StatusCode, want)
		}
		b := &boshTalker{g: g}
		if says := strings.Contains(b.open("one.example"), ` accept="gzip"`); says != (setting == "true") {
			t.Errorf("BOSH_COMPRESSION=%s: the session says that it takes gzip: %v", setting, says)
		}
	}
}

// Streams are told of the end, to come back (RFC 6120 §4.9.3.19), and nothing is left.
func TestStandalone_Stop(t *testing.T) {
	one := newChatServer(t, "one.example")
	g := startStandalone(t, nil, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp://" + one.addr})
	c := g.webSocket()
	c.open("one.example")
	has(t, c.ask(saslText("auth", "\x00alice\x00of one.example")), "success")
	c.restart("one.example")
	ended := make(chan error, 1)
	go func() { ended <- g.stop() }()
	has(t, c.read(), "system-shutdown")
	c.conn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// records are SRV records that somebody else writes.
type records []*net.SRV

func (r records) LookupSRV(_ context.Context, service, _, _ string) (string, []*net.SRV, error) {
	if service != "xmpp-client" {
		return "", nil, &net.DNSError{IsNotFound: true}
	}
	return "", r, nil
}

// The DNS of a domain cannot lead to what is inside the network; what the operator says
// may.
func TestStandalone_DNS(t *testing.T) {
	inner := newChatServer(t, "one.example")
	host, port, _ := net.SplitHostPort(inner.addr)
	rec := &net.SRV{Target: host + "."}
	_, _ = fmt.Sscan(port, &rec.Port)
	g := startStandalone(t, records{rec}, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp+srv://one.example"})
	has(t, (&boshTalker{g: g}).open("one.example"), `condition="system-shutdown"`)
	if n := inner.connections(); n > 0 {
		t.Errorf("%d connections to an address inside the network", n)
	}
	g = startStandalone(t, records{rec}, map[string]string{"GATEWAY_UPSTREAMS": "one.example=xmpp+srv://one.example", "GATEWAY_PRIVATE_UPSTREAMS": "one.example"})
	(&boshTalker{g: g}).open("one.example") // which fails, as there is no TLS
	if inner.connections() == 0 {
		t.Error("GATEWAY_PRIVATE_UPSTREAMS does not let the domain's own server be reached")
	}
}
