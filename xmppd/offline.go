package xmppd

import (
	"context"
	"errors"
	"time"

	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Offline messages (XEP-0160): what arrived while nobody was there, delivered
// with the first presence whose priority is not negative.

// keepOffline keeps a message for later. The message is in the archive at this
// point, or is not meant to last; a full store is the sender's to know only in
// the latter case.
func (srv *Server) keepOffline(ctx context.Context, s *session, m *stream.Element, to Address, theirs []byte, id uuid.UUID) {
	if id == uuid.Nil {
		id = uuid.Must(uuid.NewV7())
	}
	err := srv.stores.Offline.AddOffline(ctx, to.User, OfflineMessage{ID: id, Stamp: time.Now().UTC(), Stanza: theirs})
	switch {
	case err == nil:
		srv.flushArrived(ctx, to.User)
	case archives(m):
		if !errors.Is(err, ErrFull) {
			s.log.Error("a message could not be kept offline; it is in the archive", "err", err)
		}
	default:
		s.sendError(m, ErrServiceUnavailable)
	}
}

// flushArrived delivers at once to somebody who became available while the
// message was being stored, and so has read the offline store too early.
func (srv *Server) flushArrived(ctx context.Context, user string) {
	reachable := srv.lookup(user).reachable()
	if len(reachable) == 0 {
		return
	}
	if err := srv.flushOffline(ctx, reachable[0]); err != nil {
		srv.log.Error("offline messages could not be delivered", "user", user, "err", err)
	}
}

// flushOffline delivers what waits, oldest first, with the time it was sent
// (XEP-0160 §3, XEP-0203 §2, S-31). What is delivered is removed; stream
// management has it from here.
func (srv *Server) flushOffline(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, srv.cfg.StoreTimeout)
	defer cancel()
	messages, err := srv.stores.Offline.Offline(ctx, s.user)
	if err != nil || len(messages) == 0 {
		return err
	}
	ids := make([]uuid.UUID, 0, len(messages))
	for _, m := range messages {
		el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)})
		if err != nil {
			s.log.Error("an offline message is damaged", "id", m.ID, "err", err)
			continue
		}
		if st := s.current(); st != nil {
			if err := st.Ready(ctx); err != nil {
				break
			}
		}
		s.deliver(el.Edit().Append(Delay(srv.domain, m.Stamp)).Bytes())
		ids = append(ids, m.ID)
	}
	return srv.stores.Offline.RemoveOffline(ctx, s.user, ids)
}
