package muc

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// handleDestroy: XEP-0045 §10.9.
func (r *room) handleDestroy(ctx context.Context, c xmppd.Client, d stream.Child) error {
	where, err := destination(d)
	if err != nil {
		return err
	}
	return r.destroy(ctx, c.User(), where)
}

// destroy ends the room for good, if user owns it (XEP-0045 §10.9, S-89): what
// was kept of it goes first, then everybody is told, once.
func (r *room) destroy(ctx context.Context, user string, where []byte) error {
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.mu.Lock()
	state := r.state
	owner := r.affiliations.ofLocked(user) == Owner
	if owner {
		r.state = ending // nobody enters, and nothing is said any more
	}
	r.mu.Unlock()
	switch {
	case state == ending: // it leaves memory, and may be kept
		return errEnding
	case !owner:
		return stanza.ErrForbidden
	}
	if state == open {
		err = r.delete(ctx)
	}
	r.mu.Lock()
	if err != nil {
		r.state = state
		r.mu.Unlock()
		return err
	}
	r.dissolveLocked(departure{after: where})
	r.mu.Unlock()
	r.svc.forget(r)
	return nil
}

// dissolveLocked puts everybody out. The caller forgets the room, without its lock.
func (r *room) dissolveLocked(d departure) {
	r.state = ending
	members := append([]*member(nil), r.occupants.members...)
	for _, m := range members {
		r.removeLocked(m)
		m.goneLocked()
	}
	for _, m := range members {
		raw := m.occupant.unavailableLocked(d, m.client.JID())
		m.deliverLocked("<presence", raw, appendCodes(nil, codeSelf), endOfPresence)
	}
}

// destination is what people are told: where to go instead, with which password, and why.
func destination(d stream.Child) ([]byte, error) {
	dst := []byte("<destroy")
	if jid, ok := d.Attr("jid"); ok && jid != "" {
		a, err := stanza.ParseAddress(jid)
		if err != nil {
			return nil, err
		}
		dst = stanza.AppendAttr(dst, "jid", a.String())
	}
	dst = append(dst, '>')
	if password, ok := d.Find(nsOwner, "password"); ok {
		if len(password.Text()) > maxReason {
			return nil, errTooLarge
		}
		dst = append(stream.AppendEscaped(append(dst, "<password>"...), password.Text()), "</password>"...)
	}
	reason, err := reasonIn(d, nsOwner)
	if err != nil {
		return nil, err
	}
	return append(append(dst, itemReason("", reason)...), "</destroy>"...), nil
}
