package relay

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/e2e/peers"
	"foyer/internal/leaks"
	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/xmppgw"
	"foyer/xmppgw/relay"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"
)

// full is for make interop: the releases of Debian's backports as well.
var full = flag.Bool("full", false, "behind the gateway are the releases of Debian's backports, too")

// server is a release of a server that can be behind the gateway.
type server struct {
	name  string
	start func(*testing.T) *peers.Server
}

// servers are those of Debian, and with -full those of its backports, each with those users.
func servers(users ...string) []server {
	prosody := func(find func(testing.TB) string) func(*testing.T) *peers.Server {
		return func(t *testing.T) *peers.Server { return startProsody(t, find(t), "internal_plain", users...) }
	}
	ejabberd := func(find func(testing.TB) peers.EjabberdRelease) func(*testing.T) *peers.Server {
		return func(t *testing.T) *peers.Server { return startEjabberd(t, find(t)) } // which lets everybody in
	}
	all := []server{{"prosody 0.12", prosody(peers.Prosody)}, {"ejabberd 23.01", ejabberd(peers.Ejabberd)}}
	if *full {
		all = append(all, server{"prosody 13", prosody(peers.NewerProsody)}, server{"ejabberd 24.12", ejabberd(peers.NewerEjabberd)})
	}
	return all
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "extauth" {
		answerEjabberd(os.Stdin, os.Stdout)
		return
	}
	goleak.VerifyTestMain(m, leaks.Fasthttp()...)
}

const (
	domain = "relay.test"
	secret = "the server's own password"
)

// site knows who has which cookie ("s=alice"), and what the server wants to hear.
type site struct {
	mu        sync.Mutex
	signedOut map[string]bool
}

func (s *site) FromRequest(_ context.Context, h xmppgw.Header, _ string) (stream.Identity, error) {
	user, ok := strings.CutPrefix(h.Get("Cookie"), "s=")
	if !ok || s.Current(context.Background(), identity(user)) != nil {
		return stream.Identity{}, xmppgw.ErrNoSession
	}
	return identity(user), nil
}

func (s *site) Password(context.Context, string, string, stream.Peer) (stream.Identity, error) {
	return stream.Identity{}, sasl.NotAuthorized
}

func (s *site) Current(_ context.Context, id stream.Identity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signedOut[id.Session] {
		return sasl.NotAuthorized
	}
	return nil
}

func (s *site) Upstream(_ context.Context, id stream.Identity) (user, password string, err error) {
	return id.User, secret, nil
}

func (s *site) signOut(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signedOut = map[string]bool{identity(user).Session: true}
}

// identity is of a session: "alice", or "alice/tablet" for another one of hers.
func identity(session string) stream.Identity {
	user, _, _ := strings.Cut(session, "/")
	return stream.Identity{User: user, Session: "session of " + session}
}

// gateway is a gateway with a relay to an address.
type gateway struct {
	t     *testing.T
	site  *site
	relay *relay.Relay
	gw    *xmppgw.Gateway
	base  string
	http  *http.Client
}

func newGateway(t *testing.T, upstream string) *gateway {
	g := &gateway{t: t, site: &site{}}
	g.start(upstream, relay.Config{Authority: g.site}, func() xmppgw.Config {
		return xmppgw.Config{Domain: domain, Auth: g.site, Server: g.relay, External: true}
	})
	return g
}

// newGatewayAlone is a gateway without a site.
func newGatewayAlone(t *testing.T, upstream string) *gateway {
	g := &gateway{t: t}
	g.start(upstream, relay.Config{PassSASL: true, Public: true}, func() xmppgw.Config {
		return xmppgw.Config{Domains: map[string]stream.Server{domain: g.relay}, Password: true}
	})
	return g
}

// start starts the relay and then the gateway; the rest of their settings is the same.
func (g *gateway) start(upstream string, link relay.Config, front func() xmppgw.Config) {
	t := g.t
	u, err := relay.ParseUpstream(upstream)
	if err != nil {
		t.Fatal(err)
	}
	g.http = &http.Client{Transport: &http.Transport{}}
	link.Domain, link.Upstream, link.Backoff, link.Logger = domain, u, 10*time.Millisecond, slog.New(slog.NewTextHandler(t.Output(), nil))
	if g.relay, err = relay.New(link); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.base = "http://" + l.Addr().String()
	cfg := front()
	cfg.BaseURL, cfg.Origin = func() string { return g.base }, g.trust
	cfg.FinalPolls = 10 * time.Millisecond
	if g.gw, err = xmppgw.New(cfg); err != nil {
		t.Fatal(err)
	}
	web := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	g.gw.Mount(web)
	served := make(chan error, 1)
	go func() { served <- web.Listener(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), streamtest.Timeout)
		defer cancel()
		if err := g.gw.Shutdown(ctx); err != nil {
			t.Errorf("the gateway does not end: %v", err)
		}
		if err := g.relay.Shutdown(ctx); err != nil {
			t.Errorf("the relay does not end: %v", err)
		}
		g.http.CloseIdleConnections()
		_ = web.ShutdownWithContext(ctx)
		<-served
	})
}

// browser is a WebSocket client, as a page of the site has it.
type browser struct {
	t    *testing.T
	conn *websocket.Conn
}

// connect opens a WebSocket.
func (g *gateway) connect(user string) *browser {
	g.t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"xmpp"}, HandshakeTimeout: streamtest.Timeout}
	conn, _, err := d.Dial("ws"+strings.TrimPrefix(g.base, "http")+"/xmpp-websocket", http.Header{"Origin": {g.base}, "Cookie": {"s=" + user}})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	return &browser{g.t, conn}
}

