package auth

import (
	"context"
	"errors"

	"foyer/models"

	"github.com/alexedwards/argon2id"
)

// verifyPassword checks a password that somebody typed, and returns the account it belongs to,
// in the same time whether or not there is one. action is what it is for, since the
// failures of one do not count for another. What is done on the strength of it is
// written only while the account has the same PasswordVersion. Errors: ErrNotProved,
// *ThrottledError, ErrBusy.
func (s *Service) verifyPassword(ctx context.Context, action, username, password string, from Client) (models.Account, error) {
	account, err := s.db.Accounts.AccountByName(ctx, username)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return account, err
	}
	known, err := s.known(ctx, account, from)
	if err != nil {
		return account, err
	}
	release, err := s.hasher.enterFor(ctx, username, from, known)
	if err != nil {
		return account, err
	}
	defer release()
	// Asked only now: however many guesses wait, no more than are hashed at once
	// pass a limit that has been reached.
	limits := s.limits(action, username, known, from)
	counts, err := s.failures(ctx, limits)
	if err != nil {
		return account, err
	}
	if err := s.checkPassword(ctx, account, password); err != nil {
		if errors.Is(err, ErrNotProved) {
			err = errors.Join(err, s.failed(ctx, limits))
		}
		return account, err
	}
	return account, s.succeeded(ctx, limits, counts)
}

// checkPassword compares a password with the account's: ErrNotProved. The caller
// has its turn in the queue.
func (s *Service) checkPassword(ctx context.Context, account models.Account, password string) error {
	hash := account.PasswordHash
	if account.BlockedAt != nil || !s.MayHavePassword(account) {
		hash = ""
	}
	ok, renew, err := s.hasher.compare(password, hash)
	switch {
	case err != nil:
		return err
	case !ok:
		return ErrNotProved
	case renew:
		s.renewHash(ctx, account, password)
	}
	return nil
}

// renewHash hashes a password again, with today's parameters. It can be done at
// the next sign-in as well.
func (s *Service) renewHash(ctx context.Context, a models.Account, password string) {
	hash, err := argon2id.CreateHash(password, params)
	if err == nil {
		err = s.db.Accounts.RenewPasswordHash(ctx, a.ID, a.PasswordVersion, hash)
	}
	if err != nil {
		s.log.Warn("a password's hash was not renewed", "user", a.Username, "err", err)
	}
}
