package xmppgw

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"github.com/fasthttp/websocket"
)

// slowly reads a connection at so many bytes a second, through a small window.
func slowly(conn net.Conn, perSecond, total int) (got int, err error) {
	buf := make([]byte, perSecond/20)
	for got < total {
		time.Sleep(50 * time.Millisecond)
		n, err := conn.Read(buf)
		got += n
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

// what waits for a client on a slow line is delivered, however long
// that takes, pings and all; one that takes nothing is cut off.
func TestWebSocket_SlowLine(t *testing.T) {
	for name, c := range map[string]struct {
		reads bool
		ping  time.Duration
	}{
		"slow, and nothing falls due": {true, time.Minute},
		"slow, and pings fall due":    {true, 20 * time.Millisecond},
		"takes nothing":               {false, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c2 *Config) { c2.WriteTimeout, c2.Ping = 2*time.Second, c.ping })
			ws := s.browser()
			ws.signIn()
			raw := ws.conn.NetConn().(*net.TCPConn)
			_ = raw.SetReadBuffer(32 << 10)
			st := s.gw.all()[0].(*wsStream)
			_ = st.conn.Conn.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(64 << 10)
			const pieces, size = 30, 50_000
			stanza := []byte(`<message xmlns="jabber:client"><body>` + strings.Repeat("x", size) + `</body></message>`)
			for range pieces {
				if err := st.Send(stanza); err != nil {
					t.Fatal(err)
				}
			}
			if !c.reads {
				eventually(t, func() bool { return s.gw.Stats().OpenOver(stream.WebSocket) == 0 })
				return
			}
			if got, err := slowly(raw, 400_000, pieces*size); err != nil {
				t.Errorf("cut off after %d of %d bytes: %v", got, pieces*size, err)
			}
		})
	}
}

// RFC 6455 §5.5.3: a pong carries what the latest ping did; a flood of pings is
// answered at the rate of stanzas, and takes no memory.
func TestWebSocket_Pings(t *testing.T) {
	s := newSite(t, nil)
	c := s.browser()
	c.signIn()
	pongs := make(chan string, 2000)
	c.conn.SetPongHandler(func(data string) error { pongs <- data; return nil })
	for i := range 1000 {
		if err := c.conn.WriteControl(websocket.PingMessage, []byte(fmt.Sprint(i)), time.Now().Add(streamtest.Timeout)); err != nil {
			t.Fatal(err)
		}
	}
	c.send(message("a", "after"))
	c.expect(message("a", "after"))
	last := ""
	for len(pongs) > 0 {
		last = <-pongs
	}
	if last != "999" {
		t.Errorf("the last pong is for %q", last)
	}
}

// a close frame of one byte is an error of framing; an orderly one is
// answered with its own code (RFC 6455 §5.5.1, §7.1.7).
func TestWebSocket_CloseFrames(t *testing.T) {
	for name, c := range map[string]struct {
		payload string
		want    string
	}{
		"one byte": {"\x03", "\x88\x02\x03\xea"},
		"a code":   {"\x0f\xa0", "\x88\x02\x0f\xa0"},
		"no code":  {"", "\x88\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			conn, r := upgradedSocket(t, s)
			if _, err := conn.Write(maskedFrame(0x88, c.payload)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !strings.HasSuffix(string(got), c.want) {
				t.Errorf("answered with %q, %v", got, err)
			}
		})
	}
}

// X-69 (RFC 6455 §4.1): a WebSocket begins with GET and HTTP/1.1.
func TestWebSocket_OtherRequests(t *testing.T) {
	s := newSite(t, nil)
	for _, line := range []string{"HEAD /xmpp-websocket HTTP/1.1", "GET /xmpp-websocket HTTP/1.0"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%s\r\nHost: h\r\nOrigin: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n", line, s.base)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v %v", line, resp, err)
		}
	}
}

// X-07 (RFC 6120 §4.7.5): a client of a later version is answered with ours.
func TestWebSocket_LaterVersion(t *testing.T) {
	for _, version := range []string{"1.1", "1.10", "2.0"} {
		c := newSite(t, nil).browser()
		c.send(strings.Replace(wsOpen, `1.0`, version, 1))
		c.expect(wsOpenBack)
		c.expect(features)
	}
}

