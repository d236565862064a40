package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"foyer/app/auth"
	"foyer/models"
)

// tokensCmd is `foyer token USER…`, and what belongs to it.
type tokensCmd struct {
	Make tokenCmd    `cmd:"" default:"withargs" help:"Print a one-use sign-in token for each account, as JSON lines."`
	Key  tokenKeyCmd `cmd:"" help:"Manage the keys with which an external chat server checks the site's tokens."`
}

type tokenCmd struct {
	Users []string      `arg:"" name:"user" help:"The user names."`
	For   time.Duration `default:"1h" help:"How long a token may wait to be used; it works once."`
}

// printedToken is a line of `foyer token`.
type printedToken struct {
	JID      string `json:"jid"`
	Password string `json:"password"`
}

// Run prints {"jid","password"} for each account; where one cannot have a token, none has.
func (c tokenCmd) Run(e *env) error {
	if c.For <= 0 {
		return fmt.Errorf("--for=%s: a token needs some time to be used, such as 1h", c.For)
	}
	return e.withAuth(func(db *models.DB, s *auth.Service) error {
		accounts := make([]models.Account, len(c.Users))
		for i, user := range c.Users {
			account, err := e.account(db, user)
			if err != nil {
				return err
			}
			if account.BlockedAt != nil {
				return fmt.Errorf("%s is blocked, and cannot sign in; `foyer user unblock %[1]s` first", account.Username)
			}
			accounts[i] = account
		}
		lines := json.NewEncoder(e.out)
		for _, account := range accounts {
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
