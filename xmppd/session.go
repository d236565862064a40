package xmppd

import (
	"log/slog"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// session is one bound resource. It outlives its stream when the stream may be
// resumed (XEP-0198):
//
//	        bind              lost, resumable           resume
//	(none) ──────▶ connected ────────────────▶ hibernating ──────▶ connected
//	                  │ closed, lost, ended         │ expired, ended
//	                  ▼                             ▼
//	                ended ──────────────────────▶ gone
//	                       the last stanza is handled,
//	                       subscribers saw it go
type session struct {
	server   *Server
	account  *account
	user     string // localpart
	bare     string // user@domain
	full     string // user@domain/resource
	resource string

	handling sync.Mutex    // held while a stanza of the client is handled
	asking   stream.Stream // that stanza came from; guarded by handling

	mu         sync.Mutex
	state      sessionState
	peer       *stream.Peer
	identity   stream.Identity
	stream     stream.Stream            // nil unless connected
	sm         *smState                 // nil: stream management is off (sm.go)
	late       lateStanzas              // what came for it before its first stream (bind2.go), or while it was ended
	presence   *stream.Element          // last available presence broadcast, from = full; nil: not available
	ownPhoto   bool                     // the client sent that with an empty photo (XEP-0398 §4)
	priority   int8                     // of presence
	reachable  time.Time                // since when messages to the bare JID come here; zero: they do not
	interested bool                     // asked for the roster (RFC 6121 §2.1.6)
	blockWatch bool                     // asked for the block list (XEP-0191 §3.2)
	carbons    bool                     // XEP-0280
	inactive   bool                     // nobody looks at the client (csi.go)
	held       heldBack                 // what waits until somebody does
	requests   map[string]serverRequest // requests of the server's own, by id (server_requests.go)
	overflowed bool                     // it is being ended, since more waits for it than may
	directed   map[string]struct{}      // full or bare JIDs that got directed presence (RFC 6121 §4.6); nil: none
}

// address is the session's full JID in its parts.
func (s *session) address() stanza.Address {
	return stanza.Address{User: s.user, Domain: s.server.domain, Resource: s.resource}
}

// log is the logger for what concerns the session, made when there is something to
// tell.
func (s *session) log() *slog.Logger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server.log.With("conn", s.peer.Conn, "user", s.user)
}

type sessionState int

const (
	connected sessionState = iota
	hibernating
	ended // cut off
	gone
)

// deliver queues one stanza for the client and never waits for it. While the
// stream is lost but may be resumed, the stanza is kept (XEP-0198 §5); a message
// for a session that has just ended is kept for the account. The bytes may be
// shared between sessions.
func (s *session) deliver(raw []byte) { s.deliverWhen(immediate, raw) }

// deliverBatched is deliver for the presence of others, who may come in crowds: what comes
// within a moment is written together (stream.Batcher).
func (s *session) deliverBatched(raw []byte) { s.deliverWhen(batched, raw) }

// lateStanzas are stanzas that there is no stream for. The session's lock guards them.
type lateStanzas struct {
	list []sentStanza
	size int // in bytes
}

// keep keeps one more. It reports false when there is no room for it.
func (l *lateStanzas) keep(sent sentStanza, cfg Config) bool {
	if len(l.list) >= cfg.Unacked || l.size >= cfg.UnackedBytes {
		return false
	}
	l.list = append(l.list, sent)
	l.size += len(sent.raw)
	return true
}

// take returns what was kept, and keeps nothing of it.
func (l *lateStanzas) take() []sentStanza {
	late := l.list
	*l = lateStanzas{}
	return late
}

// urgency tells when a stanza is to be written.
type urgency bool

const (
	immediate urgency = true
	batched   urgency = false // within a moment (stream.Batcher)
)

func (s *session) deliverWhen(when urgency, raw []byte) {
	sent := sentStanza{raw, time.Now()}
	s.mu.Lock()
	tooLate := s.state == gone
	s.deliverLocked(when, sent)
	s.mu.Unlock()
	if tooLate {
		ctx, cancel := s.server.storeContext()
		defer cancel()
		s.server.offline.redeliver(ctx, s, []sentStanza{sent})
	}
}

func (s *session) deliverLocked(when urgency, sent sentStanza) {
	switch s.state {
	case gone:
		return
	case ended:
		if isMessage(sent) {
			s.late.keep(sent, s.server.cfg)
		}
		return
	}
	if !s.holdLocked(sent) {
		s.transmitLocked(when, sent)
	}
}

// transmitLocked queues a stanza on the stream, and keeps it until it is
// acknowledged.
func (s *session) transmitLocked(when urgency, sent sentStanza) {
	if s.stream == nil && s.state == connected { // its first stream comes in a moment (attach)
		if !s.late.keep(sent, s.server.cfg) {
			s.server.endOverflowing(s)
		}
		return
	}
	if s.sm != nil {
		s.keepUnackedLocked(sent)
		if s.sm.unsent > 0 { // older ones go first
			s.sm.unsent++
			return
		}
	}
	if s.stream == nil {
		return
	}
	// An error means that the stream is closing; its reader will see to it.
	_ = sendWhen(s.stream, when, sent.raw)
	if s.sm != nil && (s.sm.wantsAck() || s.needsAckLocked(sent)) {
		s.requestAckWhenLocked(when, sent.at)
	}
}

func sendWhen(st stream.Stream, when urgency, raw []byte) error {
	if when == batched {
		if b, ok := st.(stream.Batcher); ok {
			return b.SendBatched(raw)
		}
	}
	return st.Send(raw)
}

// keepUnackedLocked keeps a stanza until it is acknowledged. The session ends with the
// first that is more than it may keep; but not here, since the caller may be in
// the middle of something that the end waits for.
func (s *session) keepUnackedLocked(sent sentStanza) {
	before := s.overflowsLocked()
	s.limitUnackedLocked(s.sm.sent(sent), len(sent.raw))
	if !before && s.overflowsLocked() {
		s.server.endOverflowing(s)
	}
}

// endOverflowing ends a session for which more waits than may, once. It does not wait for that: the
// caller holds the session's lock.
func (srv *Server) endOverflowing(s *session) {
	if s.overflowed {
		return
	}
	s.overflowed = true
	srv.ending.Go(func() {
		srv.end(s, &stream.Error{Condition: stream.PolicyViolation, Text: "too many stanzas without an acknowledgement"})
	})
}

// overflowsLocked reports whether more is unacknowledged than may be.
func (s *session) overflowsLocked() bool {
	return len(s.sm.unacked) > s.server.cfg.Unacked || s.sm.size > s.server.cfg.UnackedBytes
}

// send queues something that is no stanza, and so is not counted (XEP-0198 §4).
func (s *session) send(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil {
		_ = s.stream.Send(raw)
	}
}

// currentStream returns the stream, or nil while there is none.
func (s *session) currentStream() stream.Stream {
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
