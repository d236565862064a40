package xmppgw

import (
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"
)

// unlimitedSite has no limits that fuzzing would meet.
func unlimitedSite(f *testing.F) *site {
	return newSite(f, func(c *Config) {
		c.CreateRate, c.CreateBurst, c.PerAddress, c.PerUser = 1e6, 1e6, 1e6, 1e6
		c.MaxWait = time.Second
	})
}

// FuzzWebSocket: a client that is signed in sends any bytes. The server answers
// in proper frames, ends, and goes on serving another client (RFC 6455 §5, W-03
// to W-06).
func FuzzWebSocket(f *testing.F) {
	message := `<message xmlns="jabber:client" id="1"/>`
	for _, seed := range [][]byte{
		maskedText(message), maskedText("<message"), maskedText("\xff"), maskedText(wsClose),
		maskedFrame(0x82, message), maskedFrame(0x89, "ping"), maskedFrame(0x8a, "pong"), maskedFrame(0x88, "\x03\xe8"), maskedFrame(0x88, "\x03"),
		maskedFrame(0xc1, message), maskedFrame(0x83, message), {0x81, 3, 'a', 'b', 'c'},
		slices.Concat(maskedFrame(0x01, message[:10]), maskedFrame(0x89, "in between"), maskedFrame(0x80, message[10:])),
		slices.Concat(maskedFrame(0x01, message[:10]), maskedFrame(0x81, message)), maskedFrame(0x80, message), maskedFrame(0x09, "p"),
		{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, {0x81, 0xfe, 0, 1, 0, 0, 0, 0, '<'}, {0x89, 0xfe, 0, 0x80},
	} {
		f.Add(seed)
	}
	s := unlimitedSite(f)
	other := s.browser()
	other.signIn()
	f.Fuzz(func(t *testing.T, sent []byte) {
		conn := rawWebSocket(t, s)
		_ = conn.SetDeadline(time.Now().Add(streamtest.Patience))
		_, _ = conn.Write(sent)
		_ = conn.(*net.TCPConn).CloseWrite()
		got, err := io.ReadAll(conn)
		if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
			t.Fatalf("no end after %q", sent)
		}
		checkFrames(t, got)
		other.t = t
		other.send(`<message xmlns="jabber:client" id="still"/>`)
		if m := other.read(); !strings.Contains(m, "still") {
			t.Fatalf("the other client got %q", m)
		}
	})
}

// checkFrames checks the framing of what a server sent; it may be cut short.
func checkFrames(t *testing.T, got []byte) {
	for len(got) >= 2 {
		first, n := got[0], int(got[1])
		switch {
		case first != 0x81 && first != 0x88 && first != 0x89 && first != 0x8a:
			t.Fatalf("a frame begins with %#x", first)
		case n >= 0x80:
			t.Fatal("the server masks")
		case first > 0x81 && n > 125:
			t.Fatalf("a control frame of %d bytes", n)
		}
		got = got[2:]
		if n == 126 && len(got) >= 2 {
			n, got = int(binary.BigEndian.Uint16(got)), got[2:]
		}
		if len(got) < n {
			return
		}
		if first == 0x88 && n >= 2 {
			switch code := binary.BigEndian.Uint16(got); code {
			case 1005, 1006, 1015:
				t.Fatalf("closed with %d", code)
			}
		}
		got = got[n:]
	}
}

// FuzzBOSHSequence: requests of one session in any order, at any distance, each
// on a connection of its own. All are answered with proper bodies, and what the
// server takes in is in rid order, each once (XEP-0124 §14, B-26 to B-32).
func FuzzBOSHSequence(f *testing.F) {
	for _, seed := range []string{"\x00\x00\x00", "\x01\x00", "\x00\x00\xff\xff", "\x10\x20\x30", "\x01\x00\x01\x02", "\xf0", "\x40\x00\x80", "\x02\x01\x00"} {
		f.Add([]byte(seed))
	}
	s := unlimitedSite(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		own := *s
		own.t = t
		b := own.bosh(true)
		b.wait = 1
		b.signIn()
		first, next := b.rid, b.rid
		var answers []<-chan reply
		for _, step := range script[:min(len(script), 24)] {
			// The low half is how far from the next rid, the high one what it carries.
			rid := next + uint64(step&7) - uint64(step>>3&1)*8
			next = max(next, rid+1)
			answers = append(answers, b.async(b.bodyAt(rid, [...]string{"", "", ` pause="1"`, ` type="terminate"`}[step>>4&3], fmt.Sprintf(`<message xmlns="jabber:client" to="quiet" id="%s-%d"/>`, b.sid, rid))))
			if step>>6&1 == 1 {
				<-answers[len(answers)-1]
				answers = answers[:len(answers)-1]
			}
		}
		answers = append(answers, b.async(b.bodyAt(next+1000, "", ""))) // the end
		for _, a := range answers {
			select {
			case r := <-a:
				if r.status != 200 || xml.Unmarshal([]byte(r.body), new(struct{})) != nil {
					t.Fatalf("%d %q", r.status, r.body)
				}
			case <-time.After(streamtest.Patience):
				t.Fatal("a request was not answered")
			}
		}
		last := first - 1
		for _, id := range strings.Fields(s.echo.stanzas()) {
			sid, text, _ := strings.Cut(id, "-")
			if sid != b.sid {
				continue
			}
			rid, _ := strconv.ParseUint(text, 10, 64)
			if rid != last+1 {
				t.Fatalf("rid %d came after %d", rid, last)
			}
			last = rid
		}
		s.echo.forget()
	})
}

// forget makes room: a fuzzer sends for long.
func (e *echo) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got, e.left = nil, nil
}
