package relay

import "sync"

// lookers counts the streams that somebody looks at: those that are carried and whose
// client has not said that nobody does (XEP-0352). It is safe for concurrent use.
type lookers struct {
	mu     sync.Mutex
	byUser map[string]int
}

func (l *lookers) add(user string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byUser == nil {
		l.byUser = make(map[string]int)
	}
	if l.byUser[user] += n; l.byUser[user] <= 0 {
		delete(l.byUser, user)
	}
}

// LookedAt reports whether somebody looks at a client of an account whose stream the relay
// carries. Of streams to the upstream's own ports it knows nothing.
func (r *Relay) LookedAt(user string) bool {
	r.lookers.mu.Lock()
	defer r.lookers.mu.Unlock()
	return r.lookers.byUser[user] > 0
}

// noteLooked notes whether somebody looks at the stream; it is for the goroutine that reads
// from the client.
func (c *conn) noteLooked(looked bool) {
	if c.looked == looked {
		return
	}
	c.looked = looked
	n := 1
	if !looked {
		n = -1
	}
	c.relay.lookers.add(c.who().User, n)
}
