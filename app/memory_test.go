package app

import (
	"testing"
	"time"
)

// Memory is given back once a burst is over, and not while there is much to do, for
// little, or again and again.
func TestMemoryWatch(t *testing.T) {
	begin := time.Unix(1_700_000_000, 0)
	var w memoryWatch
	for i, step := range []struct {
		seconds, allocated int // MiB in all
		used               int // MiB
		want               bool
	}{
		{5, 100, 20, false}, // the start
		{10, 101, 20, true},
		{15, 102, 20, false},
		{20, 116, 30, false}, // a burst
		{25, 119, 30, false}, // it is over, but the last time was just now
		{30, 122, 30, true},
		{55, 125, 30, false}, // it is not worth it
		{60, 137, 30, false}, // much to do
		{65, 149, 30, false},
		{70, 150, 120, false}, // it is not worth it, when so much is in use
		{75, 152, 120, true},
		{100, 182, 120, false}, // much to do, for so many as well
		{105, 196, 120, true},  // thousands who wait, and ask again each minute
	} {
		if got := w.look(begin.Add(time.Duration(step.seconds)*time.Second), uint64(step.allocated)<<20, uint64(step.used)<<20); got != step.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
}
