package uploads

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"foyer/app/uploads/files"

	"github.com/google/uuid"
)

// deleting is a store that does nothing but delete, as it is told.
type deleting struct {
	files.Store
	asked  []uuid.UUID
	delete func(ctx context.Context, n int) error // the n-th file
}

func (d *deleting) Delete(ctx context.Context, id uuid.UUID) error {
	d.asked = append(d.asked, id)
	return d.delete(ctx, len(d.asked))
}

// A file that cannot be removed is in the way of no other; a store that hangs or is away is asked once, for a
// bounded time, and one that is slow is not asked for longer than a batch may take.
func TestRemoveFiles(t *testing.T) {
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		delete      func(ctx context.Context, n int) error
		asked, gone int
		unreachable bool
		most        time.Duration
	}{
		"works": {func(context.Context, int) error { return nil }, removalBatch, removalBatch, false, 0},
		"has one that is stuck": {func(_ context.Context, n int) error {
			if n == 2 {
				return errors.New("a directory is in its place")
			}
			return nil
		}, removalBatch, removalBatch - 1, false, 0},
		"hangs": {func(ctx context.Context, n int) error {
			if n == 3 {
				return hangs(ctx)
			}
			return nil
		}, 3, 2, true, removalTime},
		"is away": {func(context.Context, int) error { return fmt.Errorf("%w: refused", files.ErrUnreachable) }, 1, 0, true, 0},
		"is slow": {func(ctx context.Context, _ int) error {
			select {
			case <-time.After(removalTime - time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, 27, 26, true, removalRun},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &deleting{delete: c.delete}
				s := New(Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
				ids := make([]uuid.UUID, removalBatch)
				for i := range ids {
					ids[i] = uuid.New()
				}
				began := time.Now()
				gone, unreachable := s.removeFiles(t.Context(), ids)
				if took := time.Since(began); len(store.asked) != c.asked || len(gone) != c.gone || unreachable != c.unreachable || took > c.most {
					t.Errorf("%d asked, %d gone, away %v, after %v", len(store.asked), len(gone), unreachable, took)
				}
			})
		})
	}
}
