package auth

import (
	"context"
	"time"
)

// How often somebody may try, within the window.
const (
	AttemptsPerAccount = 10
	attemptsPerAddress = 60
	attemptWindow      = 15 * time.Minute
)

func accountKey(action, username string) string { return action + ":account:" + username }

// attempt counts an attempt against the account, whether or not it exists, and
// against the address. It returns how long to wait.
func (s *Service) attempt(ctx context.Context, action, username string, from Client) (time.Duration, error) {
	byAddress, err := s.db.Attempt(ctx, action+":address:"+from.Address, attemptsPerAddress, attemptWindow)
	if err != nil || username == "" {
		return byAddress, err
	}
	byAccount, err := s.db.Attempt(ctx, accountKey(action, username), AttemptsPerAccount, attemptWindow)
	return max(byAddress, byAccount), err
}
