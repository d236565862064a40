package xmppgw

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// boshSession is a BOSH session (XEP-0124) and the stream it carries.
//
// Invariants: payload enters the inbox in rid order, each rid once; at most
// `hold` processed requests wait, and they are answered in rid order; what was
// answered can be repeated from the buffer. The lock is never held while a
// server is called; the queue's own lock nests inside it.
//
//	open ──Close──▶ ended: the final body waits for a request to carry it
type boshSession struct {
	gateway *Gateway
	sid     string
	secure  bool // created over TLS
	peer    stream.Peer
	params  params
	queue   *stream.Queue
	shaper  shaper
	wake    chan struct{}         // there is something in the inbox
	told    atomic.Bool           // a request has carried the final body
	proof   atomic.Pointer[proof] // the cookies that proved the site session (bosh.go)
	stop    func()                // gives back what the session holds of the gateway

	mu        sync.Mutex
	inbox     []inbound
	waiting   int                     // bytes in the inbox
	next      uint64                  // the rid to process next
	parked    map[uint64]*boshRequest // arrived before their turn
	held      []*boshRequest          // processed and not answered, in rid order
	answered  []boshAnswer            // the latest, for repeats
	first     bool                    // the creation response is still to come
	final     []byte                  // set once ended: what every further request gets
	legacy    bool                    // the peer sent no ver
	acks      bool                    // the client acknowledges answers (bosh_acks.go)
	keys      boshKeys                // who may go on (bosh_keys.go)
	paused    time.Duration           // inactivity that a pause asked for; 0: none
	emptyAt   time.Time               // when an empty request was last answered without payload
	idle      *time.Timer             // runs while no request is here
	idleFrom  time.Time               // since when; zero: it does not run
	idleFor   time.Duration           // and for how long
	abandoned bool                    // it ran out
	lost      [][]byte                // what nobody came for then (bosh_lost.go)
	gap       *time.Timer             // runs while requests are parked
	signIn    *time.Timer
	unclaimed bool // prebound, and nobody has attached yet
}

// inbound is one thing for Recv or Restart.
type inbound struct {
	element *stream.Element
	restart bool
	err     error
}

func (in inbound) size() int {
	if in.element == nil {
		return 0
	}
	return len(in.element.Raw)
}

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

var _ carrier = (*boshSession)(nil)

// newBOSH makes a session and lets the server serve it.
func (g *Gateway) newBOSH(c caller, b *stream.Body, rid uint64) (*boshSession, error) {
	s := &boshSession{
		gateway: g,
		sid:     rand.Text() + rand.Text()[:4],
		secure:  c.secure,
		peer:    g.peer(c, stream.BOSH),
		params:  g.negotiate(b),
		shaper:  g.newShaper(),
		wake:    make(chan struct{}, 1),
		next:    rid,
		parked:  make(map[uint64]*boshRequest),
		first:   true,
		legacy:  !b.Has("ver"),
		acks:    wantsAcks(b),
	}
	s.peer.Lang = b.Attrs[stream.Name{Space: stream.NSXML, Local: "lang"}]
	s.queue = stream.NewQueue(g.cfg.Queue, s.flush)
	release, err := g.track(s)
	if err != nil {
		return nil, err
	}
	stopExpiry := expire(s)
	s.stop = func() { stopExpiry(); release() }
	s.idle = time.AfterFunc(s.params.inactivity, s.inactive)
	s.gap = time.AfterFunc(gapPatience, s.gapped)
	s.gap.Stop()
	s.signIn = time.AfterFunc(g.cfg.Unauthenticated, func() { s.Close(boshPolicyViolation) })
	g.mu.Lock()
	g.sessions[s.sid] = s
	g.mu.Unlock()
	go s.run()
	return s, nil
}

// run serves the stream; the session stays for a while to tell a late request
// how it ended.
func (s *boshSession) run() {
	if err := s.gateway.cfg.Server.Serve(s.gateway.ctx, s, s.peer); err != nil {
		s.gateway.log.Debug("bosh ended", "conn", s.peer.Conn, "reason", err)
	}
	s.Close(nil)
	s.signIn.Stop()
	s.stop()
}

func (s *boshSession) info() *stream.Peer { return &s.peer }

// forget removes the session: requests for it find nothing from here on.
func (s *boshSession) forget() {
	s.gateway.mu.Lock()
	delete(s.gateway.sessions, s.sid)
	s.gateway.mu.Unlock()
}

