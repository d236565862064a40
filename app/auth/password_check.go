package auth

import (
	"context"
	"errors"

	"foyer/models"
)

// guess checks a password that somebody typed, within the bounds of guessing:
// action is what it is for, since the bounds of one do not count for another.
// Errors: ErrNotProved, *ThrottledError.
func (s *Service) guess(ctx context.Context, action, username, password string, from Client) (models.Account, error) {
	wait, err := s.attempt(ctx, action, username, from)
	if err != nil {
		return models.Account{}, err
	}
	if wait > 0 {
		return models.Account{}, &ThrottledError{Wait: wait}
	}
	account, err := s.checkPassword(ctx, username, password)
	if err != nil {
		return account, err
	}
	return account, s.db.ResetAttempts(ctx, accountKey(action, username))
}

// checkPassword returns the account whose password it is, in the same time
// whether or not there is one; else ErrNotProved. What is done on the strength of
// it is written only while the account has the same PasswordVersion.
func (s *Service) checkPassword(ctx context.Context, username, password string) (models.Account, error) {
	account, err := s.db.AccountByName(ctx, username)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return account, err
	}
	hash := account.PasswordHash
	if account.BlockedAt != nil {
		hash = ""
	}
	ok, renew, err := s.hasher.check(ctx, password, hash)
	switch {
	case err != nil:
		return account, err
	case !ok:
		return account, ErrNotProved
	case renew:
		s.renewHash(ctx, account, password)
	}
	return account, nil
}

// renewHash hashes a password again, with today's parameters. It can be done at
// the next sign-in as well.
func (s *Service) renewHash(ctx context.Context, a models.Account, password string) {
	hash, err := s.hasher.hash(ctx, password)
	if err == nil {
		err = s.db.RenewPasswordHash(ctx, a.ID, a.PasswordVersion, hash)
	}
	if err != nil {
		s.log.Warn("a password's hash was not renewed", "user", a.Username, "err", err)
	}
}

// Confirm checks the password that somebody who is signed in typed to confirm
// something serious, and returns the account as it was then. Errors: ErrNotProved,
// *ThrottledError.
func (s *Service) Confirm(ctx context.Context, username, password string, from Client) (models.Account, error) {
	return s.guess(ctx, "confirm", username, password, from)
}
