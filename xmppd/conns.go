package xmppd

import (
	"maps"
	"slices"
	"sync"

	"foyer/internal/stream"
)

// connSet is the streams being served, authenticated or not.
type connSet struct {
	mu     sync.Mutex
	set    map[*conn]*stream.Identity // who the site says is calling, or who signed in
	closed bool
}

// put reports false after close.
func (cs *connSet) put(c *conn, id *stream.Identity) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return false
	}
	if cs.set == nil {
		cs.set = make(map[*conn]*stream.Identity)
	}
	cs.set[c] = id
	return true
}

func (cs *connSet) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.set, c)
}

func (cs *connSet) matching(scope stream.Scope) []*conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var out []*conn
	for c, id := range cs.set {
		if scope.Matches(*id) {
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
	return slices.Collect(maps.Keys(cs.set))
}
