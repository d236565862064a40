package auth

import (
	"context"
	"errors"
	"time"

	"foyer/models"
	"foyer/token"
)

// What a source ends. Each ends what the database says, and tells every instance, as signing
// out does: sessions of the site, and with them every chat stream on every transport.

// endedSessionsKept is how long no session may begin in a source's session that has ended: as
// long as a sign-in in it may be on its way (RedirectLifetime), and much longer than clocks differ.
const endedSessionsKept = time.Hour

// EndIdentities ends what stands on identities, by their ids: sessions, app passwords that
// were made in them, and sign-ins that are on their way.
func (s *Service) EndIdentities(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	ended, err := s.db.Identities.EndIdentities(ctx, ids)
	if err != nil {
		return err
	}
	s.tellEnded(ctx, ended)
	return nil
}

// Logout is a source's word that somebody is out, which was checked.
type Logout struct {
	Issuer  string
	Subject string // who; empty: only Session tells
	Session string // the source's session that ended (Person.Session); empty: everything of Subject's

	// ID is the word's own, which counts once; it is remembered until Until.
	ID    string
	Until time.Time
}

// ErrUsed: the word was acted on already.
var ErrUsed = errors.New("auth: that was used before")

// LogOut acts on a source's word that somebody is out. One session of the source ends what began in it, and
// what of the person began without the source saying in which; app passwords stay: that somebody
// signs out in one browser says nothing of their phone. A person without a session ends all that stands on them, app passwords
// included. Nobody has it: no error. Errors: ErrUsed; any other means that nothing was done.
func (s *Service) LogOut(ctx context.Context, source Source, l Logout) error {
	ended, err := s.db.Sessions.EndByLogout(ctx, models.Logout{
		Source: source.Name(), Issuer: l.Issuer, Subject: l.Subject, Session: l.Session,
		ID: l.ID, Until: l.Until, SessionUntil: time.Now().Add(endedSessionsKept),
	})
	if errors.Is(err, models.ErrTaken) {
		return ErrUsed
	}
	if err != nil {
		return err
	}
	s.tellEnded(ctx, ended)
	return nil
}

func (s *Service) tellEnded(ctx context.Context, ended []models.Ended) {
	for _, e := range ended {
		s.tell(ctx, models.EventEnded, e.Username, e.Session)
	}
}

// SignOutAt returns the source by which a session began, and where the browser goes to be
// signed out there as well; empty: nowhere. It is asked before the session is ended, or just after SignOut, as
// when somebody clicks twice; secret is its cookie's, callback where the source sends the browser back to.
func (s *Service) SignOutAt(ctx context.Context, secret, callback string) (Source, string, error) {
	name, sealed, err := s.db.Sessions.SignOutHint(ctx, token.Hash(secret))
	if errors.Is(err, models.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	source, _ := s.Source(name)
	outer, ok := source.(LogoutRedirector)
	if !ok {
		return source, "", nil
	}
	var hint []byte
	if sealed != nil {
		if hint, err = openFor(secret, sealSignOut, sealed, nil); err != nil {
			return source, "", err
		}
	}
	url, err := outer.SignOut(ctx, string(hint), callback)
	return source, url, err
}
