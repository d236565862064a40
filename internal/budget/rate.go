package budget

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is what each name may spend a second. A name that spent nothing for a
// while has its whole burst.
type Rate struct {
	limit     Limit
	recorder  Recorder
	perSecond rate.Limit
	burst     int

	mu      sync.Mutex
	spent   map[string]*rate.Limiter // names whose burst is not whole
	sweepAt int                      // how many of them there are when the next sweep comes
}

// Names that a Rate keeps before it looks which of them it can forget.
const firstSweep = 1024

// NewRate returns a Rate of so many units a second, and so many at once.
func NewRate(limit Limit, perSecond float64, burst int, recorder Recorder) *Rate {
	return &Rate{
		limit: limit, recorder: recorder, perSecond: rate.Limit(perSecond), burst: max(burst, 1),
		spent: make(map[string]*rate.Limiter), sweepAt: firstSweep,
	}
}

// Allow spends n units of the name's, if it has them now.
func (r *Rate) Allow(name string, n int) bool {
	if r.of(name).AllowN(time.Now(), n) {
		return true
	}
	limitHit(r.recorder, r.limit, name)
	return false
}

// Has reports whether the name could spend n units now, and spends nothing: for what
// counts only when it fails. Many may find at the same time that it could; what they Charge
// then beyond what there was is paid off before it can again.
func (r *Rate) Has(name string, n int) bool {
	r.mu.Lock()
	l := r.spent[name]
	r.mu.Unlock()
	if l == nil || l.TokensAt(time.Now()) >= float64(n) {
		return true
	}
	limitHit(r.recorder, r.limit, name)
	return false
}

// Charge spends n units of the name's, at most the burst, whether it has them or not.
func (r *Rate) Charge(name string, n int) { r.of(name).ReserveN(time.Now(), n) }

// Wait spends n units of the name's, and waits until it has them or ctx ends. n
// may be larger than the burst. Those who wait are served in order.
func (r *Rate) Wait(ctx context.Context, name string, n int) error {
	if n <= 0 {
		return nil
	}
	l := r.of(name)
	if n <= r.burst && l.AllowN(time.Now(), n) {
		return nil
	}
	limitHit(r.recorder, r.limit, name)
	for n > 0 {
		part := min(n, r.burst)
		if err := l.WaitN(ctx, part); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// Delay takes n of name's budget, and returns how long name has to wait for that, at most
// so long: one that would have to wait longer takes nothing. It does not block.
func (r *Rate) Delay(name string, n int, most time.Duration) time.Duration {
	now := time.Now()
	taken := r.of(name).ReserveN(now, n)
	wait := taken.DelayFrom(now)
	if wait == 0 {
		return 0
	}
	limitHit(r.recorder, r.limit, name)
	if wait > most {
		taken.CancelAt(now)
	}
	return min(wait, most)
}

func (r *Rate) of(name string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.spent[name]
	if l == nil {
		r.sweepLocked()
		l = rate.NewLimiter(r.perSecond, r.burst)
		r.spent[name] = l
	}
	return l
}

// sweepLocked forgets the names whose burst is whole again: a new limiter is the
// same. The next sweep comes when there are twice as many as it left, so that a
// name costs the same however many there are.
func (r *Rate) sweepLocked() {
	if len(r.spent) < r.sweepAt {
		return
	}
	now := time.Now()
	for name, l := range r.spent {
		if l.TokensAt(now) >= float64(r.burst) {
			delete(r.spent, name)
		}
	}
	r.sweepAt = max(firstSweep, 2*len(r.spent))
}
