package budget

import (
	"context"
	"time"
)

// Pause waits for d, or until ctx ends, and returns its error then. It leaves no timer behind.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
