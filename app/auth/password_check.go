package auth

import (
	"context"
	"errors"
	"log/slog"

	"foyer/models"
)

// passwords are the site's own. It is safe for concurrent use.
type passwords struct {
	accounts *models.Accounts
	log      *slog.Logger
	throttle *throttle
	hasher   *hasher
	local    LocalAccounts
}

// mayHave reports whether an account may sign in by a password of this site.
func (p *passwords) mayHave(a models.Account) bool { return p.local != LocalAdmins || a.OwnAdmin }

// has reports whether it can do so now.
func (p *passwords) has(a models.Account) bool { return a.PasswordHash != "" && p.mayHave(a) }

// verify checks a password that somebody typed, and returns the account it belongs to,
// in the same time whether or not there is one. action is what it is for, since the
// failures of one do not count for another. What is done on the strength of it is
// written only while the account has the same PasswordVersion. Errors: ErrInvalidCredentials,
// *ThrottledError, ErrBusy.
func (p *passwords) verify(ctx context.Context, action, username, password string, from Client) (models.Account, error) {
	account, err := p.accounts.AccountByName(ctx, username)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return account, err
	}
	known, err := p.throttle.known(ctx, account, from)
	if err != nil {
		return account, err
	}
	release, err := p.hasher.enterFor(ctx, username, from, known)
	if err != nil {
		return account, err
	}
	defer release()
	// Asked only now: however many guesses wait, no more than are hashed at once
	// pass a limit that has been reached.
	limits := p.throttle.limits(action, username, known, from)
	counts, err := p.throttle.failures(ctx, limits)
	if err != nil {
		return account, err
	}
	if err := p.check(ctx, account, password); err != nil {
		if errors.Is(err, ErrInvalidCredentials) {
			err = errors.Join(err, p.throttle.failed(ctx, limits))
		}
		return account, err
	}
	return account, p.throttle.succeeded(ctx, limits, counts)
}

// check compares a password with the account's: ErrInvalidCredentials. The caller
// has its turn in the queue.
func (p *passwords) check(ctx context.Context, account models.Account, password string) error {
	hash := account.PasswordHash
	if account.BlockedAt != nil || !p.mayHave(account) {
		hash = ""
	}
	ok, renew, err := p.hasher.compare(password, hash)
	switch {
	case err != nil:
		return err
	case !ok:
		return ErrInvalidCredentials
	case renew:
		p.renewHash(ctx, account, password)
	}
	return nil
}

// renewHash hashes a password again, with today's parameters. It can be done at
// the next sign-in as well.
func (p *passwords) renewHash(ctx context.Context, a models.Account, password string) {
	hash, err := p.hasher.newHash(password)
	if err == nil {
		err = p.accounts.RenewPasswordHash(ctx, a.ID, a.PasswordVersion, hash)
	}
	if err != nil {
		p.log.Warn("a password's hash was not renewed", "user", a.Username, "err", err)
	}
}
