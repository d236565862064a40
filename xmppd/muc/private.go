package muc

import (
	"context"

	"foyer/internal/stream"
	"foyer/xmppd"

	"github.com/google/uuid"
)

// private passes a message to one occupant (XEP-0045 §7.5, S-84). It is no part
// of the room's archive; both people have it in their own.
func (r *room) private(ctx context.Context, c xmppd.Client, m *stream.Element, nick string) error {
	r.mu.Lock()
	from, to, err := r.privateBetween(c, nick)
	if err != nil {
		r.mu.Unlock()
		return err
	}
	author, receiverUser, addresses := from.id, to.user, []string{from.jid, from.bare}
	said := m.Edit().Set("from", from.jid).
		Drop(func(c stream.Child) bool {
			return isReserved(c) || r.isForged(c) || isStanzaIDBy(c, from.bare) || isStanzaIDBy(c, to.bare)
		}).
		Append(occupantID(from.id), []byte(`<x xmlns="`+nsUser+`"/>`)).Bytes()
	sender := xmppd.ArchiveEntry{Owner: from.bare, With: r.jid, Resource: to.nick, Outgoing: true, StanzaID: m.ID, Replaces: xmppd.CorrectedID(m), Stanza: said}
	receiver := xmppd.ArchiveEntry{Owner: to.bare, With: r.jid, Resource: from.nick, StanzaID: m.ID, Replaces: sender.Replaces, Stanza: said}
	r.mu.Unlock()
	if err := r.checkBlocked(ctx, receiverUser, addresses); err != nil {
		return err
	}
	retracts, err := r.privateRetraction(ctx, m, author, receiver, sender)
	if err != nil {
		return err
	}
	receiver.Retracts, sender.Retracts = retracts, retracts
	if body, ok := m.Find(stream.NSClient, "body"); ok {
		sender.Body = body.Text()
		receiver.Body = sender.Body
	}
	id, err := r.archivePrivate(ctx, m, receiver, sender)
	if err != nil {
		return err
	}
	return r.handOver(to, said, id)
}

// checkBlocked: whoever blocks a person, or an occupant's address, is not reached
// through a room either (XEP-0191 §3).
func (r *room) checkBlocked(ctx context.Context, user string, addresses []string) error {
	for _, jid := range addresses {
		blocked, err := r.svc.server.Blocks(ctx, user, jid)
		switch {
		case err != nil:
			return err
		case blocked:
			return xmppd.ErrServiceUnavailable
		}
	}
	return nil
}

// archivePrivate stores a private message for those of the two who want it
// (XEP-0441 §2, S-64), and returns its id in the receiver's archive; the zero id
// when it is not kept there.
func (r *room) archivePrivate(ctx context.Context, m *stream.Element, receiver, sender xmppd.ArchiveEntry) (uuid.UUID, error) {
	if !xmppd.Lasting(m) {
		return uuid.Nil, nil
	}
	both := []xmppd.ArchiveEntry{receiver, sender}
	if receiver.Owner == sender.Owner {
		both = both[:1]
	}
	var entries []xmppd.ArchiveEntry
	for _, e := range both {
		owner, err := xmppd.ParseAddress(e.Owner)
		if err != nil {
			return uuid.Nil, err
		}
		with := xmppd.Address{User: r.name, Domain: r.svc.Domain(), Resource: e.Resource}
		keep, err := r.svc.server.ArchivesWith(ctx, owner.User, with)
		if err != nil {
			return uuid.Nil, err
		}
		if keep || e.Retracts != nil { // those who come back later must learn of it
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return uuid.Nil, nil
	}
	id, err := r.svc.server.Archive(ctx, entries...)
	if entries[0].Owner != receiver.Owner {
		id = uuid.Nil
	}
	return id, err
}

// privateBetween returns sender and recipient, if the one may write to the other.
func (r *room) privateBetween(c xmppd.Client, nick string) (from, to *occupant, err error) {
	m := r.member(c)
	if m == nil {
		return nil, nil, errNotOccupant
	}
	if to = r.find(nick); to == nil {
		return nil, nil, xmppd.ErrItemNotFound
	}
	from = m.occupant
	allowed := true
	switch r.settings.Private {
	case Nobody:
		allowed = false
	case Moderators:
		allowed = from.role == RoleModerator || to.role == RoleModerator
	case Participants:
		allowed = from.role != RoleVisitor
	}
	if !allowed {
		return nil, nil, xmppd.ErrForbidden
	}
	return from, to, nil
}

// handOver delivers a private message to all clients of an occupant.
func (r *room) handOver(to *occupant, said []byte, id uuid.UUID) error {
	el, err := stream.Parse(said, stream.Limits{Bytes: len(said)})
	if err != nil {
		return err
	}
	edit := el.Edit().Set("to", "")
	if id != uuid.Nil {
		sid := xmppd.AppendAttr([]byte(`<stanza-id xmlns="`+nsSID+`"`), "by", to.bare)
		edit.Append(append(xmppd.AppendAttr(sid, "id", id.String()), "/>"...))
	}
	rest := edit.Bytes()[len("<message"):]
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range to.all {
		m.deliver("<message", rest)
	}
	return nil
}

// isStanzaIDBy reports whether a child claims an id in somebody's archive.
func isStanzaIDBy(c stream.Child, bare string) bool {
	if c.Name != (stream.Name{Space: nsSID, Local: "stanza-id"}) {
		return false
	}
	by, _ := c.Attr("by")
	a, err := xmppd.ParseAddress(by)
	return err != nil || a.Bare() == bare
}
