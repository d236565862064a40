package xmppd

import (
	"context"
	"crypto/rand"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Bounds of the server's own requests to one client.
const (
	maxAsked    = 8
	askPatience = time.Minute
)

// asked is a request of the server's own that a client has not answered yet.
type asked struct {
	expires  time.Time
	answered func(ctx context.Context, iq *stream.Element)
}

// ask sends the client an IQ get in the server's name. answered is called, on
// the goroutine that handles the client's stanzas, with the result or the error;
// never if none comes in time. Of too many the oldest is forgotten.
func (s *session) ask(payload []byte, answered func(ctx context.Context, iq *stream.Element)) {
	id, now := rand.Text(), time.Now()
	s.mu.Lock()
	if s.asked == nil {
		s.asked = make(map[string]asked)
	}
	for k, a := range s.asked {
		if a.expires.Before(now) {
			delete(s.asked, k)
		}
	}
	if len(s.asked) >= maxAsked {
		delete(s.asked, s.oldestAsked())
	}
	s.asked[id] = asked{now.Add(askPatience), answered}
	s.mu.Unlock()
	iq := stanza.AppendAttr([]byte(`<iq xmlns="jabber:client" type="get"`), "id", id)
	iq = append(stanza.AppendAttr(stanza.AppendAttr(iq, "from", s.server.domain), "to", s.full), '>')
	s.deliver(append(append(iq, payload...), "</iq>"...))
}

func (s *session) oldestAsked() string {
	var oldest string
	for k, a := range s.asked {
		if oldest == "" || a.expires.Before(s.asked[oldest].expires) {
			oldest = k
		}
	}
	return oldest
}

// answered handles an IQ result or error that is for the server: the answer to
// what it asked, or to nothing.
func (s *session) answered(ctx context.Context, iq *stream.Element) {
	s.mu.Lock()
	a, ok := s.asked[iq.ID]
	delete(s.asked, iq.ID)
	s.mu.Unlock()
	if ok && time.Now().Before(a.expires) {
		a.answered(ctx, iq)
	}
}
