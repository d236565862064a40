package remote

import (
	"context"
	"sync"
	"time"
)

// restAfterFailure is for how long a server that did not answer is not asked again.
const restAfterFailure = 2 * time.Second

// Service is the site's own stream at the server, opened when it is first needed and
// again when it was lost. It is safe for concurrent use.
type Service struct {
	dial Dial
	user string

	mu      sync.Mutex
	session *Session
	failed  error // of the last attempt
	at      time.Time
}

// NewService makes a Service for an account of the site at the server.
func NewService(dial Dial, user string) *Service { return &Service{dial: dial, user: user} }

// open returns the stream. Those who come while it is opened wait for it.
func (s *Service) open(ctx context.Context) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil && !s.session.ended() {
		return s.session, nil
	}
	s.session = nil
	if s.failed != nil && time.Since(s.at) < restAfterFailure {
		return nil, s.failed
	}
	conn, err := s.dial(ctx, s.user)
	if err != nil {
		s.failed, s.at = away(err), time.Now()
		return nil, s.failed
	}
	s.session, s.failed = newSession(conn), nil
	return s.session, nil
}

// Close ends the stream.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.session.Close()
		s.session = nil
	}
}
