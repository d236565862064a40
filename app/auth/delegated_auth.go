package auth

import (
	"context"
	"errors"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/token"
)

// What other chat servers ask, by package extauth: whether a login there
// is good. They learn nothing but that. The server does not say from where somebody
// signs in, so that failures count for the account alone.

// DelegatedAuth is what such a server is told. It is safe for concurrent use.
type DelegatedAuth struct {
	domain   string
	external bool
	accepted Accepted // Config.Servers
	accounts *models.Accounts
	tokens   *models.Tokens
	keys     *TokenKeys
	site     passwordChecker
}

// passwordChecker checks what the site itself takes as a password: the Service.
type passwordChecker interface {
	verifySiteSecret(ctx context.Context, user, password string, accepted Accepted) (stream.Identity, error)
	verifyTyped(ctx context.Context, action, username, password string, from Client) (authenticated, error)
}

func newDelegatedAuth(cfg Config, keys *TokenKeys, site passwordChecker) *DelegatedAuth {
	return &DelegatedAuth{
		domain: cfg.Domain, external: cfg.External, accepted: cfg.Servers,
		accounts: cfg.DB.Accounts, tokens: cfg.DB.Tokens, keys: keys, site: site,
	}
}

// CheckForServer decides whether a login at another chat server is good, by what
// Config.Servers accepts. The unknown user, the blocked one and the wrong password take
// equal time. name is the local part of the account's address. Errors: ErrInvalidCredentials;
// *ThrottledError; ErrBusy; any other means that the site could not tell just now.
func (d *DelegatedAuth) CheckForServer(ctx context.Context, user, password string) (name string, err error) {
	if user == ServiceUser {
		return user, asInvalidCredentials(d.serviceToken(ctx, password))
	}
	name, err = PrepareUsername(user)
	if err != nil || !isPortable(name) {
		name = "" // one that cannot be a name belongs to nobody
	}
	_, err = d.site.verifySiteSecret(ctx, name, password, d.accepted)
	if errors.Is(err, sasl.NotAuthorized) && d.accepted.Passwords {
		_, err = d.site.verifyTyped(ctx, "signin", name, password, Client{Server: true})
	}
	return name, asInvalidCredentials(err)
}

// asInvalidCredentials makes ErrInvalidCredentials of all refusals that SASL and other sources tell apart.
func asInvalidCredentials(err error) error {
	_, failed := errors.AsType[sasl.Failure](err)
	_, refused := errors.AsType[Refusal](err)
	if failed || refused || errors.Is(err, ErrBlocked) {
		return ErrInvalidCredentials
	}
	return err
}

// serviceToken checks the token of ServiceUser, which no account and no session stands
// behind: nobody but the site makes such a token.
func (d *DelegatedAuth) serviceToken(ctx context.Context, password string) error {
	claims, err := d.keys.verify(ctx, password)
	switch {
	case errors.Is(err, token.ErrInvalid), err == nil && claims.JID != ServiceUser+"@"+d.domain, !d.external:
		return ErrInvalidCredentials
	case err != nil:
		return err
	}
	err = d.tokens.UseServiceTokenID(ctx, claims.ID, claims.ExpiresAt.Time)
	if errors.Is(err, models.ErrTaken) {
		err = ErrInvalidCredentials
	}
	return err
}

// UserExists reports whether there is somebody of that name who may sign in.
func (d *DelegatedAuth) UserExists(ctx context.Context, user string) (bool, error) {
	if user == ServiceUser {
		return d.external, nil
	}
	name, err := PrepareUsername(user)
	if err != nil || !isPortable(name) {
		return false, nil
	}
	account, err := d.accounts.AccountByName(ctx, name)
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	return err == nil && account.BlockedAt == nil, err
}
