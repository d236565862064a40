package auth

import (
	"context"

	"foyer/models"
)

// local is the Source of the site's own accounts.
type local struct{ *Service }

var _ Source = local{}

// localName is the source's name. No other may have it.
const localName = "local"

// Local returns the Source of the site's own accounts.
func (s *Service) Local() Source { return local{s} }

// Name implements Source.
func (local) Name() string { return localName }

// Label implements Source.
func (l local) Label() string { return l.cfg.SiteName }

// Method implements Source.
func (local) Method() SignInMethod { return ByForm }

// Start implements Source: there is no redirect.
func (local) Start(context.Context, RedirectRequest) (Redirect, error) { return Redirect{}, nil }

// Finish implements Source: user name and password, as typed to sign in.
func (l local) Finish(ctx context.Context, a Answer) (Person, error) {
	account, err := l.finishLocal(ctx, "signin", a)
	if err != nil {
		return Person{}, err
	}
	return personOf(account), nil
}

// finishLocal checks user name and password, as typed. action is what failures count for.
func (s *Service) finishLocal(ctx context.Context, action string, a Answer) (models.Account, error) {
	// A name that cannot be one belongs to nobody.
	name, err := PrepareUsername(a.Form("username"))
	if err != nil {
		name = ""
	}
	return s.passwords.verify(ctx, action, name, a.Form("password"), a.From)
}

// personOf is who somebody with an account of the site's own is.
func personOf(a models.Account) Person { return Person{Subject: a.Username, Login: a.Username} }

// Inactive implements Source: its accounts have no identities, and end by themselves.
func (local) Inactive(context.Context, []Identity) ([]Identity, error) { return nil, nil }
