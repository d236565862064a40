package app

import (
	"context"
	"errors"
	"time"

	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd"
)

var errSignedOut = &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"}

// ended ends chat streams here at once, and tells the other instances. The
// database knows already; a notification that is missed is made up for by
// recheck.
func (s *Server) ended(ctx context.Context, e models.Event) {
	s.handleEvent(e)
	s.notify(ctx, e)
}

// changed makes a changed or new account known to the chat, here and elsewhere.
func (s *Server) changed(ctx context.Context, e models.Event) {
	s.handleEvent(e)
	s.notify(ctx, e)
}

func (s *Server) notify(ctx context.Context, e models.Event) {
	if err := s.db.Notify(ctx, e); err != nil {
		s.log.Error("other instances were not told; they find out within a minute", "event", e.Kind, "err", err)
	}
}

// handleEvent acts on an event, of this instance or another. Doing it twice does
// no harm.
func (s *Server) handleEvent(e models.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	switch e.Kind {
	case models.EventEnded:
		s.gateway.End(stream.Scope{User: e.User, Session: e.Session}, errSignedOut)
	case models.EventRemoved:
		s.gateway.End(stream.Scope{User: e.User}, errSignedOut)
		s.chat.AccountRemoved(ctx, e.User)
	case models.EventChanged:
		s.chat.AccountChanged(ctx, e.User)
	case models.EventResync:
		s.recheck(ctx)
	}
}

// How often what stands behind every stream is looked at again.
const recheckEvery = time.Minute

// housekeeping re-checks streams and removes what has expired, until ctx ends.
func (s *Server) housekeeping(ctx context.Context) {
	t := time.NewTicker(recheckEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		s.recheck(ctx)
		if err := s.db.DeleteExpired(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("expired records were not removed", "err", err)
		}
		s.removeDoomed(ctx)
		if err := s.db.TidySearch(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("the search index was not tidied", "err", err)
		}
	}
}

// recheck ends every stream whose session ended without our being told, or
// expired.
func (s *Server) recheck(ctx context.Context) {
	for _, id := range s.chat.Identities() {
		if err := s.Current(ctx, id); errors.Is(err, xmppd.ErrNotAuthorized) {
			s.gateway.End(stream.Scope{User: id.User, Session: id.Session}, errSignedOut)
		}
	}
}
