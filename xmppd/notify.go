package xmppd

import (
	"bytes"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Messages that nobody sees: the site may tell the person by other means (web push,
// docs/NOTIFICATIONS.md). That a stream is there does not say that somebody is: a phone
// without a network, or a page that was just closed, looks like one that is looked at
// until the loss is noticed. So what was sent counts as seen only when it was
// acknowledged (XEP-0198 §4), or while the client answers.

// Clients of an account whose messages are told are asked to acknowledge each message to
// the account, and of what is said in rooms one in askRooms at most.
const (
	answerTime = 2 * time.Second // within which a client acknowledges, or asks for more over BOSH
	askRooms   = time.Second
)

// Notifier is told of messages that may go unseen.
type Notifier interface {
	// Wants reports whether it wants to be told of an account's messages. It is asked for
	// every message: it must cost next to nothing.
	Wants(user string) bool

	// Message tells of a message to an account that is delivered or kept from that time
	// on. Whether somebody sees it is known a little later (Server.HasSeen). It must not block.
	Message(user string, m *stream.Element, at time.Time)
}

// notify tells of a message that was delivered or kept.
func (srv *Server) notify(user string, m *stream.Element, at time.Time) {
	if n := srv.cfg.Notifier; n != nil && n.Wants(user) && isTold(m) {
		n.Message(user, m, at)
	}
}

// isTold reports whether a message says something that people read, or that changes what they
// read; no hint forbids to keep it.
func isTold(m *stream.Element) bool {
	return stanza.IsConversation(m) && !stanza.HasHint(m, "no-store") && (stanza.HasHint(m, "store") || stanza.IsSubstantial(m))
}

// HasSeen reports whether somebody has seen what was sent to an account at a time, or sees it
// now: a client that is looked at has acknowledged as much, or is there, and has not said
// that nobody looks (XEP-0352).
func (srv *Server) HasSeen(user string, at time.Time) bool {
	a := srv.registry.lookup(user)
	if a != nil && a.seen.Load() >= at.UnixNano() {
		return true
	}
	now := time.Now()
	for _, s := range a.all() {
		if s.isActive(now) {
			return true
		}
	}
	return false
}

// isActive reports whether somebody looks at the client, as far as it can be known.
func (s *session) isActive(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stream == nil || !s.isActiveLocked():
		return false
	case s.sm != nil:
		return s.sm.waiting.IsZero() || now.Sub(s.sm.waiting) <= answerTime
	}
	if st, ok := s.stream.(stream.PollGapReporter); ok {
		since := st.NoPollSince()
		return since.IsZero() || now.Sub(since) <= answerTime
	}
	return true
}

// isActiveLocked reports whether the client is available, and has not said that nobody
// looks at it.
func (s *session) isActiveLocked() bool { return s.presence != nil && !s.inactive }

// needsAckLocked reports whether it has to be known at once that the client has a
// stanza: the site would tell of it otherwise.
func (s *session) needsAckLocked(sent sentStanza) bool {
	n := s.server.cfg.Notifier
	if n == nil || !s.isActiveLocked() || !isMessage(sent) || !n.Wants(s.user) || !bytes.Contains(sent.raw, []byte("<body")) {
		return false
	}
	return !isGroupchat(sent) || sent.at.Sub(s.sm.lastAsked) >= askRooms
}

// isGroupchat reports whether a stanza that the server wrote is what was said in a room.
func isGroupchat(sent sentStanza) bool {
	tag, _, _ := bytes.Cut(sent.raw, []byte(">"))
	return bytes.Contains(tag, []byte(` type="groupchat"`))
}

// ackLocked drops what the client has handled, and notes what somebody has seen by that. It
// reports false when the client claims more than was sent (XEP-0198 §4).
func (s *session) ackLocked(h uint32) bool {
	last, ok := s.sm.ack(h)
	if ok && s.isActiveLocked() && !last.IsZero() {
		s.account.markSeenUntil(last)
	}
	return ok
}

// markSeenUntil notes that somebody has seen what was sent until then.
func (a *account) markSeenUntil(at time.Time) {
	for now := at.UnixNano(); ; {
		before := a.seen.Load()
		if before >= now || a.seen.CompareAndSwap(before, now) {
			return
		}
	}
}
