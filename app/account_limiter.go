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
	maxConcurrentPerAccount = 4 // of the 10 connections that the pages have (models.Options)
	maxQueuedPerAccount     = 256
	queueTimeout            = 10 * time.Second
)

var errTooManyRequests = &Error{Code: TooMany, Public: "Too many requests at once. Please try again in a moment."}

// accountLimiter bounds the requests of one account that are answered at once: others wait in a queue.
type accountLimiter struct {
	queued   *budget.KeyedSemaphore // requests that are answered, or wait for that
	running  *budget.KeyedSemaphore
	timeout  time.Duration
	recorder budget.Recorder
}

var requestsOfAccount = budget.Limit{Name: "requests of one account at once"}

// newAccountLimiter makes one. A tab that is opened asks for more at once than is answered at once, and
// feels nothing of it: only that somebody waited in vain is noted.
func newAccountLimiter(recorder budget.Recorder) *accountLimiter {
	return &accountLimiter{
		queued:  budget.NewKeyedSemaphore(requestsOfAccount, maxConcurrentRequests, maxQueuedPerAccount, recorder),
		running: budget.NewKeyedSemaphore(budget.Limit{}, 1<<30, maxConcurrentPerAccount, nil), // the pool of connections has the bound of all
		timeout: queueTimeout, recorder: recorder,
	}
}

const limitedKey = "turn"

// limit answers a request once its account has fewer than maxConcurrentPerAccount under way. Visitors ask the database for
// nothing that has no bound of its own.
func (t *accountLimiter) limit(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil || c.Locals(limitedKey) != nil {
		return c.Next()
	}
	c.Locals(limitedKey, true) // what no part of the chat's answers for goes on to the pages
	user := v.account.Username
	leave, ok := t.queued.TryAcquire(user, 1)
	if !ok {
		return errTooManyRequests
	}
	defer leave()
	ctx, cancel := context.WithTimeout(c.UserContext(), t.timeout)
	defer cancel()
	done, err := t.running.Acquire(ctx, user, 1)
	if err != nil {
		t.recorder.LimitHit(requestsOfAccount, user)
		return errTooManyRequests
	}
	defer done()
	return c.Next()
}
