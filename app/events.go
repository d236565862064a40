package app

import (
	"context"
	"errors"
	"time"

	"foyer/internal/stream"
	"foyer/models"
)

var errSignedOut = &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"}

// tell acts on what has ended here at once, and on what changed in the background;
// then it tells the other instances. The database knows already; a notification
// that is missed is made up for by recheck.
func (s *Server) tell(ctx context.Context, e models.Event) {
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
	switch e.Kind {
	case models.EventEnded:
		s.gateway.End(stream.Scope{User: e.User, Session: e.Session}, errSignedOut)
	case models.EventRemoved:
		s.gateway.End(stream.Scope{User: e.User}, errSignedOut)
		s.accountChanges.add(e.Kind, e.User)
	case models.EventChanged, models.EventGroups:
		s.accountChanges.add(e.Kind, e.User)
	case models.EventActiveQuery:
		if s.upstreamPush != nil {
			s.upstreamPush.answerActiveQuery(context.Background(), e.User)
		}
	case models.EventActiveReply:
		if s.upstreamPush != nil {
			s.upstreamPush.noteActiveReply(e.User)
		}
	case models.EventResync:
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		s.recheck(ctx)
		s.accountChanges.add(models.EventGroups, "")
	}
}

// How often what stands behind every stream is looked at again.
const recheckEvery = time.Minute

// housekeeping re-checks streams and removes records that have expired, until ctx ends. What asks
// anything but the database, such as where files are kept, has a loop of its own.
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
		s.noteLimits(ctx)
		if s.cfg.Login != LoginTyped {
			s.dropKeptPasswords(ctx)
		}
		if err := s.db.Sessions.DeleteExpired(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("expired records were not removed", "err", err)
		}
		if err := s.db.Previews.RemovePreviews(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("previews of links that have expired were not removed", "err", err)
		}
	}
}

// recheckSources asks the sources again and again who is still there, until ctx ends. Of
// several instances one does it.
func (s *Server) recheckSources(ctx context.Context) {
	if len(s.auth.Sources()) == 0 {
		return
	}
	t := time.NewTicker(time.Duration(s.cfg.Recheck))
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		release, _, err := s.db.Lock(ctx, "foyer-recheck-sources")
		switch {
		case err == nil:
			s.auth.RecheckSources(ctx)
			release()
		case !errors.Is(err, models.ErrLocked) && ctx.Err() == nil:
			s.log.Warn("it was not checked who is still there; trying again later", "err", err)
		}
	}
}

// dropKeptPasswords removes what the site kept while XMPP_LOGIN was typed.
func (s *Server) dropKeptPasswords(ctx context.Context) {
	if err := s.db.Sessions.DeleteStoredPasswords(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("passwords that were kept for the chat were not removed", "err", err)
	}
}

// recheck ends every stream whose session ended without our being told, or
// expired.
func (s *Server) recheck(ctx context.Context) {
	gone, err := s.auth.EndedIdentities(ctx, s.chat.Identities())
	if err != nil && ctx.Err() == nil {
		s.log.Error("it was not checked who is still signed in; trying again in a minute", "err", err)
	}
	for _, id := range gone {
		s.gateway.End(stream.Scope{User: id.User, Session: id.Session}, errSignedOut)
	}
}

// noteLimits keeps which limits were met, for `foyer doctor`. What cannot be kept
// now was logged.
func (s *Server) noteLimits(ctx context.Context) {
	if err := s.db.NoteLimits(ctx, s.limits.Take()); err != nil && ctx.Err() == nil {
		s.log.Error("the limits that were met were not noted", "err", err)
	}
}
