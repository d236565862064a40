package auth

import (
	"context"
	"errors"

	"foyer/models"
)

// local is the Source of the site's own accounts.
type local struct{ *Service }

var _ Source = local{}

// Local returns the Source of the site's own accounts.
func (s *Service) Local() Source { return local{s} }

// Name implements Source.
func (local) Name() string { return "local" }

// Start implements Source: the site has a form of its own.
func (local) Start(context.Context, string) (Trip, error) { return Trip{}, nil }

// Finish implements Source: user name and password, as typed.
func (l local) Finish(ctx context.Context, a Answer) (Person, error) {
	// A name that cannot be one belongs to nobody.
	name, err := PrepareUsername(a.Form("username"))
	if err != nil {
		name = ""
	}
	account, err := l.guess(ctx, "signin", name, a.Form("password"), a.From)
	if err != nil {
		return Person{}, err
	}
	return Person{Source: l.Name(), Subject: account.Username, Admin: account.Admin, Account: account}, nil
}

// Still implements Source.
func (l local) Still(ctx context.Context, p Person) error {
	account, err := l.db.AccountByName(ctx, p.Subject)
	if errors.Is(err, models.ErrNotFound) || (err == nil && account.BlockedAt != nil) {
		return ErrGone
	}
	return err
}