// inactive ends a session that no request came for (XEP-0124 §10, B-40).
func (s *boshSession) inactive() {
	s.forget()
	s.mu.Lock()
	s.abandoned = true
	s.mu.Unlock()
	s.Close(stream.ErrDisconnected)
}

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
		r.reply(s.finalReply())
		s.told.Store(true)
	case r.rid < s.next:
		s.repeat(r)
	case r.rid >= s.next+uint64(s.params.requests)+s.extra(r):
		s.endLocked(boshItemNotFound) // beyond the window (B-27)
		r.reply(s.finalReply())
	default:
		if old := s.parked[r.rid]; old != nil {
			old.reply(recoverable())
		}
		s.parked[r.rid] = r
		s.proceed()
		s.checkRequests(r)
	}
	s.startInactivityTimer()
}

// checkRequests ends the session of a client that has more requests under way
// than it may (XEP-0124 §11, B-36), those counted out that have just been
// answered. None is answered late enough to break the rule of how often it may
// ask (B-37): there are never `requests` of them without a gap.
func (s *boshSession) checkRequests(r *boshRequest) {
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

// repeat answers a rid that was seen before: from the buffer, or by taking the
// place of the request that still waits (XEP-0124 §14.3, B-28, B-30).
func (s *boshSession) repeat(r *boshRequest) {
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
	r.reply(s.finalReply())
}

// recoverable ends a request, not the session (XEP-0124 §17.3).
func recoverable() boshReply {
	return boshReply{200, []byte(`<body xmlns="` + stream.NSHTTPBind + `" type="error"/>`)}
}

// proceed processes the parked requests whose turn has come.
func (s *boshSession) proceed() {
	for s.final == nil {
		r := s.parked[s.next]
		if r == nil {
			break
		}
		delete(s.parked, s.next)
		s.next++
		s.process(r)
	}
	if len(s.parked) > 0 && s.final == nil {
		s.gap.Reset(gapPatience)
	} else {
		s.gap.Stop()
	}
}

// process takes in the payload of one request and answers what may be.
func (s *boshSession) process(r *boshRequest) {
	if !s.keys.next(r.body) {
		s.endLocked(boshItemNotFound) // XEP-0124 §15.4 (B-44)
		r.reply(s.finalReply())
		return
	}
	s.acknowledged(r)
	empty := len(r.body.Elements) == 0
	if restart, _ := stanza.ParseBool(r.body.XMPP("restart")); restart {
		s.receive(inbound{restart: true}) // its stanzas are ignored (XEP-0206 §5)
		empty = false
	} else {
		for _, e := range r.body.Elements {
			s.receive(inbound{element: e})
		}
	}
	s.held = append(s.held, r)
	if s.waiting > 4*s.gateway.cfg.Limits.Bytes {
		s.endLocked(boshPolicyViolation) // sent faster than it may be, for long
		return
	}
	switch {
	case r.body.Attr("type") == "terminate":
		s.receive(inbound{err: io.EOF})
		s.endLocked(nil) // XEP-0124 §13
		return
	case r.body.Has("pause"):
		s.pause(r.body.Attr("pause"))
		return
	}
	s.answerReady()
	for len(s.held) > s.params.hold && !s.first {
		s.answerOldest(nil) // B-34
	}
	if s.params.wait == 0 && !s.first {
		s.answerAll()
	}
	s.checkPolling(empty, r)
}

// checkPolling ends a polling session that asks too often (XEP-0124 §12, B-39).
func (s *boshSession) checkPolling(empty bool, r *boshRequest) {
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
		r.reply(s.finalReply())
		return
	}
	if n := len(s.answered); n > 0 && s.answered[n-1].rid == r.rid && string(s.answered[n-1].body) == emptyBody {
		s.emptyAt = now
	}
}

// pause answers everything, and gives the client time (XEP-0124 §10, B-41).
func (s *boshSession) pause(text string) {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 || n > int(boshMaxPause/time.Second) {
		s.endLocked(boshPolicyViolation)
		return
	}
	s.paused = time.Duration(n) * time.Second
	for len(s.held) > 0 {
		s.answerOldest(nil)
	}
}

func (s *boshSession) receive(in inbound) {
	s.inbox = append(s.inbox, in)
	s.waiting += in.size()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// startInactivityTimer starts the inactivity timer when no request is here (B-40). What comes for
// the client meanwhile does not start it again: a pause lasts as long as was
// agreed (B-41).
func (s *boshSession) startInactivityTimer() {
	if len(s.held) > 0 || len(s.parked) > 0 || (!s.idleFrom.IsZero() && !s.unclaimed) {
		return
	}
	d := s.params.inactivity
	if s.unclaimed {
		d = s.gateway.cfg.PrebindUnused
	}
	if s.paused > 0 {
		d, s.paused = s.paused, 0
	}
	s.idleFrom, s.idleFor = time.Now(), d
	s.idle.Reset(d)
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
			s.answerOldest(nil)
		}
		break
	}
	s.startInactivityTimer()
}

