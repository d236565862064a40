package auth

import (
	"cmp"
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"foyer/internal/budget"
	"foyer/models"
	"foyer/token"
)

// How often somebody may guess. Only failures count: of people who know their
// passwords, any number may come from one address. Failures count against the
// account, whether or not it exists, and against the address. From a device that
// the account has signed in from before (a browser with a cookie; an app that is
// signed in from that address) they count against that device alone, so that a
// stranger's guesses do not keep the owner out. Where another chat server asks, the
// account is all that is known.

// Failures that are allowed within the window; after them the next guess has to wait.
const (
	FailuresPerAccount = 10
	failuresPerDevice  = 10
	failureWindow      = 15 * time.Minute
)

// The limits of one address, as the log names them.
var (
	failuresPerAddress = budget.Limit{Name: "wrong passwords from one address", Setting: "SIGNIN_FAILURES_PER_ADDRESS"}
	signUpsPerAddress  = budget.Limit{Name: "new accounts from one address", Setting: "SIGNUPS_PER_ADDRESS"}
)

// throttle counts guesses and sign-ups. Counts are in the database. It is safe for
// concurrent use.
type throttle struct {
	db  *models.DB
	log *slog.Logger

	failuresPerAddress int             // within failureWindow
	signUpsPerAddress  int             // likewise
	recorder           budget.Recorder // is told when one of them is met; nil: nobody
}

func newThrottle(cfg Config) throttle {
	return throttle{
		db: cfg.DB, log: cfg.Logger,
		failuresPerAddress: cmp.Or(cfg.FailuresPerAddress, 300),
		signUpsPerAddress:  cmp.Or(cfg.SignUpsPerAddress, 600),
		recorder:           cfg.Recorder,
	}
}

// limit is how many failures are allowed under a key.
type limit struct {
	key     string
	max     int
	own     bool   // a success clears it
	network string // of which all failures count together; else empty
}

// limits are what a guess at an account's password counts against.
func (t *throttle) limits(action, username string, known bool, from Client) []limit {
	switch {
	case known && from.App:
		return []limit{{action + ":app:" + username + ":" + from.Address, failuresPerDevice, true, ""}}
	case known:
		return []limit{{action + ":device:" + username + ":" + hex.EncodeToString(token.Hash(from.Device)), failuresPerDevice, true, ""}}
	}
	var list []limit
	if network := budget.Network(from.Address); !from.Server {
		list = append(list, limit{action + ":address:" + network, t.failuresPerAddress, false, network})
	}
	if username != "" {
		list = append(list, limit{action + ":account:" + username, FailuresPerAccount, true, ""})
	}
	return list
}

// failures returns what has failed under limits. The error is a *ThrottledError
// if it is too much.
func (t *throttle) failures(ctx context.Context, limits []limit) (map[string]int, error) {
	keys := make([]string, len(limits))
	for i, l := range limits {
		keys[i] = l.key
	}
	list, err := t.db.Throttle.AttemptsUnder(ctx, keys)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int, len(list))
	var wait time.Duration
	for _, a := range list {
		counts[a.Key] = a.Count
		for _, l := range limits {
			if l.key == a.Key && a.Count >= l.max {
				wait = max(wait, a.Left)
				if l.network != "" {
					t.met(failuresPerAddress, l.network)
				}
			}
		}
	}
	if wait > 0 {
		return counts, &ThrottledError{Wait: wait}
	}
	return counts, nil
}

// met tells the operator that a limit was met.
func (t *throttle) met(limit budget.Limit, network string) {
	if t.recorder != nil {
		t.recorder.LimitHit(limit, network)
	}
}

// countSignUp counts an account that is asked for, whatever comes of it. The error is
// a *ThrottledError if they are too many from that address.
func (t *throttle) countSignUp(ctx context.Context, from Client) error {
	network := budget.Network(from.Address)
	wait, err := t.db.Throttle.Attempt(ctx, "signup:address:"+network, t.signUpsPerAddress, failureWindow)
	if err != nil {
		return err
	}
	if wait > 0 {
		t.met(signUpsPerAddress, network)
		return &ThrottledError{Wait: wait}
	}
	return nil
}

// failed counts a failure.
func (t *throttle) failed(ctx context.Context, limits []limit) error {
	for _, l := range limits {
		if _, err := t.db.Throttle.Attempt(ctx, l.key, l.max, failureWindow); err != nil {
			return err
		}
	}
	return nil
}

// succeeded forgets the failures of somebody who knew the password in the end. Those
// of the address stay: they may be somebody else's.
func (t *throttle) succeeded(ctx context.Context, limits []limit, counts map[string]int) error {
	for _, l := range limits {
		if l.own && counts[l.key] > 0 {
			if err := t.db.Throttle.ResetAttempts(ctx, l.key); err != nil {
				return err
			}
		}
	}
	return nil
}

// known reports whether an account has signed in from there before.
func (t *throttle) known(ctx context.Context, account models.Account, from Client) (bool, error) {
	switch {
	case from.App:
		return t.db.Sessions.HasApp(ctx, account.ID, from.Address)
	case from.Device == "":
		return false, nil
	}
	return t.db.Sessions.KnowsDevice(ctx, account.ID, token.Hash(from.Device))
}

// deviceLifetime is how long a device is known after a sign-in; browsers keep
// cookies no longer.
const deviceLifetime = 400 * 24 * time.Hour

// remember makes the device of somebody who has just signed in a known one, and
// returns its secret. That it could not be noted is no failure of the sign-in.
func (t *throttle) remember(ctx context.Context, account models.Account, from Client) string {
	secret, hash := from.Device, token.Hash(from.Device)
	if secret == "" {
		secret, hash = token.New()
	}
	if err := t.db.Sessions.RememberDevice(ctx, account.ID, hash, time.Now().Add(deviceLifetime)); err != nil {
		t.log.Warn("a device was not noted as known", "user", account.Username, "err", err)
	}
	return secret
}
