package xmppgw

import (
	"context"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream"

	"golang.org/x/time/rate"
)

// admission bounds how many streams an address or account has, and how fast an
// address opens them (RFC 6120 §13.12).
type admission struct {
	addresses, users *budget.KeyedSemaphore
	opened           *budget.Rate
}

// Streams that there can be at all; the system's limits are below that.
const maxStreams = 1 << 20

// Bytes of BOSH requests that wait for their turn, of an address and of all.
const (
	earlyBytes      = 64 << 20
	earlyBytesOfOne = earlyBytes / 4
)

func newReorderBudget(recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "BOSH requests of one address before their turn"}, earlyBytes, earlyBytesOfOne, recorder)
}

// Bytes that came over BOSH and wait to be handled, of an account and of all; and those
// of requests that are being unpacked, of an address. What little most sessions have
// waiting is free, and so are the first bytes of each request.
const (
	inboxBytes      = 64 << 20
	inboxBytesOfOne = inboxBytes / 16
	inboxFree       = 16 << 10
)

func newInboxes(recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "BOSH stanzas of one account that wait, or of one address while they are unpacked"}, inboxBytes, inboxBytesOfOne, recorder)
}

func newAdmission(cfg Config) admission {
	return admission{
		addresses: budget.NewKeyedSemaphore(budget.Limit{Name: "streams of one address", Setting: "STREAMS_PER_ADDRESS"}, maxStreams, int64(cfg.PerAddress), cfg.Recorder),
		users:     budget.NewKeyedSemaphore(budget.Limit{Name: "streams of one account", Setting: "STREAMS_PER_ACCOUNT"}, maxStreams, int64(cfg.PerUser), cfg.Recorder),
		opened:    budget.NewRate(budget.Limit{Name: "new streams of one address", Setting: "NEW_STREAMS_PER_ADDRESS"}, cfg.CreateRate, cfg.CreateBurst, cfg.Recorder),
	}
}

// enter admits a stream, until leave is called. The error is a stream condition
// for the client.
func (a admission) enter(addr, user string) (leave func(), err error) {
	network := budget.Network(addr)
	address, ok := a.addresses.TryAcquire(network, 1)
	if !ok {
		return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "too many streams from this address"}
	}
	if !a.opened.Allow(network, 1) {
		address()
		return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "streams are opened too fast; wait a moment"}
	}
	if user == "" {
		return address, nil
	}
	account, ok := a.users.TryAcquire(user, 1)
	if !ok {
		address()
		return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "too many streams of this account"}
	}
	return func() { account(); address() }, nil
}

// shaper slows a stream that sends too much: nothing is dropped (RFC 6120
// §13.12). A burst is free.
type shaper struct{ bytes, stanzas *rate.Limiter }

// newShaper allows a burst of a few of the largest stanzas, and of two seconds'
// worth of small ones.
func (g *Gateway) newShaper() shaper {
	return shaper{
		bytes:   rate.NewLimiter(rate.Limit(g.cfg.Rate), 4*g.cfg.Limits.Bytes),
		stanzas: rate.NewLimiter(rate.Limit(g.cfg.Stanzas), 2*g.cfg.Stanzas),
	}
}

// wait waits until a stanza of n bytes may be handled, or ctx ends. Before it waits it
// calls waits, unless that is nil.
func (s shaper) wait(ctx context.Context, n int, waits func()) error {
	now := time.Now()
	if err := waitFor(ctx, now, s.stanzas, 1, waits); err != nil {
		return err
	}
	return waitFor(ctx, now, s.bytes, n, waits)
}

// waitFor waits for n of what l allows; now is the time, or was a moment ago.
func waitFor(ctx context.Context, now time.Time, l *rate.Limiter, n int, waits func()) error {
	if l.AllowN(now, n) {
		return ctx.Err()
	}
	if waits != nil {
		waits()
	}
	return l.WaitN(ctx, n)
}
