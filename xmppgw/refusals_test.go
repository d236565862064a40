package xmppgw

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"foyer/internal/budget"
	"foyer/internal/stream"

	"github.com/fasthttp/websocket"
)

// metTeller is a meter that tells.
type metTeller chan string

func (m metTeller) LimitHit(limit budget.Limit, name string) { m <- limit.Name + ": " + name }

// newSiteRefusing is a site at which one refusal of an address is free, and none of alice.
func newSiteRefusing(t *testing.T) (*site, metTeller) {
	met := make(metTeller, 100)
	refusals := budget.NewRefusals(0.0001, met)
	for range 75 { // 60 are free, and the others are owed for as many seconds, 10 at most
		refusals.Take("", "alice")
	}
	for len(met) > 0 {
		<-met
	}
	return newSite(t, func(c *Config) { c.Refusals = refusals }), met
}

// who is refused again and again, on any way on which the site works before
// it refuses, is let go only after a while, and keeps its place; nobody else waits for that.
func TestRefusals(t *testing.T) {
	large := strings.Repeat("x", 300<<10)
	address := "refusals of one address: 127.0.0.1"
	stranger := func(s *site) *wsClient {
		c, _, err := s.dial(http.Header{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, c := range map[string]struct {
		who string // empty: it is no refusal
		do  func(*site)
	}{
		"a frame that is too large":   {address, func(s *site) { stranger(s).send(large) }},
		"no XML":                      {address, func(s *site) { stranger(s).send("<<") }},
		"an unmasked frame":           {address, func(s *site) { _, _ = stranger(s).conn.NetConn().Write([]byte{0x81, 1, 'x'}) }},
		"nobody signs in":             {address, func(s *site) { stranger(s).conn.Close() }},
		"another domain":              {address, func(s *site) { stranger(s).send(strings.Replace(wsOpen, `"h"`, `"other"`, 1)) }},
		"a known client, and no XML":  {"refusals of one account: alice", func(s *site) { s.browser().send("<<") }},
		"signed in, and too much":     {"refusals of one account: alice", func(s *site) { b := s.browser(); b.signIn(); b.send(large) }},
		"signed in, and gone":         {"", func(s *site) { b := s.browser(); b.signIn(); b.conn.Close() }},
		"signed in, and ended by us":  {"", func(s *site) { b := s.browser(); b.signIn(); b.send(message("end", "1")) }},
		"native, and no XML":          {address, func(s *site) { _, _ = s.dialTCP(s.listenTCP(TCPOptions{})).conn.Write([]byte("<<")) }},
		"native, and nobody signs in": {address, func(s *site) { s.dialTCP(s.listenTCP(TCPOptions{})).conn.Close() }},
		"BOSH, and nobody signs in":   {address, func(s *site) { b := s.bosh(false); b.create(""); b.post(b.body(` type="terminate"`, "")) }},
		"BOSH, signed in, and an end": {"", func(s *site) { b := s.bosh(true); b.signIn(); b.post(b.body(` type="terminate"`, "")) }},
	} {
		t.Run(name, func(t *testing.T) {
			s, met := newSiteRefusing(t)
			c.do(s)
			if c.who == "" {
				eventually(t, s.oneCameAndWent)
				if len(met) > 0 {
					t.Errorf("it cost %s", <-met)
				}
				return
			}
			if c.who == address { // one is free
				eventually(t, s.oneCameAndWent)
				c.do(s)
			}
			if got := <-met; got != c.who {
				t.Errorf("met %q, want %q", got, c.who)
			}
			if s.streams() != 1 {
				t.Error("it does not keep its place")
			}
			s.unharmed()
		})
	}
}

// oneCameAndWent reports whether there has been one stream, and is none.
func (s *site) oneCameAndWent() bool {
	opened := int64(0)
	for _, n := range s.gw.Stats().Opened {
		opened += n
	}
	return opened == 1 && s.streams() == 0
}

func (s *site) streams() (open int64) {
	for _, n := range s.gw.Stats().Open {
		open += n
	}
	return open
}

// A BOSH request that is refused before there is a session is answered later, and at the
// latest when the gateway ends.
func TestRefusals_BOSHRequests(t *testing.T) {
	for name, body := range map[string]string{
		"no XML":         "<<",
		"no rid":         emptyBody,
		"another domain": `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="other" wait="59" hold="1" ver="1.6"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			s, met := newSiteRefusing(t)
			post := func() string {
				resp, err := http.Post(s.base+"/http-bind", "text/xml", strings.NewReader(body))
				if err != nil {
					return err.Error()
				}
				defer resp.Body.Close()
				raw, err := io.ReadAll(resp.Body)
				return string(raw) + errText(err)
			}
			first := post()
			if !strings.Contains(first, `type="terminate"`) {
				t.Fatal(first)
			}
			second := make(chan string, 1)
			go func() { second <- post() }()
			select {
			case <-met:
			case got := <-second:
				t.Fatalf("answered at once: %s", got)
			}
			s.unharmed()
			select {
			case got := <-second:
				t.Fatalf("answered at once: %s", got)
			default:
			}
			s.close()
			if got := <-second; got != first {
				t.Errorf("got %s, want %s", got, first)
			}
		})
	}
}

func errText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		reason            error
		signedIn, without bool // whether it is one of somebody who has signed in, and of others
	}{
		"lost":                {stream.ErrDisconnected, false, true},
		"in order":            {nil, false, true},
		"against the rules":   {errTooBig, true, true},
		"signed out":          {errSignedOut, false, true},
		"stopping":            {&stream.Error{Condition: stream.SystemShutdown}, false, false},
		"our own fault":       {&stream.Error{Condition: stream.InternalServerError}, false, false},
		"sent elsewhere":      {seeOther("wss://new.example"), false, false},
		"BOSH, no such":       {boshItemNotFound, false, true},
		"BOSH, a broken rule": {boshPolicyViolation, true, true},
		"BOSH, stopping":      {boshSystemShutdown, false, false},
	} {
		if got := refused(c.reason, true, false); got != c.signedIn {
			t.Errorf("%s, signed in: %v", name, got)
		}
		if got := refused(c.reason, false, false); got != c.without {
			t.Errorf("%s, not signed in: %v", name, got)
		}
	}
	if !refused(stream.ErrDisconnected, true, true) {
		t.Error("a broken frame is free")
	}
}

// countingConn counts what is read.
type countingConn struct {
	net.Conn
	read atomic.Int64
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

// W-05, RFC 6455 §5.4: of a frame that is too large nothing is read, whatever it holds, and
// of a message in pieces no more than a message may be; the client hears why.
func TestRefusals_NotRead(t *testing.T) {
	frame := func(first byte, n uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, n), 0, 0, 0, 0)
	}
	piece := append(frame(0, 64<<10), bytes.Repeat([]byte("x"), 64<<10)...)
	for name, sent := range map[string][]byte{
		// What it holds looks like frames that might be read.
		"a frame of 64 MiB": append(frame(0x81, 64<<20), bytes.Repeat(piece, 20)...),
		"pieces":            append(frame(0x01, 0), bytes.Repeat(piece, 20)...),
		"no first piece":    bytes.Repeat(piece, 20),
		"after the end":     append(maskedText("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"), bytes.Repeat(frame(0x82, 0), 1<<16)...),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			limit := int64(s.gw.cfg.Limits.Bytes)
			ours, theirs := tcpPair(t)
			conn := &countingConn{Conn: ours}
			done := make(chan struct{})
			go func() { s.gw.serveWebSocket(conn, bytes.NewReader(nil), &caller{}, nil); close(done) }()
			go func() {
				for range 4 {
					if _, err := theirs.Write(sent); err != nil {
						return
					}
				}
			}()
			raw, err := io.ReadAll(theirs)
			if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
				t.Error(err)
			}
			if len(raw) == 0 {
				t.Error("the client hears nothing")
			}
			<-done
			if got := conn.read.Load(); got > 2*limit+wsReadBuffer {
				t.Errorf("%d bytes were read, %d are a message", got, limit)
			}
		})
	}
}

// RFC 6455 §7.1.1: who sends a stanza that is too large reads why, and then an end in order.
func TestRefusals_TooLargeIsTold(t *testing.T) {
	s := newSite(t, nil)
	c := s.browser()
	c.signIn()
	c.send(strings.Repeat("x", s.gw.cfg.Limits.Bytes+1))
	if raw := c.read(); !strings.Contains(raw, "policy-violation") {
		t.Error(raw)
	}
	c.read()
	var closed *websocket.CloseError
	if _, _, err := c.conn.ReadMessage(); !errors.As(err, &closed) || closed.Code != codeTooBig {
		t.Errorf("got %v", err)
	}
	if _, err := c.conn.NetConn().Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("then %v", err) // a reset, in place of an end
	}
	c.conn.Close()
	eventually(t, func() bool { return s.streams() == 0 })
}

// tcpPair returns both ends of a TCP connection.
func tcpPair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if theirs, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if ours, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}
