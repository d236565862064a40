package xmppgw

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"foyer/internal/stream"
)

// Clients that mean no good, a few hundred of them; `make soak` has more.

// unharmed checks that somebody who comes now is served, over every transport.
func (s *site) unharmed() {
	s.t.Helper()
	c := s.browser()
	c.signIn()
	c.send(message("a", "ws"))
	c.expect(message("a", "ws"))
	c.conn.Close()
	b := s.bosh(true)
	b.signIn()
	b.wants(b.post(b.body("", message("a", "bosh"))), `id="bosh"`)
	b.post(b.body(` type="terminate"`, ""))
}

// hundreds of connections that begin something and do not go on cost a
// bounded amount of memory each, harm nobody, and leave nothing behind.
func TestAttack_Unfinished(t *testing.T) {
	const conns, most = 200, 64 << 10 // one buffer of the HTTP server, and what goes with it
	s := newSiteOn(t, asTheProgram, func(c *Config) { c.PerUser = 10_000 })
	session := s.bosh(true)
	session.signIn()
	poll := session.overOneConnection().request("", session.bodyAt(session.rid, "", ""))
	ws := "GET /xmpp-websocket HTTP/1.1\r\nHost: h\r\nOrigin: " + s.base + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"
	unknown := fmt.Sprintf("POST /http-bind HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(emptyBody), emptyBody)
	for name, begin := range map[string]string{
		"nothing":                  "",
		"half a header":            poll[:30],
		"half a body":              poll[:len(poll)-5],
		"an answer, then half":     unknown + poll[:30],
		"a long body, announced":   strings.Replace(poll, "Content-Length: ", "Content-Length: 200", 1),
		"half a frame":             ws + "\x81\xfe\x0f",
		"a huge frame, announced":  ws + "\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00<",
		"pieces that never end":    ws + strings.Repeat("\x01\x81\x00\x00\x00\x00<", 20),
		"more than is asked for":   ws + string(maskedText(wsOpen)) + strings.Repeat("\x89\x80\x00\x00\x00\x00", 50),
		"not what it claims to be": "POST /http-bind HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b",
	} {
		t.Run(name, func(t *testing.T) {
			before := inUse().HeapInuse
			all := make([]net.Conn, conns)
			for i := range all {
				conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				all[i] = conn
				_, _ = io.WriteString(conn, begin) // it may be cut off already
			}
			s.unharmed()
			during := inUse().HeapInuse
			if took := int64(during-before) / conns; during > before && took > most {
				t.Errorf("%d bytes for each connection", took)
			}
			for _, conn := range all {
				conn.Close()
			}
			eventually(t, func() bool {
				after := inUse().HeapInuse
				return after < before+conns<<12 && s.gw.Stats().OpenOver(stream.WebSocket) == 0
			})
		})
	}
}

// one client of each transport reads nothing. What is sent to the others,
// in turn with what is sent to those, arrives.
func TestAttack_StalledReaders(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Queue = 1 << 20 })
	addr := s.listenTCP(TCPOptions{})
	carriers := func(open func()) (all []carrier) {
		before := map[carrier]bool{}
		for _, c := range s.gw.all() {
			before[c] = true
		}
		open()
		for _, c := range s.gw.all() {
			if !before[c] {
				all = append(all, c)
			}
		}
		return all
	}
	var stalledBOSH *rawClient
	stalled := carriers(func() {
		s.browser().signIn()
		s.dialTCP(addr).signIn()
		b := s.bosh(true)
		b.signIn()
		stalledBOSH = b.overOneConnection()
		_ = stalledBOSH.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		stalledBOSH.send(stalledBOSH.request("", b.body("", "")))
		s.held(b)
	})
	if len(stalled) != 3 {
		t.Fatalf("%d streams", len(stalled))
	}
	var ws *wsClient
	var b *boshClient
	healthy := carriers(func() {
		ws, b = s.browser(), s.bosh(true)
		ws.signIn()
		b.signIn()
	})
	big := []byte(`<message xmlns="jabber:client"><body>` + strings.Repeat("x", 64<<10) + `</body></message>`)
	cut := map[carrier]bool{}
	for i := range 300 {
		for _, c := range stalled {
			if err := c.Send(big); err != nil {
				cut[c] = true
			}
		}
		id := fmt.Sprint("n", i)
		for _, c := range healthy {
			if err := c.Send([]byte(message("me", id))); err != nil {
				t.Fatal(err)
			}
		}
		ws.expect(message("me", id))
		b.wants(b.post(b.body("", "")), `id="`+id+`"`)
	}
	if len(cut) != len(stalled) {
		t.Errorf("%d of %d that read nothing were cut off (%s)", len(cut), len(stalled), stream.ErrOverflow)
	}
}
