package xmppgw

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The requests of a BOSH session: taken in within a window, processed in rid order,
// held until there is something to answer with, answered in rid order, and answered
// again when they are repeated (XEP-0124 §7 to §14).

// boshRequest is one HTTP request on its way to an answer.
type boshRequest struct {
	rid    uint64
	body   *stream.Body
	answer chan boshReply // buffered: answering never blocks
	gone   func() bool    // whether its HTTP peer has vanished; nil: never
}

type boshAnswer struct {
	rid  uint64
	key  string // the request's
	body []byte
}

// How long a request that came before its turn waits for those before it
// (B-31): after a reload Strophe may have counted one that was never sent.
const gapPatience = 5 * time.Second

// gapped ends a session whose missing request did not come (B-31).
func (s *boshSession) gapped() {
	s.Close(boshItemNotFound)
}

// serve hands a request to the session.
func (s *boshSession) serve(r *boshRequest) *boshAwaited {
	r.answer = make(chan boshReply, 1)
	s.submit(r)
	return &boshAwaited{session: s, request: r, until: time.Now().Add(time.Duration(s.params.wait) * time.Second)}
}

// boshAwaited is the answer to a request, which may take as long as the session's
// wait.
type boshAwaited struct {
	reply   boshReply // without a session: the answer
	session *boshSession
	request *boshRequest
	until   time.Time
}

func answered(r boshReply) *boshAwaited { return &boshAwaited{reply: r} }

// within returns the answer if it comes within d.
func (a *boshAwaited) within(d time.Duration) (boshReply, bool) {
	if a.session == nil {
		return a.reply, true
	}
	t := time.NewTimer(min(d, time.Until(a.until)))
	defer t.Stop()
	select {
	case reply := <-a.request.answer:
		return reply, true
	case <-t.C:
		return boshReply{}, false
	}
}

// await returns the answer, at the end of the session's wait at the latest.
func (a *boshAwaited) await() boshReply {
	reply, ok := a.within(time.Until(a.until))
	for !ok {
		a.session.timeout(a.request)
		// Parked requests have no turn yet; gapped sees to them.
		a.until = time.Now().Add(gapPatience)
		reply, ok = a.within(gapPatience)
	}
	return reply
}

// submit takes in a request (XEP-0124 §14.2, §14.3).
func (s *boshSession) submit(r *boshRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle.Stop()
	s.idleFrom = time.Time{}
	s.unclaimed = false
	switch {
	case s.final != nil:
		r.reply(s.finalReplyLocked())
		s.told.Store(true)
	case r.rid < s.next:
		s.repeatLocked(r)
	case r.rid >= s.next+uint64(s.params.requests)+s.extra(r):
		s.endLocked(boshItemNotFound) // beyond the window (B-27)
		r.reply(s.finalReplyLocked())
	default:
		if old := s.parked[r.rid]; old != nil {
			old.reply(recoverable())
		}
		s.parked[r.rid] = r
		s.proceedLocked()
		s.checkRequestsLocked(r)
	}
	s.startInactivityTimerLocked()
}

// checkRequestsLocked ends the session of a client that has more requests under way
// than it may (XEP-0124 §11, B-36), those counted out that have just been
// answered. None is answered late enough to break the rule of how often it may
// ask (B-37): there are never `requests` of them without a gap.
func (s *boshSession) checkRequestsLocked(r *boshRequest) {
	if s.final != nil || uint64(len(s.held)+len(s.parked)) <= uint64(s.params.requests)+s.extra(r) {
		return
	}
	s.endLocked(boshPolicyViolation)
}

// extra is the one further request that may carry a pause or an end (XEP-0124
// §11, B-36).
func (s *boshSession) extra(r *boshRequest) uint64 {
	if r.body.Has("pause") || r.body.Attr("type") == "terminate" {
		return 1
	}
	return 0
}

// repeatLocked answers a rid that was seen before: from the buffer, or by taking the
// place of the request that still waits (XEP-0124 §14.3, B-28, B-30).
func (s *boshSession) repeatLocked(r *boshRequest) {
	for i, h := range s.held {
		if h.rid == r.rid && s.keys.repeats(r.body, h.body.Attr("key")) {
			h.reply(recoverable())
			s.held[i] = r
			return
		}
	}
	for _, a := range s.answered {
		if a.rid == r.rid && s.keys.repeats(r.body, a.key) {
			r.reply(boshReply{200, a.body})
			return
		}
	}
	s.endLocked(boshItemNotFound)
	r.reply(s.finalReplyLocked())
}

// recoverable ends a request, not the session (XEP-0124 §17.3).
func recoverable() boshReply {
	return boshReply{200, []byte(`<body xmlns="` + stream.NSHTTPBind + `" type="error"/>`)}
}

