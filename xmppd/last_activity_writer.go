package xmppd

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	maxLastActivity   = 100_000         // that wait to be written; others are lost
	lastActivityBatch = 5000            // that are written together
	lastActivityDelay = time.Second     // they wait so long for others
	lastActivityRetry = 5 * time.Second // after a failure

	maxLastStatus = 256 // bytes; longer ones are not kept
)

// lastActivityWriter notes when accounts left, and writes it in the background. Those that wait
// are known as well. It is safe for concurrent use.
type lastActivityWriter struct {
	store   LastActivityStore // nil: nothing is kept
	timeout time.Duration     // of one write
	log     *slog.Logger
	wake    chan struct{}

	mu      sync.Mutex
	waiting map[string]LastActivity // by account
}

func newLastActivityWriter(store LastActivityStore, timeout time.Duration, log *slog.Logger) *lastActivityWriter {
	return &lastActivityWriter{store: store, timeout: timeout, log: log, wake: make(chan struct{}, 1), waiting: make(map[string]LastActivity)}
}

func (d *lastActivityWriter) note(left LastActivity) {
	if d.store == nil {
		return
	}
	if len(left.Status) > maxLastStatus {
		left.Status = ""
	}
	d.mu.Lock()
	if _, known := d.waiting[left.User]; known || len(d.waiting) < maxLastActivity {
		d.waiting[left.User] = left
	}
	d.mu.Unlock()
	d.wakeWriter()
}

// wakeWriter lets run write.
func (d *lastActivityWriter) wakeWriter() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// of returns an account's latest departure, or ErrNotFound.
func (d *lastActivityWriter) of(ctx context.Context, user string) (LastActivity, error) {
	if d.store == nil {
		return LastActivity{}, ErrNotFound
	}
	d.mu.Lock()
	left, waits := d.waiting[user]
	d.mu.Unlock()
	if waits {
		return left, nil
	}
	return d.store.LastActivity(ctx, user)
}

// forget drops what waits of an account that is no more.
func (d *lastActivityWriter) forget(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, user)
}

// run writes until ctx ends, and then once more what waits.
func (d *lastActivityWriter) run(ctx context.Context) {
	for pause := lastActivityDelay; ; {
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
		if pause = lastActivityDelay; d.flush(ctx) != nil {
			pause = lastActivityRetry
			d.wakeWriter()
		}
	}
}

// flush writes everything that waits.
func (d *lastActivityWriter) flush(ctx context.Context) error {
	for set := d.next(); len(set) > 0; set = d.next() {
		if err := d.write(ctx, set); err != nil {
			d.log.Warn("when people left is not written yet", "err", err)
			return err
		}
	}
	return nil
}

// next returns some of those that wait.
func (d *lastActivityWriter) next() []LastActivity {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := make([]LastActivity, 0, min(len(d.waiting), lastActivityBatch))
	for _, left := range d.waiting {
		if len(set) == cap(set) {
			break
		}
		set = append(set, left)
	}
	return set
}

// write writes some, which wait no longer, unless the account left again meanwhile.
func (d *lastActivityWriter) write(ctx context.Context, set []LastActivity) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := d.store.SaveLastActivity(ctx, set); err != nil {
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
