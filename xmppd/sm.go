package xmppd

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Stream management (XEP-0198): a stanza counts as handled when it was handled
// to the end, so an acknowledged message is in Postgres. What the client has
// not acknowledged is kept, and sent again when it resumes (resume.go) or left
// for later when it does not (redeliver.go).

const (
	smRequest = `<r xmlns="` + stanza.NSSM + `"/>`
)

// Stanzas sent before an acknowledgement is asked for.
const smAckEvery = 10

// smState is guarded by its session's mutex.
type smState struct {
	id        string // ≥128 random bits; valid for the same account only
	resumable bool
	in        uint32 // stanzas handled; wraps (XEP-0198 §4)
	acked     uint32 // stanzas the client acknowledged; wraps
	unacked   []sentStanza
	unsent    int           // of unacked, at its end: not sent on this stream yet (resume.go)
	size      int           // of unacked, in bytes
	total     *atomic.Int64 // sizes of all the account's sessions
	asked     int           // stanzas since the last <r/>
	lastAsked time.Time     // when that was sent
	waiting   time.Time     // since when an <r/> waits for its answer; zero: none does
	expiry    *time.Timer   // runs while hibernating
	since     time.Time     // of hibernation
}

type sentStanza struct {
	raw []byte
	at  time.Time
}

// sent keeps a stanza. It returns how many bytes the account's sessions have
// unacknowledged with it.
func (m *smState) sent(s sentStanza) (total int64) {
	m.unacked = append(m.unacked, s)
	m.asked++
	return m.grow(len(s.raw))
}

func (m *smState) grow(bytes int) (total int64) {
	m.size += bytes
	return m.total.Add(int64(bytes))
}

// wantsAck reports whether it is time to ask.
func (m *smState) wantsAck() bool { return m.asked >= smAckEvery }

// asks notes that an acknowledgement is asked for.
func (m *smState) asks(now time.Time) {
	m.asked, m.lastAsked = 0, now
	if m.waiting.IsZero() {
		m.waiting = now
	}
}

// ack drops what the client has handled. It returns when the last of that was sent, zero
// when there was nothing, and false when the client claims more than was sent (XEP-0198 §4).
func (m *smState) ack(h uint32) (last time.Time, ok bool) {
	n := h - m.acked // wraps
	if int64(n) > int64(len(m.unacked)) {
		return time.Time{}, false
	}
	m.waiting = time.Time{}
	if n > 0 {
		last = m.unacked[n-1].at
	}
	for _, u := range m.unacked[:n] {
		m.grow(-len(u.raw))
	}
	clear(m.unacked[:n])
	m.unacked = m.unacked[n:]
	if len(m.unacked) == 0 {
		m.unacked = nil // memory is given back
	}
	m.acked, m.unsent = h, min(m.unsent, len(m.unacked))
	return last, true
}

// resumesAt takes a count that is behind what the client acknowledged: it has forgotten the
// latest of what it handled, as a page may that is reloaded before it has written that
// down, and counts on from there. None of it is here to be sent again.
func (m *smState) resumesAt(h uint32) {
	if int32(h-m.acked) < 0 { // wraps
		m.acked = h
	}
}

func (m *smState) stop() {
	if m.expiry != nil {
		m.expiry.Stop()
	}
}

// finish returns what is unacknowledged and keeps nothing.
func (m *smState) finish() []sentStanza {
	m.stop()
	unacked := m.unacked
	m.unacked = nil
	m.grow(-m.size)
	return unacked
}

// handleSM handles stream management within a bound session.
func (s *session) handleSM(el *stream.Element) error {
	switch el.Name.Local {
	case "enable":
		return s.enableSM(el)
	case "r":
		s.sendAck()
	case "a":
		return s.handleAck(el)
	case "resume":
		// XEP-0198 §5: resuming is instead of binding.
		s.send(smFailed("unexpected-request"))
	default:
		// RFC 6120 §4.9.3.24: <enabled/> and its kind are for servers to say.
		return &stream.Error{Condition: stream.UnsupportedStanzaType}
	}
	return nil
}

