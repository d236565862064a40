package xmppd

import (
	"strconv"
	"sync"
	"time"
)

// How many stanzas of a session that is over were handled is remembered for a
// while, so that a client that comes too late to resume it learns what need not
// be sent again (XEP-0198 §5).

// Bounds of what is remembered: the age, and the number for the whole server.
const (
	lastCountsFor  = 10 * time.Minute
	lastCountsMost = 10_000
)

// lastCounts is safe for concurrent use.
type lastCounts struct {
	mu    sync.Mutex
	byID  map[string]lastCount
	order []string // ids, the oldest first
}

type lastCount struct {
	user string // who alone may ask (S-94)
	h    uint32
	at   time.Time
}

// keep remembers the count of a session; one without an id cannot be asked for.
func (l *lastCounts) keep(id, user string, h uint32, now time.Time) {
	if id == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(now, 1)
	if l.byID == nil {
		l.byID = make(map[string]lastCount)
	}
	l.byID[id] = lastCount{user, h, now}
	l.order = append(l.order, id)
}

// find returns the count of a session of that user.
func (l *lastCounts) find(id, user string, now time.Time) (h uint32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(now, 0)
	c, ok := l.byID[id]
	return c.h, ok && c.user == user
}

// drop forgets what is too old, and the oldest where there would be too many
// with some more.
func (l *lastCounts) drop(now time.Time, more int) {
	n := 0
	for n < len(l.order) && (len(l.order)-n+more > lastCountsMost || now.Sub(l.byID[l.order[n]].at) > lastCountsFor) {
		delete(l.byID, l.order[n])
		n++
	}
	l.order = l.order[n:]
	if len(l.order) == 0 {
		l.order = nil // memory is given back
	}
}

// notResumed is the answer to a client whose session is not there any more, or
// never was its own: with the count, if that is still known (S-94).
func (c *conn) notResumed(previd string) []byte {
	attrs := ""
	if h, ok := c.server.counts.find(previd, c.identity.User, time.Now()); ok {
		attrs = ` h="` + strconv.FormatUint(uint64(h), 10) + `"`
	}
	return smFailedWith(attrs, "item-not-found")
}
