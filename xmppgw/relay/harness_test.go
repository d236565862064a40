package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/internal/testcert"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const domain = "example.test"

// site is an Authority: alice and bob have sessions, whose tokens are "token-" and the
// user's name. A credential for the upstream is "secret-" and the user's name.
type site struct {
	mu    sync.Mutex
	ended map[string]bool // sessions
	asked int             // credentials that were made
	err   error           // of Upstream
}

func (s *site) end(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = make(map[string]bool)
	}
	s.ended[session] = true
}

func (s *site) Password(_ context.Context, user, password string, _ stream.Peer) (stream.Identity, error) {
	if password != "token-"+user {
		return stream.Identity{}, sasl.NotAuthorized
	}
	return identity(user), nil
}

func (s *site) Current(_ context.Context, id stream.Identity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[id.Session] {
		return sasl.NotAuthorized
	}
	return nil
}

func (s *site) Upstream(_ context.Context, id stream.Identity) (user, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return id.User, "secret-" + id.User, s.err
}

func identity(user string) stream.Identity {
	return stream.Identity{User: user, Session: "session-" + user}
}

// upstream is a scripted XMPP server.
type upstream struct {
	t      testing.TB
	listen net.Listener
	target target
	tls    *tls.Config
	roots  *x509.CertPool
	conns  chan net.Conn
}

// newUpstream listens on loopback. What the relay dials counts as this machine's.
func newUpstream(t testing.TB) *upstream {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	u := &upstream{t: t, listen: l, target: target{network: "tcp", host: host, port: port, local: true}, conns: make(chan net.Conn, 256)}
	go u.accept()
	t.Cleanup(func() { u.close() })
	return u
}

func (u *upstream) accept() {
	defer close(u.conns)
	for {
		c, err := u.listen.Accept()
		if err != nil {
			return
		}
		u.conns <- c
	}
}

// close ends the listener, and the connections that nobody took.
func (u *upstream) close() {
	u.listen.Close()
	for c := range u.conns {
		c.Close()
	}
}

// secure gives the upstream a certificate for a name, of an authority of its own.
func (u *upstream) secure(name string) {
	cert := testcert.New(u.t, name)
	u.roots, u.tls = cert.Roots, &tls.Config{Certificates: []tls.Certificate{cert.TLS}}
	u.target.local = false
}

// serverEnd is one connection, as the scripted server has it. Its methods fail the test.
type serverEnd struct {
	t      testing.TB
	conn   net.Conn
	reader *stream.Reader
}

// next waits for the relay's next connection.
func (u *upstream) next() *serverEnd {
	u.t.Helper()
	select {
	case c, ok := <-u.conns:
		if !ok {
			u.t.Fatal("the upstream has ended")
		}
		u.t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(streamtest.Timeout))
		return &serverEnd{u.t, c, stream.NewReader(c, stream.Limits{Bytes: 4 << 20})}
	case <-time.After(streamtest.Timeout):
		u.t.Fatal("nobody dialled the upstream")
		return nil
	}
}

func (e *serverEnd) send(raw string) {
	e.t.Helper()
	if _, err := e.conn.Write([]byte(raw)); err != nil {
		e.t.Fatalf("sending %.80s: %v", raw, err)
	}
}

// expect reads the relay's next element and matches it (streamtest.Match).
func (e *serverEnd) expect(pattern string) map[string]string {
	e.t.Helper()
	el, err := e.reader.Next()
	if err != nil {
		e.t.Fatalf("no element from the relay: %v; want %s", err, pattern)
	}
	captured, err := streamtest.Match(pattern, el.Raw)
	if err != nil {
		e.t.Fatalf("%v\n got: %s\nwant: %s", err, el.Raw, pattern)
	}
	return captured
}

// expectEnd reads the relay's </stream:stream>, answers it and closes.
func (e *serverEnd) expectEnd() {
	e.t.Helper()
	if el, err := e.reader.Next(); err != io.EOF {
		e.t.Fatalf("the relay's stream did not end in order: %v, %v", el, err)
	}
	_, _ = e.conn.Write([]byte(streamEnd))
	e.conn.Close()
}

// expectDrop: the relay's connection ends without </stream:stream>.
func (e *serverEnd) expectDrop() {
	e.t.Helper()
	if el, err := e.reader.Next(); err == nil || errors.Is(err, io.EOF) {
		e.t.Fatalf("the relay's connection was not dropped: %v, %v", el, err)
	}
	e.conn.Close()
}

// open reads the relay's header, which it returns, and sends ours with features.
func (e *serverEnd) open(features string) stream.Header {
	e.t.Helper()
	h, err := e.reader.Header()
	if err != nil {
		e.t.Fatalf("no stream header: %v", err)
	}
	if h.To != domain || h.Version != "1.0" || h.Default != stream.NSClient {
		e.t.Fatalf("the stream header is %+v", h)
	}
	e.send(`<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='example.test' id='x' version='1.0'>` +
		`<stream:features>` + features + `</stream:features>`)
	return h
}

