package xmppgw

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"
)

// anyPoller runs a test with the system's poller, and with the one for others.
func anyPoller(t *testing.T, test func(*testing.T, *site)) {
	for name, portable := range map[string]bool{"system": false, "portable": true} {
		t.Run(name, func(t *testing.T) {
			test(t, newSiteOn(t, asTheProgram, func(c *Config) { c.portable = portable }))
		})
	}
}

// rawClient is a BOSH client that writes HTTP by hand, over one connection.
type rawClient struct {
	*boshClient
	conn net.Conn
	r    *bufio.Reader
}

func (b *boshClient) overOneConnection() *rawClient {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
	return &rawClient{b, conn, bufio.NewReader(conn)}
}

func (c *rawClient) request(header, body string) string {
	return fmt.Sprintf("POST /http-bind HTTP/1.1\r\nHost: h\r\nOrigin: %s\r\nCookie: s=alice\r\n%sContent-Length: %d\r\n\r\n%s", c.base, header, len(body), body)
}

func (c *rawClient) send(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, raw); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawClient) answer(part string) *http.Response {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(got), part) {
		c.t.Fatalf("%v %s, want %s", err, got, part)
	}
	return resp
}

// closed waits for the end of the connection.
func (c *rawClient) closed() {
	c.t.Helper()
	if n, err := c.r.ReadByte(); err != io.EOF {
		c.t.Errorf("the connection goes on with %q, %v", n, err)
	}
}

// a request that waits leaves the HTTP server, and its connection serves the
// next one: with what was sent ahead, and with the same headers.
func TestBOSH_ParkedConnection(t *testing.T) {
	anyPoller(t, func(t *testing.T, s *site) {
		b := s.bosh(true)
		b.signIn()
		c := b.overOneConnection()
		st := s.session(b)
		for i := range 3 {
			c.send(c.request("", b.body("", "")))
			s.held(b)
			eventually(t, func() bool { return s.inHTTP() == 0 })
			if i == 1 {
				c.send(c.request("", b.body("", message("quiet", "ahead")))) // before its answer
			}
			if err := st.Send([]byte(message("me", fmt.Sprint("n", i)))); err != nil {
				t.Fatal(err)
			}
			h := c.answer(fmt.Sprint(`id="n`, i, `"`)).Header
			if h.Get("Content-Type") != boshContentType || h.Get("Access-Control-Allow-Origin") != s.base ||
				h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Origin" || h.Get("Date") == "" {
				t.Errorf("headers %v", h)
			}
			if i == 1 {
				if err := st.Send([]byte(message("me", "late"))); err != nil {
					t.Fatal(err)
				}
				c.answer(`id="late"`)
			}
		}
		c.send(c.request("", b.body(` type="terminate"`, "")))
		c.answer("terminate")
		if got := s.echo.stanzas(); got != "ahead" {
			t.Errorf("the server got %q", got)
		}
	})
}

// A connection that BOSH came over may bring any other request as well, in any
// pieces; afterwards BOSH goes on. Connection: close ends it (RFC 9112 §9.6, B-01).
func TestBOSH_SharedConnection(t *testing.T) {
	anyPoller(t, func(t *testing.T, s *site) {
		b := s.bosh(true)
		b.signIn()
		c := b.overOneConnection()
		hostMeta := "GET /.well-known/host-meta HTTP/1.1\r\nHost: h\r\n\r\n"
		for i := range 3 {
			c.send(c.request("", b.body("", message("a", fmt.Sprint("a", i)))))
			c.answer(fmt.Sprint("a", i))
			c.send(hostMeta)
			c.answer("XRD")
			long := c.request("X-Long: "+strings.Repeat("x", 2*plainRead)+"\r\n", b.body("", message("a", fmt.Sprint("l", i))))
			c.send(hostMeta + long)
			c.answer("XRD")
			c.answer(fmt.Sprint("l", i))
			pieces := c.request("", b.body("", message("a", fmt.Sprint("p", i))))
			c.send(pieces[:20])
			eventually(t, func() bool { return s.inHTTP() == 1 }) // the HTTP server waits for the rest
			c.send(pieces[20:])
			c.answer(fmt.Sprint("p", i))
			chunked := b.body("", message("a", fmt.Sprint("c", i)))
			c.send(fmt.Sprintf("POST /http-bind HTTP/1.1\r\nHost: h\r\nOrigin: %s\r\nCookie: s=alice\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", s.base, len(chunked), chunked))
			c.answer(fmt.Sprint("c", i))
		}
		c.send(c.request("Connection: close\r\n", b.body("", message("a", "last"))))
		if resp := c.answer("last"); !resp.Close {
			t.Error("the answer does not say that the connection ends")
		}
		c.closed()
	})
}

