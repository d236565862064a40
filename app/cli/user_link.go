package cli

import (
	"errors"
	"fmt"
	"time"

	"foyer/app/auth"
	"foyer/models"
)

type userLinkCmd struct {
	Name    string `arg:"" help:"The user name."`
	Source  string `arg:"" help:"The source: header, ldap, or the name of a provider."`
	Subject string `arg:"" help:"Who it is there, for ever: the provider's sub, the directory's entryUUID or objectGUID, the proxy's header."`
	Issuer  string `help:"The provider's issuer; as in OIDC_NAME_ISSUER unless you say so."`
}

// Run joins an identity to the account.
func (c userLinkCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		if _, ok := s.Source(c.Source); !ok {
			return fmt.Errorf("the settings have no source %q", c.Source)
		}
		err := s.LinkFor(e.ctx, a, c.Source, c.Issuer, c.Subject)
		if errors.Is(err, auth.ErrLinked) {
			return errors.New("that person signs in to another account; unlink it there first")
		}
		if err != nil {
			return err
		}
		e.say("Who is %s at %s signs in as %s.", c.Subject, c.Source, a.Username)
		return nil
	})
}

type userPasskeysCmd struct {
	Name string `arg:"" help:"The user name."`
	ID   string `arg:"" optional:"" help:"The one to remove, by its id; without it they are listed."`
}

// Run removes a passkey of the account, or lists them.
func (c userPasskeysCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		if c.ID == "" {
			list, err := s.Passkeys.Of(e.ctx, a)
			for _, p := range list {
				used := "never used"
				if p.UsedAt != nil {
					used = "last used " + p.UsedAt.Local().Format(time.DateTime)
				}
				e.say("%s\t%s\t%s\tmade %s\t%s", p.ID, p.Name, p.Site, p.CreatedAt.Local().Format(time.DateTime), used)
			}
			return err
		}
		err := s.Passkeys.Remove(e.ctx, a, "", c.ID)
		if errors.Is(err, models.ErrNotFound) {
			return fmt.Errorf("%s has no such passkey; see them by foyer user passkeys %s", a.Username, a.Username)
		}
		if err == nil {
			e.say("Removed. What was signed in by it is signed out.")
		}
		return err
	})
}

type userUnlinkCmd struct {
	Name string `arg:"" help:"The user name."`
	ID   string `arg:"" optional:"" help:"Which way, by its id; without it they are listed."`
}

// Run takes an identity from the account, or lists them.
func (c userUnlinkCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		if c.ID == "" {
			identities, _, err := s.LinkedIdentities(e.ctx, a)
			for _, w := range identities {
				e.say("%s\t%s\t%s\tlast used %s", w.ID, w.Label, w.Login, w.Used.Local().Format(time.DateTime))
			}
			return err
		}
		err := s.Unlink(e.ctx, a, "", c.ID)
		switch {
		case errors.Is(err, auth.ErrLastSignInMethod):
			return errors.New("that is the last way to sign in to the account; give it a password first (foyer user passwd), or block it")
		case errors.Is(err, models.ErrNotFound):
			return fmt.Errorf("%s has no such way to sign in; see them by foyer user unlink %s", a.Username, a.Username)
		case err != nil:
			return err
		}
		e.say("Removed. What was signed in by it is signed out.")
		return nil
	})
}
