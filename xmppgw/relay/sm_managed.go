package relay

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// smManaged is the side of a BOSH client. The relay does stream management of its own
// towards the upstream (XEP-0198): once the client has bound its resource, the relay asks
// for a session that can be resumed, counts what comes, and keeps what it sends until that
// is acknowledged. When the link is lost, the relay resumes on another one, and the client
// does not notice more than a pause.
//
//	off ──bind──▶ enabling ──enabled──▶ on ⇄ (link lost: resuming)
//	 ▲               │                  │
//	 └────failed─────┘                  └──not resumed──▶ system-shutdown
type smManaged struct {
	conn    *conn
	offered bool // the upstream has XEP-0198

	mu              sync.Mutex
	link            *link // nil while the relay looks for another
	ended           bool
	state           managing
	id              string        // of resumption; empty: none was agreed
	keeps           time.Duration // for which the upstream keeps the session
	in              uint32        // stanzas that came; wraps (XEP-0198 §4)
	acked           uint32        // stanzas that the upstream acknowledged; wraps
	unacked         [][]byte      // what it did not, in order
	size            int           // of those, in bytes
	ackPendingSince time.Time     // since when the upstream owes an acknowledgement, if unacked is not empty
	asked           int           // stanzas since the upstream was last asked
	question        question      // the last time it was
	room            chan struct{} // closed when there is room or an end; nil: nobody waits
	inactive        []byte        // the client's last <inactive/> (XEP-0352); nil: it is active
}

type managing int

const (
	manageOff managing = iota
	manageEnabling
	manageOn
)

// ackEvery is how many stanzas are sent before the upstream is asked whether they came.
const ackEvery = 10

const (
	smEnable  = `<enable xmlns="` + stanza.NSSM + `" resume="true"/>`
	smRequest = `<r xmlns="` + stanza.NSSM + `"/>`
)

func isStanza(el *stream.Element) bool { return el.Name.Space == stream.NSClient }

// ready waits for the upstream to take, and acknowledge, what was sent before.
func (m *smManaged) ready(ctx context.Context) error {
	for {
		m.mu.Lock()
		l, room := m.link, m.roomLocked()
		m.mu.Unlock()
		if room == nil {
			if l != nil && l.ready(ctx) != nil && ctx.Err() != nil {
				return ctx.Err()
			}
			return nil
		}
		m.flush()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// roomLocked returns nil when more may be sent, or what to wait for.
func (m *smManaged) roomLocked() chan struct{} {
	if m.size < m.conn.relay.cfg.Unacked || m.ended {
		return nil
	}
	if m.room == nil {
		m.room = make(chan struct{})
		m.requestAckLocked()
	}
	return m.room
}

func (m *smManaged) releaseLocked() {
	if m.room != nil {
		close(m.room)
		m.room = nil
	}
}

func (m *smManaged) send(el *stream.Element) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if el.Name.Space == stanza.NSCSI {
		m.inactive = nil
		if el.Name.Local == "inactive" {
			m.inactive = el.Raw
		}
	} else if m.state != manageOff {
		if len(m.unacked) == 0 {
			m.ackPendingSince = time.Now()
		}
		m.unacked = append(m.unacked, el.Raw)
		m.size += len(el.Raw)
		m.asked++
	}
	if m.link != nil && m.link.enqueue(el.Raw) != nil && m.state == manageOff {
		return stream.ErrDisconnected
	}
	if m.asked >= ackEvery {
		m.requestAckLocked()
	}
	return nil
}

func (m *smManaged) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != nil {
		m.link.flush()
	}
}

// requestAckLocked asks what has come (XEP-0198 §4).
func (m *smManaged) requestAckLocked() {
	if m.state == manageOn && m.link != nil {
		m.asked = 0
		m.question.ask()
		_ = m.link.send([]byte(smRequest))
	}
}

