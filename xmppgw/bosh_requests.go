package xmppgw

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The requests of a BOSH session: taken in within a window, processed in rid order,
// held until there is something to answer with, answered in rid order, and answered
// again when they are repeated (XEP-0124 §7 to §14).

// boshAsker is who waits for the answer to a request. It is told once; answer
// never blocks, and is called without the session's lock.
type boshAsker interface {
	answer(boshReply)
	gone() bool // whether it has vanished: what it is told reaches nobody
}

// boshRequest is one HTTP request on its way to an answer.
type boshRequest struct {
	rid   uint64
	body  *stream.Body // nil once it is processed: a request that waits keeps none
	key   string       // XEP-0124 §15
	until instant      // it is answered then, at the latest
	asker boshAsker
	size  int    // of the body, in bytes
	free  func() // gives back the memory that it was given while it waits for its turn; nil: none
}

// release gives back what the request was given while it waited for its turn.
func (r *boshRequest) release() {
	if r.free != nil {
		r.free()
		r.free = nil
	}
}

type boshAnswer struct {
	rid  uint64
	key  string  // the request's
	at   instant // when
	body []byte

	pause bool // the request was a pause
}

// boshDelivery is an answer on its way to who asked.
type boshDelivery struct {
	to    boshAsker
	reply boshReply
}

// How long a request that came before its turn waits for those before it
// (B-31): after a reload Strophe may have counted one that was never sent.
const gapTimeout = 5 * time.Second

// replyLocked answers a request, when the lock is given back.
func (s *boshSession) replyLocked(r *boshRequest, a boshReply) {
	a.content = s.params.content
	s.out = append(s.out, boshDelivery{r.asker, a})
}

// unlock gives back the lock, sees to the timer, and delivers what is to be
// delivered: nothing is written while the lock is held.
func (s *boshSession) unlock() {
	s.scheduleLocked()
	out := s.out
	s.out = nil
	s.mu.Unlock()
	for _, d := range out {
		d.to.answer(d.reply)
	}
}

// serve takes in a request, which is answered at the end of the session's wait at
// the latest.
func (s *boshSession) serve(r *boshRequest) {
	r.until = s.gateway.now() + time.Duration(s.params.wait)*time.Second
	s.submit(r)
}

// submit takes in a request (XEP-0124 §14.2, §14.3).
func (s *boshSession) submit(r *boshRequest) {
	r.key = r.body.Attr("key")
	most := uint64(s.params.requests) + extra(r.body)
	s.mu.Lock()
	defer s.unlock()
	s.idleFrom = 0
	s.unclaimed = false
	s.requested++
	switch {
	case s.final != nil:
		s.replyLocked(r, *s.final)
		s.told.Store(true)
	case r.rid < s.next:
		s.repeatLocked(r)
	case r.rid >= s.next+most:
		s.endLocked(boshItemNotFound) // beyond the window (B-27)
		s.replyLocked(r, *s.final)
	default:
		s.parkLocked(r)
		s.proceedLocked()
		s.chargeLocked(r)
		s.checkRequestsLocked(most)
	}
	s.startInactivityLocked()
}

// parkLocked keeps a request until its turn comes. One that is here already is
// replaced (B-30).
func (s *boshSession) parkLocked(r *boshRequest) {
	for i, old := range s.parked {
		if old.rid == r.rid {
			s.repeated++
			s.replyLocked(old, recoverable())
			old.release()
			s.parked[i] = r
			return
		}
	}
	s.parked = append(s.parked, r)
}

// chargeLocked lets the address pay for a request that waits for its turn, since the
// body is kept: somebody may have many sessions, and send each one's second request first
// . One that there is no room for ends its session.
func (s *boshSession) chargeLocked(r *boshRequest) {
	if s.final != nil || !slices.Contains(s.parked, r) {
		return
	}
	free, ok := s.gateway.reorderBudget.TryAcquire(budget.Network(s.peer.Addr), int64(r.size))
	if r.free = free; !ok {
		s.endLocked(boshPolicyViolation)
	}
}

