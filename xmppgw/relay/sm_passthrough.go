package relay

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// smPassthrough is the side of a WebSocket or TCP client: stream management is its own, and
// passes through. When the link is lost, the client's connection is dropped as abruptly:
// it comes back, and resumes at the upstream through a new link.
//
// The relay notes the client's resumption id and count as they pass. When the client is
// lost, it holds the link for a while, so that the session can be ended at the upstream if
// its person signs out before the client comes back (hibernating.go).
type smPassthrough struct {
	conn *conn
	link *link

	mu       sync.Mutex
	id       string        // of resumption; empty: none was agreed
	keeps    time.Duration // for which the upstream keeps the session then
	h        uint32        // stanzas that the client acknowledged
	resuming string        // the id that the client wants to resume
	question question      // of the client
	ended    bool
	over     bool // the session has ended for good
	held     bool // the link waits for the client to come back
}

// defaultResumeTime is how long a server may keep a session that does not say (XEP-0198 §3).
const defaultResumeTime = 10 * time.Minute

func (p *smPassthrough) ready(ctx context.Context) error {
	if err := p.link.ready(ctx); err != nil && ctx.Err() != nil {
		return err
	}
	return nil // a link that was closed tells the other goroutine
}

func (p *smPassthrough) send(el *stream.Element) error {
	if el.Name.Space == stanza.NSSM {
		p.noteSent(el)
	}
	if err := p.link.enqueue(el.Raw); err != nil {
		return stream.ErrDisconnected
	}
	return nil
}

func (p *smPassthrough) flush() { p.link.flush() }

// noteSent follows the client's part of stream management (XEP-0198 §4, §5).
func (p *smPassthrough) noteSent(el *stream.Element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch el.Name.Local {
	case "a":
		p.h = countOf(el, p.h)
	case "r":
		p.question.ask()
	case "resume":
		p.resuming, _ = el.Attr("previd")
		p.h = countOf(el, p.h)
	}
}

// countOf returns the attribute h; before, when there is none.
func countOf(el *stream.Element, before uint32) uint32 {
	s, _ := el.Attr("h")
	h, err := stanza.ParseNumber(s, 32)
	if err != nil {
		return before
	}
	return uint32(h)
}

func (p *smPassthrough) next(context.Context) (*stream.Element, error) {
	el, err := p.link.next()
	switch {
	case errors.Is(err, io.EOF):
		p.terminated()
	case err != nil:
	case isStreamError(el):
		p.terminated()
	case el.Name.Space == stanza.NSSM:
		p.noteReceived(el)
		el, err = withoutLocation(el)
	}
	if err != nil {
		return nil, p.conn.upstreamLostError(err)
	}
	return el, nil
}

// withoutLocation takes off where the upstream would like to be resumed (XEP-0198 §5, as
// Openfire says): a host that the client cannot go to, and need not know.
func withoutLocation(el *stream.Element) (*stream.Element, error) {
	if _, told := el.Attr("location"); !told {
		return el, nil
	}
	return el.Edit().Set("location", "").Element()
}

// terminated notes that the upstream has ended the session: nothing is left to resume.
func (p *smPassthrough) terminated() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id = ""
}

// noteReceived follows the upstream's part of stream management.
func (p *smPassthrough) noteReceived(el *stream.Element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch el.Name.Local {
	case "a":
		p.question.answered(&p.conn.relay.answers)
	case "enabled":
		p.id, p.keeps = resumption(el)
	case "resumed":
		// The upstream says what it has resumed (XEP-0198 §5): a client may ask twice.
		p.id = p.resuming
		if previd, told := el.Attr("previd"); told {
			p.id = previd
		}
		p.keeps = p.conn.relay.hibernating.resumed(p.conn.who().User, p.id)
	}
}

// resumption returns what <enabled/> says about resuming the session: its id, empty when
// it cannot be, and for how long it is kept (XEP-0198 §3, §5).
func resumption(enabled *stream.Element) (id string, keeps time.Duration) {
	attr, _ := enabled.Attr("resume")
	if may, _ := stanza.ParseBool(attr); !may {
		return "", 0
	}
	id, _ = enabled.Attr("id")
	keeps = defaultResumeTime
	attr, _ = enabled.Attr("max")
	if seconds, err := stanza.ParseNumber(attr, 31); err == nil && seconds > 0 {
		keeps = time.Duration(seconds) * time.Second
	}
	return id, keeps
}

// end ends the session at the upstream, or leaves it there for the client to come back to. A BOSH
// client that is gone does not: what it did not get goes back (B-53).
func (p *smPassthrough) end(reason error) {
	var left [][]byte
	lost := p.conn.peer.Transport == stream.BOSH && errors.Is(reason, stream.ErrDisconnected)
	if lost {
		left = undeliveredErrors(p.conn.stream)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	switch {
	case !mayResume(reason):
		p.over = true
		p.link.close()
	case p.id == "" && lost:
		for _, raw := range left {
			_ = p.link.send(raw)
		}
		p.link.close()
	case p.id == "" || !errors.Is(reason, stream.ErrDisconnected) || p.conn.relay.cfg.PassSASL:
		// There is nothing to come back to, or this program stops, or no site could end
		// the session meanwhile.
		p.link.abort()
	default:
		p.held = true
		p.hibernateLocked()
	}
}

// hibernateLocked remembers the session as one that waits for its client, and takes the
// link from the goroutine that reads it.
func (p *smPassthrough) hibernateLocked() {
	r, w := p.conn.relay, p.sessionLocked()
	r.hibernating.put(w)
	// End looks at the streams first, and then at what hibernates: when it saw this
	// stream before, it has left its reason.
	if ended := p.conn.endedWith(nil); ended != nil && !mayResume(ended) && r.hibernating.remove(w) {
		r.endHibernating(w)
	}
	p.link.interrupt()
}

// sessionLocked is the session as it hibernates.
func (p *smPassthrough) sessionLocked() hibernatingSession {
	return hibernatingSession{
		identity: p.conn.who(), id: p.id, h: p.h, keeps: p.keeps, until: time.Now().Add(p.keeps), lang: p.conn.peer.Lang, link: p.link,
	}
}

func (p *smPassthrough) finish() {
	p.link.beforeRead = nil // the client's stream is not needed any more
	p.mu.Lock()
	over, held, w := p.over, p.held, p.sessionLocked()
	p.mu.Unlock()
	r := p.conn.relay
	if held && r.start(func() { r.holdLink(w) }) {
		return
	}
	if held {
		p.link.abort()
	}
	if told := p.link.finish(); over && !told && w.id != "" && !r.cfg.PassSASL {
		// The upstream could not be told that the session is over, and keeps it.
		r.start(func() { r.endNow(w) })
	}
}

func (p *smPassthrough) keepAlive(now time.Time) { p.link.keepAlive(now) }
