package xmppd

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	maxDepartures    = 100_000         // that wait to be written; others are lost
	departuresAtOnce = 5000            // that are written together
	departuresAfter  = time.Second     // they wait so long for others
	departuresRetry  = 5 * time.Second // after a failure

	maxLastStatus = 256 // bytes; longer ones are not kept
)

// departures notes when accounts left, and writes it in the background. Those that wait
// are known as well. It is safe for concurrent use.
type departures struct {
	store   DepartureStore // nil: nothing is kept
	timeout time.Duration  // of one write
	log     *slog.Logger
	wake    chan struct{}

	mu      sync.Mutex
	waiting map[string]Departure // by account
}

func newDepartures(store DepartureStore, timeout time.Duration, log *slog.Logger) *departures {
	return &departures{store: store, timeout: timeout, log: log, wake: make(chan struct{}, 1), waiting: make(map[string]Departure)}
}

func (d *departures) note(left Departure) {
	if d.store == nil {
		return
	}
	if len(left.Status) > maxLastStatus {
		left.Status = ""
	}
	d.mu.Lock()
	if _, known := d.waiting[left.User]; known || len(d.waiting) < maxDepartures {
		d.waiting[left.User] = left
	}
	d.mu.Unlock()
	d.wakeWriter()
}

// wakeWriter lets run write.
func (d *departures) wakeWriter() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// of returns an account's latest departure, or ErrNotFound.
func (d *departures) of(ctx context.Context, user string) (Departure, error) {
	if d.store == nil {
		return Departure{}, ErrNotFound
	}
	d.mu.Lock()
	left, waits := d.waiting[user]
	d.mu.Unlock()
	if waits {
		return left, nil
	}
	return d.store.Departure(ctx, user)
}

// forget drops what waits of an account that is no more.
func (d *departures) forget(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, user)
}

// run writes until ctx ends, and then once more what waits.
func (d *departures) run(ctx context.Context) {
	for pause := departuresAfter; ; {
		select {
		case <-d.wake:
		case <-ctx.Done():
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			_ = d.flush(context.WithoutCancel(ctx))
			return
		}
		if pause = departuresAfter; d.flush(ctx) != nil {
			pause = departuresRetry
			d.wakeWriter()
		}
	}
}

// flush writes everything that waits.
func (d *departures) flush(ctx context.Context) error {
	for set := d.next(); len(set) > 0; set = d.next() {
		if err := d.write(ctx, set); err != nil {
			d.log.Warn("when people left is not written yet", "err", err)
			return err
		}
	}
	return nil
}

// next returns some of those that wait.
func (d *departures) next() []Departure {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := make([]Departure, 0, min(len(d.waiting), departuresAtOnce))
	for _, left := range d.waiting {
		if len(set) == cap(set) {
			break
		}
		set = append(set, left)
	}
	return set
}

// write writes some, which wait no longer, unless the account left again meanwhile.
func (d *departures) write(ctx context.Context, set []Departure) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := d.store.Departed(ctx, set); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, left := range set {
		if d.waiting[left.User] == left {
			delete(d.waiting, left.User)
		}
	}
	return nil
}
