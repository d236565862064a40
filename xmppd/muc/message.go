package muc

import (
	"bytes"
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"

	"github.com/google/uuid"
)

// handleMessage handles a message to a room or to an occupant (XEP-0045 §7.4,
// §7.5, §7.8, §8.1).
func (s *Service) handleMessage(ctx context.Context, c xmppd.Client, m *stream.Element, to stanza.Address) error {
	if m.Type == "error" {
		return s.bounced(ctx, c, m, to)
	}
	r, err := s.room(ctx, to.User)
	if err != nil {
		return err
	}
	switch {
	case to.Resource != "" && m.Type == "groupchat":
		return stanza.ErrBadRequest // §7.5 (S-84)
	case to.Resource != "":
		return r.private(ctx, c, m, to.Resource)
	case m.Type == "groupchat" && isSubject(m):
		return r.changeSubject(ctx, c, m)
	case m.Type == "groupchat":
		return r.say(ctx, c, m)
	}
	if x, ok := m.Find(stanza.NSMUCUser, "x"); ok {
		return r.invitation(ctx, c, x)
	}
	if x, ok := m.Find(stanza.NSDataForms, "x"); ok {
		return r.voice(ctx, c, x)
	}
	return stanza.ErrBadRequest
}

// say reflects a message to everybody, its sender included, after it was stored
// (§7.4, S-83). One that is sent again, and was stored the first time, is not
// said twice.
func (r *room) say(ctx context.Context, c xmppd.Client, m *stream.Element) error {
	if again, err := r.saidBefore(ctx, r.jid, c.Bare(), m); err != nil || again {
		return err
	}
	retracted, err := r.retraction(ctx, c, m)
	if err != nil {
		return err
	}
	t, err := r.accept(c, m, retracted)
	if err != nil {
		return err
	}
	return r.settle(ctx, t)
}

// saidBefore reports whether a message that its sender marks as delayed is in
// owner's archive, with that other side: a client whose stream was lost sends its
// last ones again (XEP-0198 §5).
func (r *room) saidBefore(ctx context.Context, owner, with string, m *stream.Element) (bool, error) {
	if _, delayed := m.Find(stanza.NSDelay, "delay"); !delayed || m.ID == "" {
		return false, nil
	}
	return r.svc.server.Archived(ctx, owner, with, m.ID)
}

// accept checks that somebody may speak, and puts the message into the line, with
// what it takes back.
func (r *room) accept(c xmppd.Client, m *stream.Element, retracted *xmppd.Retraction) (*ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, err := r.speaker(c)
	if err != nil {
		return nil, err
	}
	said := r.quote(o, m)
	var entry *xmppd.ArchiveEntry
	if r.settings.Archive && stanza.ShouldArchive(m) {
		entry = r.entryFor(o, m, said)
		entry.Retracts = retracted
	}
	return r.draw(entry, func(id uuid.UUID) { r.toAll(r.cut(said, id)) })
}

// speaker returns the occupant that a client is, if it may speak: only those who
// are here, and in a moderated room only those with voice (§7.4, S-83).
func (r *room) speaker(c xmppd.Client) (*occupant, error) {
	m := r.member(c)
	switch {
	case m == nil && r.state == locked: // not there yet (§17.2)
		return nil, stanza.ErrItemNotFound
	case m == nil:
		return nil, errNotOccupant
	case r.state == locked: // it has no archive yet: acknowledged means stored (§10.1.1)
		return nil, errSetUpFirst
	case r.state == ending: // its archive is being deleted
		return nil, stanza.ErrItemNotFound
	case m.occupant.role == RoleVisitor:
		return nil, errNoVoice
	}
	return m.occupant, nil
}

// quote is a message as the room says it: from the occupant, to nobody yet, and
// without what only the room may say (S-91).
func (r *room) quote(o *occupant, m *stream.Element) []byte {
	return m.Edit().Set("to", "").Set("from", o.jid).
		Drop(r.mayNotSay(o.bare)).
		Append(occupantID(o.id)).Bytes()
}

// cut is a message behind its name, with its id in the archive if it has one.
func (r *room) cut(said []byte, id uuid.UUID) []byte {
	const name = len("<message")
	if id == uuid.Nil {
		return said[name:]
	}
	end := bytes.LastIndex(said, []byte("</"))
	dst := append(make([]byte, 0, len(said)+len(r.jid)+96), said[name:end]...)
	return append(append(dst, r.stanzaID(id)...), said[end:]...)
}

// entryFor is what the archive keeps. The real sender stands beside the stanza,
// for those who may know (S-65).
func (r *room) entryFor(o *occupant, m *stream.Element, said []byte) *xmppd.ArchiveEntry {
	e := &xmppd.ArchiveEntry{Owner: r.jid, With: o.bare, Resource: o.nick, Outgoing: true, StanzaID: m.ID, Replaces: stanza.CorrectedID(m), Stanza: said}
	if body, ok := m.Find(stream.NSClient, "body"); ok {
		e.Body = body.Text()
	}
	return e
}
