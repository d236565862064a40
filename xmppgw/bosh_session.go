package xmppgw

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/budget"
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
	traffic
	gateway *Gateway
	server  stream.Server
	sid     string
	secure  bool // created over TLS
	peer    *stream.Peer
	params  params
	queue   *stream.Queue
	shaper  shaper
	wake    chan struct{}         // there is something in the inbox
	told    atomic.Bool           // a request has carried the final body
	proof   atomic.Pointer[proof] // the cookies that proved the site session (bosh.go)
	waits   func()                // is called before Recv waits; nil: nothing. It is for the goroutine of run
	stop    func()                // gives back what the session holds of the gateway

	mu        sync.Mutex
	inbox     []inbound
	waiting   int            // bytes in the inbox
	unpaid    bool           // of which the account could not pay for some
	next      uint64         // the rid to process next
	parked    []*boshRequest // arrived before their turn
	held      []*boshRequest // processed and not answered, in rid order
	answered  []boshAnswer   // the latest, for repeats
	out       []boshDelivery // to be delivered when the lock is given back
	first     bool           // the creation response is still to come
	ended     error          // why
	final     *boshReply     // set once ended: what every further request gets
	legacy    bool           // the peer sent no ver
	acks      bool           // the client acknowledges answers (bosh_acks.go)
	reported  uint64         // the latest answer that was reported as missing
	report    uint64         // to be reported with the next answer; 0: none
	keys      boshKeys       // who may go on (bosh_keys.go)
	paused    time.Duration  // inactivity that a pause asked for; 0: none
	emptyAt   instant        // when an empty request was last answered without payload; 0: none was
	abandoned bool           // inactivity ended it
	requested int64          // requests that came
	repeated  int64          // and those of them that had come before
	lost      [][]byte       // what nobody came for then (bosh_lost.go)
	unclaimed bool           // prebound, and nobody has attached yet

	// What falls due, each 0 when it does not (bosh_timer.go).
	idleFrom  instant       // since when no request is here
	idleFor   time.Duration // and how long that may be
	gapAt     instant       // the requests before the parked ones must have come
	signInAt  instant       // the client must have signed in
	expiresAt instant       // the site session expires
	timer     *time.Timer
	timerAt   instant // when the timer runs out, which may be too early; 0: it does not run
}

// inbound is one thing for Recv or Restart.
type inbound struct {
	element *stream.Element
	restart bool
	err     error
	paid    func() // gives back what the account pays for it; nil: nothing
}

// release gives back what is paid for.
func (in inbound) release() {
	if in.paid != nil {
		in.paid()
	}
}

func (in inbound) size() int {
	if in.element == nil {
		return 0
	}
	return len(in.element.Raw)
}

var (
	_ carrier        = (*boshSession)(nil)
	_ stream.Batcher = (*boshSession)(nil)
	_ stream.Corker  = (*boshSession)(nil)
	_ stream.Waiter  = (*boshSession)(nil)
)

// newBOSH makes a session and lets the server serve it.
func (g *Gateway) newBOSH(c caller, b *stream.Body, rid uint64, at host) (*boshSession, error) {
	s := &boshSession{
		gateway: g,
		server:  at.server,
		sid:     rand.Text() + rand.Text()[:4],
		secure:  c.secure,
		peer:    g.peer(&c, stream.BOSH),
		params:  g.negotiate(b),
		shaper:  g.newShaper(),
		wake:    make(chan struct{}, 1),
		next:    rid,
		first:   true,
		legacy:  !b.Has("ver"),
		acks:    wantsAcks(b),
	}
	s.peer.Domain = at.domain
	s.peer.Idle = s.params.inactivity
	s.peer.Lang = stream.Language(b.Attrs[stream.Name{Space: stream.NSXML, Local: "lang"}])
	s.peer.From = saidFrom(s.params.from, at.domain)
	s.queue = stream.NewQueue(g.cfg.Queue, s.flush)
	release, err := g.track(s)
	if err != nil {
		return nil, err
	}
	s.stop = release
	s.startTimer()
	g.mu.Lock()
	g.sessions[s.sid] = s
	g.mu.Unlock()
	go s.run()
	return s, nil
}

// run serves the stream; the session stays for a while to tell a late request
// how it ended.
func (s *boshSession) run() {
	if err := s.server.Serve(s.gateway.ctx, s, s.peer); err != nil {
		s.gateway.log.Debug("bosh ended", "conn", s.peer.Conn, "reason", err)
	}
	s.Close(nil)
	s.StopAuthDeadline()
	s.mu.Lock()
	s.dropInboxLocked()
	s.mu.Unlock()
	_ = budget.Pause(s.gateway.ctx, s.gateway.holdFor(s, false))
	s.stop()
}

// dropInboxLocked gives back what nobody will handle.
func (s *boshSession) dropInboxLocked() {
	for _, in := range s.inbox {
		in.release()
	}
	s.inbox, s.waiting = nil, 0
}

