package auth

import (
	"context"
	"errors"
	"time"

	"foyer/models"
	"foyer/token"
)

// Tokens sign somebody in to the chat once. Temporary ones are random and kept as
// a hash; signed ones can be checked by another server too.

// ChatToken makes a token for the chat, which works once and for a minute, and no
// longer than the session. ErrGone: the session has ended.
func (s *Service) ChatToken(ctx context.Context, account models.Account, session string) (string, error) {
	if s.cfg.SignedTokens {
		return s.signedFor(ctx, account.Username, session)
	}
	secret, hash := token.New()
	err := s.db.Tokens.SaveToken(ctx, hash, account.ID, session, time.Now().Add(token.Lifetime))
	if errors.Is(err, models.ErrStale) {
		err = ErrGone
	}
	return secret, err
}

// signedFor signs a token for the chat server.
func (s *Service) signedFor(ctx context.Context, username, session string) (string, error) {
	if !s.cfg.External {
		return s.tokenKeys.own.Sign(s.Address(username), session, time.Now())
	}
	signer, err := s.tokenKeys.upstreamSigner(ctx)
	if err != nil {
		return "", err
	}
	return signer.Sign(s.Address(username), session, time.Now())
}

// OperatorToken makes a temporary token on the operator's word. It has a session of
// its own, which somebody sees among their devices.
func (s *Service) OperatorToken(ctx context.Context, account models.Account, lifetime time.Duration) (string, error) {
	secret, _, err := s.OperatorSession(ctx, account, lifetime)
	return secret, err
}

// OperatorSession is OperatorToken with the id of that session, for those who end it
// themselves.
func (s *Service) OperatorSession(ctx context.Context, account models.Account, lifetime time.Duration) (secret, session string, err error) {
	secret, hash := token.New()
	session, err = s.db.Tokens.SaveOperatorToken(ctx, hash, account.ID, time.Now().Add(lifetime))
	return secret, session, err
}

// Address is somebody's bare address in the chat.
func (s *Service) Address(username string) string { return username + "@" + s.cfg.Domain }
