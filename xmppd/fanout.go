package xmppd

import (
	"context"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
)

// What one account sends to many is bounded for the account, whatever the number of
// its streams: the gateway bounds only what comes in, and a stanza may go out to
// thousands. Two bounds, in bytes a second: of what is said, so that nobody's line
// is filled by one person, and of what is delivered, so that the program has time
// for the others. Who meets one is slowed down first, and refused when that would
// take long.

// fanOutTimeout is how long a stanza waits for its sender's budget.
const fanOutTimeout = 2 * time.Second

// deliveryCost is what a delivery costs on top of its bytes, in bytes.
const deliveryCost = 512

// errTooMuch refuses what an account's budget has no room for.
var errTooMuch = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.PolicyViolation, Text: "You are sending too much at once. Try again in a moment."}

// fanOut is what accounts may send to many.
type fanOut struct{ said, delivered *budget.Rate }

func newFanOut(cfg Config) fanOut {
	return fanOut{
		said:      budget.NewRate(budget.Limit{Name: "bytes that one account sends to many"}, float64(cfg.FanOutSaid), 4*cfg.FanOutSaid, cfg.Recorder),
		delivered: budget.NewRate(budget.Limit{Name: "bytes that are delivered for one account"}, float64(cfg.FanOut), 2*cfg.FanOut, cfg.Recorder),
	}
}

// SpendFanOut charges an account with a stanza of that size that goes to so many
// clients. It waits a moment if the account has spent what it may. Errors: a
// *stanza.Error when that would take longer, or ctx's.
func (srv *Server) SpendFanOut(ctx context.Context, user string, size, recipients int) error {
	if err := spend(ctx, srv.fanOut.said, user, size); err != nil {
		return err
	}
	return spend(ctx, srv.fanOut.delivered, user, (size+deliveryCost)*recipients)
}

func spend(ctx context.Context, r *budget.Rate, user string, n int) error {
	if r.Allow(user, n) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, fanOutTimeout)
	defer cancel()
	if r.Wait(limited, user, n) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errTooMuch
}

// presenceAudience is how many accounts may see an account's presence at most, with the clients
// whose page shows it.
func (srv *Server) presenceAudience(ctx context.Context, user string) int {
	n := srv.rosters.followers.count(user)
	if r, err := srv.rosters.of(ctx, user); err == nil {
		n += len(r.entries)
	}
	return min(n, srv.registry.count()) + srv.watches.count(user)
}
