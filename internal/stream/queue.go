package stream

import (
	"context"
	"slices"
	"sync"
)

// Queue is the outbound side that every transport shares: what was sent and is
// not written yet, bounded in bytes. It keeps no memory while it is empty. It
// is safe for concurrent use.
type Queue struct {
	max    int
	notify func()

	mu     sync.Mutex
	items  [][]byte
	bytes  int
	busy   bool // notify was called, and Take or Drain has not found it empty since
	corked bool // notify waits for Uncork
	closed bool
	reason error
	room   chan struct{} // closed when there is room or an end; nil: nobody waits
}

// NewQueue returns a Queue of at most max bytes. notify is called, outside the
// queue's lock, when there is something to take after there was nothing, and
// when the queue is closed while nobody was told of work.
func NewQueue(max int, notify func()) *Queue {
	return &Queue{max: max, notify: notify}
}

// Push queues an element. ErrClosed after Close; ErrOverflow when the bound is
// exceeded, which closes the queue with policy-violation.
func (q *Queue) Push(element []byte) error {
	_, err := q.push(element, false)
	return err
}

// PushBatched is Push for what is not urgent: notify is not called for it. It is taken in
// its order, with what Push tells of or when Flush is called; waits reports that the
// caller is to see to the latter, since nobody else does yet.
func (q *Queue) PushBatched(element []byte) (waits bool, err error) { return q.push(element, true) }

func (q *Queue) push(element []byte, soon bool) (waits bool, err error) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false, ErrClosed
	}
	if q.bytes+len(element) > q.max {
		q.items, q.bytes = nil, 0
		q.mu.Unlock()
		q.Close(&Error{Condition: PolicyViolation, Text: "the client reads too slowly"})
		return false, ErrOverflow
	}
	first := len(q.items) == 0
	q.items = append(q.items, element)
	q.bytes += len(element)
	free := !q.busy && !q.corked
	tell := free && !soon
	q.busy = q.busy || tell
	q.mu.Unlock()
	if tell {
		q.notify()
	}
	return free && soon && first, nil
}

// Flush ends the wait of what PushBatched queued. It reports whether the caller is to do
// what notify would have been called for.
func (q *Queue) Flush() (work bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.beginLocked(!q.corked)
}

// Cork puts off notify until Uncork, and reports whether it does: not where it was called
// already, nor where the queue is closed.
func (q *Queue) Cork() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.corked = !q.busy && !q.closed
	return q.corked
}

// Uncork ends what Cork began. It reports whether the caller is to do what notify
// would have been called for.
func (q *Queue) Uncork() (work bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := q.corked
	q.corked = false
	return q.beginLocked(was)
}

// beginLocked lets the caller take what is queued, if it may, nobody is told of that, and there
// is something.
func (q *Queue) beginLocked(may bool) (work bool) {
	work = may && !q.busy && len(q.items) > 0
	q.busy = q.busy || work
	return work
}

// Take returns everything queued, in order. When there is nothing it returns
// nil, and the next Push calls notify again.
func (q *Queue) Take() [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		q.busy = false
		return nil
	}
	return q.takeLocked()
}

// Next is Take for a writer that stops when there is nothing: it tells as well,
// once, that the queue is closed and empty, and why. It returns at most max bytes
// at once, or one element that is larger; the rest still counts as queued.
func (q *Queue) Next(max int) (items [][]byte, reason error, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > 0 {
		return q.takeSomeLocked(max), nil, false
	}
	q.busy = q.closed // nobody else is called for the end
	return nil, q.reason, q.closed
}

// Drain is Take for a consumer that will not ask again unless it is told.
func (q *Queue) Drain() [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	return q.takeLocked()
}

func (q *Queue) takeLocked() [][]byte {
	items := q.items
	q.items, q.bytes = nil, 0
	q.releaseLocked()
	return items
}

func (q *Queue) takeSomeLocked(max int) [][]byte {
	if q.bytes <= max {
		return q.takeLocked()
	}
	n, size := 1, len(q.items[0])
	for n < len(q.items) && size+len(q.items[n]) <= max {
		size += len(q.items[n])
		n++
	}
	if n == len(q.items) {
		return q.takeLocked()
	}
	items := slices.Clone(q.items[:n])
	clear(q.items[:n]) // they are the caller's now
	q.items, q.bytes = q.items[n:], q.bytes-size
	if q.bytes <= q.max/4 {
		q.releaseLocked()
	}
	return items
}

// releaseLocked wakes those that wait for room.
func (q *Queue) releaseLocked() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// Len returns the number of elements queued.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// HasRoom reports whether at most a quarter of the bound is in use.
func (q *Queue) HasRoom() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes <= q.max/4
}

// Ready waits until the queue has room (HasRoom).
func (q *Queue) Ready(ctx context.Context) error {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return ErrClosed
		}
		if q.bytes <= q.max/4 {
			q.mu.Unlock()
			return nil
		}
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends the queue; the first reason counts. What is queued can still be
// taken. It reports whether this call was the first.
func (q *Queue) Close(reason error) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.closed, q.reason = true, reason
	tell := !q.busy
	q.busy = true
	q.releaseLocked()
	q.mu.Unlock()
	if tell {
		q.notify()
	}
	return true
}

// Closed reports whether Close was called, and with which reason.
func (q *Queue) Closed() (reason error, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reason, q.closed
}
