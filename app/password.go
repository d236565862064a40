package app

import (
	"context"
	"errors"

	"foyer/models"
)

// errWrongPassword is the same for a wrong password, an account that does not
// exist and one that is blocked.
var errWrongPassword = errors.New("app: user name and password do not match")

// checkPassword returns the account whose password it is, in the same time
// whether or not there is one.
func (s *Server) checkPassword(ctx context.Context, username, password string) (models.Account, error) {
	account, err := s.db.AccountByName(ctx, username)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return account, err
	}
	hash := account.PasswordHash
	if account.BlockedAt != nil {
		hash = ""
	}
	ok, renew, err := s.passwords.Check(ctx, password, hash)
	switch {
	case err != nil:
		return account, err
	case !ok:
		return account, errWrongPassword
	case renew:
		if hash, err := s.passwords.Hash(ctx, password); err == nil {
			if err := s.db.RenewPasswordHash(ctx, account.ID, hash); err != nil {
				s.log.Warn("a password's hash was not renewed", "err", err)
			}
		}
	}
	return account, nil
}
