package muc

import (
	"context"

	"foyer/internal/stanza"
	"foyer/xmppd"
)

// Addresses of a room that an account blocks (XEP-0191 §3.3): nothing of what comes from one is
// delivered to the account's clients. Of a blocked occupant they see and hear nothing, as if that
// one was not there; a room that is blocked as a whole they leave. Whom somebody blocks by the
// address of the account stays to be seen in rooms, which are everybody's, and reaches them there
// no more (private.go).

var _ xmppd.BlockWatcher = (*Service)(nil)

// BlocksChanged implements xmppd.BlockWatcher.
func (s *Service) BlocksChanged(ctx context.Context, c xmppd.Client) {
	if err := s.followBlocks(ctx, c); err != nil {
		s.log.Error("what somebody blocks was not looked up; it is told of rooms by what it was", "user", c.User(), "err", err)
	}
	rooms := s.joined.of(c)
	if len(rooms) == 0 {
		return
	}
	blocks, err := s.server.BlockedAt(ctx, c.User(), s.cfg.Domain)
	if err != nil {
		s.log.Error("what somebody blocks was not looked up; rooms go by what it was", "user", c.User(), "err", err)
		return
	}
	for _, r := range rooms {
		r.mu.Lock()
		if m := r.occupants.memberLocked(c); m != nil {
			m.applyBlocksLocked(blocks)
		}
		r.mu.Unlock()
		r.endIfEmpty(ctx)
	}
}

// followBlocks applies what an account blocks to what one of its clients is told of rooms, if it
// is told of any. What changes while the list is read is not missed: it is read again.
func (s *Service) followBlocks(ctx context.Context, c xmppd.Client) error {
	if !s.followers.has(c) {
		return nil
	}
	for range 2 {
		blocks, err := s.server.BlockedAt(ctx, c.User(), s.cfg.Domain)
		if err != nil {
			return err
		}
		s.followers.setBlocks(c, blocks)
	}
	return nil
}

// applyLaterBlocks applies what an account blocked after its list was read for entering, and
// before the client was a member.
func (s *Service) applyLaterBlocks(ctx context.Context, r *room, e joinRequest) {
	if blocks, err := s.server.BlockedAt(ctx, e.client.User(), s.cfg.Domain); err == nil && blocks != e.history.blocks {
		r.mu.Lock()
		if m := r.occupants.memberLocked(e.client); m != nil {
			m.applyBlocksLocked(blocks)
		}
		r.mu.Unlock()
		r.endIfEmpty(ctx)
	}
}

// applyBlocksLocked hides from a client the occupants that its account blocks from now on, and
// shows it those that it blocks no more; it takes the client out of a room that is blocked.
func (m *member) applyBlocksLocked(blocks xmppd.Blocked) {
	if m.blocks == blocks {
		return
	}
	r := m.occupant.room
	if blocks.Has(stanza.Address{User: r.name, Domain: r.svc.cfg.Domain}) {
		r.releaseLocked(m, departure{})
		return
	}
	before := m.blocks
	for _, o := range r.occupants.byNick {
		m.blocks = before
		was := m.hidesLocked(o)
		m.blocks = blocks
		switch is := m.hidesLocked(o); {
		case is && !was:
			jid := ""
			if m.occupant.seesAddressesLocked() {
				jid = o.presenceMember.client.JID()
			}
			m.deliverLocked("<presence", o.unavailableLocked(departure{}, jid), endOfPresence)
		case was && !is:
			m.showLocked(o, nil)
		}
	}
	m.blocks = blocks
}

// hidesLocked reports whether nothing of an occupant is delivered to this client. Of one's own
// nicknames everything is.
func (m *member) hidesLocked(o *occupant) bool { return m.hidesNickLocked(o, o.nick) }

// hidesNickLocked is hidesLocked, of an occupant that has that nickname.
func (m *member) hidesNickLocked(o *occupant, nick string) bool {
	return m.blocks != (xmppd.Blocked{}) && o.user != m.occupant.user &&
		m.blocks.Has(stanza.Address{User: o.room.name, Domain: o.room.svc.cfg.Domain, Resource: nick})
}
