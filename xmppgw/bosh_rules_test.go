package xmppgw

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stream"
)

// raw writes a request by hand and returns the response, or an error when the
// connection was closed without one.
func (b *boshClient) raw(proto, headers, body string) (*http.Response, error) {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /http-bind %s\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n%s", proto, headers, len(body), body)
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

// XEP-0124 §2, §5, §6 (B-01): any version of HTTP, a connection for each
// request, no cookies and no headers of its own.
func TestBOSH_PlainHTTP(t *testing.T) {
	b := newSite(t, nil).bosh(false)
	for _, with := range []string{"HTTP/1.0", "HTTP/1.1\r\nConnection: close"} {
		proto, headers, _ := strings.Cut(with, "\r\n")
		if headers != "" {
			headers += "\r\n"
		}
		resp, err := b.raw(proto, headers, `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="h" ver="1.6" wait="5" hold="1"/>`)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || len(resp.Header["Set-Cookie"]) > 0 || strings.Count(string(raw), "<body") != 1 {
			t.Errorf("%s: %d %v %s", proto, resp.StatusCode, resp.Header, raw)
		}
	}
}

// RFC 6120 §13.12 (B-09): ten thousand bytes and more get through.
func TestBOSH_LargeStanza(t *testing.T) {
	b := newSite(t, nil).bosh(true)
	b.signIn()
	long := `<message xmlns="jabber:client" to="a" id="1"><body>` + strings.Repeat("x", 20_000) + `</body></message>`
	b.wants(b.post(b.body("", long)), strings.Repeat("x", 20_000))
}

// XEP-0124 §14.1 (B-25): request ids count up to 2^53-1.
func TestBOSH_LargestRID(t *testing.T) {
	b := newSite(t, nil).bosh(true)
	b.rid = maxRID - 3
	b.signIn()
	b.wants(b.post(b.bodyAt(maxRID, "", message("a", "last"))), `id="last"`)
}

// XEP-0124 §11 (B-38): a page that reloads leaves a poll behind and polls at
// once.
func TestBOSH_QuickReload(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	left := b.async(b.body("", ""))
	s.held(b)
	again := b.async(b.body("", ""))
	b.wants(<-left, emptyBody)
	s.held(b)
	b.wants(b.post(b.body("", message("a", "on"))), `id="on"`)
	b.wants(<-again, emptyBody)
}

// XEP-0206 §5 (B-46): what stands in the body of a restart is ignored.
func TestBOSH_RestartBody(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.create("")
	b.post(b.body("", authFrame))
	b.wants(b.post(b.body(restart, message("a", "ignored"))), "<stream:features")
	b.wants(b.post(b.body("", message("a", "1"))), `id="1"`)
	if got := s.echo.stanzas(); got != "1" {
		t.Errorf("the server got %q", got)
	}
}

// XEP-0124 §17.2 (B-50): requests that another one took the session from.
func TestBOSH_OtherRequest(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.hold = 2
	b.signIn()
	first := b.async(b.body("", ""))
	s.held(b)
	second := b.async(b.body("", ""))
	eventually(t, func() bool { held, _ := s.requests(b); return held == 2 })
	b.post(b.bodyAt(b.rid+20, "", "")) // beyond the window
	b.wants(<-first, `condition="item-not-found"`)
	b.wants(<-second, `condition="other-request"`)
}

// XEP-0124 §19.1 (B-54): a session that was created over TLS answers nothing in
// the clear, and goes on.
func TestBOSH_TLSOnly(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Secure = func(h Header, _ string) bool { return h.Get("X-Test-TLS") != "" } })
	b := s.bosh(false)
	const tls = "X-Test-TLS: yes\r\n"
	resp, err := b.raw("HTTP/1.1", tls, `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="h" ver="1.6" wait="5" hold="1"/>`)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(resp.Body)
	_, sid, _ := strings.Cut(string(raw), ` sid="`)
	b.sid, _, _ = strings.Cut(sid, `"`)
	if resp, err := b.raw("HTTP/1.1", "", b.bodyAt(2, "", authFrame)); err == nil {
		t.Errorf("in the clear: %d", resp.StatusCode)
	}
	resp, err = b.raw("HTTP/1.1", tls, b.bodyAt(2, "", authFrame))
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := io.ReadAll(resp.Body); !strings.Contains(string(raw), "<success") {
		t.Errorf("over TLS: %s", raw)
	}
}

