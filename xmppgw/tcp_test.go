package xmppgw

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// tcpClient is a native client that reads like a transcript.
type tcpClient struct {
	t      testing.TB
	conn   net.Conn
	reader *stream.Reader
}

// listenTCP serves native clients on a free port.
func (s *site) listenTCP(o TCPOptions) string {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.gw.ServeTCP(l, o) }()
	s.t.Cleanup(func() {
		l.Close()
		if err := <-done; err != nil {
			s.t.Errorf("ServeTCP: %v", err)
		}
	})
	return l.Addr().String()
}

func (s *site) dialTCP(addr string) *tcpClient {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", addr, streamtest.Timeout)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.native(conn)
}

func (s *site) native(conn net.Conn) *tcpClient {
	s.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
	return &tcpClient{s.t, conn, stream.NewReader(conn, stream.Limits{Bytes: 8 << 20})}
}

func (c *tcpClient) send(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, raw); err != nil {
		c.t.Fatal(err)
	}
}

func (c *tcpClient) header() stream.Header {
	c.t.Helper()
	h, err := c.reader.Header()
	if err != nil {
		c.t.Fatal(err)
	}
	return h
}

func (c *tcpClient) expect(pattern string) map[string]string {
	c.t.Helper()
	el, err := c.reader.Next()
	if err != nil {
		c.t.Fatalf("%v, want %s", err, pattern)
	}
	got, err := streamtest.Match(pattern, el.Raw)
	if err != nil {
		c.t.Fatalf("%v\n got: %s\nwant: %s", err, el.Raw, pattern)
	}
	return got
}

// ends expects a stream error, if any, the end tag, and the end of the
// connection.
func (c *tcpClient) ends(condition stream.Condition) {
	c.t.Helper()
	if condition != "" {
		c.expect(`<stream:error xmlns:stream="http://etherx.jabber.org/streams"><` + string(condition) + ` xmlns="urn:ietf:params:xml:ns:xmpp-streams"/><any xmlns="test"/></stream:error>`)
	}
	if el, err := c.reader.Next(); !errors.Is(err, io.EOF) {
		c.t.Fatalf("no end tag: %v %v", el, err)
	}
	if n, err := c.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		c.t.Errorf("the connection goes on: %d %v", n, err)
	}
}

// secure puts TLS under the client.
func (c *tcpClient) secure(config *tls.Config) *tls.Conn {
	c.t.Helper()
	conn := tls.Client(c.conn, config)
	if err := conn.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.reader = conn, stream.NewReader(conn, stream.Limits{Bytes: 8 << 20})
	return conn
}

const (
	tcpOpen    = `<?xml version='1.0'?><stream:stream to='h' from='alice@h' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
	starttls   = `<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>`
	proceed    = `<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>`
	tlsFeature = `<stream:features xmlns:stream="http://etherx.jabber.org/streams"><starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"><required/></starttls></stream:features>`
	saslOK     = `<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`
)

// signIn goes from the header to where stanzas may be sent.
func (c *tcpClient) signIn() {
	c.t.Helper()
	c.send(tcpOpen)
	c.header()
	c.expect(features)
	c.send(authFrame)
	c.expect(saslOK)
	c.send(tcpOpen)
	c.header()
	c.expect(features)
}

func selfSigned(t testing.TB) (*Certificate, *tls.Config) {
	t.Helper()
	cert, err := SelfSigned("h", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf())
	return cert, &tls.Config{RootCAs: roots, ServerName: "h"}
}

// RFC 6120 §4, §5: header, STARTTLS, restart, stanzas, keep-alive, orderly end.
func TestTCP_STARTTLS(t *testing.T) {
	s := newSite(t, nil)
	cert, config := selfSigned(t)
	c := s.dialTCP(s.listenTCP(TCPOptions{Certificate: cert}))
	c.send(tcpOpen)
	if h := c.header(); h.From != "h" || h.To != "alice@h" || h.Version != "1.0" || h.Lang != "en" || h.Default != stream.NSClient {
		t.Errorf("header %+v", h)
	}
	c.expect(tlsFeature)
	c.send(starttls)
	c.expect(proceed)
	if state := c.secure(config).ConnectionState(); state.Version < tls.VersionTLS12 {
		t.Errorf("TLS %x", state.Version)
	}
	c.signIn()
	c.send(" \n ")
	c.send(`<message to="x" id="1"><body>hello</body></message>`)
	c.expect(`<message xmlns="jabber:client" to="x" id="1"><body>hello</body></message>`)
	if st := s.gw.Stats(); st.OpenOver(stream.TCP) != 1 || st.OpenedOver(stream.TCP) != 1 || st.OpenOver(stream.WebSocket) != 0 {
		t.Errorf("stats %+v", st)
	}
	c.send(`</stream:stream>`)
	c.ends("")
}