// X-07 (RFC 6120 §4.7, RFC 7395 §3.7): the header that follows the sign-in is held to
// the rules of the first.
func TestWebSocket_HeaderOfRestart(t *testing.T) {
	for open, condition := range map[string]string{
		strings.Replace(wsOpen, `1.0`, `1.1`, 1):         "",
		strings.Replace(wsOpen, `"h"`, `"H"`, 1):         "",
		strings.Replace(wsOpen, `"h"`, `"other"`, 1):     "host-unknown",
		strings.Replace(wsOpen, ` to="h"`, ``, 1):        "improper-addressing",
		strings.Replace(wsOpen, `1.0`, `0.9`, 1):         "unsupported-version",
		strings.Replace(wsOpen, ` version="1.0"`, ``, 1): "unsupported-version",
		strings.Replace(wsOpen, `"h"`, `"sub.h"`, 1):     "host-unknown",
		strings.Replace(wsOpen, `"h"`, `"alice@h/r"`, 1): "host-unknown",
		strings.Replace(wsOpen, `<open `, `<close2 `, 1): "not-authorized",
		`<open xmlns="urn:other" to="h" version="1.0"/>`: "not-authorized",
		`<message xmlns="jabber:client" to="a" id="1"/>`: "not-authorized",
	} {
		c := newSite(t, nil).browser()
		c.send(wsOpen)
		c.expect(wsOpenBack)
		c.expect(features)
		c.send(authFrame)
		c.expect(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
		c.send(open)
		if condition == "not-authorized" {
			c.wantsCondition(open, condition)
			continue
		}
		c.expect(wsOpenBack)
		if condition == "" {
			c.expect(features)
			continue
		}
		c.wantsCondition(open, condition)
	}
}

// so is the restart of a BOSH session, where it names a domain (XEP-0206 §5).
func TestBOSH_DomainOfRestart(t *testing.T) {
	for to, want := range map[string]string{"": "<stream:features", "H": "<stream:features", "other": `condition="host-unknown"`, "a@h": `condition="host-unknown"`} {
		b := newSite(t, nil).bosh(true)
		b.create("")
		b.post(b.body("", authFrame))
		attr := ""
		if to != "" {
			attr = ` to="` + to + `"`
		}
		b.wants(b.post(b.body(restart+attr, "")), want)
	}
}

func (c *wsClient) wantsCondition(said, condition string) {
	c.t.Helper()
	if got := c.read(); !strings.Contains(got, "<"+condition+" xmlns=") {
		c.t.Errorf("%s: %s, want %s", said, got, condition)
	}
}

// X-06 (RFC 7622 §3.2): a domain is the same in any case, and in either form.
func TestDomainInAnyForm(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Domain = "bücher.example" })
	c := s.browser()
	c.send(strings.Replace(wsOpen, `"h"`, `"xn--bcher-kva.EXAMPLE"`, 1))
	if got := c.read(); !strings.Contains(got, `from="bücher.example"`) {
		t.Errorf("WebSocket: %s", got)
	}
	if got := c.read(); !strings.Contains(got, "features") {
		t.Errorf("WebSocket: %s", got)
	}
	b := s.bosh(true)
	got := b.post(`<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="BÜCHER.example" ver="1.6" wait="1" hold="1"/>`)
	if !strings.Contains(got.body, "sid=") {
		t.Errorf("BOSH: %s", got.body)
	}
}

// xs:boolean has four names, and white space around them does not count
// (XML Schema Part 2 §3.2.2).
func TestBOSH_RestartIsABoolean(t *testing.T) {
	for _, value := range []string{"true", "1", " 1 ", "\ttrue\n"} {
		b := newSite(t, nil).bosh(true)
		b.create("")
		b.post(b.body("", authFrame))
		b.wants(b.post(b.body(` xmlns:xmpp="urn:xmpp:xbosh" xmpp:restart="`+value+`"`, "")), "<stream:features")
	}
}
