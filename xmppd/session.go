package xmppd

import (
	"log/slog"
	"sync"
	"time"

	"foyer/internal/stream"
)

// session is one bound resource. It outlives its stream when the stream may be
// resumed (XEP-0198):
//
//	        bind              lost, resumable           resume
//	(none) ──────▶ connected ────────────────▶ hibernating ──────▶ connected
//	                  │ closed, lost, ended         │ expired, ended
//	                  ▼                             ▼
//	                ended                         ended
type session struct {
	server   *Server
	account  *account
	log      *slog.Logger
	user     string // localpart
	bare     string // user@domain
	full     string // user@domain/resource
	resource string

	mu         sync.Mutex
	state      sessionState
	peer       stream.Peer
	identity   stream.Identity
	stream     stream.Stream       // nil unless connected
	sm         *smState            // nil: stream management is off (sm.go)
	presence   *stream.Element     // last available presence broadcast, from = full; nil: not available
	ownPhoto   bool                // the client speaks for the picture itself (XEP-0398 §4)
	priority   int8                // of presence
	interested bool                // asked for the roster (RFC 6121 §2.1.6)
	blockWatch bool                // asked for the block list (XEP-0191 §3.2)
	carbons    bool                // XEP-0280
	directed   map[string]struct{} // full or bare JIDs that got directed presence (RFC 6121 §4.6)
}

type sessionState int

const (
	connected sessionState = iota
	hibernating
	ended
)

// deliver queues one stanza for the client and never blocks. While the stream
// is lost but may be resumed, the stanza is kept (XEP-0198 §5). The bytes may
// be shared between sessions.
func (s *session) deliver(raw []byte) {
	s.mu.Lock()
	overflow := s.deliverLocked(raw)
	s.mu.Unlock()
	if overflow {
		s.server.end(s, &stream.Error{Condition: stream.PolicyViolation, Text: "too many stanzas without an acknowledgement"})
	}
}

// deliverLocked reports whether the session keeps more unacknowledged stanzas
// than it may.
func (s *session) deliverLocked(raw []byte) (overflow bool) {
	if s.state == ended {
		return false
	}
	if s.sm != nil {
		s.sm.sent(raw, time.Now())
		overflow = len(s.sm.unacked) > s.server.cfg.Unacked
	}
	if s.stream == nil {
		return overflow
	}
	// An error means that the stream is closing; its reader will see to it.
	_ = s.stream.Send(raw)
	if s.sm != nil && s.sm.wantsAck() {
		_ = s.stream.Send([]byte(smRequest))
	}
	return overflow
}

// send queues something that is no stanza, and so is not counted (XEP-0198 §4).
func (s *session) send(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil {
		_ = s.stream.Send(raw)
	}
}

// current returns the stream, or nil while there is none.
func (s *session) current() stream.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream
}

// available returns the presence and priority; nil when not available.
func (s *session) available() (*stream.Element, int8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.presence, s.priority
}

// flag reads or sets one of the session's switches.
func (s *session) flag(f func(*session) *bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *f(s)
}

func (s *session) setFlag(f func(*session) *bool, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*f(s) = on
}

func flagInterested(s *session) *bool { return &s.interested }
func flagBlockWatch(s *session) *bool { return &s.blockWatch }
func flagCarbons(s *session) *bool    { return &s.carbons }
