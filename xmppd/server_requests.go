package xmppd

import (
	"context"
	"crypto/rand"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Limits on the server's own requests to one client.
const (
	maxServerRequests    = 8
	serverRequestTimeout = time.Minute
)

// serverRequest is a request of the server's own that a client has not answered yet.
type serverRequest struct {
	expires  time.Time
	answered func(ctx context.Context, iq *stream.Element)
}

// Request implements Client.
func (s *session) Request(payload []byte, answered func(ctx context.Context, iq *stream.Element)) {
	id, now := rand.Text(), time.Now()
	s.mu.Lock()
	if s.requests == nil {
		s.requests = make(map[string]serverRequest)
	}
	for k, a := range s.requests {
		if a.expires.Before(now) {
			delete(s.requests, k)
		}
	}
	if len(s.requests) >= maxServerRequests {
		delete(s.requests, s.oldestRequestLocked())
	}
	s.requests[id] = serverRequest{now.Add(serverRequestTimeout), answered}
	s.mu.Unlock()
	iq := stanza.AppendAttr([]byte(`<iq xmlns="jabber:client" type="get"`), "id", id)
	iq = append(stanza.AppendAttr(stanza.AppendAttr(iq, "from", s.server.domain), "to", s.full), '>')
	s.deliver(append(append(iq, payload...), "</iq>"...))
}

func (s *session) oldestRequestLocked() string {
	var oldest string
	for k, a := range s.requests {
		if oldest == "" || a.expires.Before(s.requests[oldest].expires) {
			oldest = k
		}
	}
	return oldest
}

// handleResponse handles an IQ result or error that is for the server: the answer to
// one of its requests, or to none.
func (s *session) handleResponse(ctx context.Context, iq *stream.Element) {
	s.mu.Lock()
	a, ok := s.requests[iq.ID]
	delete(s.requests, iq.ID)
	s.mu.Unlock()
	if ok && time.Now().Before(a.expires) {
		a.answered(ctx, iq)
	}
}
