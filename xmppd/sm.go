package xmppd

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Stream management (XEP-0198): a stanza counts as handled when it was handled
// to the end, so an acknowledged message is in Postgres. What the client has
// not acknowledged is kept, and sent again when it resumes.

const (
	nsSM      = "urn:xmpp:sm:3"
	smRequest = `<r xmlns="` + nsSM + `"/>`
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
	asked     int         // stanzas since the last <r/>
	expiry    *time.Timer // runs while hibernating
	since     time.Time   // of hibernation
}

type sentStanza struct {
	raw []byte
	at  time.Time
}

func (m *smState) sent(raw []byte, at time.Time) {
	m.unacked = append(m.unacked, sentStanza{raw, at})
	m.asked++
}

// wantsAck reports whether it is time to ask, and notes that it was done.
func (m *smState) wantsAck() bool {
	if m.asked < smAckEvery {
		return false
	}
	m.asked = 0
	return true
}

// ack drops what the client has handled. It reports false when the client
// claims more than was sent (XEP-0198 §4).
func (m *smState) ack(h uint32) bool {
	n := h - m.acked // wraps
	if int64(n) > int64(len(m.unacked)) {
		return false
	}
	m.unacked = m.unacked[n:]
	if len(m.unacked) == 0 {
		m.unacked = nil // memory is given back
	}
	m.acked = h
	return true
}

func (m *smState) stop() {
	if m.expiry != nil {
		m.expiry.Stop()
	}
}

// take returns what is unacknowledged and forgets it.
func (m *smState) take() [][]byte {
	out := make([][]byte, len(m.unacked))
	for i, u := range m.unacked {
		out[i] = u.raw
	}
	m.unacked = nil
	return out
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
		s.send(smFailed("unexpected-request", 0, false))
	}
	return nil
}

func (s *session) enableSM(el *stream.Element) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return nil
	}
	if s.sm != nil || s.peer.Transport == stream.BOSH {
		return s.stream.Send(smFailed("unexpected-request", 0, false))
	}
	s.sm = &smState{}
	enabled := `<enabled xmlns="` + nsSM + `"`
	if resume, _ := el.Attr("resume"); resume == "true" || resume == "1" {
		s.sm.resumable = true
		s.sm.id = rand.Text()
		s.server.remember(s.sm.id, s)
		enabled += ` id="` + s.sm.id + `" resume="true" max="` + strconv.Itoa(int(s.server.cfg.ResumeTimeout.Seconds())) + `"`
	}
	return s.stream.Send([]byte(enabled + `/>`))
}

// handled counts a stanza of the client. Messages are acknowledged without
// being asked, so that the client's own queue stays short: what it still holds
// when the stream is lost is what it may have to send again.
func (s *session) handled(ack bool) {
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
	if s.sm != nil && s.stream != nil {
		_ = s.stream.Send(smAck(s.sm.in))
	}
}

func smAck(h uint32) []byte {
	return append(strconv.AppendUint([]byte(`<a xmlns="`+nsSM+`" h="`), uint64(h), 10), `"/>`...)
}

func (s *session) handleAck(el *stream.Element) error {
	h, err := smCount(el)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sm == nil {
		return nil
	}
	if !s.sm.ack(h) {
		return tooHigh(h, s.sm)
	}
	return nil
}

func smCount(el *stream.Element) (uint32, error) {
	text, _ := el.Attr("h")
	h, err := strconv.ParseUint(text, 10, 32)
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
		Extra:     fmt.Sprintf(`<handled-count-too-high xmlns="%s" h="%d" send-count="%d"/>`, nsSM, h, m.acked+uint32(len(m.unacked))),
	}
}

func smFailed(condition string, h uint32, known bool) []byte {
	count := ""
	if known {
		count = ` h="` + strconv.FormatUint(uint64(h), 10) + `"`
	}
	return []byte(`<failed xmlns="` + nsSM + `"` + count + `><` + condition + ` xmlns="` + nsStanzas + `"/></failed>`)
}

func (srv *Server) remember(id string, s *session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.resume[id] = s
}

func (srv *Server) forget(id string) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.resume, id)
}