// flush is called when there is something to send, or the end.
func (s *boshSession) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reason, closed := s.queue.Closed(); closed {
		s.endLocked(reason)
	} else {
		s.answerReady()
	}
	s.startInactivityTimer()
}

// answerReady answers the oldest request if there is payload for it.
func (s *boshSession) answerReady() {
	if s.final != nil || s.queue.Len() == 0 {
		return
	}
	// B-32: a request whose peer has vanished, as at a reload of the page, counts
	// as received, but it carries nothing away.
	for len(s.held) > 0 && s.held[0].gone != nil && s.held[0].gone() {
		s.answerOldest(nil)
	}
	if len(s.held) == 0 {
		return
	}
	if items := s.queue.Drain(); len(items) > 0 {
		s.answerOldest(items)
	}
}

func (s *boshSession) answerAll() {
	for len(s.held) > 0 {
		s.answerOldest(s.queue.Drain())
	}
}

// answerOldest answers the request with the lowest rid and keeps the answer for
// a repeat (XEP-0124 §14.3, B-29).
func (s *boshSession) answerOldest(items [][]byte) {
	r := s.held[0]
	s.held = s.held[1:]
	body := s.bodyOf(r.rid, items)
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

// Recv implements stream.Stream.
func (s *boshSession) Recv(ctx context.Context) (*stream.Element, error) {
	in, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	if in.restart {
		return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "the stream is open already"}
	}
	return in.element, nil
}

// Restart implements stream.Stream: the same session goes on (XEP-0206 §5).
func (s *boshSession) Restart(ctx context.Context) error {
	s.signIn.Stop()
	in, err := s.take(ctx)
	if err == nil && !in.restart {
		err = &stream.Error{Condition: stream.NotAuthorized, Text: "restart the stream after signing in"}
	}
	return err
}

func (s *boshSession) take(ctx context.Context) (inbound, error) {
	for {
		s.mu.Lock()
		if len(s.inbox) > 0 {
			in := s.inbox[0]
			s.waiting -= in.size()
			if s.inbox = s.inbox[1:]; len(s.inbox) == 0 {
				s.inbox = nil
			}
			s.mu.Unlock()
			if err := s.shaper.wait(ctx, in.size()); err != nil {
				return inbound{}, err
			}
			return in, in.err
		}
		s.mu.Unlock()
		if reason, closed := s.queue.Closed(); closed {
			return inbound{}, closedError(reason)
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return inbound{}, ctx.Err()
		}
	}
}

// closedError: XEP-0198 is not used over BOSH, so no end is worth waiting after.
func closedError(reason error) error {
	if reason == nil {
		return stream.ErrClosed
	}
	return reason
}

// Send implements stream.Stream.
func (s *boshSession) Send(raw []byte) error { return s.queue.Push(raw) }

// Ready implements stream.Stream.
func (s *boshSession) Ready(ctx context.Context) error { return s.queue.Ready(ctx) }

// Close implements stream.Stream.
func (s *boshSession) Close(reason error) error {
	if !s.queue.Close(reason) {
		return nil
	}
	s.flush()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// endLocked answers every request with the end: the oldest tells why, the
// others only that a parallel request ended the session (XEP-0124 §13, §17.2,
// B-47, B-50).
func (s *boshSession) endLocked(reason error) {
	if s.final != nil {
		return
	}
	s.final = s.finalBody(reason, s.leftOver())
	s.gap.Stop()
	if len(s.held)+len(s.parked) > 0 {
		s.told.Store(true)
	}
	first := true
	for _, r := range s.underWay() {
		switch {
		case first:
			r.reply(s.finalReplyFor(reason))
		case reason == nil:
			r.reply(boshReply{200, []byte(emptyBody)})
		default:
			r.reply(boshReply{200, terminal("other-request")})
		}
		first = false
	}
	s.held, s.parked = nil, make(map[uint64]*boshRequest)
	var condition boshCondition
	if errors.As(reason, &condition) {
		reason = stream.ErrDisconnected // the server sees a client that is gone
	}
	// Outside the lock: the queue's end wakes the server's goroutine.
	go s.Close(reason)
}

// underWay returns the requests without an answer, in rid order.
func (s *boshSession) underWay() []*boshRequest {
	all := slices.Clone(s.held)
	for _, rid := range slices.Sorted(maps.Keys(s.parked)) {
		all = append(all, s.parked[rid])
	}
	return all
}

func (s *boshSession) finalReply() boshReply { return boshReply{200, s.final} }

// finalReplyFor uses a status for peers that know no conditions (B-48).
func (s *boshSession) finalReplyFor(reason error) boshReply {
	var condition boshCondition
	if s.legacy && errors.As(reason, &condition) {
		return refusal(condition, true)
	}
	return s.finalReply()
}
