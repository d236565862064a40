package xmppd

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Offline messages (XEP-0160): what arrived while nobody was there, delivered
// with the first presence whose priority is not negative.

// offlineMessages is what waits for accounts that nobody is there for. It is safe for
// concurrent use; account.flushing is held while what waits is delivered.
type offlineMessages struct {
	domain   string
	store    OfflineStore
	registry *registry
	log      *slog.Logger
	timeout  time.Duration // Config.StoreTimeout

	isService func(domain string) bool // whether a service is mounted there
}

// keep keeps a message for later; id is its id in the recipient's archive, zero if it is in
// none. That the store is full, or away, is the sender's to know (service-unavailable) only
// of a message that is not in the archive.
func (off *offlineMessages) keep(ctx context.Context, user string, raw []byte, id uuid.UUID) error {
	archived := id != uuid.Nil
	if !archived {
		id = uuid.Must(uuid.NewV7())
	}
	err := off.add(ctx, user, OfflineMessage{ID: id, Stamp: time.Now().UTC(), Stanza: raw})
	if err == nil {
		off.flushArrived(ctx, user)
		return nil
	}
	if !errors.Is(err, ErrFull) {
		off.log.Error("a message could not be kept offline", "user", user, "archived", archived, "err", err)
	}
	if archived {
		return nil
	}
	return stanza.ErrServiceUnavailable
}

// add keeps a message, and lets a session that is arriving know.
func (off *offlineMessages) add(ctx context.Context, user string, m OfflineMessage) error {
	err := off.store.AddOffline(ctx, user, m)
	if a := off.registry.lookup(user); a != nil {
		a.kept.Add(1)
	}
	return err
}

// flushArrived delivers at once to somebody who became available while the
// message was being stored, and so has read the offline store too early.
func (off *offlineMessages) flushArrived(ctx context.Context, user string) {
	reachable := off.registry.lookup(user).reachable()
	if len(reachable) == 0 {
		return
	}
	if _, err := off.flush(ctx, reachable[0]); err != nil {
		off.log.Error("offline messages could not be delivered", "user", user, "err", err)
	}
}

// arrive delivers what waits to a session that messages begin to come to, and
// lets them come only then: none overtakes an older one (RFC 6120 §10.1, S-08).
func (s *session) arrive(ctx context.Context) error {
	if len(s.account.reachable()) > 0 {
		s.setReachable() // nothing waits but what is just being kept
	}
	kept := s.account.kept.Load()
	var err error
	if !s.account.hasNoOffline() {
		err = s.flushAll(ctx)
	}
	s.setReachable()
	if err == nil && s.account.kept.Load() != kept {
		err = s.flushAll(ctx)
	}
	return err
}

// flushAll delivers all that waits at the pace at which the client reads, in turns:
// in between, another of the account's sessions may take what is left.
func (s *session) flushAll(ctx context.Context) error {
	for {
		turn, cancel := s.server.Renewed(ctx)
		left, err := s.server.offline.flush(turn, s)
		cancel()
		if err != nil || !left {
			return err
		}
		if err := s.Ready(ctx); err != nil {
			return nil // the stream is gone; the rest waits for the next
		}
	}
}

// setReachable lets messages to the bare JID come here, if the session is still
// available for them.
func (s *session) setReachable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.presence != nil && s.priority >= 0 && s.reachable.IsZero() {
		s.reachable = time.Now()
	}
}

// flush delivers what waits, oldest first, with the time it was sent
// (XEP-0160 §3, XEP-0203 §2, S-31). What is delivered is removed; stream
// management has it from here. Two at a time would deliver the same twice.
//
// It takes no longer than the time of a stanza, and reports whether something is
// left because the client did not read as fast.
func (off *offlineMessages) flush(ctx context.Context, s *session) (left bool, err error) {
	s.account.flushing.Lock()
	left, ended, err := off.flushOnce(ctx, s)
	s.account.flushing.Unlock()
	if ended {
		off.flushArrived(ctx, s.user) // to another session, if there is one
	}
	return left && !ended, err
}

// flushOnce reports whether something is left, and whether the session ended
// meanwhile.
func (off *offlineMessages) flushOnce(ctx context.Context, s *session) (left, ended bool, err error) {
	read, cancel := context.WithTimeout(ctx, off.timeout)
	defer cancel()
	messages, err := off.store.Offline(read, s.user)
	if err != nil || len(messages) == 0 {
		return false, false, err
	}
	delivered := s.deliverWaiting(read, messages)
	left = len(delivered) < len(messages)
	ids := make([]uuid.UUID, len(delivered))
	for i, m := range delivered {
		ids[i] = m.ID
	}
	write, cancel := context.WithTimeout(context.Background(), off.timeout)
	defer cancel()
	err = off.store.RemoveOffline(write, s.user, ids)
	if !s.hasEnded() {
		return left, false, err
	}
	// What it left behind may just have been removed.
	for _, m := range delivered {
		if err := off.store.AddOffline(write, s.user, m); err != nil {
			s.log().Error("an undelivered message could not be kept offline", "id", m.ID, "err", err)
		}
	}
	return left, true, err
}

// deliverWaiting delivers messages that waited, for as long as the session is
// there and reads them. It returns those that it delivered.
func (s *session) deliverWaiting(ctx context.Context, messages []OfflineMessage) []OfflineMessage {
	for i, m := range messages {
		el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)})
		if err != nil {
			s.log().Error("an offline message is damaged", "id", m.ID, "err", err)
			continue
		}
		if s.ReadyWithin(ctx) != nil || !s.deliverNow(el.Edit().Append(stanza.Delay(s.server.domain, m.Stamp)).Bytes()) {
			return messages[:i]
		}
	}
	return messages
}

// deliverNow is deliver for what is kept already: it reports false when the
// session has ended.
func (s *session) deliverNow(raw []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state >= ended {
		return false
	}
	s.deliverLocked(immediate, sentStanza{raw, time.Now()})
	return true
}

// hasEnded reports whether the session has ended.
func (s *session) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state >= ended
}

// storesOffline reports whether a message waits for its recipient: whatever it says,
// and in whatever words, unless it is nothing but a chat state, or a hint forbids it
// (XEP-0160 §3, RFC 6121 §8.5.2.2.1, S-31).
func storesOffline(m *stream.Element) bool {
	if !stanza.IsConversation(m) || stanza.HasHint(m, "no-store") || isServersAnswer(m) {
		return false
	}
	return stanza.HasHint(m, "store") || saysMore(m)
}

// saysMore reports whether a message has more than a chat state in it, and what goes along
// with one.
func saysMore(m *stream.Element) bool {
	for c := range m.Children() {
		if c.Name.Space != stanza.NSChatStates && !isBesidesChatState(c) {
			return true
		}
	}
	return false
}

// isServersAnswer reports whether a message is for one client alone, and of no use to another
// one later: a copy (XEP-0280), a result of an archive (XEP-0313), or word of a service itself.
func isServersAnswer(m *stream.Element) bool {
	switch m.Child {
	case stream.Name{Space: nsCarbons, Local: "sent"}, stream.Name{Space: nsCarbons, Local: "received"},
		stream.Name{Space: stanza.NSMAM, Local: "result"}:
		return true
	}
	from, err := stanza.ParseAddress(m.From)
	return err == nil && from.User == ""
}
