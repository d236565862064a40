package auth

import (
	"context"
	"sync"
	"time"
)

// Hashing a password is dear on purpose, so that a bounded number is hashed at
// once and the others wait. Those who wait stand in lines, one for each client,
// which are served in turn: a thousand guesses from one address delay nobody at
// another. Known devices have lines of their own, which get at least every second
// turn.

// Bounds of the queue.
const (
	maxLine    = 512              // of one client: an office may come at once
	maxWaiting = 1024             // in all
	maxWait    = 10 * time.Second // then it is better to say so
)

// hashQueue lets a bounded number through at once. It is safe for concurrent use.
type hashQueue struct {
	mu     sync.Mutex
	free   int
	known  lines
	others lines
	turn   bool // the others' is next
}

// ticket is a place in a line.
type ticket struct {
	ready   chan struct{} // closed: served, or turned away
	refused bool          // read after ready
}

// lines are those who wait, by client, in the order of their turns.
type lines struct {
	order   []*line
	waiting int
}

type line struct {
	name    string
	tickets []*ticket
}

func newHashQueue(atOnce int) *hashQueue { return &hashQueue{free: atOnce} }

// enter waits for a turn, in the line of a client. release gives it to the next
// one. ErrBusy: too many are waiting already.
func (q *hashQueue) enter(ctx context.Context, client string, known bool) (release func(), err error) {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return q.leave, nil
	}
	t := &ticket{ready: make(chan struct{})}
	if !q.admitLocked(t, client, known) {
		q.mu.Unlock()
		return nil, ErrBusy
	}
	q.mu.Unlock()

	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	select {
	case <-t.ready:
	case <-patience.C:
		err = ErrBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil && q.withdraw(t) {
		return nil, err
	}
	<-t.ready // it was served or turned away meanwhile
	if t.refused {
		return nil, ErrBusy
	}
	if err != nil {
		q.leave()
		return nil, err
	}
	return q.leave, nil
}

// admitLocked puts a ticket into its line. When too many wait, the longest line
// gives way to a shorter one.
func (q *hashQueue) admitLocked(t *ticket, client string, known bool) bool {
	own := &q.others
	if known {
		own = &q.known
	}
	length := own.length(client)
	if length >= maxLine {
		return false
	}
	if q.known.waiting+q.others.waiting >= maxWaiting {
		// A known device is easily had: everybody has one for an account of their own.
		if !q.others.yield(length) && !q.known.yield(length) {
			return false
		}
	}
	own.add(t, client)
	return true
}

// leave gives the turn to the next one.
func (q *hashQueue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	first, second := &q.known, &q.others
	if q.turn {
		first, second = second, first
	}
	q.turn = !q.turn
	t := first.next()
	if t == nil {
		t = second.next()
	}
	if t == nil {
		q.free++
		return
	}
	close(t.ready)
}

// withdraw takes a ticket out of its line; false: it is in none any more.
func (q *hashQueue) withdraw(t *ticket) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known.remove(t) || q.others.remove(t)
}

func (l *lines) find(client string) *line {
	for _, line := range l.order {
		if line.name == client {
			return line
		}
	}
	return nil
}

func (l *lines) length(client string) int {
	if line := l.find(client); line != nil {
		return len(line.tickets)
	}
	return 0
}

func (l *lines) add(t *ticket, client string) {
	own := l.find(client)
	if own == nil {
		own = &line{name: client}
		l.order = append(l.order, own)
	}
	own.tickets = append(own.tickets, t)
	l.waiting++
}

// next takes the first ticket of the line whose turn it is.
func (l *lines) next() *ticket {
	if len(l.order) == 0 {
		return nil
	}
	first := l.order[0]
	t := first.tickets[0]
	first.tickets = first.tickets[1:]
	l.waiting--
	l.order = l.order[1:]
	if len(first.tickets) > 0 {
		l.order = append(l.order, first)
	}
	return t
}

// yield turns the last one of the longest line away, for somebody whose line has
// that length; false: no line is long enough.
func (l *lines) yield(length int) bool {
	longest := l.longest()
	if longest == nil || len(longest.tickets) <= length+1 {
		return false
	}
	last := longest.tickets[len(longest.tickets)-1]
	l.remove(last)
	last.refused = true
	close(last.ready)
	return true
}

func (l *lines) longest() *line {
	var longest *line
	for _, line := range l.order {
		if longest == nil || len(line.tickets) > len(longest.tickets) {
			longest = line
		}
	}
	return longest
}

func (l *lines) remove(t *ticket) bool {
	for at, line := range l.order {
		for i, other := range line.tickets {
			if other != t {
				continue
			}
			line.tickets = append(line.tickets[:i:i], line.tickets[i+1:]...)
			if l.waiting--; len(line.tickets) == 0 {
				l.order = append(l.order[:at:at], l.order[at+1:]...)
			}
			return true
		}
	}
	return false
}
