package muc

import (
	"context"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// What a room sends is made once; only the to attribute is put in for each
// recipient, right behind the element's name.

// deliverLocked sends a stanza that is given in parts: its start up to the element's
// name, and the rest.
func (m *member) deliverLocked(name string, rest ...[]byte) {
	n := len(name) + len(m.to)
	for _, p := range rest {
		n += len(p)
	}
	out := append(append(make([]byte, 0, n), name...), m.to...)
	for _, p := range rest {
		out = append(out, p...)
	}
	m.sendLocked(out)
}

// sendLocked sends a stanza that was made for this client.
func (m *member) sendLocked(raw []byte) {
	if m.collectingOccupants {
		m.occupantsToSend = append(m.occupantsToSend, raw)
		return
	}
	if m.buffering && len(m.buffered) < maxHeld {
		m.buffered = append(m.buffered, raw)
		return
	}
	if m.buffering {
		m.releaseHeldLocked() // too much waits: it goes on without
	}
	m.client.Deliver(raw)
}

// notice is a message from the room itself, as toAll takes it.
func (r *room) notice(payload string) []byte {
	dst := stanza.AppendAttr([]byte(` xmlns="jabber:client" type="groupchat"`), "from", r.jid)
	dst = stanza.AppendAttr(dst, "id", uuid.NewString())
	return append(append(append(dst, '>'), payload...), "</message>"...)
}

// pending is a message that waits to be stored and delivered.
type pending struct {
	storing *archive.PendingWrite // nil: it is not archived
	settled bool
	stored  bool          // else it failed, and nobody gets it
	id      uuid.UUID     // in the archive; zero: in none
	done    chan struct{} // closed when it was delivered, or failed
	deliver func(id uuid.UUID)
}

// messageQueue is the messages of a room that are on their way, in order. It is safe for
// concurrent use: mu guards it.
type messageQueue struct {
	mu      *sync.Mutex // the room's: what is delivered changes the room
	archive *archive.Archive
	waiting []*pending
	drained chan struct{} // closed when nothing waits; nil: nobody asked
	last    uuid.UUID     // id of the newest message that was delivered
}

// addLocked adds a message to the room's queue and to the archive writer's; no
// entry: it is not archived. deliver is called with the room's lock held, in the
// order of the queue, once what is archived is in Postgres.
func (q *messageQueue) addLocked(entry *archive.Entry, deliver func(id uuid.UUID)) (*pending, error) {
	p := &pending{done: make(chan struct{}), deliver: deliver}
	if entry != nil {
		storing, err := q.archive.Begin(*entry)
		if err != nil {
			return nil, err
		}
		p.storing = storing
	}
	q.waiting = append(q.waiting, p)
	return p, nil
}

// await waits until the message is stored, and delivers what can be delivered. It
// returns after the message was delivered: what its sender asks next is answered
// after that. Called without the room's lock.
func (q *messageQueue) await(ctx context.Context, p *pending) error {
	var id uuid.UUID
	var err error
	if p.storing != nil {
		id, err = p.storing.Wait(ctx)
	}
	q.mu.Lock()
	p.settled, p.stored, p.id = true, err == nil, id
	q.deliverStoredLocked()
	q.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done(): // an earlier message waits for the database; this one is stored
	}
	return nil
}

// deliverStoredLocked delivers what is stored, from the head of the queue on.
func (q *messageQueue) deliverStoredLocked() {
	for len(q.waiting) > 0 && q.waiting[0].settled {
		p := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		if p.stored {
			if p.id != uuid.Nil {
				q.last = p.id
			}
			p.deliver(p.id)
		}
		close(p.done)
	}
	if len(q.waiting) == 0 {
		q.waiting = nil
		if q.drained != nil {
			close(q.drained)
			q.drained = nil
		}
	}
}

// drain waits until the queue is empty.
func (q *messageQueue) drain(ctx context.Context) error {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.mu.Unlock()
			return nil
		}
		if q.drained == nil {
			q.drained = make(chan struct{})
		}
		wait := q.drained
		q.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stanzaID is the id of a message in the room's archive (XEP-0359 §3).
func (ra *roomArchive) stanzaID(id uuid.UUID) []byte { return stanzaIDBy(ra.owner, id) }

// stanzaIDBy is the id of a message in somebody's archive (XEP-0359 §3).
func stanzaIDBy(owner string, id uuid.UUID) []byte {
	return stanza.ID(owner, id.String())
}

// mayNotSay reports which children of a stanza its sender, a bare JID, may not
// send: what only the room says, and what claims to be said by the room, by this
// server, or by somebody else who is served here: an id in an archive (XEP-0359
// §5, S-91) or a delay (XEP-0203 §4). A client may say that it was delayed itself.
func (s *Service) mayNotSay(sender string) func(stream.Child) bool {
	return func(c stream.Child) bool {
		switch c.Name {
		case stream.Name{Space: stanza.NSSID, Local: "stanza-id"}:
			by, _ := c.Attr("by")
			return s.isOurs(by)
		case stream.Name{Space: stanza.NSDelay, Local: "delay"}:
			from, _ := c.Attr("from")
			a, err := stanza.ParseAddress(from)
			return err != nil || a.Bare() != sender && s.isOurs(from)
		}
		return isReserved(c)
	}
}

// isOurs reports whether an address is one that this server speaks for, or none at
// all.
func (s *Service) isOurs(jid string) bool {
	a, err := stanza.ParseAddress(jid)
	return err != nil || a.Domain == s.cfg.Domain || a.Domain == s.server.Domain()
}
