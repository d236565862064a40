package relay

import (
	"maps"
	"slices"
	"sync"

	"foyer/internal/stream"
)

// connSet is the streams being served, signed in or not.
type connSet struct {
	served sync.WaitGroup

	mu     sync.Mutex
	set    map[*conn]struct{}
	closed bool
}

// put reports false after close.
func (cs *connSet) put(c *conn) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return false
	}
	if cs.set == nil {
		cs.set = make(map[*conn]struct{})
	}
	cs.set[c] = struct{}{}
	cs.served.Add(1)
	return true
}

func (cs *connSet) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.set, c)
	cs.served.Done()
}

func (cs *connSet) all() []*conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.allLocked()
}

func (cs *connSet) allLocked() []*conn { return slices.Collect(maps.Keys(cs.set)) }

func (cs *connSet) matching(scope stream.Scope) []*conn {
	var out []*conn
	for _, c := range cs.all() {
		if scope.Matches(c.who()) {
			out = append(out, c)
		}
	}
	return out
}

// close lets no more in, and returns those that are there.
func (cs *connSet) close() []*conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	return cs.allLocked()
}