// starttls answers the request, and goes on over TLS. It returns the relay's header.
func (e *serverEnd) starttls(u *upstream) stream.Header {
	e.t.Helper()
	h := e.open(featureTLS)
	e.expect(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
	e.send(`<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
	e.overTLS(u)
	return h
}

func (e *serverEnd) overTLS(u *upstream) {
	c := tls.Server(e.conn, u.tls)
	e.conn, e.reader = c, stream.NewReader(c, stream.Limits{})
}

const (
	featureTLS   = `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>`
	featurePlain = `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>`
	featureBind  = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>`
	featureSM    = `<sm xmlns='urn:xmpp:sm:3'/>`
)

// signIn plays a whole sign-in of alice.
func (e *serverEnd) signIn(features string) {
	e.t.Helper()
	e.open(featurePlain)
	e.success("alice")
	e.open(features)
}

// success expects the credential of a user.
func (e *serverEnd) success(user string) {
	e.t.Helper()
	e.expect(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>` +
		base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00secret-"+user)) + `</auth>`)
	e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
}

// newRelay returns a relay to upstreams, which ends with the test.
func newRelay(t testing.TB, s *site, change func(*Config), upstreams ...*upstream) *Relay {
	t.Helper()
	cfg := Config{Domain: domain, Authority: s, Backoff: time.Millisecond}
	cfg.Upstream.written = "xmpp://test"
	for _, u := range upstreams {
		cfg.Upstream.targets = append(cfg.Upstream.targets, u.target)
		cfg.Roots = u.roots
	}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), streamtest.Timeout)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("the relay does not end: %v", err)
		}
	})
	return r
}

// client is a client of the relay.
type client struct {
	*streamtest.Client
	stream *streamtest.Server
	served chan error
}

// serve serves a stream of alice's that is known by her cookie.
func serve(t testing.TB, r *Relay, transport stream.Transport) *client {
	t.Helper()
	return servePeer(t, r, &stream.Peer{Conn: "1", Transport: transport, Domain: domain, Identity: identity("alice"), External: true})
}

func servePeer(t testing.TB, r *Relay, peer *stream.Peer) *client {
	t.Helper()
	st, c := streamtest.Pipe(t)
	out := &client{c, st, make(chan error, 1)}
	return out.serve(r, st, peer)
}

// serve lets the relay serve the client's stream, in a goroutine; ended waits for its end.
func (c *client) serve(r *Relay, st stream.Stream, peer *stream.Peer) *client {
	go func() { c.served <- r.Serve(context.Background(), st, peer) }()
	return c
}

// ended waits for Serve.
func (c *client) ended(t testing.TB) error {
	t.Helper()
	select {
	case err := <-c.served:
		return err
	case <-time.After(streamtest.Timeout):
		t.Fatal("Serve does not return")
		return nil
	}
}

const authExternal = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`

// authenticate asks to sign in by the cookie.
func (c *client) authenticate() {
	c.Expect(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms></stream:features>`)
	c.Send(authExternal)
}

// begun waits for the success, and opens the stream again.
func (c *client) begun() {
	c.Expect(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	c.Restart()
}

// connected is a client that is signed in, with the server's end; features are the
// upstream's after SASL.
func connected(t testing.TB, r *Relay, u *upstream, transport stream.Transport, features string) (*client, *serverEnd) {
	t.Helper()
	c := serve(t, r, transport)
	c.authenticate()
	e := u.next()
	e.signIn(features)
	c.begun()
	if el := c.Read(); el.Name.Local != "features" {
		t.Fatalf("features are %s", el.Raw)
	}
	return c, e
}

// bound is a BOSH client with a resource, for which the relay manages the stream. The
// server has sent nothing yet that counts.
func bound(t testing.TB, r *Relay, u *upstream) (*client, *serverEnd) {
	t.Helper()
	c, e := connected(t, r, u, stream.BOSH, featureBind+featureSM)
	c.Send(bindRequest)
	e.expect(bindRequest)
	e.send(bindResult)
	c.Expect(bindResult)
	e.expect(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
	e.send(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true' max='120'/>`)
	return c, e
}

const (
	bindRequest = `<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`
	bindResult  = `<iq xmlns='jabber:client' type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.test/r</jid></bind></iq>`
)

func message(to, body string) string {
	return `<message xmlns='jabber:client' to='` + to + `'><body>` + body + `</body></message>`
}

// plainAuth is a SASL PLAIN message.
func plainAuth(authzid, user, password string) string {
	return `<auth xmlns='` + stanza.NSSASL + `' mechanism='PLAIN'>` +
		base64.StdEncoding.EncodeToString([]byte(authzid+"\x00"+user+"\x00"+password)) + `</auth>`
}

// eventually waits for what no event tells.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(streamtest.Timeout); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not " + what)
		}
	}
}

// contains fails the test unless the error says so.
func contains(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("the error is %v; want %q in it", err, part)
	}
}
