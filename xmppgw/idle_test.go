package xmppgw

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"foyer/internal/stream"

	"github.com/gofiber/fiber/v2"
)

// BenchmarkIdle tells what an idle session costs the gateway, with everything
// that Go counts: the heap, and the stacks of goroutines. The clients are in the
// same process, but hold little more than a socket.
func BenchmarkIdle(b *testing.B) {
	const sessions = 1000
	b.Run("websocket", func(b *testing.B) {
		for b.Loop() {
			idle(b, sessions, func(s *site) { rawWebSocket(b, s) })
		}
	})
	b.Run("bosh", func(b *testing.B) {
		for b.Loop() {
			idle(b, sessions, func(s *site) { rawBOSH(b, s) })
		}
	})
}

// asTheProgram has it (app/server.go).
var asTheProgram = fiber.Config{DisableStartupMessage: true, Immutable: true, ReadBufferSize: 40 << 10, ReduceMemoryUsage: true, StreamRequestBody: true}

func idle(b *testing.B, sessions int, open func(*site)) {
	s := newSiteOn(b, asTheProgram, func(c *Config) {
		c.CreateRate, c.CreateBurst, c.PerAddress, c.PerUser = 1e6, 1e6, 1e6, 1e6
	})
	before := inUse()
	for range sessions {
		open(s)
	}
	eventually(b, func() bool { return s.inHTTP() == 0 }) // streams, and requests that wait, leave the HTTP server
	after := inUse()
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(sessions), "heapB/session")
	b.ReportMetric(float64(after.StackInuse-before.StackInuse)/float64(sessions), "stackB/session")
	b.ReportMetric(float64(runtime.NumGoroutine())/float64(sessions), "goroutines/session")
	s.close()
}

func inUse() runtime.MemStats {
	var m runtime.MemStats
	for range 3 { // pools give back what they have in two rounds
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}

// upgradedSocket is a bare socket, closed with the test, over which nothing was
// said yet. What comes is read from the reader.
func upgradedSocket(b testing.TB, s *site) (net.Conn, *bufio.Reader) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /xmpp-websocket HTTP/1.1\r\nHost: h\r\nOrigin: %s\r\nCookie: s=alice\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n", s.base)
	r := bufio.NewReaderSize(conn, 512)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		b.Fatal(err, resp)
	}
	return conn, r
}

// rawWebSocket signs in over a bare socket.
func rawWebSocket(b testing.TB, s *site) net.Conn {
	conn, r := upgradedSocket(b, s)
	open := `<open xmlns="` + stream.NSFraming + `" to="h" version="1.0"/>`
	for _, step := range []string{open, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`, open, `<iq xmlns="jabber:client" type="set" id="bind"/>`} {
		if _, err := conn.Write(maskedText(step)); err != nil {
			b.Fatal(err)
		}
	}
	for got := ""; !strings.Contains(got, "</jid>"); {
		line := make([]byte, 512)
		n, err := r.Read(line)
		if err != nil {
			b.Fatal(err)
		}
		got += string(line[:n])
	}
	return conn
}

// rawBOSH signs in over a bare socket, and leaves a request waiting.
func rawBOSH(b *testing.B, s *site) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	buf := make([]byte, 2048)
	rid, sid := 1000, ""
	post := func(attrs, payload string, answered bool) string {
		body := fmt.Sprintf(`<body xmlns="%s" rid="%d"%s%s>%s</body>`, stream.NSHTTPBind, rid, sid, attrs, payload)
		rid++
		fmt.Fprintf(conn, "POST /http-bind HTTP/1.1\r\nHost: h\r\nOrigin: %s\r\nCookie: s=alice\r\nContent-Length: %d\r\n\r\n%s", s.base, len(body), body)
		if !answered {
			return ""
		}
		n, err := conn.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		return string(buf[:n])
	}
	first := post(` to="h" wait="59" hold="1" ver="1.6"`, "", true)
	_, rest, _ := strings.Cut(first, ` sid="`)
	id, _, _ := strings.Cut(rest, `"`)
	sid = ` sid="` + id + `"`
	post("", `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`, true)
	post(` xmlns:xmpp="urn:xmpp:xbosh" xmpp:restart="true"`, "", true)
	if got := post("", `<iq xmlns="jabber:client" type="set" id="bind"/>`, true); !strings.Contains(got, "</jid>") {
		b.Fatal(got)
	}
	post("", "", false)
}

// maskedText is a text frame as clients send it, with a mask of zeroes (RFC 6455
// §5.3).
func maskedText(text string) []byte { return maskedFrame(0x81, text) }

func maskedFrame(first byte, payload string) []byte {
	frame := []byte{first}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	default:
		frame = append(frame, 0x80|126, byte(n>>8), byte(n))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}
