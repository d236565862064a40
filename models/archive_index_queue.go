package models

import (
	"context"
	"sync"
	"time"

	"foyer/xmppd/archive"
)

// archiveIndex is the indexing of a database's archives. It is safe for concurrent
// use.
type archiveIndex struct {
	bounds indexBounds
	wake   chan struct{}

	mu     sync.Mutex
	due    map[string]time.Time // owners of archives to look at, and when
	failed map[string]struct{}  // of them, those that could not be indexed; the log has said so
}

func newArchiveIndex() *archiveIndex {
	return &archiveIndex{bounds: defaultIndexBounds, wake: make(chan struct{}, 1), due: make(map[string]time.Time), failed: make(map[string]struct{})}
}

// stored notes the archives that are to be looked at, of messages that were stored.
func (x *archiveIndex) stored(entries []archive.Entry) {
	for i := range entries {
		if entries[i].ID[15]%lookedAt == 0 {
			x.add(entries[i].Owner)
		}
	}
}

// add notes an archive to be looked at in its turn, which is after those that wait.
func (x *archiveIndex) add(owner string) {
	x.mu.Lock()
	if _, waits := x.due[owner]; !waits && len(x.due) < maxDue {
		x.due[owner] = time.Now()
	}
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// next returns the archive whose turn is next, and how long that is from now.
func (x *archiveIndex) next() (owner string, wait time.Duration, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var first time.Time
	for o, at := range x.due {
		if !ok || at.Before(first) {
			owner, first, ok = o, at, true
		}
	}
	return owner, time.Until(first), ok
}

// begin notes that an archive is looked at now: what is stored from here on is for the
// next time.
func (x *archiveIndex) begin(owner string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.due, owner)
}

// finish notes that an archive was looked at, and after which time it is again; 0: when
// more is stored. It reports whether err is the first of the archive's.
func (x *archiveIndex) finish(owner string, again time.Duration, err error) (first bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if again > 0 {
		x.due[owner] = time.Now().Add(again)
	}
	if err == nil {
		delete(x.failed, owner)
		return false
	}
	_, known := x.failed[owner]
	x.failed[owner] = struct{}{}
	return !known
}

// await waits for so long, or until another archive is to be looked at.
func (x *archiveIndex) await(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.wake:
	case <-ctx.Done():
	}
	return ctx.Err()
}
