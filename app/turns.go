package app

import (
	"context"
	"time"

	"foyer/internal/budget"

	"github.com/gofiber/fiber/v2"
)

// Pages, and what the chat asks of the site, share the connections to the database. Each account
// has its part of these: who asks for more at once waits, and nobody else does.

const (
	turnsOfAccount = 4 // of the 10 connections that the pages have (models.Options)
	waitingTurns   = 256
	turnPatience   = 10 * time.Second
)

var errTooManyRequests = &Error{Code: TooMany, Public: "Too many requests at once. Please try again in a moment."}

// turns are what the accounts may ask for at once.
type turns struct {
	places   *budget.Share // requests that are answered, or wait for that
	answered *budget.Share
	patience time.Duration
	meter    budget.Meter
}

var requestsOfAccount = budget.Limit{Name: "requests of one account at once"}

// newTurns makes them. A tab that is opened asks for more at once than is answered at once, and
// feels nothing of it: only that somebody waited in vain is noted.
func newTurns(meter budget.Meter) *turns {
	return &turns{
		places:   budget.NewShare(requestsOfAccount, requestsAtOnce, waitingTurns, meter),
		answered: budget.NewShare(budget.Limit{}, 1<<30, turnsOfAccount, nil), // the pool of connections has the bound of all
		patience: turnPatience, meter: meter,
	}
}

const turnKey = "turn"

// take answers a request in its turn, which it has until the answer is made. Visitors ask the database for
// nothing that has no bound of its own.
func (t *turns) take(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil || c.Locals(turnKey) != nil {
		return c.Next()
	}
	c.Locals(turnKey, true) // what no part of the chat's answers for goes on to the pages
	user := v.account.Username
	leave, ok := t.places.TryAcquire(user, 1)
	if !ok {
		return errTooManyRequests
	}
	defer leave()
	ctx, cancel := context.WithTimeout(c.UserContext(), t.patience)
	defer cancel()
	done, err := t.answered.Acquire(ctx, user, 1)
	if err != nil {
		t.meter.Met(requestsOfAccount, user)
		return errTooManyRequests
	}
	defer done()
	return c.Next()
}
