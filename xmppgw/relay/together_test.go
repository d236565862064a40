package relay

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// corking is a stream.Corker that keeps what is put off, as a WebSocket's does, and
// notes what was written together.
type corking struct {
	*streamtest.Server
	mu      sync.Mutex
	corked  bool
	waiting [][]byte
	writes  []int // elements in each write of Uncork
}

func (c *corking) Cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = true
}

func (c *corking) Uncork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	if len(c.waiting) == 0 {
		return
	}
	c.writes = append(c.writes, len(c.waiting))
	for _, raw := range c.waiting {
		_ = c.Server.Send(raw)
	}
	c.waiting = nil
}

func (c *corking) Send(raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corked {
		c.waiting = append(c.waiting, raw)
		return nil
	}
	return c.Server.Send(raw)
}

func (c *corking) Recv(ctx context.Context) (*stream.Element, error) {
	c.Uncork()
	return c.Server.Recv(ctx)
}

// What comes from the upstream together goes to the client together, and at once: also
// where half an element came with it.
func TestCarry_Together(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	st, browser := streamtest.Pipe(t)
	corker := &corking{Server: st}
	c := (&client{browser, st, make(chan error, 1)}).serve(r, corker, &stream.Peer{Conn: "1", Transport: stream.WebSocket, Domain: domain, Identity: identity("alice"), External: true})
	c.authenticate()
	e := u.next()
	e.signIn(featureBind)
	c.begun()
	c.Read() // features

	one, two, three := message("a", "one"), message("a", "two"), message("a", "three")
	e.send(one + two + three[:20])
	c.Expect(one)
	c.Expect(two)
	e.send(three[20:])
	c.Expect(three)
	corker.mu.Lock()
	defer corker.mu.Unlock()
	if len(corker.writes) != 2 || corker.writes[0] != 2 || corker.writes[1] != 1 {
		t.Errorf("written together: %v; want 2 and 1", corker.writes)
	}
}

// A header is not kept back while the upstream, whose features come after it, takes its time.
func TestPassSASL_HeaderAtOnce(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, passSASL, u)
	st, browser := streamtest.Pipe(t)
	corker := &corking{Server: st}
	corker.Cork()
	const header = `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`
	_ = corker.Send([]byte(header))
	c := (&client{browser, st, make(chan error, 1)}).serve(r, corker, &stream.Peer{Conn: "1", Transport: stream.WebSocket, Domain: domain, Addr: "192.0.2.1", Password: true})
	e := u.next()
	c.Expect(header)
	e.open(featureStrong)
	c.Expect(offeredStrong)
	c.Close()
}

// twoStanzas is a client's stream that returns two stanzas, then tells that it waits, and ends.
type twoStanzas struct {
	stream.Stream
	waits func()
	left  []*stream.Element
}

func (s *twoStanzas) BeforeWait(f func()) { s.waits = f }

func (s *twoStanzas) Recv(context.Context) (*stream.Element, error) {
	if len(s.left) == 0 {
		if s.waits != nil {
			s.waits()
		}
		return nil, io.EOF
	}
	el := s.left[0]
	s.left = s.left[1:]
	return el, nil
}

// noting is a side that notes what it is asked to do.
type noting struct {
	upstreamSide
	got []string
}

func (n *noting) ready(context.Context) error { return nil }
func (n *noting) flush()                      { n.got = append(n.got, "flush") }
func (n *noting) send(el *stream.Element) error {
	n.got = append(n.got, el.ID)
	return nil
}

// What comes from a client together goes to the upstream together, before the client's
// stream waits; where that does not tell, each stanza at once. Nothing is left behind at
// the end.
func TestFromClient_Together(t *testing.T) {
	for name, c := range map[string]struct {
		wrap func(*twoStanzas) stream.Stream
		want string
	}{
		"it tells":         {func(s *twoStanzas) stream.Stream { return s }, "1 2 flush flush"},
		"it does not tell": {func(s *twoStanzas) stream.Stream { return struct{ stream.Stream }{s} }, "1 flush 2 flush flush flush"},
	} {
		s, n := &twoStanzas{}, &noting{}
		for _, id := range []string{"1", "2"} {
			el, err := stream.Parse([]byte(`<message xmlns="jabber:client" to="a@b" id="`+id+`"/>`), stream.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			s.left = append(s.left, el)
		}
		conn := &conn{stream: c.wrap(s), ctx: t.Context(), peer: &stream.Peer{}}
		if err := conn.fromClient(t.Context(), n); err != io.EOF {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(n.got, " "); got != c.want {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
		if s.waits != nil {
			t.Errorf("%s: the stream tells still", name)
		}
	}
}

// Several may send over a link, and more than the system takes at once: it comes whole,
// and what one sends in its order.
func TestLink_SendAtOnce(t *testing.T) {
	const senders, each, size = 3, 40, 30_000
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.Queue = 2 * senders * each * size }, u)
	l, err := r.dial(t.Context(), u.target)
	if err != nil {
		t.Fatal(err)
	}
	e := u.next()
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for n := range each {
				if err := l.send([]byte(message(strconv.Itoa(sender)+"-"+strconv.Itoa(n), strings.Repeat("x", size)))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait() // nobody has read yet
	next := make(map[string]int)
	for range senders * each {
		el, err := e.reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		sender, n, _ := strings.Cut(el.To, "-")
		if n != strconv.Itoa(next[sender]) {
			t.Fatalf("%s comes after %d", el.To, next[sender])
		}
		next[sender]++
	}
	l.abort()
}

// untilConn notes until when it may be written to.
type untilConn struct {
	net.Conn
	until time.Time
}

func (c *untilConn) SetWriteDeadline(t time.Time) error {
	c.until = t
	return c.Conn.SetWriteDeadline(t)
}

// The time that the upstream had for what it took late does not bound what is sent later.
func TestLink_NoDeadlineLeft(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	l, err := r.dial(t.Context(), u.target)
	if err != nil {
		t.Fatal(err)
	}
	defer l.abort()
	defer u.next().conn.Close()
	raw := &untilConn{Conn: l.raw, until: time.Now()}
	l.raw = raw
	if !l.writeAll([]byte(message("a", "late"))) || !raw.until.IsZero() {
		t.Errorf("it may be written to until %v", raw.until)
	}
}
