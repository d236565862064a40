package remote

import (
	"context"
	"sync"
	"time"
)

const (
	// restAfterFailure is for how long a server that did not answer is not asked again.
	restAfterFailure = 2 * time.Second

	// openTimeout is how long opening the stream may take.
	openTimeout = 20 * time.Second
)

// Service is the site's own stream at the server, opened when it is first needed and
// again when it was lost. It is safe for concurrent use.
type Service struct {
	dial   Dial
	user   string
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	session *Session
	opening chan struct{} // closed when an attempt that is under way is over; nil: none is
	failed  error         // of the last attempt
	at      time.Time
}

// NewService makes a Service for an account of the site at the server.
func NewService(dial Dial, user string) *Service {
	ctx, cancel := context.WithCancel(context.Background())
	return &Service{dial: dial, user: user, ctx: ctx, cancel: cancel}
}

// open returns the stream. Those who come while it is opened wait for it, each until its
// own ctx ends; the attempt is nobody's, and goes on without them.
func (s *Service) open(ctx context.Context) (*Session, error) {
	for {
		session, opening, err := s.current()
		if session != nil || err != nil {
			return session, err
		}
		select {
		case <-opening:
		case <-ctx.Done():
			return nil, Unreachable(ctx.Err())
		}
	}
}

// current returns the stream, or why there is none, or what to wait for: then an attempt
// is under way.
func (s *Service) current() (*Session, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil:
		return nil, nil, s.ctx.Err()
	case s.session != nil && !s.session.ended():
		return s.session, nil, nil
	case s.failed != nil && time.Since(s.at) < restAfterFailure:
		return nil, nil, s.failed
	case s.opening == nil:
		s.session, s.opening = nil, make(chan struct{})
		go s.connect()
	}
	return nil, s.opening, nil
}

// connect opens the stream.
func (s *Service) connect() {
	ctx, cancel := context.WithTimeout(s.ctx, openTimeout)
	defer cancel()
	conn, err := s.dial(ctx, s.user)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.failed, s.at = err, time.Now()
	case s.ctx.Err() != nil:
		_ = conn.Close()
	default:
		s.session, s.failed = newSession(conn), nil
	}
	close(s.opening)
	s.opening = nil
}

// OffersPush reports whether the server tells others of its accounts' messages (XEP-0357).
func (s *Service) OffersPush(ctx context.Context) (bool, error) {
	session, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	return session.OffersPush(ctx)
}

// Close ends the stream for good.
func (s *Service) Close() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.session.Close()
		s.session = nil
	}
}
