package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"foyer/app"
	"foyer/app/auth"
	"foyer/models"
)

type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Create an account."`
	Import  userImportCmd  `cmd:"" help:"Create accounts from a CSV file: username,password[,name]."`
	List    userListCmd    `cmd:"" help:"List the accounts."`
	Passwd  userPasswdCmd  `cmd:"" help:"Set a password; the person is signed out everywhere."`
	Block   userBlockCmd   `cmd:"" help:"Block an account; the person is signed out everywhere."`
	Unblock userUnblockCmd `cmd:"" help:"Unblock an account."`
	Delete  userDeleteCmd  `cmd:"" help:"Delete an account with everything that is its own."`
}

type userAddCmd struct {
	Name     string `arg:"" help:"The user name."`
	Password string `required:"" help:"The password."`
	FullName string `name:"full-name" help:"The name people see."`
	Admin    bool   `help:"Make the account an administrator."`
}

// Run creates the account.
func (c userAddCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		return e.add(s, c.Name, c.Password, c.FullName, c.Admin)
	})
}

// withAuth runs f with what signs people in; a running site is told of what f
// ends or changes.
func (e *env) withAuth(f func(*models.DB, *auth.Service) error) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		log := e.logger(cfg)
		s, err := auth.New(e.ctx, cfg.Auth(db, log, func(ctx context.Context, event models.Event) {
			if err := db.Notify(ctx, event); err != nil {
				log.Error("a running site was not told; it finds out within a minute", "err", err)
			}
		}))
		if err != nil {
			return err
		}
		return f(db, s)
	})
}

// add creates one account. The names the site keeps for itself are the
// operator's to give.
func (e *env) add(s *auth.Service, typed, password, fullName string, admin bool) error {
	username, err := auth.PrepareUsername(typed)
	if err != nil {
		return err
	}
	name, err := auth.PrepareName(fullName, username)
	if err != nil {
		return err
	}
	if err := s.CheckPassword(password, username, name); err != nil {
		return err
	}
	_, err = s.CreateAccount(e.ctx, auth.NewAccount{Username: username, Name: name, Password: password, Admin: admin})
	if errors.Is(err, auth.ErrUnavailable) {
		return fmt.Errorf("%s: somebody has that name, or had it; names are never given out again", username)
	}
	return err
}

type userImportCmd struct {
	File string `arg:"" type:"existingfile" help:"The file; - is standard input."`
}

// Run creates every account it can and reports the others by line.
func (c userImportCmd) Run(e *env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		rows := csv.NewReader(f)
		rows.FieldsPerRecord = -1
		added, failed := 0, 0
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil && len(row) < 2 {
				err = errors.New("need username,password[,name]")
			}
			if err == nil {
				err = e.add(s, row[0], row[1], append(row, "")[2], false)
			}
			if err != nil {
				line, _ := rows.FieldPos(0)
				fmt.Fprintf(e.errOut, "line %d: %v\n", line, err)
				failed++
				continue
			}
			added++
		}
		fmt.Fprintf(e.out, "%d accounts created, %d not.\n", added, failed)
		if failed > 0 {
			return fmt.Errorf("%d lines could not be imported", failed)
		}
		return nil
	})
}

type userListCmd struct{}

// Run lists every account.
func (userListCmd) Run(e *env) error {
	return e.withDatabase(func(_ app.Config, db *models.DB) error {
		accounts, err := db.Accounts(e.ctx)
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
	account, err := db.AccountByName(e.ctx, username)
	if errors.Is(err, models.ErrNotFound) {
		err = fmt.Errorf("there is no account %q", username)
	}
	return account, err
}

type userPasswdCmd struct {
	Name     string `arg:"" help:"The user name."`
	Password string `required:"" help:"The new password."`
}

// Run sets the password and ends every session.
func (c userPasswdCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
		if err := s.CheckPassword(c.Password, a.Username, a.Name); err != nil {
			return err
		}
		return s.SetPassword(e.ctx, a, c.Password)
	})
}

type userBlockCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run blocks the account.
func (c userBlockCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error { return s.SetBlocked(e.ctx, a, true) })
}

type userUnblockCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run unblocks the account.
func (c userUnblockCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error { return s.SetBlocked(e.ctx, a, false) })
}

type userDeleteCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run deletes the account.
func (c userDeleteCmd) Run(e *env) error {
	return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error { return s.RemoveAccount(e.ctx, a) })
}

type tokenCmd struct {
	Users []string      `arg:"" name:"user" help:"The user names."`
	For   time.Duration `default:"1h" help:"How long a token may wait to be used; it works once."`
}

// Run prints {"jid","password"} for each account.
func (c tokenCmd) Run(e *env) error {
	return e.withAuth(func(db *models.DB, s *auth.Service) error {
		lines := json.NewEncoder(e.out)
		for _, user := range c.Users {
			account, err := e.account(db, user)
			if err != nil {
				return err
			}
			secret, err := s.OperatorToken(e.ctx, account, c.For)
			if err != nil {
				return err
			}
			if err := lines.Encode(printedToken{s.Address(account.Username), secret}); err != nil {
				return err
			}
		}
		return nil
	})
}

// printedToken is a line of `foyer token`.
type printedToken struct {
	JID      string `json:"jid"`
	Password string `json:"password"`
}
