package muc

import (
	"context"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// maxSubject is the maximum length of a subject in bytes.
const maxSubject = 4096

// isSubject reports whether a message changes the subject: it has one, and
// neither body nor thread (XEP-0045 §8.1, S-85).
func isSubject(m *stream.Element) bool {
	_, subject := m.Find(stream.NSClient, "subject")
	_, body := m.Find(stream.NSClient, "body")
	_, thread := m.Find(stream.NSClient, "thread")
	return subject && !body && !thread
}

// changeSubject keeps the new subject, then tells everybody. One that nobody could be told of is not
// kept: who sent it learns that it failed. One that is sent again, and came the first time, is not set
// twice: somebody else may have changed it since.
func (r *room) changeSubject(ctx context.Context, c xmppd.Client, m *stream.Element) error {
	el, _ := m.Find(stream.NSClient, "subject")
	subject := Subject{Text: el.Text(), At: time.Now().UTC()}
	if len(subject.Text) > maxSubject {
		return errTooLarge
	}
	unlock, err := r.dedupLock.lock(ctx, c, m)
	if err != nil {
		return err
	}
	defer unlock()
	if again, err := r.svc.archive.IsDuplicate(ctx, r.jid, c.Bare(), m); err != nil || again {
		return err
	}
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.mu.Lock()
	o, err := r.maySetSubjectLocked(c)
	if err == nil {
		subject.Nick = o.nick
	}
	before := r.subject
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if err := r.svc.store.SetSubject(ctx, r.name, subject); err != nil {
		return err
	}
	p, err := r.announceSubject(c, m, subject)
	if err == nil {
		err = r.queue.await(ctx, p)
	}
	if err != nil {
		r.restoreSubject(ctx, before)
		return err
	}
	if p.storing == nil {
		r.svc.archive.NoteUnarchived(c.Bare(), r.jid, c.Bare(), m)
	}
	return nil
}

// restoreSubject keeps the subject that the room has, after all.
func (r *room) restoreSubject(ctx context.Context, s Subject) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.svc.cfg.StoreTimeout)
	defer cancel()
	if err := r.svc.store.SetSubject(ctx, r.name, s); err != nil {
		r.svc.log.Error("a room's new subject is kept, and nobody was told of it", "room", r.jid, "err", err)
	}
}

// maySetSubjectLocked: moderators, and where the room allows it everybody with voice
// (§8.1).
func (r *room) maySetSubjectLocked(c xmppd.Client) (*occupant, error) {
	m := r.occupants.memberLocked(c)
	switch {
	case m == nil:
		return nil, errNotOccupant
	case r.state != open:
		return nil, stanza.ErrForbidden
	case m.occupant.role == RoleModerator, m.occupant.role == RoleParticipant && r.settings.ChangeSubject:
		return m.occupant, nil
	}
	return nil, stanza.ErrForbidden
}

// announceSubject enqueues the change; it is in the archive as well
// (XEP-0313 §6.1.2).
func (r *room) announceSubject(c xmppd.Client, m *stream.Element, subject Subject) (*pending, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	member := r.occupants.memberLocked(c)
	if member == nil {
		return nil, errNotOccupant
	}
	reflected := r.reflectedLocked(member.occupant, m)
	var entry *archive.Entry
	if r.settings.Archive {
		entry = r.archive.entryLocked(member.occupant, m, reflected)
	}
	return r.queue.addLocked(entry, func(id uuid.UUID) {
		r.subject, r.subjectBy = subject, member.occupant.id
		r.occupants.toAllFromLocked(member.occupant, r.archive.withStanzaID(reflected, id))
	})
}

// subjectForLocked is what tells a client the subject after it entered; always sent,
// empty if there is none (§7.2.15, S-77). It comes from who set it, under their occupant id
// (XEP-0421 §4); from the room, where that is not known any more, or the client blocks them.
func (r *room) subjectForLocked(m *member) []byte {
	from, by := r.jid, r.subject.Nick
	if r.subjectBy == "" || m.blocks.Has(stanza.Address{User: r.name, Domain: r.svc.cfg.Domain, Resource: by}) {
		by = ""
	}
	if by != "" {
		from += "/" + by
	}
	dst := append([]byte(`<message xmlns="jabber:client" type="groupchat"`), m.to...)
	dst = append(stanza.AppendAttr(dst, "from", from), `><subject>`...)
	dst = append(stream.AppendEscaped(dst, r.subject.Text), `</subject>`...)
	if by != "" {
		dst = append(dst, occupantID(r.subjectBy)...)
	}
	if !r.subject.At.IsZero() {
		dst = append(dst, stanza.Delay(r.jid, r.subject.At)...)
	}
	return append(dst, `</message>`...)
}
