package budget

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"
)

// CPUSemaphore is what long computations may have of the processors: all but one, so
// that what takes microseconds, such as a message on its way, never waits for what
// takes a tenth of a second. Go gives each of them the same time, ten milliseconds in
// turn, and a message needs a turn at each step.
type CPUSemaphore struct{ slots *semaphore.Weighted }

// NewCPUSemaphore returns the CPUSemaphore of this program.
func NewCPUSemaphore() *CPUSemaphore {
	return &CPUSemaphore{slots: semaphore.NewWeighted(int64(max(runtime.GOMAXPROCS(0)-1, 1)))}
}

// Acquire waits for a turn until ctx ends; those who wait are served in order. release
// ends it, and may be called more than once. Of nil all may compute at once.
func (p *CPUSemaphore) Acquire(ctx context.Context) (release func(), err error) {
	if p == nil {
		return func() {}, nil
	}
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { p.slots.Release(1) }), nil
}
