package xmppgw

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"

	"foyer/internal/stream"
)

// What the gateway counts. Each stream counts for itself, so that streams do not
// share what they write to; what a stream counted is added to the whole when it ends.

// Traffic is what streams have carried: XML elements, stanzas among them, and their
// bytes, without what the transport adds.
type Traffic struct{ ElementsIn, BytesIn, ElementsOut, BytesOut int64 }

func (t *Traffic) add(o Traffic) {
	t.ElementsIn += o.ElementsIn
	t.BytesIn += o.BytesIn
	t.ElementsOut += o.ElementsOut
	t.BytesOut += o.BytesOut
}

// traffic is what one stream has carried so far.
type traffic struct {
	elementsIn, bytesIn, elementsOut, bytesOut atomic.Int64

	signedIn atomic.Bool
}

// received counts an element from the client.
func (t *traffic) received(raw []byte) {
	t.elementsIn.Add(1)
	t.bytesIn.Add(int64(len(raw)))
}

// sent counts an element to the client. It reports, until one says that the client
// is signed in, what it says of that.
func (t *traffic) sent(raw []byte) (outcome Outcome) {
	t.elementsOut.Add(1)
	t.bytesOut.Add(int64(len(raw)))
	switch {
	case t.signedIn.Load():
	case bytes.HasPrefix(raw, []byte("<success ")): // RFC 6120 §6.4.6, XEP-0388 §2.6
		t.signedIn.Store(true)
		return LoginSuccess
	case bytes.HasPrefix(raw, []byte("<failure ")): // RFC 6120 §6.4.5
		return LoginFailure
	}
	return ""
}

func (t *traffic) total() Traffic {
	return Traffic{t.elementsIn.Load(), t.bytesIn.Load(), t.elementsOut.Load(), t.bytesOut.Load()}
}

func (t *traffic) counted() *traffic { return t }

// Outcome is how a login ended.
type Outcome string

// The outcomes.
const (
	LoginSuccess Outcome = "success"
	LoginFailure Outcome = "failure"
)

// StreamKind is what streams are counted by. Domain is empty of those that have named none
// that is served.
type StreamKind struct {
	Transport stream.Transport
	Domain    string
}

// Login is one kind of login: Mode is Config.Mode for the pages of the site, and
// "native" for other clients.
type Login struct {
	Domain, Mode string
	Outcome      Outcome
}

// Ending is one way that streams end: Condition is a stream condition (RFC 6120
// §4.9.3) or a binding condition (XEP-0124 §17.2); "none" after an orderly end,
// "disconnected" when the client was lost, "other" for what is neither.
type Ending struct {
	StreamKind
	Condition string
}

// Stats are counts. Those of ended streams are within all that is not of now.
type Stats struct {
	Open    map[StreamKind]int64 // now
	Opened  map[StreamKind]int64 // since the start
	Traffic map[StreamKind]Traffic
	Ended   map[Ending]int64
	Logins  map[Login]int64

	BOSHRequests, BOSHRepeats int64 // HTTP requests, and those of them that had come before
	BOSHWaiting, BOSHQueued   int64 // requests without an answer, and elements that wait for a request, now
}

// OpenOver returns how many streams a transport has now.
func (s Stats) OpenOver(t stream.Transport) int64 { return sumOver(s.Open, t) }

// OpenedOver returns how many streams a transport has had since the start.
func (s Stats) OpenedOver(t stream.Transport) int64 { return sumOver(s.Opened, t) }

func sumOver(counts map[StreamKind]int64, t stream.Transport) (n int64) {
	for kind, count := range counts {
		if kind.Transport == t {
			n += count
		}
	}
	return n
}

// totals are what ended streams leave, under the gateway's lock.
type totals struct {
	traffic           map[StreamKind]Traffic
	ended             map[Ending]int64
	logins            map[Login]int64
	requests, repeats int64
}

func newTotals() totals {
	return totals{traffic: make(map[StreamKind]Traffic), ended: make(map[Ending]int64), logins: make(map[Login]int64)}
}

// kindLocked returns what a stream is counted by.
func kindLocked(c carrier) StreamKind {
	peer := c.info()
	return StreamKind{peer.Transport, peer.Domain}
}

// leaveLocked adds what a stream counted to the whole.
func (t *totals) leaveLocked(c carrier) {
	kind := kindLocked(c)
	sum := t.traffic[kind]
	sum.add(c.counted().total())
	t.traffic[kind] = sum
	t.ended[Ending{kind, condition(c.reason())}]++
	if b, ok := c.(*boshSession); ok {
		st := b.counts()
		t.requests += st.BOSHRequests
		t.repeats += st.BOSHRepeats
	}
}

// countSent counts an element that goes to a client, and how its login ended.
func (g *Gateway) countSent(c carrier, raw []byte) {
	outcome := c.counted().sent(raw)
	if outcome == "" {
		return
	}
	mode := g.cfg.Mode
	if c.info().Native {
		mode = "native"
	}
	g.mu.Lock()
	g.totals.logins[Login{c.info().Domain, mode, outcome}]++
	g.mu.Unlock()
}

// Stats returns the counts.
func (g *Gateway) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	st := Stats{
		Open: make(map[StreamKind]int64), Opened: make(map[StreamKind]int64),
		Traffic: maps.Clone(g.totals.traffic), Ended: maps.Clone(g.totals.ended), Logins: maps.Clone(g.totals.logins),
		BOSHRequests: g.totals.requests, BOSHRepeats: g.totals.repeats,
	}
	for e, n := range st.Ended {
		st.Opened[e.StreamKind] += n
	}
	for c := range g.streams {
		kind := kindLocked(c)
		st.Open[kind]++
		st.Opened[kind]++
		sum := st.Traffic[kind]
		sum.add(c.counted().total())
		st.Traffic[kind] = sum
		if s, ok := c.(*boshSession); ok {
			b := s.counts()
			st.BOSHRequests += b.BOSHRequests
			st.BOSHRepeats += b.BOSHRepeats
			st.BOSHWaiting += b.BOSHWaiting
			st.BOSHQueued += b.BOSHQueued
		}
	}
	return st
}

// counts are a session's own. The gateway's lock may be held.
func (s *boshSession) counts() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{BOSHRequests: s.requested, BOSHRepeats: s.repeated,
		BOSHWaiting: int64(len(s.held) + len(s.parked)), BOSHQueued: int64(s.queue.Len())}
}

// condition names the reason of an end; there are not many names.
func condition(reason error) string {
	var se *stream.Error
	var bosh boshCondition
	switch {
	case reason == nil || errors.Is(reason, io.EOF) || errors.Is(reason, stream.ErrClosed):
		return "none"
	case errors.Is(reason, stream.ErrDisconnected) || errors.Is(reason, context.Canceled):
		return "disconnected"
	case errors.As(reason, new(seeOther)):
		return string(boshSeeOtherURI)
	case errors.As(reason, &bosh):
		return string(bosh)
	case errors.As(reason, &se) && slices.Contains(stream.Conditions, se.Condition):
		return string(se.Condition)
	}
	return "other"
}

// logEnd logs what a stream was. It names nothing that lets somebody in.
func (g *Gateway) logEnd(c carrier) {
	if !g.log.Enabled(g.ctx, slog.LevelDebug) {
		return
	}
	peer, carried := c.info(), c.counted().total()
	g.log.Debug("stream ended", "conn", peer.Conn, "transport", peer.Transport, "user", peer.Identity, "condition", condition(c.reason()),
		"elements_in", carried.ElementsIn, "bytes_in", carried.BytesIn, "elements_out", carried.ElementsOut, "bytes_out", carried.BytesOut)
}
