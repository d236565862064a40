package relay

import (
	"sync/atomic"
	"time"
)

// latencyBounds are the upper bounds of a Latency's counts. A server beside the gateway
// answers within a millisecond; one that is overrun takes seconds.
var latencyBounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// latency counts how long the upstream took for something. It is safe for concurrent use,
// and never blocks.
type latency struct {
	counts [len(latencyBounds) + 1]atomic.Int64
	sum    atomic.Int64 // nanoseconds
}

func (l *latency) observe(d time.Duration) {
	at := 0
	for at < len(latencyBounds) && d > latencyBounds[at] {
		at++
	}
	l.counts[at].Add(1)
	l.sum.Add(int64(d))
}

// Latency is how long the upstream took for something, since the start, as a histogram.
type Latency struct {
	Buckets map[time.Duration]int64 // how often it took this long at most
	Count   int64                   // how often at all
	Sum     time.Duration
}

func (l *latency) read() Latency {
	out := Latency{Buckets: make(map[time.Duration]int64, len(latencyBounds)), Sum: time.Duration(l.sum.Load())}
	for i := range l.counts {
		out.Count += l.counts[i].Load()
		if i < len(latencyBounds) {
			out.Buckets[latencyBounds[i]] = out.Count
		}
	}
	return out
}

// question is one that the upstream has not answered yet: whether something came (XEP-0198
// §4). The zero question is none. It needs the lock of the side that asks.
type question struct{ at time.Time }

// ask notes a question; one that is not answered yet stands.
func (q *question) ask() {
	if q.at.IsZero() {
		q.at = time.Now()
	}
}

// answered notes the answer.
func (q *question) answered(l *latency) {
	if !q.at.IsZero() {
		l.observe(time.Since(q.at))
		q.at = time.Time{}
	}
}
