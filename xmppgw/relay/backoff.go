package relay

import (
	"sync"
	"time"
)

// How long an address that did not serve stands behind the others: at first, and at most.
const (
	minBackoff = 5 * time.Second
	maxBackoff = time.Minute
)

// targetBackoff are the addresses of the upstream that did not serve lately. They are tried
// after all others, so that a node which swallows what is sent to it costs one sign-in
// its time now and then, and not every second one. It is safe for concurrent use.
type targetBackoff struct {
	mu  sync.Mutex
	set map[string]backoffState // by address; an address that serves is not in it
}

type backoffState struct {
	until time.Time
	delay time.Duration
}

// failed notes that an address did not serve: it stands back for twice as long as the last
// time.
func (a *targetBackoff) failed(address string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set == nil {
		a.set = make(map[string]backoffState)
	}
	for other, was := range a.set {
		if now.Sub(was.until) > maxBackoff {
			delete(a.set, other) // SRV records name others by now, or nobody asks
		}
	}
	before, again := a.set[address]
	if again && now.Before(before.until) {
		return // one of many that tried together
	}
	rest := min(max(2*before.delay, minBackoff), maxBackoff)
	a.set[address] = backoffState{until: now.Add(rest), delay: rest}
}

// succeeded notes that an address serves.
func (a *targetBackoff) succeeded(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.set, address)
}

// orderByHealth puts those that stand back behind the others, and keeps the order otherwise. When
// the time of one is over, a single sign-in finds out for all whether it serves again.
func (a *targetBackoff) orderByHealth(targets []target, now time.Time) []target {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.set) == 0 || len(targets) < 2 {
		return targets
	}
	present, absent := make([]target, 0, len(targets)), []target(nil)
	for _, t := range targets {
		was, ok := a.set[t.address()]
		switch {
		case !ok:
			present = append(present, t)
		case now.Before(was.until):
			absent = append(absent, t)
		default:
			present = append(present, t)
			a.set[t.address()] = backoffState{until: now.Add(was.delay), delay: was.delay}
		}
	}
	return append(present, absent...)
}