// HTTP/1.0 goes on for clients that ask for it (RFC 9112 §9.3, B-01).
func TestBOSH_KeepAliveOfHTTP10(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	c := b.overOneConnection()
	old := func(header, body string) string {
		return strings.Replace(c.request(header, body), "HTTP/1.1", "HTTP/1.0", 1)
	}
	for i := range 2 {
		c.send(old("Connection: keep-alive\r\n", b.body("", message("a", fmt.Sprint("a", i)))))
		if resp := c.answer(fmt.Sprint("a", i)); resp.Header.Get("Connection") != "keep-alive" {
			t.Errorf("headers %v", resp.Header)
		}
	}
	c.send(old("", b.body("", message("a", "last"))))
	c.answer("last")
	c.closed()
}

// XEP-0124 §14.3 (B-32): a peer that vanishes while its request waits is noticed
// then: its silence counts from there (B-40), it is absent since then, and a repeat of
// the request gets the answer that it missed.
func TestBOSH_VanishedWhileWaiting(t *testing.T) {
	anyPoller(t, func(t *testing.T, s *site) {
		b := s.bosh(true)
		b.signIn()
		c := b.overOneConnection()
		missed := b.body("", "")
		c.send(c.request("", missed))
		s.held(b)
		bs := s.session(b)
		if since := bs.NoPollSince(); !since.IsZero() {
			t.Errorf("absent since %v while a request waits", since)
		}
		before := time.Now()
		c.conn.Close()
		eventually(t, func() bool {
			bs.mu.Lock()
			defer bs.mu.Unlock()
			return len(bs.held) == 0 && bs.idleFrom != 0
		})
		if since := bs.NoPollSince(); since.Before(before) || since.After(time.Now().Add(time.Second)) {
			t.Errorf("absent since %v; it vanished after %v", since, before)
		}
		b.wants(b.post(missed), emptyBody)
		b.wants(b.post(b.body("", message("a", "on"))), `id="on"`)
	})
}

// A client that asks and does not read what comes is written to as it reads, and
// delays nobody; one that takes nothing for long is cut off.
func TestBOSH_StalledReader(t *testing.T) {
	t.Parallel() // it waits for most of its time
	for name, portable := range map[string]bool{"system": false, "portable": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(c *Config) { c.portable, c.WriteTimeout, c.Queue = portable, 300*time.Millisecond, 64<<20 })
			b := s.bosh(true)
			b.signIn()
			c := b.overOneConnection()
			_ = c.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			const size = 32 << 20 // more than the system takes
			big := strings.Repeat("x", size)
			if err := s.session(b).Send([]byte(`<message xmlns="jabber:client" id="big"><body>` + big + `</body></message>`)); err != nil {
				t.Fatal(err)
			}
			c.send(c.request("", b.body("", "")))
			eventually(t, func() bool { return s.gw.asked.Load() == 1 }) // it is being written
			other := s.bosh(true)
			other.signIn()
			other.wants(other.post(other.body("", message("a", "unharmed"))), `id="unharmed"`)
			eventually(t, func() bool { return s.gw.asked.Load() == 0 }) // it is cut off: so much does not fit into what the system keeps
		})
	}
}

// Shutdown answers what waits and closes what is idle.
func TestBOSH_ShutdownClosesConnections(t *testing.T) {
	anyPoller(t, func(t *testing.T, s *site) {
		waiting, idle := s.bosh(true), s.bosh(true)
		waiting.signIn()
		idle.signIn()
		w, i := waiting.overOneConnection(), idle.overOneConnection()
		i.send(i.request("", idle.body("", message("a", "1"))))
		i.answer(`id="1"`)
		w.send(w.request("", waiting.body("", "")))
		s.held(waiting)
		s.close()
		w.answer(`condition="system-shutdown"`)
		w.closed()
		i.closed()
	})
}

