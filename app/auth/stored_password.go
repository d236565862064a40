package auth

import (
	"context"
	"errors"

	"foyer/models"
)

// For a chat server that knows only people's real passwords (XMPP_LOGIN=typed), the site
// keeps the one that was typed to sign in to it, and hands it to that browser's pages. It is
// sealed under a key that follows from the secret in the session's cookie, of which the
// database has a hash: without the cookie nobody reads it, and it goes with the session.

// ErrNotStored: nothing was kept for this session.
var ErrNotStored = errors.New("auth: the session's password was not kept")

// StorePassword keeps the password that a session, known by its cookie's secret, began with
// or has now. ErrGone: the session has ended.
func (s *Service) StorePassword(ctx context.Context, secret, password string) error {
	session, _, err := s.Session(ctx, secret)
	if err != nil {
		return err
	}
	sealed, err := sealFor(secret, sealPassword, []byte(password), []byte(session.ID))
	if err != nil {
		return err
	}
	err = s.db.Sessions.StorePassword(ctx, session.ID, sealed)
	if errors.Is(err, models.ErrStale) {
		err = ErrGone
	}
	return err
}

// StoredPassword returns what was kept for a session. ErrNotStored.
func (s *Service) StoredPassword(ctx context.Context, session models.Session, secret string) (string, error) {
	sealed, err := s.db.Sessions.StoredPassword(ctx, session.ID)
	if errors.Is(err, models.ErrNotFound) {
		return "", ErrNotStored
	}
	if err != nil {
		return "", err
	}
	password, err := openFor(secret, sealPassword, sealed, []byte(session.ID))
	if err != nil {
		return "", ErrNotStored
	}
	return string(password), nil
}