// enableSM answers <enable/> (XEP-0198 §3). The id is known to the server before
// the client learns it.
func (s *session) enableSM(el *stream.Element) error {
	m := s.newSM(el)
	started, err := s.startSM(m)
	if !started {
		s.server.registry.removeResumable(m.id)
		s.send(smFailed("unexpected-request"))
	}
	return err
}

// newSM is the state that an <enable/> asks for.
func (s *session) newSM(enable attributed) *smState {
	m := &smState{total: &s.account.unacked}
	attr, _ := enable.Attr("resume")
	if resume, _ := stanza.ParseBool(attr); resume {
		m.resumable, m.id = true, rand.Text()
		s.server.registry.addResumable(m.id, s)
	}
	return m
}

// startSM begins to count. It reports false when that is not possible, or done
// already.
func (s *session) startSM(m *smState) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil || s.sm != nil || s.peer.Transport == stream.BOSH {
		return false, nil
	}
	s.sm = m
	return true, s.stream.Send(s.enabled(m))
}

// enabled is the answer to <enable/> (XEP-0198 §3).
func (s *session) enabled(m *smState) []byte {
	enabled := `<enabled xmlns="` + stanza.NSSM + `"`
	if m.resumable {
		enabled += ` id="` + m.id + `" resume="true" max="` + strconv.Itoa(int(s.server.cfg.ResumeTimeout.Seconds())) + `"`
	}
	return []byte(enabled + `/>`)
}

// countHandled counts a stanza of the client. Messages are acknowledged without
// being asked, so that the client's own queue stays short: what it still holds
// when the stream is lost is what it may have to send again.
func (s *session) countHandled(ack bool) {
	s.mu.Lock()
	on := s.sm != nil
	if on {
		s.sm.in++
	}
	s.mu.Unlock()
	if on && ack {
		s.sendAck()
	}
}

func (s *session) sendAck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return
	}
	answer := smFailed("unexpected-request")
	if s.sm != nil {
		answer = smAck(s.sm.in)
	}
	_ = s.stream.Send(answer)
}

func smAck(h uint32) []byte {
	return append(strconv.AppendUint([]byte(`<a xmlns="`+stanza.NSSM+`" h="`), uint64(h), 10), `"/>`...)
}

func (s *session) handleAck(el *stream.Element) error {
	h, err := smCount(el)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sm == nil || s.state >= ended {
		return nil
	}
	if !s.ackLocked(h) {
		return tooHigh(h, s.sm)
	}
	return nil
}

func smCount(el attributed) (uint32, error) {
	text, _ := el.Attr("h")
	h, err := stanza.ParseNumber(text, 32)
	if err != nil {
		return 0, &stream.Error{Condition: stream.BadFormat, Text: "h must be a number below 2^32"}
	}
	return uint32(h), nil
}

// tooHigh is the error for a client that acknowledges what was never sent
// (XEP-0198 §4).
func tooHigh(h uint32, m *smState) error {
	return &stream.Error{
		Condition: stream.UndefinedCondition,
		Text:      fmt.Sprintf("You acknowledged %d stanzas, but only %d were sent.", h, m.acked+uint32(len(m.unacked))),
		Extra:     fmt.Sprintf(`<handled-count-too-high xmlns="%s" h="%d" send-count="%d"/>`, stanza.NSSM, h, m.acked+uint32(len(m.unacked))),
	}
}

func smFailed(condition string) []byte { return smFailedWith("", condition) }

func smFailedWith(attrs, condition string) []byte {
	return []byte(`<failed xmlns="` + stanza.NSSM + `"` + attrs + `><` + condition + ` xmlns="` + stanza.NSStanzas + `"/></failed>`)
}