// XEP-0368: TLS from the first byte; ALPN says xmpp-client, or nothing.
func TestTCP_DirectTLS(t *testing.T) {
	s := newSite(t, nil)
	cert, config := selfSigned(t)
	addr := s.listenTCP(TCPOptions{Certificate: cert, Direct: true})
	for _, protocols := range [][]string{nil, {"xmpp-client"}} {
		config := config.Clone()
		config.NextProtos = protocols
		c := s.dialTCP(addr)
		if got := c.secure(config).ConnectionState().NegotiatedProtocol; got != strings.Join(protocols, "") {
			t.Errorf("ALPN %q", got)
		}
		c.signIn()
		c.send(`</stream:stream>`)
		c.ends("")
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if err := tls.Client(s.dialTCP(addr).conn, config).Handshake(); err == nil {
		t.Error("a browser was let in")
	}
}

// RFC 6120 §4.7, §4.8, §4.9.3: headers that cannot be served, and what is no
// header.
func TestTCP_Header(t *testing.T) {
	s := newSite(t, nil)
	addr := s.listenTCP(TCPOptions{})
	const ns = ` xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
	for open, want := range map[string]stream.Condition{
		`<stream:stream to='other' version='1.0'` + ns: stream.HostUnknown,
		`<stream:stream version='1.0'` + ns:            stream.ImproperAddressing,
		`<stream:stream to='h'` + ns:                   stream.UnsupportedVersion,
		`<stream:stream to='h' version='0.9'` + ns:     stream.UnsupportedVersion,
		`<stream:stream to='h' version='one'` + ns:     stream.UnsupportedVersion,
		`<stream:other to='h' version='1.0'` + ns:      stream.BadFormat,
		`<stream:stream to='h' version='1.0' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>`: stream.InvalidNamespace,
		`<stream:stream to='h' version='1.0' xmlns='jabber:client' xmlns:stream='urn:other'>`:                        stream.InvalidNamespace,
		`<stream:stream to='h' version='1.0' xmlns='jabber:client'>`:                                                 stream.NotWellFormed,
		`<?xml version='1.0' encoding='latin1'?>`:                                                                    stream.UnsupportedEncoding,
		"GET / HTTP/1.1\r\n\r\n": stream.BadFormat,
		"\x16\x03\x01":           stream.BadFormat,
	} {
		c := s.dialTCP(addr)
		c.send(open)
		c.header()
		c.ends(want)
	}
	for _, open := range []string{`<stream:stream to='H' version='1.0'` + ns, `<stream:stream to='h' version='1.1'` + ns, `<stream:stream to='h' version='2.0'` + ns} {
		c := s.dialTCP(addr)
		c.send(open)
		if h := c.header(); h.Version != "1.0" {
			t.Errorf("%s: answered with version %s", open, h.Version) // §4.7.5
		}
		c.expect(features)
	}
}

// RFC 6120 §5, §6.5.5 (S-02, S-12, S-16): nothing but STARTTLS before TLS.
func TestTCP_BeforeTLS(t *testing.T) {
	s := newSite(t, nil)
	cert, config := selfSigned(t)
	addr := s.listenTCP(TCPOptions{Certificate: cert})
	open := func() *tcpClient {
		c := s.dialTCP(addr)
		c.send(tcpOpen)
		c.header()
		c.expect(tlsFeature)
		return c
	}
	c := open()
	c.send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AGEAYg==</auth>`)
	c.expect(`<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><encryption-required/></failure>`)
	c.send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="PLAIN"/>`)
	c.expect(`<failure xmlns="urn:xmpp:sasl:2"><encryption-required xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></failure>`)
	c.send(starttls)
	c.expect(proceed)
	c.secure(config)
	c.signIn()

	c = open()
	for range beforeTLS {
		c.send(authFrame)
		c.expect(`<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><encryption-required/></failure>`)
	}
	c.ends(stream.PolicyViolation)

	c = open()
	c.send(`<message to="x"><body>x</body></message>`)
	c.ends(stream.NotAuthorized)

	// What is slipped in behind <starttls/> does not count as sent over TLS.
	c = open()
	c.send(starttls + authFrame)
	c.ends(stream.PolicyViolation)

	c = open()
	c.send(starttls)
	c.expect(proceed)
	c.send("this is no TLS, and nothing is said in clear any more")
	if raw, _ := io.ReadAll(c.conn); strings.Contains(string(raw), "<") {
		t.Errorf("after <proceed/>: %q", raw)
	}
	if s.echo.stanzas() != "" {
		t.Errorf("served: %s", s.echo.stanzas())
	}
}

// RFC 6120 §4.4, XEP-0198 §5: a connection that breaks is lost, one that ends in
// order is not; and what the server may know of a client.
func TestTCP_EndsAndPeer(t *testing.T) {
	served := make(chan servedPeer)
	s := newSite(t, func(c *Config) { c.Server = recorder{served} })
	cert, config := selfSigned(t)
	secure, plain := s.listenTCP(TCPOptions{Certificate: cert, Direct: true}), s.listenTCP(TCPOptions{})

	c := s.dialTCP(plain)
	c.send(tcpOpen + `<a/>`)
	c.conn.Close()
	got := <-served
	if !errors.Is(got.err, stream.ErrDisconnected) || !got.peer.Password || !got.peer.SCRAM || got.peer.Binding.Endpoint != nil {
		t.Errorf("%+v", got)
	}
	// not where a password may be one that SCRAM cannot prove.
	for _, o := range []TCPOptions{{}, {Certificate: cert, Direct: true}} {
		other := newSite(t, func(c *Config) { c.Server, c.NoSCRAM = recorder{served}, true })
		c = other.dialTCP(other.listenTCP(o))
		if o.Direct {
			c.secure(config)
		}
		c.send(tcpOpen + streamEnd)
		if got = <-served; !got.peer.Password || got.peer.SCRAM {
			t.Errorf("SCRAM with any password: %+v", got.peer)
		}
	}
	c = s.dialTCP(secure)
	conn := c.secure(config)
	c.send(tcpOpen + streamEnd)
	got = <-served
	state := conn.ConnectionState()
	exporter, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(state.PeerCertificates[0].Raw)
	if !errors.Is(got.err, io.EOF) || got.peer.Addr != "127.0.0.1" || got.peer.Transport != stream.TCP ||
		string(got.peer.Binding.Endpoint) != string(hash[:]) || string(got.peer.Binding.Exporter) != string(exporter) {
		t.Errorf("%+v", got)
	}
	// RFC 9266 §2: TLS 1.2 has no exporter of its own.
	c = s.dialTCP(secure)
	old := config.Clone()
	old.MaxVersion = tls.VersionTLS12
	c.secure(old)
	c.send(tcpOpen + streamEnd)
	if got = <-served; got.peer.Binding.Exporter != nil || got.peer.Binding.Endpoint == nil {
		t.Errorf("TLS 1.2: %+v", got.peer.Binding)
	}
	// RFC 7590 §3.1: older ones are refused.
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if err := tls.Client(s.dialTCP(secure).conn, old).Handshake(); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

type servedPeer struct {
	peer *stream.Peer
	err  error
}

// recorder reads a stream to its end and tells of it.
type recorder struct{ served chan servedPeer }

func (recorder) End(stream.Scope, error) {}

func (r recorder) Serve(ctx context.Context, s stream.Stream, peer *stream.Peer) error {
	for {
		if _, err := s.Recv(ctx); err != nil {
			s.Close(nil)
			r.served <- servedPeer{peer, err}
			return err
		}
	}
}

// RFC 6120 §13.12: who does not sign in, and who sends too much at once.
func TestTCP_Bounds(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := newSite(t, func(c *Config) { c.Unauthenticated = 50 * time.Millisecond })
	c := s.dialTCP(s.listenTCP(TCPOptions{}))
	c.header()
	c.ends(stream.PolicyViolation) // not even a header

	// A header is no sign-in. There is time enough for it on any machine.
	s = newSite(t, func(c *Config) { c.Unauthenticated = 3 * time.Second })
	c = s.dialTCP(s.listenTCP(TCPOptions{}))
	c.send(tcpOpen)
	c.header()
	c.expect(features)
	c.ends(stream.PolicyViolation)

	s = newSite(t, func(c *Config) { c.Limits.Bytes = 2000 })
	c = s.dialTCP(s.listenTCP(TCPOptions{}))
	c.signIn()
	c.send(`<message to="x"><body>` + strings.Repeat("x", 3000))
	c.ends(stream.PolicyViolation)

	s = newSite(t, func(c *Config) { c.PerAddress = 1 })
	addr := s.listenTCP(TCPOptions{})
	s.dialTCP(addr).signIn()
	c = s.dialTCP(addr)
	c.header()
	c.ends(stream.PolicyViolation)
}

// Decision 2: a client that reads too slowly is cut off, and costs no more than
// its queue.
func TestTCP_SlowReader(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := newSite(t, func(c *Config) { c.Queue = 64 << 10 })
	c := s.dialTCP(s.listenTCP(TCPOptions{}))
	c.signIn()
	_ = c.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	big := `<message to="burst"><body>` + strings.Repeat("x", 50_000) + `</body></message>`
	for {
		if _, err := io.WriteString(c.conn, big); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("still there")
		} else if err != nil {
			return // cut off
		}
	}
}

// RFC 6120 §4.6.1: an idle stream is kept open by white space.
func TestTCP_KeepAlive(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Ping, c.Idle = 10*time.Millisecond, time.Nanosecond })
	c := s.dialTCP(s.listenTCP(TCPOptions{}))
	c.signIn()
	b := make([]byte, 1)
	if _, err := io.ReadFull(c.conn, b); err != nil || b[0] != ' ' {
		t.Errorf("%q %v", b, err)
	}
}

func TestTCP_Shutdown(t *testing.T) {
	s := newSite(t, nil)
	cert, _ := selfSigned(t)
	addr := s.listenTCP(TCPOptions{Certificate: cert})
	plain := s.listenTCP(TCPOptions{})
	bound, waiting, shaking := s.dialTCP(plain), s.dialTCP(addr), s.dialTCP(addr)
	bound.signIn()
	waiting.send(tcpOpen)
	waiting.header()
	waiting.expect(tlsFeature)
	shaking.send(tcpOpen)
	shaking.header()
	shaking.expect(tlsFeature)
	shaking.send(starttls)
	shaking.expect(proceed)
	var done sync.WaitGroup
	done.Go(func() { bound.ends(stream.SystemShutdown); bound.conn.Close() })
	done.Go(func() { waiting.ends(stream.SystemShutdown); waiting.conn.Close() })
	done.Go(func() { _, _ = io.ReadAll(shaking.conn) })
	ctx, cancel := context.WithTimeout(context.Background(), streamtest.Timeout)
	defer cancel()
	if err := s.gw.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	done.Wait()
}

// writePair keeps a fresh certificate in files.
func writePair(t testing.TB, dir string) (certFile, keyFile string) {
	t.Helper()
	cert, err := SelfSigned("h")
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalECPrivateKey(cert.pair.startTLS.Certificates[0].PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert.Leaf().Raw}, keyFile: {Type: "EC PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// A renewed certificate is used for the next client; what cannot be read is not.
func TestCertificate_ReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir)
	c, err := LoadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	touch := func(at time.Time) {
		for _, f := range []string{certFile, keyFile} {
			if err := os.Chtimes(f, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := c.current()
	if c.current() != first {
		t.Error("read again without a change")
	}
	writePair(t, dir)
	touch(time.Now().Add(time.Minute))
	second := c.current()
	if second == first || second.leaf.SerialNumber.Cmp(first.leaf.SerialNumber) == 0 {
		t.Error("the new certificate is not used")
	}
	if err := os.WriteFile(keyFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.current() != second {
		t.Error("half a key is used")
	}
	os.Remove(certFile)
	if c.current() != second {
		t.Error("no file, and not the last one that was there")
	}
	writePair(t, dir)
	touch(time.Now().Add(2 * time.Minute))
	if third := c.current(); third == second {
		t.Error("mended files are not used")
	}
}

func TestCertificate_Errors(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir)
	if _, err := LoadCertificate(certFile+"x", keyFile, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := LoadCertificate(certFile, certFile, nil); err == nil || !strings.Contains(err.Error(), certFile) {
		t.Errorf("no key: %v", err)
	}
}