func (s *boshSession) info() *stream.Peer { return s.peer }

func (s *boshSession) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.final != nil {
		return s.ended
	}
	reason, _ := s.queue.Closed()
	return reason
}

// forget removes the session: requests for it find nothing from here on.
func (s *boshSession) forget() {
	s.gateway.mu.Lock()
	delete(s.gateway.sessions, s.sid)
	s.gateway.mu.Unlock()
}

func (s *boshSession) receiveLocked(in inbound) {
	s.waiting += in.size()
	if in.size() > 0 && s.waiting > inboxFree {
		paid, ok := s.gateway.inboxes.TryAcquire(cmp.Or(s.peer.Identity.User, budget.Network(s.peer.Addr)), int64(in.size()))
		in.paid, s.unpaid = paid, s.unpaid || !ok
	}
	s.inbox = append(s.inbox, in)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// flush is called when there is something to send, or the end.
func (s *boshSession) flush() {
	s.mu.Lock()
	defer s.unlock()
	if reason, closed := s.queue.Closed(); closed {
		s.endLocked(reason)
	} else {
		s.answerReadyLocked()
	}
	s.startInactivityLocked()
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
	s.StopAuthDeadline()
	in, err := s.take(ctx)
	if err == nil && !in.restart {
		err = &stream.Error{Condition: stream.NotAuthorized, Text: "restart the stream after signing in"}
	}
	return err
}

// BeforeWait implements stream.Waiter.
func (s *boshSession) BeforeWait(f func()) { s.waits = f }

func (s *boshSession) take(ctx context.Context) (inbound, error) {
	s.Uncork()
	for {
		s.mu.Lock()
		if len(s.inbox) > 0 {
			in := s.inbox[0]
			s.waiting -= in.size()
			in.release()
			if s.inbox = s.inbox[1:]; len(s.inbox) == 0 {
				s.inbox = nil
			}
			s.mu.Unlock()
			if err := s.shaper.wait(ctx, in.size(), s.waits); err != nil {
				return inbound{}, err
			}
			if in.element != nil {
				s.received(in.element.Raw)
			}
			return in, in.err
		}
		s.mu.Unlock()
		if reason, closed := s.queue.Closed(); closed {
			return inbound{}, closedError(reason)
		}
		if s.waits != nil {
			s.waits()
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
func (s *boshSession) Send(raw []byte) error {
	s.gateway.countSent(s, raw)
	return s.queue.Push(raw)
}

// SendBatched implements stream.Batcher.
func (s *boshSession) SendBatched(raw []byte) error { return s.gateway.sendBatched(s, s.queue, raw) }

// Cork implements stream.Corker: what is sent together goes out in one answer.
func (s *boshSession) Cork() { s.queue.Cork() }

// Uncork implements stream.Corker.
func (s *boshSession) Uncork() {
	if s.queue.Uncork() {
		s.flush()
	}
}

// flushWaiting implements flusher.
func (s *boshSession) flushWaiting() {
	if s.queue.Flush() {
		s.flush()
	}
}

// Ready implements stream.Stream.
func (s *boshSession) Ready(ctx context.Context) error {
	if !s.queue.HasRoom() {
		s.Uncork()
	}
	return s.queue.Ready(ctx)
}

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

// fail ends the session by a request that cannot be taken in, and returns the answer to
// that.
func (s *boshSession) fail(why boshCondition) boshReply {
	s.mu.Lock()
	defer s.unlock()
	s.endLocked(why)
	s.told.Store(true)
	reply := *s.final
	reply.content = s.params.content
	return reply
}

// endLocked answers every request with the end: the oldest tells why, the
// others only that a parallel request ended the session (XEP-0124 §13, §17.2,
// B-47, B-50).
func (s *boshSession) endLocked(reason error) {
	if s.final != nil {
		return
	}
	s.ended = reason
	s.final = &boshReply{status: http.StatusOK, body: s.finalBodyLocked(reason, s.drainQueueLocked())}
	var condition boshCondition
	if errors.As(reason, &condition) {
		s.final.status = refusal(condition, s.legacy).status // B-48
	}
	s.gapAt = 0
	if len(s.held)+len(s.parked) > 0 {
		s.told.Store(true)
	}
	first := true
	for _, r := range s.pendingLocked() {
		r.release()
		switch {
		case first:
			s.replyLocked(r, *s.final)
		case reason == nil:
			s.replyLocked(r, boshReply{status: http.StatusOK, body: []byte(emptyBody)})
		default:
			s.replyLocked(r, boshReply{status: http.StatusOK, body: terminal("other-request")})
		}
		first = false
	}
	s.held, s.parked = nil, nil
	if condition != "" {
		reason = stream.ErrDisconnected // the server sees a client that is gone
	}
	// Outside the lock: the queue's end wakes the server's goroutine.
	go s.Close(reason)
}
