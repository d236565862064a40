package cli

import (
	"context"
	"errors"
	"fmt"

	"foyer/app"
	"foyer/app/auth"
	"foyer/models"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Create an account."`
	Import   userImportCmd   `cmd:"" help:"Create accounts from a CSV file: username,password[,name]."`
	List     userListCmd     `cmd:"" help:"List the accounts."`
	Link     userLinkCmd     `cmd:"" help:"Let somebody sign in to an account by another source of people."`
	Unlink   userUnlinkCmd   `cmd:"" help:"Take such a way to sign in away, or list them."`
	Passkeys userPasskeysCmd `cmd:"" help:"List the passkeys of an account, or remove one."`
	Passwd   userPasswdCmd   `cmd:"" help:"Set a password; the person is signed out everywhere."`
	Admin    userAdminCmd    `cmd:"" help:"Make somebody an administrator, or no longer one."`
	Block    userBlockCmd    `cmd:"" help:"Block an account; the person is signed out everywhere."`
	Unblock  userUnblockCmd  `cmd:"" help:"Unblock an account."`
	Export   userExportCmd   `cmd:"" help:"Write all that is kept of somebody to a file, such as for them (docs/PRIVACY.md)."`
	Delete   userDeleteCmd   `cmd:"" help:"Delete an account with everything that is its own."`
}

type userAddCmd struct {
	Name string `arg:"" help:"The user name."`
	newPassword
	NoPassword bool   `xor:"password" name:"no-password" help:"The account has no password: its owner comes in by another source of people (foyer user link)."`
	FullName   string `name:"full-name" help:"The name people see."`
	Admin      bool   `help:"Make the account an administrator."`
}

// Run creates the account. It asks for a password once the names will do.
func (c userAddCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		if _, _, err := preparedNames(c.Name, c.FullName); err != nil {
			return err
		}
		var password string
		if !c.NoPassword {
			var err error
			if password, err = c.read(e); err != nil {
				return err
			}
		}
		account, err := e.add(s, c.Name, password, c.FullName, c.Admin)
		if err != nil {
			return err
		}
		what := "The account"
		if account.Admin {
			what = "The administrator's account"
		}
		e.say("%s %s (%s) is created; its chat address is %s.", what, account.Username, account.Name, s.Address(account.Username))
		if password != "" {
			e.sayUnused(s, account)
		}
		return nil
	})
}

// withAuth runs f with what signs people in; a running site is told of what f
// ends or changes.
func (e *env) withAuth(f func(*models.DB, *auth.Service) error) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		log := e.logger(cfg)
		settings, err := cfg.Auth(db, log, func(ctx context.Context, event models.Event) {
			if err := db.Notify(ctx, event); err != nil {
				log.Error("a running site was not told; it finds out within a minute", "err", err)
			}
		})
		if err != nil {
			return err
		}
		s, err := auth.New(e.ctx, settings)
		if err != nil {
			return err
		}
		return f(db, s)
	})
}

// add creates one account; no password, none. The names the site keeps for itself are the
// operator's to give.
func (e *env) add(s *auth.Service, typed, password, fullName string, admin bool) (models.Account, error) {
	username, name, err := preparedNames(typed, fullName)
	if err != nil {
		return models.Account{}, err
	}
	if password != "" {
		if err := s.CheckPasswordStrength(password, username, name); err != nil {
			return models.Account{}, err
		}
	}
	account, err := s.CreateAccount(e.ctx, auth.NewAccount{Username: username, Name: name, Password: password, Admin: admin})
	if errors.Is(err, auth.ErrUsernameTaken) {
		err = fmt.Errorf("%s: somebody has that name, or had it; names are never given out again", username)
	}
	return account, err
}

// preparedNames returns a user name and the name people see, as they are kept.
func preparedNames(typed, fullName string) (username, name string, err error) {
	if username, err = auth.PrepareUsername(typed); err == nil {
		name, err = auth.PrepareName(fullName, username)
	}
	return username, name, err
}

type userListCmd struct{}

// Run lists every account.
func (userListCmd) Run(e *env) error {
	return e.withDatabase(func(_ app.Config, db *models.DB) error {
		accounts, err := db.Accounts.All(e.ctx)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			state := ""
			if a.Admin {
				state += "\tadmin"
			}
			if a.Demo {
				state += "\tdemo"
			}
			if a.BlockedAt != nil {
				state += "\tblocked"
			}
			fmt.Fprintf(e.out, "%s\t%s%s\n", a.Username, a.Name, state)
		}
		return nil
	})
}

// withAccount runs f on an account.
func (e *env) withAccount(typed string, f func(*auth.Service, models.Account) error) error {
	return e.withAuth(func(db *models.DB, s *auth.Service) error {
		account, err := e.account(db, typed)
		if err != nil {
			return err
		}
		return f(s, account)
	})
}

func (e *env) account(db *models.DB, typed string) (models.Account, error) {
	username, err := auth.PrepareUsername(typed)
	if err != nil {
		return models.Account{}, err
	}
	account, err := db.Accounts.AccountByName(e.ctx, username)
	if errors.Is(err, models.ErrNotFound) {
		err = fmt.Errorf("there is no account %q", username)
	}
	return account, err
}

type userPasswdCmd struct {
	Name string `arg:"" help:"The user name."`
	newPassword
}

// Run sets the password and ends every session. It asks for it once there is such an account.
func (c userPasswdCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		password, err := c.read(e)
		if err != nil {
			return err
		}
		if err := s.CheckPasswordStrength(password, a.Username, a.Name); err != nil {
			return err
		}
		if err := s.SetPassword(e.ctx, a, password); err != nil {
			return err
		}
		e.say("%s has a new password, and is signed out everywhere.", a.Username)
		e.sayUnused(s, a)
		return nil
	})
}

// sayUnused says of a password that nobody can sign in by it.
func (e *env) sayUnused(s *auth.Service, a models.Account) {
	if !s.MayHavePassword(a) {
		e.say("LOCAL_ACCOUNTS is %s, so that this password opens nothing: %s is none of the administrators whom you made.", auth.LocalAdmins, a.Username)
	}
}

type userAdminCmd struct {
	Name   string `arg:"" help:"The user name."`
	Remove bool   `help:"They are no longer one by your word."`
	Force  bool   `help:"Also if nobody is left who runs the site."`
}

// Run changes who runs the site.
func (c userAdminCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		admin, err := s.SetAdmin(e.ctx, a, !c.Remove, c.Force)
		if errors.Is(err, models.ErrLastAdmin) {
			return fmt.Errorf("%s is the last administrator: make another one first, or say --force", a.Username)
		}
		switch {
		case err != nil:
			return err
		case !c.Remove:
			e.say("%s is an administrator.", a.Username)
		case admin:
			e.say("%s is an administrator still: where they sign in says so (docs/IDENTITY.md).", a.Username)
		default:
			e.say("%s is no administrator any more.", a.Username)
		}
		if a.PasswordHash != "" && c.Remove {
			a.OwnAdmin = false
			e.sayUnused(s, a)
		}
		return nil
	})
}

type userBlockCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run blocks the account.
func (c userBlockCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		if err := s.SetBlocked(e.ctx, a, true); err != nil {
			return err
		}
		e.say("%s is blocked, and signed out everywhere.", a.Username)
		return nil
	})
}

type userUnblockCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run unblocks the account.
func (c userUnblockCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		if err := s.SetBlocked(e.ctx, a, false); err != nil {
			return err
		}
		e.say("%s may sign in again.", a.Username)
		return nil
	})
}