// proceedLocked processes the parked requests whose turn has come.
func (s *boshSession) proceedLocked() {
	for s.final == nil {
		r := s.parked[s.next]
		if r == nil {
			break
		}
		delete(s.parked, s.next)
		s.next++
		s.processLocked(r)
	}
	if len(s.parked) > 0 && s.final == nil {
		s.gap.Reset(gapPatience)
	} else {
		s.gap.Stop()
	}
}

// processLocked takes in the payload of one request and answers what may be.
func (s *boshSession) processLocked(r *boshRequest) {
	if !s.keys.next(r.body) {
		s.endLocked(boshItemNotFound) // XEP-0124 §15.4 (B-44)
		r.reply(s.finalReplyLocked())
		return
	}
	s.acknowledgedLocked(r)
	empty := len(r.body.Elements) == 0
	if restart, _ := stanza.ParseBool(r.body.XMPP("restart")); restart {
		s.receiveLocked(inbound{restart: true}) // its stanzas are ignored (XEP-0206 §5)
		empty = false
	} else {
		for _, e := range r.body.Elements {
			s.receiveLocked(inbound{element: e})
		}
	}
	s.held = append(s.held, r)
	if s.waiting > 4*s.gateway.cfg.Limits.Bytes {
		s.endLocked(boshPolicyViolation) // sent faster than it may be, for long
		return
	}
	switch {
	case r.body.Attr("type") == "terminate":
		s.receiveLocked(inbound{err: io.EOF})
		s.endLocked(nil) // XEP-0124 §13
		return
	case r.body.Has("pause"):
		s.pauseLocked(r.body.Attr("pause"))
		return
	}
	s.answerReadyLocked()
	for len(s.held) > s.params.hold && !s.first {
		s.answerOldestLocked(nil) // B-34
	}
	if s.params.wait == 0 && !s.first {
		s.answerAllLocked()
	}
	s.checkPollingLocked(empty, r)
}

// checkPollingLocked ends a polling session that asks too often (XEP-0124 §12, B-39).
func (s *boshSession) checkPollingLocked(empty bool, r *boshRequest) {
	if s.params.wait > 0 && s.params.hold > 0 {
		return
	}
	now := time.Now()
	if !empty {
		s.emptyAt = time.Time{}
		return
	}
	if !s.emptyAt.IsZero() && now.Sub(s.emptyAt) < s.params.polling {
		s.endLocked(boshPolicyViolation)
		r.reply(s.finalReplyLocked())
		return
	}
	if n := len(s.answered); n > 0 && s.answered[n-1].rid == r.rid && string(s.answered[n-1].body) == emptyBody {
		s.emptyAt = now
	}
}

// pauseLocked answers everything, and gives the client time (XEP-0124 §10, B-41).
func (s *boshSession) pauseLocked(text string) {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 || n > int(boshMaxPause/time.Second) {
		s.endLocked(boshPolicyViolation)
		return
	}
	s.paused = time.Duration(n) * time.Second
	for len(s.held) > 0 {
		s.answerOldestLocked(nil)
	}
}

// timeout answers a request that has waited long enough, and those before it
// (B-35).
func (s *boshSession) timeout(r *boshRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range s.held {
		if h != r {
			continue
		}
		for range i + 1 {
			s.answerOldestLocked(nil)
		}
		break
	}
	s.startInactivityTimerLocked()
}

// answerReadyLocked answers the oldest request if there is payload for it.
func (s *boshSession) answerReadyLocked() {
	if s.final != nil || s.queue.Len() == 0 {
		return
	}
	// B-32: a request whose peer has vanished, as at a reload of the page, counts
	// as received, but it carries nothing away.
	for len(s.held) > 0 && s.held[0].gone != nil && s.held[0].gone() {
		s.answerOldestLocked(nil)
	}
	if len(s.held) == 0 {
		return
	}
	if items := s.queue.Drain(); len(items) > 0 {
		s.answerOldestLocked(items)
	}
}

func (s *boshSession) answerAllLocked() {
	for len(s.held) > 0 {
		s.answerOldestLocked(s.queue.Drain())
	}
}

// answerOldestLocked answers the request with the lowest rid and keeps the answer for
// a repeat (XEP-0124 §14.3, B-29).
func (s *boshSession) answerOldestLocked(items [][]byte) {
	r := s.held[0]
	s.held = s.held[1:]
	body := s.bodyOfLocked(r.rid, items)
	s.answered = append(s.answered, boshAnswer{r.rid, r.body.Attr("key"), body})
	if extra := len(s.answered) - s.params.requests; extra > 0 {
		s.answered = append([]boshAnswer(nil), s.answered[extra:]...)
	}
	r.reply(boshReply{200, body})
}

func (r *boshRequest) reply(a boshReply) {
	select {
	case r.answer <- a:
	default: // answered already
	}
}

// underWayLocked returns the requests without an answer, in rid order.
func (s *boshSession) underWayLocked() []*boshRequest {
	all := slices.Clone(s.held)
	for _, rid := range slices.Sorted(maps.Keys(s.parked)) {
		all = append(all, s.parked[rid])
	}
	return all
}