// takeParkedLocked returns the parked request whose turn it is, or nil.
func (s *boshSession) takeParkedLocked() *boshRequest {
	for i, r := range s.parked {
		if r.rid == s.next {
			if s.parked = slices.Delete(s.parked, i, i+1); len(s.parked) == 0 {
				s.parked = nil
			}
			r.release()
			return r
		}
	}
	return nil
}

// checkRequestsLocked ends the session of a client that has more requests under way
// than it may (XEP-0124 §11, B-36), those counted out that have just been
// answered.
//
// The other rule of §11, on how often a client may ask (B-37), is about `requests` new
// requests none of which has been answered. It has nothing to find here: at most `hold` wait,
// which is fewer (negotiate), since one more has the oldest answered at once (B-34, B-38). Where
// one has not come yet, those behind it may have overtaken it, as just after a reload of the
// page; gapTimeout says how long it may take (B-31). Polling sessions, which hold none, have
// pollsTooOftenLocked (§12, B-39).
func (s *boshSession) checkRequestsLocked(most uint64) {
	if s.final == nil && uint64(len(s.held)+len(s.parked)) > most {
		s.endLocked(boshPolicyViolation)
	}
}

// extra is the one further request that may carry a pause or an end (XEP-0124
// §11, B-36).
func extra(b *stream.Body) uint64 {
	if b.Has("pause") || b.Attr("type") == "terminate" {
		return 1
	}
	return 0
}

// repeatLocked answers a rid that was seen before: from the buffer, or by taking the
// place of the request that still waits (XEP-0124 §14.3, B-28, B-30).
func (s *boshSession) repeatLocked(r *boshRequest) {
	s.repeated++
	for i, h := range s.held {
		if h.rid == r.rid && s.keys.repeats(r.key, h.key) {
			s.replyLocked(h, recoverable())
			r.body = nil
			s.held[i] = r
			return
		}
	}
	for _, a := range s.answered {
		if a.rid == r.rid && s.keys.repeats(r.key, a.key) {
			s.replyLocked(r, boshReply{status: http.StatusOK, body: a.body})
			return
		}
	}
	s.endLocked(boshItemNotFound)
	s.replyLocked(r, *s.final)
}

// recoverable ends a request, not the session (XEP-0124 §17.3).
func recoverable() boshReply {
	return boshReply{status: http.StatusOK, body: []byte(`<body xmlns="` + stream.NSHTTPBind + `" type="error"/>`)}
}

// proceedLocked processes the parked requests whose turn has come.
func (s *boshSession) proceedLocked() {
	for s.final == nil {
		r := s.takeParkedLocked()
		if r == nil {
			break
		}
		s.next++
		s.processLocked(r)
		r.body = nil
	}
	s.gapAt = 0
	if len(s.parked) > 0 && s.final == nil {
		s.gapAt = s.gateway.now() + gapTimeout
	}
}