// A connection on which nothing is asked is closed in the end; one that waits for an
// answer is not.
func TestBOSH_IdleConnection(t *testing.T) {
	anyPoller(t, func(t *testing.T, s *site) {
		b := s.bosh(true)
		b.signIn()
		idle, waiting := b.overOneConnection(), b.overOneConnection()
		idle.send(idle.request("", b.body("", message("a", "1"))))
		idle.answer(`id="1"`)
		waiting.send(waiting.request("", b.body("", "")))
		s.held(b)
		closeIdle := func() { s.gw.polled.each(func(p poller) { p.closeIdle(s.gw.now()) }) }
		eventually(t, func() bool { // the answer is there a little before its connection is idle
			closeIdle()
			_ = idle.conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			_, err := idle.r.ReadByte()
			return err == io.EOF
		})
		if err := s.session(b).Send([]byte(message("me", "2"))); err != nil {
			t.Fatal(err)
		}
		waiting.answer(`id="2"`)
	})
}

// What is cut off here is what the HTTP server would have read; all else is left to
// it.
func TestCutRequest(t *testing.T) {
	const head = "POST /http-bind HTTP/1.1\r\nHost: h\r\n"
	for raw, want := range map[string]string{
		head + "Content-Length: 2\r\n\r\nab":                                  "ab|",
		head + "Content-Length: 2\r\n\r\nabPOST":                              "ab|POST",
		head + "content-length:0\r\nConnection: Keep-Alive\r\n\r\n":           "|",
		head + "Content-Length: 2\r\n\r\na":                                   "",
		head + "Content-Length: 2\r\n":                                        "",
		head + "\r\n":                                                         "",
		head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab":             "",
		head + "Content-Length: +2\r\n\r\nab":                                 "",
		head + "Content-Length: 99999999999\r\n\r\nab":                        "",
		head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab":    "",
		head + "Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\nab":        "",
		head + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nab":          "",
		head + "Content-Length: 2\r\nConnection: upgrade\r\n\r\nab":           "",
		head + "Content-Length: 2\r\nHost: i\r\n\r\nab":                       "",
		head + "Content-Length : 2\r\n\r\nab":                                 "",
		head + "Content-Length: 2\r\n folded\r\n\r\nab":                       "",
		head + "Content-Length: 2\r\nnothing\r\n\r\nab":                       "",
		head + "Content-Length: 2\r\nA: b\nTransfer-Encoding: x\r\n\r\nab":    "",
		"POST /http-bind HTTP/1.1\r\nContent-Length: 2\r\n\r\nab":             "",
		"POST /http-bind HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\n\r\nab":  "",
		"POST /http-bind/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab": "",
		"GET /http-bind HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab":   "",
		"POST /http-bind HTTP/1.1\r\n\r\n":                                    "",
		"":                                                                    "",
	} {
		got := ""
		if r, rest, ok := cutRequest([]byte(raw)); ok {
			got = string(r.body) + "|" + string(rest)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
	r, _, ok := cutRequest([]byte(head + "Cookie: a=1\r\nX-Forwarded-For: 192.0.2.1\r\ncookie:b=2 \r\nOrigin: http://h\r\nX-Forwarded-For: ::1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	if !ok || !r.last || r.header.Get("Cookie") != "a=1; b=2" || r.header.Get("X-Forwarded-For") != "192.0.2.1, ::1" ||
		r.header.Get("Origin") != "http://h" || r.header.Get("Referer") != "" {
		t.Errorf("%v %v", r, ok)
	}
}

// FuzzCutRequest: what is read here is read by net/http in the same way, so that
// nobody in front of the site sees other requests than we do (RFC 9112 §11.2).
func FuzzCutRequest(f *testing.F) {
	const head = "POST /http-bind HTTP/1.1\r\nHost: h\r\n"
	f.Add([]byte(head + "Content-Length: 2\r\nCookie: a\r\n\r\nabPOST / HTTP/1.1\r\n\r\n"))
	f.Add([]byte(head + "Content-Length: 2\r\nConnection: close\r\n\r\nab"))
	f.Add([]byte(head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, rest, ok := cutRequest(raw)
		if !ok {
			return
		}
		in := bufio.NewReaderSize(bytes.NewReader(raw), max(len(raw), 16))
		req, err := http.ReadRequest(in)
		if err != nil {
			// It knows more of what may not stand in a value; the framing is the same.
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil || !bytes.Equal(body, r.body) || in.Buffered() != len(rest) {
			t.Fatalf("%q: %q and %d bytes, want %q and %d, %v", raw, r.body, len(rest), body, in.Buffered(), err)
		}
		if got, want := r.header.Get("Origin"), req.Header.Get("Origin"); got != want {
			t.Fatalf("%q: Origin %q, want %q", raw, got, want)
		}
	})
}
