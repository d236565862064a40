package relay

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"pgregory.net/rapid"
)

// smServer is a model of a server with XEP-0198 and one session, whose connections are cut
// at any place.
type smServer struct {
	*upstream

	mu       sync.Mutex
	conn     net.Conn // nil: none is bound
	sessions int      // resumed or made
	handled  uint32
	received []string // ids of the client's messages
	acked    uint32   // of ours
	unacked  [][]byte
	refuse   int // connections that are to be cut before they sign in
}

func (s *smServer) run() {
	for c := range s.conns {
		go s.serve(c)
	}
}

func (s *smServer) serve(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	refused := s.refuse > 0
	s.refuse = max(s.refuse-1, 0)
	s.mu.Unlock()
	if refused {
		return
	}
	r := stream.NewReader(c, stream.Limits{})
	header := `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:features>`
	_, _ = r.Header()
	_, _ = c.Write([]byte(header + featurePlain + `</stream:features>`))
	_, _ = r.Next()
	_, _ = c.Write([]byte(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`))
	_, _ = r.Header()
	_, _ = c.Write([]byte(header + featureBind + featureSM + `</stream:features>`))
	for {
		el, err := r.Next()
		if err != nil {
			return
		}
		s.handle(c, el)
	}
}

func (s *smServer) handle(c net.Conn, el *stream.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, _ := el.Attr("h")
	n, _ := strconv.ParseUint(h, 10, 32)
	switch {
	case el.Name.Local == "enable":
		s.conn = c
		s.sessions++
		s.writeLocked(`<enabled xmlns='urn:xmpp:sm:3' id='resume-1' resume='true' max='60'/>`)
	case el.Name.Local == "resume":
		s.conn = c
		s.sessions++
		s.ackLocked(uint32(n))
		s.writeLocked(`<resumed xmlns='urn:xmpp:sm:3' previd='resume-1' h='` + fmt.Sprint(s.handled) + `'/>`)
		for _, raw := range s.unacked {
			s.writeLocked(string(raw))
		}
	case el.Name.Space == stanza.NSSM && el.Name.Local == "a":
		s.ackLocked(uint32(n))
	case el.Name.Space == stanza.NSSM && el.Name.Local == "r":
		s.writeLocked(`<a xmlns='urn:xmpp:sm:3' h='` + fmt.Sprint(s.handled) + `'/>`)
	case el.Child.Local == "bind":
		_, _ = c.Write([]byte(bindResult))
	case c == s.conn: // of a connection that was replaced nothing counts
		s.handled++
		s.received = append(s.received, el.ID)
	}
}

func (s *smServer) ackLocked(h uint32) {
	s.unacked = s.unacked[h-s.acked:]
	s.acked = h
}

func (s *smServer) writeLocked(raw string) {
	if s.conn != nil {
		_, _ = s.conn.Write([]byte(raw))
	}
}

// say sends a message, of which the connection may take only a part.
func (s *smServer) say(id string, cut int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := `<message id='` + id + `'><body>hello</body></message>`
	s.unacked = append(s.unacked, []byte(raw))
	if cut > 0 {
		s.writeLocked(raw[:cut])
		s.cutLocked(0)
		return
	}
	s.writeLocked(raw)
}

func (s *smServer) cutLocked(refuse int) {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
		s.refuse += refuse
	}
}

func (s *smServer) cut(refuse int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutLocked(refuse)
}

func (s *smServer) ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeLocked(`<r xmlns='urn:xmpp:sm:3'/>`)
}

func (s *smServer) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

func (s *smServer) attached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil
}

// TestManaged_Property: wherever the link between the relay and the upstream is cut, how
// often, and who speaks meanwhile, each message arrives once and in order, both ways.
func TestManaged_Property(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &smServer{upstream: newUpstream(t)}
		defer s.listen.Close()
		go s.run()
		r := newRelay(t, &site{}, nil, s.upstream)
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), streamtest.Timeout)
			defer cancel()
			_ = r.Shutdown(ctx)
		}()
		c := serve(t, r, stream.BOSH)
		c.authenticate()
		c.begun()
		c.Read()
		c.Send(bindRequest)
		c.Expect(bindResult)
		eventually(t, "managed", s.attached)
		s.say("first", 0)
		c.Read() // and <enabled/> before it: without that there is nothing to resume

		var sent, said []string
		for i, op := range rapid.SliceOfN(rapid.IntRange(0, 9), 1, 60).Draw(rt, "ops") {
			id := strconv.Itoa(i)
			switch op {
			case 0, 1, 2, 3:
				sent = append(sent, id)
				c.Send(`<message xmlns='jabber:client' to='bob@example.test' id='` + id + `'><body>hello</body></message>`)
			case 4, 5:
				said = append(said, id)
				s.say(id, 0)
			case 6:
				said = append(said, id)
				s.say(id, rapid.IntRange(1, 20).Draw(rt, "cut"))
			case 7:
				s.ask()
			case 8:
				s.cut(rapid.IntRange(0, 3).Draw(rt, "refused"))
			case 9:
				eventually(t, "attached", s.attached)
			}
		}
		for _, id := range said {
			if el := c.Read(); el.ID != id {
				rt.Fatalf("the client gets %s instead of %s", el.ID, id)
			}
		}
		for end := time.Now().Add(streamtest.Timeout); len(s.got()) < len(sent) && time.Now().Before(end); {
			time.Sleep(100 * time.Microsecond)
		}
		c.Send(`<message xmlns='jabber:client' to='bob@example.test' id='last'/>`)
		eventually(t, "complete", func() bool { got := s.got(); return len(got) > 0 && got[len(got)-1] == "last" })
		if got := s.got(); !slices.Equal(got, append(sent, "last")) {
			rt.Fatalf("the server gets %v, want %v", got, sent)
		}
		c.Close()
		c.ended(t)
	})
}
