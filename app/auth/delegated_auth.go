package auth

import (
	"context"
	"errors"

	"foyer/internal/sasl"
	"foyer/models"
	"foyer/token"
)

// What other chat servers ask, through the doors (package doors): whether a login there
// is good. They learn nothing but that. The server does not say from where somebody
// signs in, so that failures count for the account alone.

// CheckForServer decides whether a login at another chat server is good, by what
// Config.Servers accepts. The unknown user, the blocked one and the wrong password take
// equal time. name is the local part of the account's address. Errors: ErrNotProved;
// *ThrottledError; ErrBusy; any other means that the site could not tell just now.
func (s *Service) CheckForServer(ctx context.Context, user, password string) (name string, err error) {
	if user == ServiceUser {
		return user, notProved(s.serviceToken(ctx, password))
	}
	name, err = PrepareUsername(user)
	if err != nil || !isPortable(name) {
		name = "" // one that cannot be a name belongs to nobody
	}
	_, err = s.verifySiteSecret(ctx, name, password, s.cfg.Servers)
	if errors.Is(err, sasl.NotAuthorized) && s.cfg.Servers.Passwords {
		_, err = s.verifyTyped(ctx, "signin", name, password, Client{Server: true})
	}
	return name, notProved(err)
}

// notProved makes one refusal of all that SASL and other sources tell apart.
func notProved(err error) error {
	_, failed := errors.AsType[sasl.Failure](err)
	_, refused := errors.AsType[Refusal](err)
	if failed || refused || errors.Is(err, ErrBlocked) {
		return ErrNotProved
	}
	return err
}

// serviceToken checks the token of ServiceUser, which no account and no session stands
// behind: nobody but the site makes such a token.
func (s *Service) serviceToken(ctx context.Context, password string) error {
	claims, err := s.tokenKeys.verify(ctx, password)
	switch {
	case errors.Is(err, token.ErrInvalid), err == nil && claims.JID != s.Address(ServiceUser), !s.cfg.External:
		return ErrNotProved
	case err != nil:
		return err
	}
	err = s.db.Tokens.UseServiceTokenID(ctx, claims.ID, claims.ExpiresAt.Time)
	if errors.Is(err, models.ErrTaken) {
		err = ErrNotProved
	}
	return err
}

// UserExists reports whether there is somebody of that name who may sign in.
func (s *Service) UserExists(ctx context.Context, user string) (bool, error) {
	if user == ServiceUser {
		return s.cfg.External, nil
	}
	name, err := PrepareUsername(user)
	if err != nil || !isPortable(name) {
		return false, nil
	}
	account, err := s.db.Accounts.AccountByName(ctx, name)
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	return err == nil && account.BlockedAt == nil, err
}
