package xmppd

import (
	"strconv"
	"sync"
	"time"
)

// How many stanzas of a session that is over were handled is remembered for a
// while, so that a client that comes too late to resume it learns what need not
// be sent again (XEP-0198 §5).

// Limits on what is remembered: how long, and how many for the whole server.
const (
	resumeCountsFor = 10 * time.Minute
	maxResumeCounts = 10_000
)

// resumeCounts is safe for concurrent use.
type resumeCounts struct {
	mu    sync.Mutex
	byID  map[string]resumeCount
	order []string // ids, the oldest first
}

type resumeCount struct {
	user string // who alone may ask (S-94)
	h    uint32
	at   time.Time
}

// keep remembers the count of a session; one without an id cannot be asked for.
func (l *resumeCounts) keep(id, user string, h uint32, now time.Time) {
	if id == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropLocked(now, 1)
	if l.byID == nil {
		l.byID = make(map[string]resumeCount)
	}
	l.byID[id] = resumeCount{user, h, now}
	l.order = append(l.order, id)
}

// find returns the count of a session of that user.
func (l *resumeCounts) find(id, user string, now time.Time) (h uint32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropLocked(now, 0)
	c, ok := l.byID[id]
	return c.h, ok && c.user == user
}

// dropLocked forgets what is too old, and the oldest where there would be too many
// with some more.
func (l *resumeCounts) dropLocked(now time.Time, more int) {
	n := 0
	for n < len(l.order) && (len(l.order)-n+more > maxResumeCounts || now.Sub(l.byID[l.order[n]].at) > resumeCountsFor) {
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