// A page's last words may never come, and so inactivity ends the session, or as
// a beacon of type text/plain (B-59); then the server hears an orderly end.
func TestBOSH_Beacon(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	poll := b.async(b.body("", ""))
	s.held(b)
	b.post(b.body(` type="terminate"`, `<presence xmlns="jabber:client" type="unavailable"/>`))
	b.wants(<-poll, `type="terminate"`)
	eventually(t, func() bool { return len(s.endings()) == 1 })
	if err := s.endings()[0]; err != io.EOF {
		t.Errorf("ended with %v", err)
	}
}

// After a restore a client sends nothing but its next request (B-58): the
// session is as it was, and an expired one says so at once.
func TestBOSH_Restore(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	b.post(b.body("", message("quiet", "before")))
	restored := &boshClient{site: s, cookie: true, sid: b.sid, rid: b.rid}
	restored.wants(restored.post(restored.body("", message("a", "after"))), `id="after"`)
	expired := &boshClient{site: s, cookie: true, sid: "expired", rid: 7}
	expired.wants(expired.post(expired.body("", "")), `condition="item-not-found"`)
}

// XEP-0124 §7.2: no coding of requests is advertised, and none is undone, lest a
// few bytes become many (B-09).
func TestBOSH_CompressedRequest(t *testing.T) {
	b := newSite(t, nil).bosh(false)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="h" ver="1.6"/>`)
	w.Close()
	resp, err := b.raw("HTTP/1.1", "Content-Encoding: gzip\r\n", packed.String())
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := io.ReadAll(resp.Body); !strings.Contains(string(raw), `condition="bad-request"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
}

// XEP-0124 §5, §7.2 (B-05): no answer is compressed, whether or not the client
// could read it, and no coding of requests is offered.
func TestBOSH_Uncompressed(t *testing.T) {
	b := newSite(t, nil).bosh(false)
	for _, header := range []string{"", "Accept-Encoding: gzip, deflate\r\n"} {
		resp, err := b.raw("HTTP/1.1", header, `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="h" ver="1.6" wait="5" hold="1"/>`)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		if resp.Header.Get("Content-Encoding") != "" || !bytes.HasPrefix(raw, []byte("<body ")) || bytes.Contains(raw, []byte("accept=")) {
			t.Errorf("%q: %v %s", header, resp.Header, raw)
		}
	}
}

// XEP-0124 §11 (B-36): more requests under way than are allowed end the session,
// except one that pauses or ends it itself.
func TestBOSH_TooManyRequests(t *testing.T) {
	s := newSite(t, nil)
	crowd := func() (b *boshClient, waiting []<-chan reply) {
		b = s.bosh(true)
		b.hold = 2 // requests="3"
		b.signIn()
		for held := 1; held <= 2; held++ {
			waiting = append(waiting, b.async(b.body("", "")))
			eventually(t, func() bool { n, _ := s.requests(b); return n == held })
		}
		waiting = append(waiting, b.async(b.bodyAt(b.rid+1, "", message("quiet", "early"))))
		eventually(t, func() bool { _, n := s.requests(b); return n == 1 })
		return b, waiting
	}
	b, waiting := crowd()
	b.wants(b.post(b.bodyAt(b.rid+2, "", message("quiet", "too much"))), "other-request")
	b.wants(<-waiting[0], `condition="policy-violation"`)

	for _, attrs := range []string{` pause="60"`, ` type="terminate"`} {
		b, waiting := crowd()
		last := b.async(b.bodyAt(b.rid+2, attrs, ""))
		eventually(t, func() bool { _, n := s.requests(b); return n == 2 })
		b.post(b.bodyAt(b.rid, "", message("quiet", "late")))
		for _, w := range append(waiting, last) {
			if r := <-w; strings.Contains(r.body, "condition=") {
				t.Errorf("%s: %s", attrs, r.body)
			}
		}
	}
}

// A connection that is parked again and again, each time with something sent early,
// keeps nothing of that.
func TestResumed_Again(t *testing.T) {
	conn, other := net.Pipe()
	defer conn.Close()
	defer other.Close()
	nc := net.Conn(conn)
	for range 3 {
		nc = withPrefix(unwrapPrefixed(nc), bytes.NewReader([]byte("early")))
		if c, ok := nc.(*prefixedConn); !ok || c.NetConn() != conn {
			t.Fatalf("%#v", nc)
		}
		if _, err := io.ReadFull(nc, make([]byte, len("early"))); err != nil {
			t.Fatal(err)
		}
	}
	if unwrapPrefixed(nc) != conn {
		t.Error("what was read is kept")
	}
}

