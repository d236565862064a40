package muc

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// leave takes a client out of the room (XEP-0045 §7.14). The occupant goes with
// its last client (§7.2.8, S-81).
func (r *room) leave(ctx context.Context, c xmppd.Client, p *stream.Element) {
	r.mu.Lock()
	if m := r.occupants.memberLocked(c); m != nil {
		r.releaseLocked(m, departure{status: statusOf(p)})
	}
	r.mu.Unlock()
	r.endIfEmpty(ctx)
}

// statusOf returns the words that somebody leaves with.
func statusOf(p *stream.Element) []byte {
	if p == nil {
		return nil
	}
	if status, ok := p.Find(stream.NSClient, "status"); ok && !isReserved(status) {
		return status.Raw()
	}
	return nil
}

// releaseLocked takes one client out and says so.
func (r *room) releaseLocked(m *member, d departure) {
	o := m.occupant
	r.removeLocked(m)
	m.goneLocked()
	if len(o.all) == 0 {
		r.occupants.announceGoneLocked(o, []*member{m}, d)
		return
	}
	m.deliverLocked("<presence", o.unavailableLocked(d, m.client.JID()), appendCodes(nil, codeSelf), endOfPresence)
	if o.presenceMember == m {
		o.showLocked(o.all[len(o.all)-1])
		r.occupants.announceLocked(o)
	}
}

// expelLocked takes an occupant out with all its clients, and says why (§8.2, §9.1).
func (r *room) expelLocked(o *occupant, d departure) {
	r.occupants.announceGoneLocked(o, r.evictLocked(o), d)
}

// evictLocked takes all clients of an occupant out, and returns them; nobody is told.
func (r *room) evictLocked(o *occupant) []*member {
	own := slices.Clone(o.all)
	for _, m := range own {
		r.removeLocked(m)
		m.goneLocked()
	}
	return own
}

// endIfEmpty ends a room that is not persistent, or not configured, when its last
// occupant has left (XEP-0045 §7.14, S-86). It waits for a change that is being made: that may be
// what keeps the room. Called without the lock.
func (r *room) endIfEmpty(ctx context.Context) {
	r.mu.Lock()
	over := r.isOverLocked()
	r.mu.Unlock()
	if !over {
		return
	}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.svc.cfg.StoreTimeout)
	defer cancel()
	done, err := r.beginChange(waiting)
	switch {
	case errors.Is(err, errEnding):
		return
	case err != nil:
		r.svc.log.Error("a temporary room was not deleted; it lives on", "room", r.jid, "err", err)
		return
	}
	defer done()
	r.endIfStillEmpty(ctx)
}

// isOverLocked reports whether nobody is in a room that ends then.
func (r *room) isOverLocked() bool {
	return len(r.occupants.members) == 0 && (r.state == locked || (r.state == open && !r.settings.Persistent))
}

// endIfStillEmpty is endIfEmpty for who has the right to change the room.
func (r *room) endIfStillEmpty(ctx context.Context) {
	r.mu.Lock()
	over, kept := r.isOverLocked(), r.state == open
	if over {
		r.state = ending
	}
	r.mu.Unlock()
	if !over {
		return
	}
	if kept {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.svc.cfg.StoreTimeout)
		defer cancel()
		if err := r.delete(ctx); err != nil {
			r.svc.log.Error("a temporary room was not deleted; it lives on", "room", r.jid, "err", err)
		}
	}
	r.svc.forget(r)
}

// delete deletes what is kept of the room, once nothing is on its way there.
func (r *room) delete(ctx context.Context) error {
	if err := r.queue.drain(ctx); err != nil {
		return err
	}
	return r.svc.store.Delete(ctx, r.name, r.jid)
}

// Conditions with which a client says that it is not there (XEP-0045 §18.1.2).
var unreachable = []string{"gone", "item-not-found", "recipient-unavailable", "redirect",
	"remote-server-not-found", "remote-server-timeout", "service-unavailable", "internal-server-error", "jid-malformed"}

// bounced handles an error that a client answers with: if it means that what the
// room sends does not arrive, the client is taken out (S-90).
func (s *Service) bounced(ctx context.Context, c xmppd.Client, el *stream.Element, to stanza.Address) error {
	r := s.inMemory(to.User)
	if r == nil {
		return nil
	}
	e, ok := el.Find(stream.NSClient, "error")
	if !ok {
		return nil
	}
	lost := false
	for condition := range e.Children() {
		lost = lost || slices.Contains(unreachable, condition.Name.Local)
	}
	if !lost {
		return nil
	}
	r.mu.Lock()
	if m := r.occupants.memberLocked(c); m != nil {
		r.releaseLocked(m, departure{codes: []string{codeTechnicalFail}})
	}
	r.mu.Unlock()
	r.endIfEmpty(ctx)
	return nil
}

// beginChange waits for the right to change what is kept of the room; done gives it
// back. Errors: errEnding when the room ends meanwhile, or ctx's.
func (r *room) beginChange(ctx context.Context) (done func(), err error) {
	select {
	case r.changing <- struct{}{}:
		select {
		case <-r.ended: // both were possible
			<-r.changing
			return nil, errEnding
		default:
			return func() { <-r.changing }, nil
		}
	case <-r.ended:
		return nil, errEnding
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), errors.New("another change of the room takes too long"))
	}
}