// open opens a stream and signs in by the cookie; the features of the upstream were read.
func (g *gateway) open(user string) *browser {
	g.t.Helper()
	b := g.connect(user)
	b.send(wsOpen)
	b.until("features")
	b.send(authExternal)
	b.until("success")
	b.send(wsOpen)
	b.until("features")
	return b
}

const (
	wsOpen       = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + domain + `" version="1.0"/>`
	authExternal = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`
)

func (b *browser) send(raw string) {
	b.t.Helper()
	if err := b.conn.WriteMessage(websocket.TextMessage, []byte(raw)); err != nil {
		b.t.Fatal(err)
	}
}

// until reads to the next element with that name; an id, when given, must be its.
func (b *browser) until(name string, id ...string) *stream.Element {
	b.t.Helper()
	for {
		el := b.next()
		if el.Name.Local == name && (len(id) == 0 || el.ID == id[0]) {
			return el
		}
	}
}

// next reads the next element.
func (b *browser) next() *stream.Element {
	b.t.Helper()
	_ = b.conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
	_, raw, err := b.conn.ReadMessage()
	if err != nil {
		b.t.Fatalf("nothing comes: %v", err)
	}
	el, err := stream.Parse(raw, stream.Limits{})
	if err != nil {
		b.t.Fatalf("%s: %v", raw, err)
	}
	return el
}

// code reads up to the close frame; 1006 means that there was none.
func (b *browser) code() int {
	_ = b.conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
	for {
		_, _, err := b.conn.ReadMessage()
		if closed, ok := err.(*websocket.CloseError); ok {
			return closed.Code
		}
		if err != nil {
			return websocket.CloseAbnormalClosure
		}
	}
}

// bind binds a resource, and is available then.
func (b *browser) bind() {
	b.t.Helper()
	b.send(`<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	b.until("iq", "bind")
	b.send(`<presence xmlns="jabber:client"/>`)
	b.until("presence")
}

// poller is a BOSH client that attaches to a session, as Converse does after prebinding.
type poller struct {
	g       *gateway
	user    string
	session xmppgw.Prebound
	answers chan *stream.Body // of the requests under way; nil: one failed
	waiting int               // those
	pending []*stream.Element
	end     string // the condition that the session ended with
}

func (g *gateway) prebind(user string) *poller {
	g.t.Helper()
	session, err := g.gw.Prebind(g.t.Context(), identity(user), "127.0.0.1")
	if err != nil {
		g.t.Fatal(err)
	}
	return g.attach(user, session)
}

// prebindSoon is prebind at a server that has just started, and may take too long:
// Converse tries again.
func (g *gateway) prebindSoon(user string) (p *poller) {
	g.t.Helper()
	g.eventually(func() bool {
		session, err := g.gw.Prebind(g.t.Context(), identity(user), "127.0.0.1")
		if err == nil {
			p = g.attach(user, session)
		}
		return err == nil
	})
	return p
}

func (g *gateway) attach(user string, session xmppgw.Prebound) *poller {
	g.t.Helper()
	if !strings.HasPrefix(session.JID, user+"@"+domain+"/") {
		g.t.Errorf("prebound is %s", session.JID)
	}
	return &poller{g: g, user: user, session: session, answers: make(chan *stream.Body, 2)}
}

// post sends a request; two are under way at most.
func (p *poller) post(payload string) {
	p.g.t.Helper()
	for p.waiting == 2 {
		p.take()
	}
	body := `<body xmlns="http://jabber.org/protocol/httpbind" sid="` + p.session.SID + `" rid="` + strconv.FormatUint(p.session.RID, 10) + `">` + payload + `</body>`
	p.session.RID++
	p.waiting++
	go func() { p.answers <- p.exchange(body) }()
}

func (p *poller) exchange(body string) *stream.Body {
	req, _ := http.NewRequest("POST", p.g.base+"/http-bind", strings.NewReader(body))
	req.Header.Set("Origin", p.g.base)
	req.Header.Set("Cookie", "s="+p.user)
	resp, err := p.g.http.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	answer, _ := stream.ParseBody(raw, stream.Limits{Bytes: 1 << 20})
	return answer
}

// take takes one answer.
func (p *poller) take() {
	p.g.t.Helper()
	select {
	case answer := <-p.answers:
		p.waiting--
		if answer == nil {
			p.g.t.Fatal("a BOSH request failed")
		}
		p.pending = append(p.pending, answer.Elements...)
		if answer.Attr("type") == "terminate" {
			p.end = answer.Attr("condition")
		}
	case <-time.After(streamtest.Timeout):
		p.g.t.Fatal("no answer to a BOSH request")
	}
}

// until polls to the next element with that name; an id, when given, must be its.
func (p *poller) until(name string, id ...string) *stream.Element {
	p.g.t.Helper()
	for {
		for len(p.pending) > 0 {
			el := p.pending[0]
			p.pending = p.pending[1:]
			if el.Name.Local == name && (len(id) == 0 || el.ID == id[0]) {
				return el
			}
		}
		if p.end != "" {
			p.g.t.Fatalf("the session ended with %s; want <%s/>", p.end, name)
		}
		p.poll()
	}
}

// poll waits for the next answer.
func (p *poller) poll() {
	p.g.t.Helper()
	if p.waiting == 0 {
		p.post("")
	}
	p.take()
}

// untilEnd polls to the end of the session, and returns its condition.
func (p *poller) untilEnd() string {
	p.g.t.Helper()
	for p.end == "" {
		p.poll()
	}
	return p.end
}

// trust: the site's own pages, and no others.
func (g *gateway) trust(origin string) xmppgw.Trust {
	if origin == g.base {
		return xmppgw.TrustCookies
	}
	return xmppgw.TrustNone
}