// XEP-0124 §11 (B-37): a client that polls fast has each request answered by the
// next one, so that it never has all its requests unanswered, and is not ended.
func TestBOSH_FastPolls(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	poll := b.async(b.body("", ""))
	s.held(b)
	for range 20 {
		next := b.async(b.body("", ""))
		if got := (<-poll).body; got != emptyBody {
			t.Fatalf("answered with %s", got)
		}
		if held, parked := s.requests(b); held+parked >= 2 { // requests="2"
			t.Fatalf("%d requests wait", held+parked)
		}
		poll = next
	}
	b.wants(b.post(b.body("", message("a", "on"))), `id="on"`)
	<-poll
}

// XEP-0124 §11 (B-37, B-38), §14.2: a poll that overtakes the request before it, as just after
// a reload of the page, does not end the session, although as many requests as there may be are
// without an answer for a moment; each is answered once the other is there.
func TestBOSH_OvertakingPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newModelSession(t, `wait="60" hold="1"`)
		held := c.start("", "")
		synctest.Wait()
		if p := c.session.params; p.hold >= p.requests {
			t.Fatalf("%d requests are held, and %d may be under way", p.hold, p.requests)
		}
		overtaking := c.send(c.raw(c.rid+1, "", ""), c.rid+1)
		synctest.Wait()
		overtaken := c.send(c.raw(c.rid, "", message("a", "late")), c.rid)
		if got := string((<-held).body) + string((<-overtaken.answers).body); strings.Contains(got, "condition=") {
			t.Errorf("answered with %s", got)
		}
		if got := string((<-overtaking.answers).body); !strings.Contains(got, `id="late"`) {
			t.Errorf("answered with %s", got)
		}
		c.rid += 2
	})
}

// XEP-0124 §16.2, §16.3 (B-45), §7.1 (B-19): a session has one stream, to this
// server: no name for it is sent, what asks for another is an empty request, and
// a route to somewhere else is not taken.
func TestBOSH_OneStream(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	if created := b.create(` route="xmpp:127.0.0.1:1"`); strings.Contains(created.body, ` stream=`) || !strings.Contains(created.body, "<stream:features") {
		t.Errorf("created: %s", created.body)
	}
	b.post(b.body("", authFrame))
	b.post(b.body(restart, ""))
	poll := b.async(b.body(` to="elsewhere" route="xmpp:elsewhere:9999" xml:lang="de"`, ""))
	s.held(b)
	b.wants(b.post(b.body(` stream="another"`, message("a", "same"))), `id="same"`)
	b.wants(<-poll, emptyBody)
}

// told is a server that notes whom it serves.
type told chan *stream.Peer

func (told) End(stream.Scope, error) {}

func (n told) Serve(ctx context.Context, s stream.Stream, p *stream.Peer) error {
	n <- p
	_ = s.Send([]byte(`<stream:features xmlns:stream="http://etherx.jabber.org/streams"/>`))
	_, err := s.Recv(ctx)
	s.Close(nil)
	return err
}

// XEP-0124 §7.1, XEP-0206 §3 (B-20): the language of a session goes on to the server, and so
// does who somebody says they are, if it is an account of the domain: which is answered, and
// proves nothing. Over the other transports likewise (RFC 6120 §4.7.1).
func TestLanguageAndFrom(t *testing.T) {
	server := make(told, 1)
	s := newSite(t, func(c *Config) { c.Server = server })
	addr := s.listenTCP(TCPOptions{})
	for from, want := range map[string]string{"alice@h": "alice@h", "Alice@H/tab": "alice@h", "alice@other": "", "h": "", "@h": "", "a b@h": ""} {
		as := fmt.Sprintf(` xml:lang="de" from="%s" to=`, from)
		for transport, open := range map[stream.Transport]func(){
			stream.BOSH:      func() { b := s.bosh(false); b.wants(b.create(` xml:lang="de" from="`+from+`"`), ` to="`+from+`"`) },
			stream.WebSocket: func() { s.browser().send(strings.Replace(wsOpen, " to=", as, 1)) },
			stream.TCP: func() {
				s.dialTCP(addr).send(strings.Replace(tcpOpen, " from='alice@h'", strings.TrimSuffix(as, " to="), 1))
			},
		} {
			open()
			p := <-server
			known := p.External || p.Identity != (stream.Identity{})
			if p.Lang != "de" || p.From != want || known && transport != stream.WebSocket { // where it is the cookie that says it
				t.Errorf("%s over %s: the server is told of %+v", from, transport, p)
			}
		}
	}
}

