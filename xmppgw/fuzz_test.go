package xmppgw

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// unlimitedSite has no limits that fuzzing would meet.
func unlimitedSite(f *testing.F) *site {
	return newSite(f, func(c *Config) {
		c.CreateRate, c.CreateBurst, c.PerAddress, c.PerUser = 1e6, 1e6, 1e6, 1e6
		c.MaxWait, c.Inactivity = time.Second, 5*time.Second // some posts open a session that nobody uses
	})
}

// FuzzWebSocket: a client that is signed in, or has said nothing yet, sends any
// bytes. The server answers in proper frames, ends, and goes on serving another
// client (RFC 6455 §5, W-03 to W-06).
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
		f.Add(seed, true)
		f.Add(seed, false)
	}
	open := maskedText(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="h" version="1.0"/>`)
	f.Add(open, false)
	f.Add(slices.Concat(open, maskedText(authFrame), open), false)
	f.Add(maskedText(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="elsewhere"/>`), false)
	s := unlimitedSite(f)
	other := s.browser()
	other.signIn()
	f.Fuzz(func(t *testing.T, sent []byte, signedIn bool) {
		own := *s
		own.t = t
		var conn net.Conn
		if signedIn {
			conn = rawWebSocket(t, &own)
		} else {
			conn, _ = upgradedSocket(t, &own)
		}
		_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
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

// FuzzTCP: a client sends any bytes, in any pieces: before the header, where TLS
// is wanted first, or signed in. What comes back is a stream, the connection ends,
// and another client is served (RFC 6120 §4).
func FuzzTCP(f *testing.F) {
	const message = `<message to="x"><body>y</body></message>`
	for _, seed := range []string{
		message, message[:20], tcpOpen, tcpOpen + `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>`,
		tcpOpen + `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>` + "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
		tcpOpen + `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>` + message, "\x16\x03\x01\x02\x00\x01", "GET / HTTP/1.1\r\n\r\n",
		`</stream:stream>`, message + `</stream:stream>` + message, ` ` + message + `<![CDATA[`, `<?xml version='1.0'?><!DOCTYPE x>`, `<a:b/>`, "\xff\xfe<\x00",
	} {
		for state := range uint8(3) {
			f.Add([]byte(seed), state, uint16(len(seed)/2))
		}
	}
	s := unlimitedSite(f)
	cert, _ := selfSigned(f)
	plain, secure := s.listenTCP(TCPOptions{}), s.listenTCP(TCPOptions{Certificate: cert})
	other := s.browser()
	other.signIn()
	f.Fuzz(func(t *testing.T, sent []byte, state uint8, cut uint16) {
		own := *s
		own.t = t
		addr := plain
		if state%3 == 1 {
			addr = secure
		}
		c := own.dialTCP(addr)
		if state%3 == 2 {
			c.signIn()
		}
		at := min(int(cut), len(sent))
		_, _ = c.conn.Write(sent[:at])
		_, _ = c.conn.Write(sent[at:])
		_ = c.conn.(*net.TCPConn).CloseWrite()
		got, err := io.ReadAll(c.conn)
		if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
			t.Fatalf("no end after %q", sent)
		}
		if state%3 == 2 {
			got = append([]byte(`<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">`), got...)
		}
		checkStream(t, got)
		other.t = t
		other.send(`<message xmlns="jabber:client" id="still"/>`)
		if m := other.read(); !strings.Contains(m, "still") {
			t.Fatalf("the other client got %q", m)
		}
	})
}

// checkStream checks that what a server sent is a stream, or one after the other
// where the client signs in, up to where TLS begins or the connection ended.
func checkStream(t *testing.T, got []byte) {
	before, _, _ := bytes.Cut(got, []byte(proceed))
	for _, piece := range bytes.SplitAfter(before, []byte(saslOK)) {
		if len(piece) == 0 {
			continue
		}
		r := stream.NewReader(bytes.NewReader(piece), stream.Limits{Bytes: 8 << 20})
		_, err := r.Header()
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%v in %q", err, got)
		}
	}
}

// FuzzBOSHBody: a client that is signed in posts anything. It gets a proper body,
// and the session ends when it is told to.
func FuzzBOSHBody(f *testing.F) {
	const head = `<body xmlns="http://jabber.org/protocol/httpbind" rid="RID" sid="SID"`
	for _, seed := range []string{
		head + `/>`, head + `><message xmlns="jabber:client" to="burst"><body>x</body></message></body>`, head + ` type="terminate"/>`, head + ` pause="1"/>`,
		head + ` xmlns:xmpp="urn:xmpp:xbosh" xmpp:restart="true"/>`, head + ` ack="0" key="x" newkey="y" stream="z" to="h"/>`, head + `><message to="end"/></body>`,
		head + `><iq xmlns="jabber:client" type="get" id="1"><a xmlns="b"/></iq><presence/></body>`, head + `>text</body>`, `<body`,
	} {
		f.Add(seed)
	}
	s := unlimitedSite(f)
	f.Fuzz(func(t *testing.T, raw string) {
		own := *s
		own.t = t
		b := own.bosh(true)
		b.wait = 1
		b.signIn()
		answer := b.async(strings.NewReplacer("SID", b.sid, "RID", strconv.FormatUint(b.rid, 10)).Replace(raw))
		var r reply
		select {
		case r = <-answer:
		case <-time.After(50 * time.Millisecond): // it waits for something to say
			b.post(b.bodyAt(b.rid+1000, "", "")) // the end
			r = <-answer
		}
		if r.status != 200 && r.status/100 != 4 || xml.Unmarshal([]byte(r.body), new(struct{})) != nil { // 4xx: B-48
			t.Fatalf("%d %q for %q", r.status, r.body, raw)
		}
		b.post(b.bodyAt(b.rid+1000, "", ""))
		if r := b.post(b.bodyAt(b.rid, "", "")); !strings.Contains(r.body, `type="terminate"`) {
			t.Fatalf("the session goes on: %s", r.body)
		}
		s.echo.forget()
	})
}

// FuzzBOSHSequence: requests of one session in any order, at any distance, each
// on a separate connection. All are answered with proper bodies, and what the
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
			case <-time.After(streamtest.Timeout):
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
