package pep

import (
	"slices"
	"sync"

	"foyer/xmppd"
)

// clients is the available clients that have capabilities, and the nodes that they
// ask to be told of. Its zero value is ready.
type clients struct {
	mu     sync.RWMutex
	byUser map[string][]*listener
}

// listener is one client.
type listener struct {
	client xmppd.Client
	caps   caps   // of its last presence
	wanted wanted // by its capabilities, once they are known
}

// setCaps notes the capabilities in a client's presence. It reports whether they
// changed.
func (cs *clients) setCaps(c xmppd.Client, said caps) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	l := cs.findLocked(c)
	switch {
	case l != nil && l.caps != said:
		l.caps = said
		return true
	case l != nil || said == (caps{}):
		return false
	}
	if cs.byUser == nil {
		cs.byUser = make(map[string][]*listener)
	}
	cs.byUser[c.User()] = append(cs.byUser[c.User()], &listener{client: c, caps: said})
	return true
}

func (cs *clients) findLocked(c xmppd.Client) *listener {
	for _, l := range cs.byUser[c.User()] {
		if l.client == c {
			return l
		}
	}
	return nil
}

// setWanted notes what a client with these capabilities asks for, and returns what is
// new in it. Nothing is noted if its capabilities have changed meanwhile, or it is no
// longer available.
func (cs *clients) setWanted(c xmppd.Client, said caps, w wanted) (added wanted) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	l := cs.findLocked(c)
	if l == nil || l.caps != said {
		return nil
	}
	added = w.without(l.wanted)
	l.wanted = w
	return added
}

// remove forgets a client that is no longer available.
func (cs *clients) remove(c xmppd.Client) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	left := slices.DeleteFunc(cs.byUser[c.User()], func(l *listener) bool { return l.client == c })
	if len(left) > 0 {
		cs.byUser[c.User()] = left
	} else {
		delete(cs.byUser, c.User())
	}
}

// wanting returns an account's clients that ask for a node's events.
func (cs *clients) wanting(user, node string) []xmppd.Client {
	cs.mu.RLock()
	defer cs.mu.RUnlock()
	var out []xmppd.Client
	for _, l := range cs.byUser[user] {
		if l.wanted.has(node) {
			out = append(out, l.client)
		}
	}
	return out
}

// of returns an account's clients, as they are now.
func (cs *clients) of(user string) []listener {
	cs.mu.RLock()
	defer cs.mu.RUnlock()
	out := make([]listener, 0, len(cs.byUser[user]))
	for _, l := range cs.byUser[user] {
		out = append(out, *l)
	}
	return out
}
