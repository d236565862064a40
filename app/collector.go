package app

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The collector runs when the heap has grown to twice what was in use when it last ran. In
// a program that uses little, that is several times a second as soon as people talk, and
// what is looked through each time are the same sessions. So a small heap may grow by
// heapRoom first; one that uses more than that grows as ever, to twice.

// heapRoom is how many bytes the heap may grow by, at least, between two collections.
const heapRoom = 16 << 20

// Bounds of what the collector is told, in percent of what is in use: Go's own, and
// another for a program that uses nearly nothing.
const (
	usualGrowth = 100
	maxGrowth   = 400
)

// growth returns by how many percent a heap with so many bytes in use may grow.
func growth(used uint64) int {
	return int(min(max(heapRoom*100/max(used, 1), usualGrowth), maxGrowth))
}

// collectLess leaves small heaps alone until ctx ends, unless the environment says what the
// collector is to do (GOGC). It looks again after each collection, so that a heap that has
// grown is a small one for no longer than that.
func collectLess(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	told := usualGrowth
	afterCollections(ctx, func() {
		used := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(used)
		if next := growth(used[0].Value.Uint64()); next < told || next > told+told/4 { // telling stops the program for a moment
			told = next
			debug.SetGCPercent(next)
		}
	})
}

// afterCollections calls f after each collection until ctx ends, never twice at a time.
func afterCollections(ctx context.Context, f func()) {
	type garbage struct{ _ *garbage } // of a type that is not put together with others
	var await func()
	await = func() {
		runtime.AddCleanup(&garbage{}, func(f func()) {
			if ctx.Err() == nil {
				f()
				await()
			}
		}, f)
	}
	await()
}
