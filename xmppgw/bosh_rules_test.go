package xmppgw

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
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
