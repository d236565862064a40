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
	"foyer/token"
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
	return e.withDatabase(func(_ app.Config, db *models.DB) error {
		passwords, err := auth.NewPasswords(1)
		if err != nil {
			return err
		}
		return e.add(db, passwords, c.Name, c.Password, c.FullName, c.Admin)
	})
}

// add creates one account. The names the site keeps for itself are the
// operator's to give.
func (e *env) add(db *models.DB, passwords *auth.Passwords, typed, password, fullName string, admin bool) error {
	username, err := auth.PrepareUsername(typed)
	if err != nil {
		return err
	}
	name, err := auth.PrepareName(fullName, username)
	if err != nil {
		return err
	}
	if err := auth.CheckNew(password, username); err != nil {
		return err
	}
	hash, err := passwords.Hash(e.ctx, password)
	if err != nil {
		return err
	}
	err = db.CreateAccount(e.ctx, &models.Account{Username: username, Name: name, PasswordHash: hash, Admin: admin})
	if errors.Is(err, models.ErrTaken) {
		return fmt.Errorf("%s: somebody has that name, or had it; names are never given out again", username)
	}
	if err != nil {
		return err
	}
	return db.Notify(e.ctx, models.Event{Kind: models.EventChanged, User: username})
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
	return e.withDatabase(func(_ app.Config, db *models.DB) error {
		passwords, err := auth.NewPasswords(1)
		if err != nil {
			return err
		}
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
				err = e.add(db, passwords, row[0], row[1], append(row, "")[2], false)
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

// withAccount runs f on an account, and then tells a running site what
// happened.
func (e *env) withAccount(typed string, kind models.EventKind, f func(app.Config, *models.DB, models.Account) error) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		username, err := auth.PrepareUsername(typed)
		if err != nil {
			return err
		}
		account, err := db.AccountByName(e.ctx, username)
		if errors.Is(err, models.ErrNotFound) {
			return fmt.Errorf("there is no account %q", username)
		}
		if err != nil {
			return err
		}
		if err := f(cfg, db, account); err != nil {
			return err
		}
		return db.Notify(e.ctx, models.Event{Kind: kind, User: username})
	})
}

type userPasswdCmd struct {
	Name     string `arg:"" help:"The user name."`
	Password string `required:"" help:"The new password."`
}

// Run sets the password and ends every session.
func (c userPasswdCmd) Run(e *env) error {
	return e.withAccount(c.Name, models.EventEnded, func(_ app.Config, db *models.DB, a models.Account) error {
		if err := auth.CheckNew(c.Password, a.Username); err != nil {
			return err
		}
		passwords, err := auth.NewPasswords(1)
		if err != nil {
			return err
		}
		hash, err := passwords.Hash(e.ctx, c.Password)
		if err != nil {
			return err
		}
		if err := db.SetPasswordHash(e.ctx, a.ID, hash); err != nil {
			return err
		}
		if _, err = db.EndSessions(e.ctx, a.ID, ""); err != nil {
			return err
		}
		_, err = db.RevokeAppPasswords(e.ctx, a.ID)
		return err
	})
}

type userBlockCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run blocks the account.
func (c userBlockCmd) Run(e *env) error {
	return e.withAccount(c.Name, models.EventRemoved, func(_ app.Config, db *models.DB, a models.Account) error {
		return db.SetBlocked(e.ctx, a.ID, true)
	})
}

type userUnblockCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run unblocks the account.
func (c userUnblockCmd) Run(e *env) error {
	return e.withAccount(c.Name, models.EventChanged, func(_ app.Config, db *models.DB, a models.Account) error {
		return db.SetBlocked(e.ctx, a.ID, false)
	})
}

type userDeleteCmd struct {
	Name string `arg:"" help:"The user name."`
}

// Run deletes the account.
func (c userDeleteCmd) Run(e *env) error {
	return e.withAccount(c.Name, models.EventRemoved, func(cfg app.Config, db *models.DB, a models.Account) error {
		return db.DeleteAccount(e.ctx, a.ID, cfg.Domain)
	})
}

type tokenCmd struct {
	Users []string      `arg:"" name:"user" help:"The user names."`
	For   time.Duration `default:"1h" help:"How long a token may wait to be used; it works once."`
}

// Run prints {"jid","password"} for each account.
func (c tokenCmd) Run(e *env) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		lines := json.NewEncoder(e.out)
		for _, user := range c.Users {
			if err := e.token(db, lines, cfg.Domain, user, c.For); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *env) token(db *models.DB, lines *json.Encoder, domain, user string, lifetime time.Duration) error {
	ctx, cancel := context.WithTimeout(e.ctx, 10*time.Second)
	defer cancel()
	account, err := db.AccountByName(ctx, user)
	if err != nil {
		return fmt.Errorf("%s: %w", user, err)
	}
	secret, hash := token.New()
	if err := db.SaveToken(ctx, hash, account.ID, "", time.Now().Add(lifetime)); err != nil {
		return err
	}
	return lines.Encode(struct {
		JID      string `json:"jid"`
		Password string `json:"password"`
	}{account.Username + "@" + domain, secret})
}