// hibernate keeps the session for resumption after st was lost. It reports
// false when the session cannot be resumed.
func (srv *Server) hibernate(s *session, st stream.Stream) bool {
	s.mu.Lock()
	if s.state != connected || s.stream != st || s.sm == nil || !s.sm.resumable {
		s.mu.Unlock()
		return false
	}
	s.state, s.stream = hibernating, nil
	s.sm.since = time.Now()
	s.sm.expiry = time.AfterFunc(srv.cfg.ResumeTimeout, func() { srv.end(s, nil) })
	s.mu.Unlock()
	srv.capHibernating(s.account)
	return true
}

// capHibernating ends the oldest hibernating sessions beyond the bound: a
// browser leaves one behind with every reload that does not resume.
func (srv *Server) capHibernating(a *account) {
	var oldest *session
	var since time.Time
	n := 0
	for _, s := range a.all() {
		s.mu.Lock()
		if s.state == hibernating {
			n++
			if oldest == nil || s.sm.since.Before(since) {
				oldest, since = s, s.sm.since
			}
		}
		s.mu.Unlock()
	}
	if n > srv.cfg.Hibernating {
		srv.end(oldest, nil)
	}
}

// resume takes over a session (XEP-0198 §5). Only the same account can; for
// everybody else the id does not exist.
func (c *conn) resume(ctx context.Context, el *stream.Element) (*session, error) {
	h, err := smCount(el)
	if err != nil {
		return nil, err
	}
	previd, _ := el.Attr("previd")
	c.server.mu.RLock()
	s := c.server.resume[previd]
	c.server.mu.RUnlock()
	if s == nil || s.user != c.identity.User || !c.resumable() {
		return nil, c.stream.Send(smFailed("item-not-found", 0, false))
	}
	old, err := s.takeOver(c, h)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return nil, c.stream.Send(smFailed("item-not-found", 0, false))
	}
	old.close()
	if err := c.stillCurrent(ctx); err != nil {
		c.server.end(s, err)
		return nil, err
	}
	c.server.stats.resumed.Add(1)
	return s, nil
}

// taken is the stream that a resumption replaced; nil inside when there was
// none.
type taken struct{ stream stream.Stream }

func (t *taken) close() {
	if t.stream != nil {
		t.stream.Close(&stream.Error{Condition: stream.Conflict, Text: "resumed on another stream"})
	}
}

// takeOver moves the session to the new stream and sends again what the client
// has not handled, in order. It returns nil when the session has ended.
func (s *session) takeOver(c *conn, h uint32) (*taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == ended {
		return nil, nil
	}
	if !s.sm.ack(h) {
		return nil, tooHigh(h, s.sm)
	}
	s.sm.stop()
	old := &taken{s.stream}
	s.state, s.stream, s.peer, s.identity = connected, c.stream, c.peer, c.identity
	resumed := `<resumed xmlns="` + nsSM + `" previd="` + s.sm.id + `" h="` + strconv.FormatUint(uint64(s.sm.in), 10) + `"/>`
	if err := s.stream.Send([]byte(resumed)); err != nil {
		return old, nil // its reader will see that it is closed
	}
	for _, u := range s.sm.unacked {
		_ = s.stream.Send(u.raw)
	}
	if len(s.sm.unacked) > 0 {
		s.sm.asked = 0
		_ = s.stream.Send([]byte(smRequest))
	}
	return old, nil
}

// keepUndelivered keeps for later the messages that an ended session did not
// acknowledge, unless another of the account's sessions took them (XEP-0198
// §6).
func (srv *Server) keepUndelivered(ctx context.Context, s *session, unacked [][]byte) {
	if len(unacked) == 0 || len(s.account.reachable()) > 0 {
		return
	}
	for _, raw := range unacked {
		m, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
		if err != nil || m.Name.Local != "message" || !storesOffline(m) {
			continue
		}
		id, ok := archivedID(m, s.bare)
		if !ok {
			id = uuid.Must(uuid.NewV7())
		}
		stamp := (ArchiveEntry{ID: id}).Time()
		if err := srv.stores.Offline.AddOffline(ctx, s.user, OfflineMessage{ID: id, Stamp: stamp, Stanza: raw}); err != nil {
			s.log.Error("an undelivered message could not be kept offline; it is in the archive", "id", id, "err", err)
		}
	}
}
