package auth

import (
	"context"
	"sync"
	"time"

	"foyer/internal/budget"
)

// Hashing a password is expensive on purpose, so that a bounded number is hashed at
// once and the others wait. Each client has a queue, and the queues are served in
// turn (round robin): a thousand guesses from one address delay nobody at another.
// Known devices are apart from the others, and get at least every second turn.

// Bounds of the queue. One client has none of its own, since an office may come at once:
// it gives way when others come.
const (
	maxWaiting = 2048
	maxWait    = 10 * time.Second // then it is better to say so
)

var waitingPasswords = budget.Limit{Name: "passwords that wait to be checked"}

// hashQueue lets a bounded number through at once. It is safe for concurrent use.
type hashQueue struct {
	recorder budget.Recorder // is told who is turned away; nil: nobody

	mu     sync.Mutex
	free   int
	known  roundRobin
	others roundRobin

	serveOthersNext bool // rather than known devices
}

// waiter is one who waits, in the queue of its client.
type waiter struct {
	ready   chan struct{} // closed: served, or turned away
	refused bool          // read after ready
}

// roundRobin is the queues of the clients that wait, in the order of their turns.
type roundRobin struct {
	order   []*clientQueue
	waiting int
}

// clientQueue is who waits of one client.
type clientQueue struct {
	name    string
	waiters []*waiter
}

func newHashQueue(maxConcurrent int, recorder budget.Recorder) *hashQueue {
	return &hashQueue{free: maxConcurrent, recorder: recorder}
}

// enter waits for a turn, in the queue of a client. release gives it to the next
// one. ErrBusy: too many are waiting already.
func (q *hashQueue) enter(ctx context.Context, client string, known bool) (release func(), err error) {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return q.leave, nil
	}
	w := &waiter{ready: make(chan struct{})}
	if !q.admitLocked(w, client, known) {
		q.mu.Unlock()
		return nil, q.busy(client)
	}
	q.mu.Unlock()

	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case <-w.ready:
	case <-timeout.C:
		err = q.busy(client)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil && q.withdraw(w) {
		return nil, err
	}
	<-w.ready // it was served or turned away meanwhile
	if w.refused {
		return nil, q.busy(client)
	}
	if err != nil {
		q.leave()
		return nil, err
	}
	return q.leave, nil
}

// busy tells the operator that a client was turned away.
func (q *hashQueue) busy(client string) error {
	if q.recorder != nil {
		q.recorder.LimitHit(waitingPasswords, client)
	}
	return ErrBusy
}

// admitLocked puts a waiter into its client's queue. When too many wait, the longest
// queue gives way to a shorter one.
func (q *hashQueue) admitLocked(w *waiter, client string, known bool) bool {
	own := &q.others
	if known {
		own = &q.known
	}
	length := own.length(client)
	if q.known.waiting+q.others.waiting >= maxWaiting {
		// A known device is easily had: everybody has one for an account of their own.
		if !q.others.yield(length) && !q.known.yield(length) {
			return false
		}
	}
	own.add(w, client)
	return true
}

// leave gives the turn to the next one.
func (q *hashQueue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	first, second := &q.known, &q.others
	if q.serveOthersNext {
		first, second = second, first
	}
	q.serveOthersNext = !q.serveOthersNext
	w := first.next()
	if w == nil {
		w = second.next()
	}
	if w == nil {
		q.free++
		return
	}
	close(w.ready)
}

// withdraw takes a waiter out of its queue; false: it is in none any more.
func (q *hashQueue) withdraw(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known.remove(w) || q.others.remove(w)
}

func (r *roundRobin) find(client string) *clientQueue {
	for _, queue := range r.order {
		if queue.name == client {
			return queue
		}
	}
	return nil
}

func (r *roundRobin) length(client string) int {
	if queue := r.find(client); queue != nil {
		return len(queue.waiters)
	}
	return 0
}

func (r *roundRobin) add(w *waiter, client string) {
	own := r.find(client)
	if own == nil {
		own = &clientQueue{name: client}
		r.order = append(r.order, own)
	}
	own.waiters = append(own.waiters, w)
	r.waiting++
}

// next takes the first waiter of the queue whose turn it is.
func (r *roundRobin) next() *waiter {
	if len(r.order) == 0 {
		return nil
	}
	first := r.order[0]
	w := first.waiters[0]
	first.waiters = first.waiters[1:]
	r.waiting--
	r.order = r.order[1:]
	if len(first.waiters) > 0 {
		r.order = append(r.order, first)
	}
	return w
}

// yield turns the last one of the longest queue away, for somebody whose queue has
// that length; false: no queue is long enough.
func (r *roundRobin) yield(length int) bool {
	longest := r.longest()
	if longest == nil || len(longest.waiters) <= length+1 {
		return false
	}
	last := longest.waiters[len(longest.waiters)-1]
	r.remove(last)
	last.refused = true
	close(last.ready)
	return true
}

func (r *roundRobin) longest() *clientQueue {
	var longest *clientQueue
	for _, queue := range r.order {
		if longest == nil || len(queue.waiters) > len(longest.waiters) {
			longest = queue
		}
	}
	return longest
}

func (r *roundRobin) remove(w *waiter) bool {
	for at, queue := range r.order {
		for i, other := range queue.waiters {
			if other != w {
				continue
			}
			queue.waiters = append(queue.waiters[:i:i], queue.waiters[i+1:]...)
			if r.waiting--; len(queue.waiters) == 0 {
				r.order = append(r.order[:at:at], r.order[at+1:]...)
			}
			return true
		}
	}
	return false
}
