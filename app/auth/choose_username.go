package auth

import (
	"context"
	"strings"
	"time"

	"foyer/token"
)

// Somebody whom a source has proved, and whose name there cannot be a user name here or is
// taken, chooses one.

// ChooseNameError: the person is proved, and has to choose a user name (ChooseUsername).
type ChooseNameError struct {
	Secret  string // for a cookie
	Expires time.Time
}

func (*ChooseNameError) Error() string { return "auth: a user name is to be chosen" }

// askName keeps who somebody is, and returns a *ChooseNameError.
func (s *Service) askName(ctx context.Context, p authenticated) error {
	secret, expires, err := s.keepPending(ctx, p, "")
	if err != nil {
		return err
	}
	return &ChooseNameError{Secret: secret, Expires: expires}
}

// UsernameChoice returns who a cookie's secret stands for: ErrGone.
func (s *Service) UsernameChoice(ctx context.Context, secret string) (PendingPerson, error) {
	p, err := s.openPending(ctx, secret, "")
	if err != nil {
		return PendingPerson{}, err
	}
	person := PendingPerson{Label: p.source.Label(), Login: p.person.Login, Name: p.person.Name}
	local, _, _ := strings.Cut(p.person.Login, "@")
	if name, err := PrepareUsername(local); err == nil && s.CheckAvailable(name) == nil {
		person.Suggested = name
	}
	return person, nil
}

// ChooseUsername makes the account of somebody who chose a user name, prepared, and signs them in.
// Errors: ErrGone; ErrUsernameTaken; ErrNoAccount; ErrBlocked; ErrInvalidCredentials, if the source ended
// meanwhile what it had proved.
func (s *Service) ChooseUsername(ctx context.Context, secret, username string, d Device) (SignedIn, error) {
	p, err := s.openPending(ctx, secret, "")
	if err != nil {
		return SignedIn{}, err
	}
	if p, err = s.resolve(ctx, p); err == nil && p.account.ID == 0 {
		p, err = s.provision(ctx, p, username)
	}
	if err != nil {
		return SignedIn{}, err
	}
	if err := s.db.Identities.DropPending(ctx, token.Hash(secret)); err != nil {
		return SignedIn{}, err
	}
	return s.startSession(ctx, p, d)
}
