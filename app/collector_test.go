package app

import (
	"context"
	"runtime"
	"testing"
)

// A small heap has room to grow, a large one is collected as ever.
func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		used uint64 // MiB
		want int
	}{{0, 400}, {2, 400}, {4, 400}, {8, 200}, {16, 100}, {17, 100}, {4096, 100}} {
		if got := growth(c.used << 20); got != c.want {
			t.Errorf("%d MiB: %d %%, not %d", c.used, got, c.want)
		}
	}
}

// It is looked after collections, again and again, until the program stops.
func TestAfterCollections(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	called := make(chan struct{}, 1)
	afterCollections(ctx, func() {
		select {
		case called <- struct{}{}:
		default:
		}
	})
	for range 3 {
		for len(called) == 0 { // one that runs already when the next is awaited does not count
			runtime.GC()
		}
		<-called
	}
}
