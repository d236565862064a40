package muc

import (
	"bytes"
	"context"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// handleMessage handles a message to a room or to an occupant (XEP-0045 §7.4,
// §7.5, §7.8, §8.1).
func (s *Service) handleMessage(ctx context.Context, c xmppd.Client, m *stream.Element, to stanza.Address) error {
	if m.Type == "error" {
		return s.bounced(ctx, c, m, to)
	}
	if claimsModeration(m) {
		return stanza.ErrForbidden
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
		return r.reflectMessage(ctx, c, m)
	}
	if x, ok := m.Find(stanza.NSMUCUser, "x"); ok {
		err := r.invitation(ctx, c, x)
		if err == nil {
			c.SendSentCarbons(m, uuid.Nil)
		}
		return err
	}
	if x, ok := m.Find(stanza.NSDataForms, "x"); ok {
		return r.voice(ctx, c, x)
	}
	return stanza.ErrBadRequest
}

// reflectMessage reflects a message to everybody, its sender included, after it was stored
// if the room's archive keeps it (§7.4, S-83). One that is sent again, and came the first time, is not
// said twice; the first may be under way to the archive still, on a stream that was lost.
func (r *room) reflectMessage(ctx context.Context, c xmppd.Client, m *stream.Element) error {
	unlock, err := r.dedupLock.lock(ctx, c, m)
	if err != nil {
		return err
	}
	defer unlock()
	if again, err := r.svc.archive.IsDuplicate(ctx, r.jid, c.Bare(), m); err != nil || again {
		return err
	}
	retracted, err := r.retraction(ctx, c, m)
	if err != nil {
		return err
	}
	at := time.Now()
	p, err := r.accept(c, m, retracted)
	if err != nil {
		return err
	}
	if err := r.queue.await(ctx, p); err != nil {
		return err
	}
	if p.storing == nil {
		r.svc.archive.NoteUnarchived(c.Bare(), r.jid, c.Bare(), m)
	}
	if retracted != nil {
		r.pins.retracted(ctx, retracted.IDs)
	}
	r.pins.corrected(ctx, c.Bare(), m)
	if said := r.svc.cfg.OnMessage; said != nil {
		said(GroupMessage{Room: r.name, RoomJID: r.jid, User: c.User(), Nick: r.nickOf(c), Message: m, At: at})
	}
	return nil
}

// sayings are messages that are looked for in an archive, or on their way there.
type sayings struct{ byID xmppd.KeyedLock } // by sender and id

// lock waits until no other message of that sender and id is among them. What has no id cannot
// be known again. The error is archive.ErrBusy when the other takes longer than ctx.
func (s *sayings) lock(ctx context.Context, c xmppd.Client, m *stream.Element) (unlock func(), err error) {
	if m.ID == "" {
		return func() {}, nil
	}
	if unlock, err = s.byID.Lock(ctx, c.Bare()+" "+m.ID); err != nil {
		return nil, archive.ErrBusy
	}
	return unlock, nil
}

// GroupMessage is a message that was said in a room.
type GroupMessage struct {
	Room, RoomJID string          // its name, and its address
	User, Nick    string          // who said it; Nick is empty if they have left
	Message       *stream.Element // as the client sent it
	At            time.Time       // before it was delivered
}

func (r *room) nickOf(c xmppd.Client) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.occupants.memberLocked(c); m != nil {
		return m.occupant.nick
	}
	return ""
}

// accept checks that somebody may speak, and enqueues the message, with what it
// retracts.
func (r *room) accept(c xmppd.Client, m *stream.Element, retracted *archive.Retraction) (*pending, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, err := r.speakerLocked(c)
	if err != nil {
		return nil, err
	}
	reflected := r.reflectedLocked(o, m)
	var entry *archive.Entry
	if r.settings.Archive && stanza.ShouldArchive(m) {
		entry = r.archive.entryLocked(o, m, reflected)
		entry.Retracts = retracted
	}
	return r.queue.addLocked(entry, func(id uuid.UUID) {
		r.occupants.toAllFromLocked(o, r.archive.withStanzaID(reflected, id))
		r.activity.messageLocked(o, m, id)
		if retracted != nil {
			r.activity.retractedLocked(retracted.IDs)
		}
	})
}

// speakerLocked returns the occupant that a client is, if it may speak: only those who
// are here, and in a moderated room only those with voice (§7.4, S-83).
func (r *room) speakerLocked(c xmppd.Client) (*occupant, error) {
	m := r.occupants.memberLocked(c)
	switch {
	case m == nil && r.state == locked: // it does not exist yet for others (§17.2)
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

// reflectedLocked is a message as the room sends it: from the occupant, without a
// recipient yet, and without what only the room may say (S-91).
func (r *room) reflectedLocked(o *occupant, m *stream.Element) []byte {
	return m.Edit().Set("to", "").Set("from", o.jid).
		Drop(r.svc.mayNotSay(o.bare)).
		Append(occupantID(o.id)).Bytes()
}

// withStanzaID returns a reflected message without the start of its tag, as
// toAll takes it, and with its id in the archive if it has one (XEP-0359 §3).
func (ra *roomArchive) withStanzaID(reflected []byte, id uuid.UUID) []byte {
	const name = len("<message")
	if id == uuid.Nil {
		return reflected[name:]
	}
	end := bytes.LastIndex(reflected, []byte("</"))
	dst := append(make([]byte, 0, len(reflected)+len(ra.owner)+96), reflected[name:end]...)
	return append(append(dst, ra.stanzaID(id)...), reflected[end:]...)
}

// entryLocked is what the archive keeps. The real sender stands beside the stanza,
// for those who may know (S-65).
func (ra *roomArchive) entryLocked(o *occupant, m *stream.Element, reflected []byte) *archive.Entry {
	return &archive.Entry{
		Owner: ra.owner, With: o.bare, Resource: o.nick, Outgoing: true,
		StanzaID: m.ID, Replaces: stanza.CorrectedID(m), Body: stanza.SaidText(m), Stanza: reflected,
		IsRetraction: archive.IsRetraction(m),
	}
}
