package muc

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// IQs between occupants (XEP-0045 §17.4, S-84): they travel under the occupants'
// addresses, so that neither side learns the other's real one.

// occupantIQ passes an IQ to an occupant, or answers it in the occupant's stead.
func (s *Service) occupantIQ(ctx context.Context, c xmppd.Client, iq *stream.Element, to stanza.Address) error {
	request := iq.Type == "get" || iq.Type == "set"
	r := s.inMemory(to.User)
	if r == nil {
		if request {
			return notHere(iq)
		}
		return nil
	}
	if !request {
		r.answerIQ(c, iq, to.Resource)
		return nil
	}
	return r.askOccupant(ctx, c, iq, to.Resource)
}

// notHere is what somebody is told who asks an occupant, and is not in the room: of discovery that
// it is a bad-request (XEP-0045 §6.6), else that they are not there (XEP-0410 §3.3, S-92).
func notHere(iq *stream.Element) error {
	if iq.Child.Space == stanza.NSDiscoInfo || iq.Child.Space == stanza.NSDiscoItems {
		return stanza.ErrBadRequest
	}
	return errNotHere
}

// askOccupant handles a request to an occupant.
func (r *room) askOccupant(ctx context.Context, c xmppd.Client, iq *stream.Element, nick string) error {
	r.mu.Lock()
	m := r.occupants.memberLocked(c)
	o := r.occupants.findLocked(nick)
	switch {
	case m == nil:
		r.mu.Unlock()
		return notHere(iq)
	case o == nil:
		r.mu.Unlock()
		return errNoSuchOccupant
	case o == m.occupant && iq.Child == stream.Name{Space: stanza.NSPing, Local: "ping"}:
		r.mu.Unlock()
		// XEP-0410 §3.2: the room answers a ping to oneself.
		return r.svc.server.Answer(ctx, c, iq, nil)
	}
	asker, asked, user := m.occupant.jid, o.presenceMember.client, o.user
	r.mu.Unlock()
	if err := r.svc.checkBlocked(ctx, user, asker, c.JID()); err != nil {
		return err
	}
	if iq.Child == (stream.Name{Space: stanza.NSVCard, Local: "vCard"}) {
		return r.svc.answerVCard(ctx, c, iq, user)
	}
	id := r.svc.seal.seal(c.JID(), asked.JID(), iq.ID)
	asked.Deliver(iq.Edit().Set("from", asker).Set("to", asked.JID()).Set("id", id).Bytes())
	return nil
}

// answerVCard answers with the account's own card (XEP-0045 §17.4): a card is asked
// of the account, not of one of its clients.
func (s *Service) answerVCard(ctx context.Context, c xmppd.Client, iq *stream.Element, user string) error {
	if iq.Type != "get" {
		return stanza.ErrNotAllowed
	}
	card, err := s.server.VCardOf(ctx, user)
	if err != nil {
		return err
	}
	return s.server.Answer(ctx, c, iq, card)
}

// answerIQ passes an occupant's answer back to the client that asked.
func (r *room) answerIQ(c xmppd.Client, iq *stream.Element, nick string) {
	asker, id, ok := r.svc.seal.open(iq.ID, c.JID())
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m, o := r.occupants.memberLocked(c), r.occupants.findLocked(nick)
	if m == nil || o == nil {
		return
	}
	for _, to := range o.all {
		if to.client.JID() == asker {
			to.client.Deliver(iq.Edit().Set("from", m.occupant.jid).Set("to", asker).Set("id", id).Bytes())
		}
	}
}

// handleRoomPing: the room is there (XEP-0199 §4.2).
func handleRoomPing(context.Context, *room, xmppd.Client, stream.Child) ([]byte, error) {
	return nil, nil
}