// RFC 6120 §4.7.4, §8.1.5: what a client gives as its language goes with each of its stanzas, to everybody who gets
// them, whatever the transport: so it is a language, or nothing.
func TestLanguage_Bounded(t *testing.T) {
	server := make(told, 1)
	s := newSite(t, func(c *Config) { c.Server = server })
	addr := s.listenTCP(TCPOptions{})
	for lang, want := range map[string]string{"en-GB": "en-GB", strings.Repeat("x", 4<<10): ""} {
		as := fmt.Sprintf(` xml:lang="%s" to=`, lang)
		for transport, open := range map[stream.Transport]func(){
			stream.BOSH:      func() { s.bosh(false).create(fmt.Sprintf(` xml:lang="%s"`, lang)) },
			stream.WebSocket: func() { s.browser().send(strings.Replace(wsOpen, " to=", as, 1)) },
			stream.TCP:       func() { s.dialTCP(addr).send(strings.Replace(tcpOpen, " to=", as, 1)) },
		} {
			open()
			if p := <-server; p.Lang != want || p.Transport != transport {
				t.Errorf("%s: the language of %.20q is %.20q", transport, lang, p.Lang)
			}
		}
	}
}

// failing is a backend that cannot be reached, or is lost once it has spoken.
type failing struct{ speaks bool }

func (failing) End(stream.Scope, error) {}

func (f failing) Serve(ctx context.Context, s stream.Stream, _ *stream.Peer) error {
	if f.speaks {
		_ = s.Send([]byte(`<stream:features xmlns:stream="http://etherx.jabber.org/streams"/>`))
		if _, err := s.Recv(ctx); err != nil {
			s.Close(err)
			return err
		}
	}
	s.Close(io.ErrUnexpectedEOF)
	return io.ErrUnexpectedEOF
}

// XEP-0124 §17.2 (B-50): what is told of a backend that is away depends on
// whether it ever was there; a fault of the gateway's own is told as that.
func TestBOSH_LostBackend(t *testing.T) {
	b := newSite(t, func(c *Config) { c.Server = failing{} }).bosh(true)
	b.wants(b.create(""), `type="terminate" condition="remote-connection-failed"`)
	b = newSite(t, func(c *Config) { c.Server = failing{speaks: true} }).bosh(true)
	b.wants(b.create(""), "<stream:features")
	b.wants(b.post(b.body("", message("a", "1"))), `condition="system-shutdown"`)
	if got := admissionCondition(io.ErrUnexpectedEOF); got != boshInternalServerError {
		t.Errorf("a fault is %s", got)
	}
}

// session returns the server's side of a client.
func (s *site) session(b *boshClient) *boshSession {
	s.gw.mu.Lock()
	defer s.gw.mu.Unlock()
	return s.gw.sessions[b.sid]
}

// XEP-0124 §10 (B-41): what comes for a client that pauses does not cut its pause
// short.
func TestBOSH_PauseLasts(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	b.post(b.body(` pause="90"`, ""))
	bs := s.session(b)
	if err := bs.Send([]byte(message("alice@h", "meanwhile"))); err != nil {
		t.Fatal(err)
	}
	bs.mu.Lock()
	d := bs.idleFor
	bs.mu.Unlock()
	if d != 90*time.Second {
		t.Errorf("it lasts %s", d)
	}
	b.wants(b.post(b.body("", "")), `id="meanwhile"`)
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if bs.idleFor != bs.params.inactivity {
		t.Errorf("afterwards a client may be silent for %s", bs.idleFor)
	}
}

// XEP-0206 §7 (B-53): what came for a client that did not come back goes back to
// the server, once; what the end itself still carries does not.
func TestBOSH_Undelivered(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	b.post(b.body("", message("a", "answered")))
	bs := s.session(b)
	if err := bs.Send([]byte(message("alice@h", "lost"))); err != nil {
		t.Fatal(err)
	}
	bs.mu.Lock()
	bs.idleFor = 0
	bs.mu.Unlock()
	bs.fireTimers()
	lost, since := bs.Undelivered()
	if len(lost) != 1 || !strings.Contains(string(lost[0]), `id="lost"`) || since.IsZero() || since.After(time.Now()) {
		t.Errorf("%q since %s", lost, since)
	}
	if again, _ := bs.Undelivered(); len(again) != 0 {
		t.Errorf("again: %q", again)
	}

	b = s.bosh(true)
	b.signIn()
	bs = s.session(b)
	if err := bs.Send([]byte(message("alice@h", "carried"))); err != nil {
		t.Fatal(err)
	}
	bs.Close(&stream.Error{Condition: stream.NotAuthorized})
	b.wants(b.post(b.body("", "")), `id="carried"`)
	if lost, _ := bs.Undelivered(); len(lost) != 0 {
		t.Errorf("carried, and returned: %q", lost)
	}
}