// next also answers what is between the relay and the upstream, and looks for another
// link when one is lost.
func (m *smManaged) next(ctx context.Context) (*stream.Element, error) {
	for {
		m.mu.Lock()
		l := m.link
		m.mu.Unlock()
		el, err := l.next()
		switch {
		case err != nil:
			m.beforeRead()
			err = m.recover(ctx, err)
		case isStreamError(el):
			m.gone()
			return el, nil
		case el.Name.Space == stanza.NSSM:
			err = m.handleSM(el)
		default:
			m.received(el)
			return el, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// beforeRead lets the client have what came, before somebody waits for more.
func (m *smManaged) beforeRead() { stream.Uncork(m.conn.stream) }

// received counts an element that goes to the client. After the answer to the client's
// bind, and before the client can send anything more, management is turned on.
func (m *smManaged) received(el *stream.Element) {
	if !isStanza(el) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.state == manageOn:
		m.in++
	case m.state == manageOff && m.offered && el.Type == "result" && el.Child == stream.Name{Space: stanza.NSBind, Local: "bind"}:
		m.state = manageEnabling
		_ = m.link.send([]byte(smEnable))
	}
}

func (m *smManaged) handleSM(el *stream.Element) error {
	if el.Name.Local == "r" {
		m.beforeRead() // what came goes on first: the upstream asks for it whenever it sends a message
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch el.Name.Local {
	case "r":
		_ = m.link.send([]byte(`<a xmlns="` + stanza.NSSM + `" h="` + strconv.FormatUint(uint64(m.in), 10) + `"/>`))
	case "a":
		m.question.answered(&m.conn.relay.answers)
		if !m.ackLocked(countOf(el, m.acked)) {
			// XEP-0198 §4: more than was sent. What it has is not known any more.
			m.link.close()
			return m.conn.upstreamLostError(&stream.Error{Condition: stream.UndefinedCondition, Text: "it acknowledges more than was sent"})
		}
	case "enabled":
		m.state = manageOn
		m.id, m.keeps = resumption(el)
		if m.room != nil {
			m.requestAckLocked() // somebody waits for the answer already
		}
	case "failed":
		m.state, m.unacked, m.size = manageOff, nil, 0
		m.offered = false
		m.releaseLocked()
	}
	return nil
}

// ackLocked forgets what the upstream has. It reports false when that is more than was
// sent.
func (m *smManaged) ackLocked(h uint32) bool {
	n := h - m.acked // wraps
	if int64(n) > int64(len(m.unacked)) {
		return false
	}
	for _, raw := range m.unacked[:n] {
		m.size -= len(raw)
	}
	clear(m.unacked[:n])
	if m.unacked = m.unacked[n:]; len(m.unacked) == 0 {
		m.unacked = nil // memory is given back
	}
	m.acked = h
	if m.size < m.conn.relay.cfg.Unacked {
		m.releaseLocked()
	}
	return true
}

// end ends the session at the upstream for good: a BOSH client that is gone does not come
// back to it.
func (m *smManaged) end(reason error) {
	var left [][]byte
	if errors.Is(reason, stream.ErrDisconnected) {
		left = undeliveredErrors(m.conn.stream)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	again := m.ended
	m.ended = true
	m.releaseLocked()
	if again || m.link == nil {
		return // between two links: see finish
	}
	for _, raw := range left {
		_ = m.link.send(raw)
	}
	m.link.close()
}

// undeliveredErrors are the errors for what came for a client that did not come back (XEP-0206
// §7, B-53): the sender of a request learns that nobody answers, and a message goes back,
// which makes the server keep it for later. Presence is dropped.
func undeliveredErrors(st stream.Stream) (errs [][]byte) {
	r, ok := st.(stream.UndeliveredReporter)
	if !ok {
		return nil
	}
	elements, _ := r.Undelivered()
	for _, raw := range elements {
		el, err := stream.Parse(raw, stream.Limits{Bytes: len(raw), Depth: 1 << 10, Attrs: 1 << 10})
		if err != nil || !isStanza(el) {
			continue
		}
		switch {
		case el.Name.Local == "iq" && (el.Type == "get" || el.Type == "set"):
			errs = append(errs, stanza.ErrorReply(el, "", el.From, stanza.ErrServiceUnavailable))
		case el.Name.Local == "message" && el.Type != "error" && el.Type != "groupchat":
			errs = append(errs, stanza.ErrorReply(el, "", el.From, &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.RecipientUnavailable}))
		}
	}
	return errs
}

func (m *smManaged) finish() {
	m.mu.Lock()
	l, w := m.link, hibernatingSession{identity: m.conn.who(), id: m.id, h: m.in, until: time.Now().Add(m.keeps), lang: m.conn.peer.Lang}
	m.mu.Unlock()
	if (l == nil || !l.finish()) && w.id != "" {
		// The upstream could not be told that the session is over, and keeps it.
		m.conn.relay.endHibernating(w)
	}
}

// keepAlive: an upstream that owes an acknowledgement is asked for it, and given up when
// it stays silent.
func (m *smManaged) keepAlive(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link == nil {
		return
	}
	every := m.conn.relay.cfg.KeepAlive
	read, sent := m.link.idleTimes(now)
	silent := min(read, now.Sub(m.ackPendingSince))
	switch {
	case m.state != manageOn || len(m.unacked) == 0 || silent < every:
		m.link.keepAlive(now)
	case silent >= 2*every:
		m.link.abort() // the reader notices
	case sent >= every/2:
		m.requestAckLocked()
	}
}
