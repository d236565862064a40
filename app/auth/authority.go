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

// ChatIdentity is what a site session stands for in the chat.
func ChatIdentity(a models.Account, s models.Session) stream.Identity {
	return stream.Identity{User: a.Username, Session: s.ID, Expires: s.ExpiresAt}
}

// SCRAM implements xmppd.Authority.
func (s *Service) SCRAM(ctx context.Context, user string, hash sasl.SCRAMHash) (sasl.SCRAMCredentials, error) {
	return s.AppPasswords.SCRAM(ctx, user, hash)
}

// CredentialUsed implements xmppd.Authority.
func (s *Service) CredentialUsed(ctx context.Context, id stream.Identity) error {
	return s.AppPasswords.CredentialUsed(ctx, id)
}

// Current implements xmppd.Authority.
func (s *Service) Current(ctx context.Context, id stream.Identity) error {
	err := s.db.Sessions.SessionCurrent(ctx, id.Session, id.User)
	if errors.Is(err, models.ErrNotFound) {
		return sasl.NotAuthorized
	}
	return err
}

// EndedIdentities returns which identities of open streams do not stand any more, and keeps the
// sessions of the others. It costs two statements, however many they are.
func (s *Service) EndedIdentities(ctx context.Context, ids []stream.Identity) ([]stream.Identity, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	users, sessions := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		users[i], sessions[i] = id.User, id.Session
	}
	lapsed, err := s.db.Sessions.LapsedSessions(ctx, users, sessions)
	gone := make([]stream.Identity, len(lapsed))
	for i, at := range lapsed {
		gone[i] = ids[at]
	}
	if err != nil {
		return gone, err
	}
	return gone, s.db.Sessions.KeepChatSessions(ctx, sessions)
}

// Password implements xmppd.Authority: temporary tokens and app passwords always,
// signed tokens and the account's password where the site's mode has them.
func (s *Service) Password(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error) {
	id, err := s.verifySiteSecret(ctx, user, password, Accepted{Tokens: true, AppPasswords: true, SignedTokens: s.cfg.SignedTokens})
	if !errors.Is(err, sasl.NotAuthorized) || (!s.cfg.Passwords && !s.cfg.SourcePasswords) {
		return id, err
	}
	if !s.cfg.Passwords {
		if own, err := s.ownPassword(ctx, user); err != nil || own {
			return id, errors.Join(err, sasl.NotAuthorized)
		}
	}
	return s.accountPassword(ctx, user, password, peer)
}

// ownPassword reports whether somebody signs in by a password of the site's own.
func (s *Service) ownPassword(ctx context.Context, user string) (bool, error) {
	source, err := s.sourceOf(ctx, user)
	return err == nil && source.Name() == localName, err
}

// Accepted is what is taken as a password.
type Accepted struct {
	Tokens       bool // temporary ones, which work once
	SignedTokens bool // the site's own and those for the external server, once as well
	AppPasswords bool
	Passwords    bool // the accounts' own
}

// verifySiteSecret checks a password against the secrets that the site makes: nobody
// guesses these, so that failures are not counted. sasl.NotAuthorized: it is none of
// them.
func (s *Service) verifySiteSecret(ctx context.Context, user, password string, accepted Accepted) (stream.Identity, error) {
	if accepted.Tokens {
		if id, err := s.temporaryToken(ctx, user, password); !errors.Is(err, models.ErrNotFound) {
			return id, err
		}
	}
	if accepted.AppPasswords {
		if id, err := s.AppPasswords.check(ctx, user, password); !errors.Is(err, sasl.NotAuthorized) {
			return id, err
		}
	}
	if accepted.SignedTokens {
		return s.signedToken(ctx, user, password)
	}
	return stream.Identity{}, sasl.NotAuthorized
}

// temporaryToken checks a temporary token, which is good once: for its owner or,
// brought by somebody else, for nobody. models.ErrNotFound: it is none.
func (s *Service) temporaryToken(ctx context.Context, user, password string) (stream.Identity, error) {
	owner, session, err := s.db.Tokens.ConsumeToken(ctx, token.Hash(password))
	if err == nil && owner != user {
		err = sasl.NotAuthorized
	}
	if err != nil {
		return stream.Identity{}, err
	}
	return stream.Identity{User: user, Session: session}, nil
}

// signedToken checks a signed token, which is good once, and while the session
// that asked for it stands.
func (s *Service) signedToken(ctx context.Context, user, password string) (stream.Identity, error) {
	claims, err := s.tokenKeys.verify(ctx, password)
	switch {
	case errors.Is(err, token.ErrExpired) && claims.JID == s.Address(user):
		return stream.Identity{}, sasl.CredentialsExpired
	case errors.Is(err, token.ErrInvalid), err == nil && claims.JID != s.Address(user):
		return stream.Identity{}, sasl.NotAuthorized
	case err != nil:
		return stream.Identity{}, err
	}
	id := stream.Identity{User: user, Session: claims.Session}
	err = s.db.Tokens.UseTokenID(ctx, models.UsedToken{ID: claims.ID, Username: user, Session: claims.Session, Expires: claims.ExpiresAt.Time})
	if errors.Is(err, models.ErrTaken) || errors.Is(err, models.ErrNotFound) {
		err = sasl.NotAuthorized
	}
	return id, err
}

// accountPassword checks what a person typed, within the bounds of signing in to
// the site.
func (s *Service) accountPassword(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error) {
	p, err := s.verifyTyped(ctx, "signin", user, password, Client{Address: peer.Addr, App: true})
	var throttled *ThrottledError
	var refused Refusal
	switch {
	case errors.Is(err, ErrInvalidCredentials):
		return stream.Identity{}, sasl.NotAuthorized
	case errors.Is(err, ErrBlocked), errors.As(err, &refused):
		return stream.Identity{}, sasl.AccountDisabled
	case errors.As(err, &throttled), errors.Is(err, ErrBusy), errors.Is(err, ErrUnreachable):
		return stream.Identity{}, sasl.TemporaryAuthFailure
	case err != nil:
		return stream.Identity{}, err
	}
	if peer.Identity.User == p.account.Username {
		// A page of the site is signed in there too: signing out ends both.
		return peer.Identity, nil
	}
	session, err := s.db.Sessions.SignInApp(ctx, p.account.ID, p.basis(), peer.Addr)
	if errors.Is(err, models.ErrStale) {
		err = sasl.NotAuthorized // the password changed meanwhile
	}
	if err != nil {
		return stream.Identity{}, err
	}
	s.endUnused(ctx, p.account, session)
	return stream.Identity{User: p.account.Username, Session: session}, nil
}
