package relay

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// outage tells the operator that nobody gets to the upstream, or not everybody: at once,
// again each minute, and when it is over; not once for each of many clients that come back
// every few seconds. An upstream that refuses one person, and takes others in between, is
// told of no more often.
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
	log.Error(outageReason(err), "upstream", upstream.String(), "since", o.since, "sign_ins", o.hits, "err", err)
	o.told, o.hits = now, 0
}

// outageReason says what stands between the site and the upstream; err says how to mend it.
func outageReason(err error) string {
	var refused *RefusedError
	var broken *StreamError
	var untrusted *tls.CertificateVerificationError
	var missing *credentialError
	switch {
	case errors.As(err, &missing):
		return "the site has nothing to sign somebody in to the XMPP server with"
	case errors.As(err, &refused):
		return "the XMPP server refuses people's sign-ins"
	case errors.As(err, &broken):
		return "the XMPP server ends streams before anybody is signed in"
	case errors.As(err, &untrusted):
		return "the XMPP server has no certificate that can be trusted"
	case errors.Is(err, errNoLinkSlot):
		return "the site has no connection left for the XMPP server"
	}
	return "the XMPP server cannot be reached"
}

// succeeded notes a sign-in that worked.
func (o *outage) succeeded(log *slog.Logger) {
	if lasted, known := o.ended(); known {
		log.Info("the XMPP server signs people in again", "after", lasted.Round(time.Millisecond))
	}
}

// ended notes that it is over. known: the operator has been told of it.
func (o *outage) ended() (lasted time.Duration, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return 0, false
	}
	lasted, known = time.Since(o.since), !o.told.Before(o.since)
	o.since, o.hits = time.Time{}, 0
	return lasted, known
}
