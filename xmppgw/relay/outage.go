package relay

import (
	"log/slog"
	"sync"
	"time"
)

// outage tells the operator that the upstream is away, or refuses people: at once, again
// each minute, and when it is over; not once for each of many clients that come back every
// few seconds. An upstream that refuses one person, and takes others in between, is told
// of no more often.
type outage struct {
	mu    sync.Mutex
	since time.Time // zero: there is none
	told  time.Time
	hits  int // sign-ins that failed since it was told
}

// outageEvery is how often an outage that goes on is told.
const outageEvery = time.Minute

// failed notes a sign-in that failed.
func (o *outage) failed(log *slog.Logger, upstream Upstream, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.since.IsZero() {
		o.since = now
	}
	o.hits++
	if now.Sub(o.told) < outageEvery {
		return
	}
	log.Error("the XMPP server cannot be reached, or does not sign people in", "upstream", upstream.String(), "since", o.since, "sign_ins", o.hits, "err", err)
	o.told, o.hits = now, 0
}

// worked notes a sign-in that worked.
func (o *outage) worked(log *slog.Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return
	}
	if !o.told.Before(o.since) { // otherwise nobody knows of it
		log.Info("the XMPP server signs people in again", "after", time.Since(o.since).Round(time.Millisecond))
	}
	o.since, o.hits = time.Time{}, 0
}
