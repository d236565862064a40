package relay

import "sync"

// activeClients counts the streams whose client is active: those that are carried and whose
// client has not said that nobody looks at it (XEP-0352). It is safe for concurrent use.
type activeClients struct {
	mu     sync.Mutex
	byUser map[string]int
}

func (l *activeClients) add(user string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byUser == nil {
		l.byUser = make(map[string]int)
	}
	if l.byUser[user] += n; l.byUser[user] <= 0 {
		delete(l.byUser, user)
	}
}

// HasActiveClient reports whether somebody looks at a client of an account whose stream the relay
// carries. Of streams to the upstream's own ports it knows nothing.
func (r *Relay) HasActiveClient(user string) bool {
	r.activeClients.mu.Lock()
	defer r.activeClients.mu.Unlock()
	return r.activeClients.byUser[user] > 0
}

// setActive notes whether somebody looks at the stream; it is for the goroutine that reads
// from the client.
func (c *conn) setActive(active bool) {
	if c.active == active {
		return
	}
	c.active = active
	n := 1
	if !active {
		n = -1
	}
	c.relay.activeClients.add(c.who().User, n)
}
