package muc

import (
	"context"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// privatePair is who writes to whom in a private message, as they were called
// when it was sent.
type privatePair struct {
	from, to         *occupant
	fromJID, fromID  string // occupant address and occupant id
	fromNick, toNick string
}

// private passes a message to one occupant (XEP-0045 §7.5, S-84). It is no part
// of the room's archive; both people have it in their own.
func (r *room) private(ctx context.Context, c xmppd.Client, m *stream.Element, nick string) error {
	p, err := r.privateBetween(c, nick)
	if err != nil {
		return err
	}
	if err := r.svc.checkBlocked(ctx, p.to.user, p.fromJID, c.JID()); err != nil {
		return err
	}
	unlock, err := r.dedupLock.lock(ctx, c, m)
	if err != nil {
		return err
	}
	defer unlock()
	if again, err := r.archive.alreadySaid(ctx, p, m); err != nil || again {
		return err
	}
	received := m.Edit().Set("from", p.fromJID).Drop(r.svc.mayNotSay(p.from.bare)).
		Append(sentInPrivate(p.fromID))
	reflected, err := received.Element()
	if err != nil {
		return err
	}
	// The sender's other clients and her own archive have it as she sent it
	// (XEP-0280 §6.1, XEP-0313 §4.2).
	sent, err := reflected.Edit().Set("from", c.JID()).Set("to", r.jid+"/"+p.toNick).Element()
	if err != nil {
		return err
	}
	theirs, mine := r.privateEntries(p, m, reflected, sent)
	if theirs.Retracts, err = r.archive.privateRetraction(ctx, m, p.fromID, theirs, mine); err != nil {
		return err
	}
	mine.Retracts = theirs.Retracts
	ids, err := r.archivePrivate(ctx, m, theirs, mine)
	if err != nil {
		return err
	}
	if p.from.user != p.to.user {
		c.SendSentCarbons(sent, ids[mine.Owner])
	}
	r.deliverPrivate(p.to, reflected, ids[theirs.Owner])
	if len(ids) == 0 {
		r.svc.archive.NoteUnarchived(p.from.bare, p.from.bare, r.jid, m)
	}
	return nil
}

// sentInPrivate is what the room adds to a private message: whose it is, and that it is one. It comes
// last in it, so that nothing which clients write looks like it (endOfPrivate).
func sentInPrivate(author string) []byte {
	return append(occupantID(author), `<x xmlns="`+stanza.NSMUCUser+`"/>`...)
}

func endOfPrivate(author string) []byte { return append(sentInPrivate(author), "</message>"...) }

// alreadySaid reports whether a private message is a resend of one that is in the sender's
// archive, or in the recipient's if the sender keeps none, or that passed.
func (ra *roomArchive) alreadySaid(ctx context.Context, p privatePair, m *stream.Element) (bool, error) {
	again, err := ra.archive.IsDuplicate(ctx, p.from.bare, ra.owner, m)
	if err != nil || again || !archive.IsResend(m) {
		return again, err
	}
	ids, _, err := ra.saidInPrivate(ctx, p.to.bare, p.fromID, m.ID)
	return slices.ContainsFunc(ids, archive.IsRecent), err
}

// privateEntries are a private message as the archives of its two sides keep it.
func (r *room) privateEntries(p privatePair, m, reflected, sent *stream.Element) (theirs, mine archive.Entry) {
	theirs = archive.Entry{
		Owner: p.to.bare, With: r.jid, Resource: p.fromNick,
		StanzaID: m.ID, Replaces: stanza.CorrectedID(m), Body: stanza.SaidText(m), Stanza: reflected.Raw,
		IsRetraction: archive.IsRetraction(m),
	}
	mine = theirs
	mine.Owner, mine.Resource, mine.Outgoing, mine.Stanza = p.from.bare, p.toNick, true, sent.Raw
	return theirs, mine
}

// checkBlocked: somebody who blocks a person, one of that person's clients, or an
// occupant's address is not reached from there through a room either (XEP-0191 §3).
func (s *Service) checkBlocked(ctx context.Context, user string, addresses ...string) error {
	for _, jid := range addresses {
		blocked, err := s.server.Blocks(ctx, user, jid)
		switch {
		case err != nil:
			return err
		case blocked:
			return stanza.ErrServiceUnavailable
		}
	}
	return nil
}

// archivePrivate stores a private message for those of the two who want it
// (XEP-0441 §2, S-64), and returns its ids by whose archive they are in.
func (r *room) archivePrivate(ctx context.Context, m *stream.Element, receiver, sender archive.Entry) (map[string]uuid.UUID, error) {
	if !stanza.ShouldArchive(m) {
		return nil, nil
	}
	both := []archive.Entry{receiver, sender}
	if receiver.Owner == sender.Owner {
		both = both[:1]
	}
	var entries []archive.Entry
	for _, e := range both {
		owner, err := stanza.ParseAddress(e.Owner)
		if err != nil {
			return nil, err
		}
		with := stanza.Address{User: r.name, Domain: r.svc.Domain(), Resource: e.Resource}
		keep, err := r.svc.server.ArchivesWith(ctx, owner.User, with)
		if err != nil {
			return nil, err
		}
		if keep || e.Retracts != nil { // those who come back later must learn of it
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return nil, nil
	}
	id, err := r.svc.archive.Store(ctx, entries...)
	ids := make(map[string]uuid.UUID, len(entries))
	for _, e := range entries {
		ids[e.Owner] = id
	}
	return ids, err
}

// privateBetween returns sender and recipient, if the one may write to the other.
func (r *room) privateBetween(c xmppd.Client, nick string) (privatePair, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.occupants.memberLocked(c)
	if m == nil {
		return privatePair{}, errNotOccupant
	}
	from, to := m.occupant, r.occupants.findLocked(nick)
	if to == nil {
		return privatePair{}, errNoSuchOccupant
	}
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
		return privatePair{}, errNoPrivate
	}
	return privatePair{from: from, to: to, fromJID: from.jid, fromID: from.id, fromNick: from.nick, toNick: to.nick}, nil
}

// deliverPrivate delivers a private message to all clients of an occupant.
func (r *room) deliverPrivate(to *occupant, reflected *stream.Element, id uuid.UUID) {
	edit := reflected.Edit().Set("to", "")
	if id != uuid.Nil {
		edit.Append(stanzaIDBy(to.bare, id))
	}
	rest := edit.Bytes()[len("<message"):]
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range to.all {
		m.deliverLocked("<message", rest)
	}
}
