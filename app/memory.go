package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The collector lets the heap grow to twice what was in use when it last ran, or more
// (collector.go), and so keeps what a burst took (many who sign in at once, passwords that are hashed) for
// as long as little is allocated after it. When a burst is over, what is garbage by
// then goes back to the system. While there is much to do the collector is left
// alone.

const (
	memoryLook     = 5 * time.Second  // between two looks
	idleAllocation = 4 << 20          // bytes allocated between two looks: with less, or an eighth of what is in use, there is little to do
	minReclaim     = 16 << 20         // bytes allocated since memory was given back; less is not worth a collection, nor is less than a quarter of what is in use
	givenBackIn    = 20 * time.Second // at most once in this time

	stackHalvings = 3 // collections, each of which halves the stacks of goroutines that wait
)

// memoryWatch decides when memory is given back.
type memoryWatch struct {
	looked uint64    // bytes allocated in all, at the last look
	given  uint64    // and when memory was given back
	at     time.Time // when that was
}

// look is told how many bytes were allocated in all and how many are in use, and
// reports whether memory should be given back now.
func (w *memoryWatch) look(now time.Time, allocated, used uint64) bool {
	since := allocated - w.looked
	w.looked = allocated
	if since > max(idleAllocation, used/8) || allocated-w.given < max(minReclaim, used/4) || now.Sub(w.at) < givenBackIn {
		return false
	}
	w.given, w.at = allocated, now
	return true
}

// tendMemory spares small heaps the collector, and gives memory back after bursts, until
// ctx ends.
func (s *Server) tendMemory(ctx context.Context) {
	collectLess(ctx)
	t := time.NewTicker(memoryLook)
	defer t.Stop()
	var w memoryWatch
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case now := <-t.C:
			metrics.Read(sample)
			if w.look(now, sample[0].Value.Uint64(), sample[1].Value.Uint64()) {
				for range stackHalvings {
					runtime.GC()
				}
				debug.FreeOSMemory()
				s.memoryGivenBack.Add(1)
			}
		case <-ctx.Done():
			return
		}
	}
}

// memoryMetric counts how often memory was given back.
func (s *Server) memoryMetric() prometheus.Collector {
	opts := prometheus.CounterOpts{Name: "foyer_memory_given_back_total", Help: "Times that memory was given back to the system after a burst."}
	return prometheus.NewCounterFunc(opts, func() float64 { return float64(s.memoryGivenBack.Load()) })
}