// processLocked takes in the payload of one request and answers what may be.
func (s *boshSession) processLocked(r *boshRequest) {
	if !s.keys.next(r.body) {
		s.endLocked(boshItemNotFound) // XEP-0124 §15.4 (B-44)
		s.replyLocked(r, *s.final)
		return
	}
	s.acknowledgedLocked(r)
	empty := len(r.body.Elements) == 0 && !r.body.Has("pause") && !r.body.Has("type") && r.body.Has("sid") // the creation asks for nothing new (XEP-0124 §12)
	if restart, _ := stanza.ParseBool(r.body.XMPP("restart")); restart {
		if to := r.body.Attr("to"); to != "" && !stanza.SameDomain(s.peer.Domain, to) {
			s.endLocked(boshHostUnknown) // as over the other transports (RFC 6120 §4.9.3.6)
			s.replyLocked(r, *s.final)
			return
		}
		s.receiveLocked(inbound{restart: true}) // its stanzas are ignored (XEP-0206 §5)
		empty = false
	} else if empty && s.pollsTooOftenLocked() {
		s.endLocked(boshPolicyViolation)
		s.replyLocked(r, *s.final)
		return
	} else {
		for _, e := range r.body.Elements {
			s.receiveLocked(inbound{element: e})
		}
	}
	s.held = append(s.held, r)
	if s.unpaid || s.waiting > 4*s.gateway.cfg.Limits.Bytes {
		s.dropInboxLocked()
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
	s.emptyAt = 0
	if s.answerReadyLocked(); empty && slices.Contains(s.held, r) {
		s.emptyAt = s.gateway.now()
	}
	for len(s.held) > s.params.hold && !s.first {
		s.answerOldestLocked(nil) // B-34
	}
	if s.params.wait == 0 && !s.first {
		s.answerAllLocked()
	}
	if s.report != 0 && len(s.held) > 0 {
		s.answerOldestLocked(nil)
	}
}

// pollsTooOftenLocked reports whether an empty request comes too soon after another
// that there was nothing to answer with (XEP-0124 §12, B-39).
func (s *boshSession) pollsTooOftenLocked() bool {
	return s.params.polls() && s.emptyAt != 0 && s.gateway.now()-s.emptyAt < s.params.polling
}

// pauseLocked answers everything, and gives the client time (XEP-0124 §10, B-41).
func (s *boshSession) pauseLocked(text string) {
	n, err := stanza.ParseNumber(text, 31)
	if err != nil || n == 0 || n > uint64(boshMaxPause/time.Second) {
		s.endLocked(boshPolicyViolation)
		return
	}
	s.paused = time.Duration(n) * time.Second
	for len(s.held) > 0 {
		s.answerOldestLocked(nil)
	}
}

// timeoutLocked answers the requests that have waited long enough, and those before
// them (B-35).
func (s *boshSession) timeoutLocked(now instant) {
	for n := len(s.held); n > 0; n-- {
		if s.held[n-1].until > now {
			continue
		}
		for range n {
			s.answerOldestLocked(nil)
		}
		return
	}
}

// peerVanished finds that the peer of a request may have gone: such a request counts as
// received, and is answered for a repeat of it, with nothing (B-32).
func (s *boshSession) peerVanished() {
	s.mu.Lock()
	defer s.unlock()
	s.dropVanishedLocked()
	s.startInactivityLocked()
}

func (s *boshSession) dropVanishedLocked() {
	for len(s.held) > 0 && s.held[0].asker.gone() {
		s.answerOldestLocked(nil)
	}
}

// answerReadyLocked answers the oldest request if there is payload for it.
func (s *boshSession) answerReadyLocked() {
	if s.final != nil || s.queue.Len() == 0 {
		return
	}
	// B-32: a request whose peer has vanished, as at a reload of the page, counts
	// as received, but it carries nothing away.
	s.dropVanishedLocked()
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
	s.held = slices.Delete(s.held, 0, 1)
	body := s.bodyOfLocked(r.rid, items)
	s.keepAnswerLocked(boshAnswer{r.rid, r.key, s.gateway.now(), body, r.body != nil && r.body.Has("pause")})
	s.replyLocked(r, boshReply{status: http.StatusOK, body: body})
}

// Bounds of the answers that are kept for repeats beyond those that always are.
const (
	maxAnswers     = 16
	maxAnswerBytes = 64 << 10
)

// keepAnswerLocked keeps an answer, and forgets the oldest ones: as many stay as requests
// may be under way, those to pauses not counted; and, within bounds, all that a client
// which acknowledges has not (XEP-0124 §14.3, B-29).
func (s *boshSession) keepAnswerLocked(a boshAnswer) {
	s.answered = append(s.answered, a)
	counted, size := 0, 0
	for i, old := range slices.Backward(s.answered) {
		if size += len(old.body); !old.pause {
			counted++
		}
		more := s.acks && size <= maxAnswerBytes
		if (counted > s.params.requests && !more) || len(s.answered)-i > maxAnswers {
			s.answered = slices.Delete(s.answered, 0, i+1)
			return
		}
	}
}

// pendingLocked returns the requests without an answer, in rid order.
func (s *boshSession) pendingLocked() []*boshRequest {
	all := slices.Clone(s.held)
	all = append(all, s.parked...)
	slices.SortFunc(all, func(a, b *boshRequest) int { return cmp.Compare(a.rid, b.rid) })
	return all
}
