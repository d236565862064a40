package auth

import (
	"context"
	"errors"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/token"
	"foyer/xmppd"
)

// What chat servers ask. The answers are for them; pages ask the rest of the
// Service.

var _ xmppd.Authority = (*Service)(nil)

// Identity is what a site session stands for in the chat.
func Identity(a models.Account, s models.Session) stream.Identity {
	return stream.Identity{User: a.Username, Session: s.ID, Expires: s.ExpiresAt}
}

// Current implements xmppd.Authority.
func (s *Service) Current(ctx context.Context, id stream.Identity) error {
	err := s.db.SessionCurrent(ctx, id.Session, id.User)
	if errors.Is(err, models.ErrNotFound) {
		return sasl.NotAuthorized
	}
	return err
}

// Gone returns which identities of open streams do not stand any more, and keeps the
// sessions of the others. It costs two statements, however many they are.
func (s *Service) Gone(ctx context.Context, ids []stream.Identity) ([]stream.Identity, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	users, sessions := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		users[i], sessions[i] = id.User, id.Session
	}
	lapsed, err := s.db.LapsedSessions(ctx, users, sessions)
	gone := make([]stream.Identity, len(lapsed))
	for i, at := range lapsed {
		gone[i] = ids[at]
	}
	if err != nil {
		return gone, err
	}
	return gone, s.db.KeepChatSessions(ctx, sessions)
}

// Password implements xmppd.Authority: temporary tokens and app passwords always,
// signed tokens and the account's password where the site's mode has them.
func (s *Service) Password(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error) {
	owner, session, err := s.db.ConsumeToken(ctx, token.Hash(password))
	switch {
	case err == nil && owner == user:
		return stream.Identity{User: user, Session: session}, nil
	case err == nil:
		return stream.Identity{}, sasl.NotAuthorized
	case !errors.Is(err, models.ErrNotFound):
		return stream.Identity{}, err
	}
	if id, err := s.appPassword(ctx, user, password); !errors.Is(err, sasl.NotAuthorized) {
		return id, err
	}
	switch {
	case s.cfg.SignedTokens:
		return s.signedToken(ctx, user, password)
	case s.cfg.Passwords:
		return s.accountPassword(ctx, user, password, peer)
	}
	return stream.Identity{}, sasl.NotAuthorized
}

// signedToken checks a signed token, which is good once.
func (s *Service) signedToken(ctx context.Context, user, password string) (stream.Identity, error) {
	claims, err := s.signer.Verify(password)
	if errors.Is(err, token.ErrExpired) && claims.JID == s.Address(user) {
		return stream.Identity{}, sasl.CredentialsExpired
	}
	if err != nil || claims.JID != s.Address(user) {
		return stream.Identity{}, sasl.NotAuthorized
	}
	err = s.db.UseTokenID(ctx, claims.ID, claims.ExpiresAt.Time)
	if errors.Is(err, models.ErrTaken) {
		err = sasl.NotAuthorized
	}
	return stream.Identity{User: user, Session: claims.Session}, err
}

// accountPassword checks what a person typed, within the bounds of signing in to
// the site.
func (s *Service) accountPassword(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error) {
	account, err := s.guess(ctx, "signin", user, password, Client{Address: peer.Addr, App: true})
	var throttled *ThrottledError
	switch {
	case errors.Is(err, ErrNotProved):
		return stream.Identity{}, sasl.NotAuthorized
	case errors.As(err, &throttled), errors.Is(err, ErrBusy):
		return stream.Identity{}, sasl.TemporaryAuthFailure
	case err != nil:
		return stream.Identity{}, err
	}
	if peer.Identity.User == account.Username {
		// A page of the site is signed in there too: signing out ends both.
		return peer.Identity, nil
	}
	session, err := s.db.SignInApp(ctx, account.ID, account.PasswordVersion, peer.Addr)
	if errors.Is(err, models.ErrStale) {
		err = sasl.NotAuthorized // the password changed meanwhile
	}
	return stream.Identity{User: account.Username, Session: session}, err
}
