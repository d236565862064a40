package muc

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// Retraction (XEP-0424) and moderation (XEP-0425): a message is taken back by
// who said it, or by a moderator. In the archive a tombstone stands in its place;
// everybody who is here is told to take it off the screen (S-92).

const (
	nsOldModerate = "urn:xmpp:message-moderate:0"
)

// noticeCost is about what a notice of moderation takes in the archive, with its tombstone,
// beside the reason, in bytes.
const noticeCost = 1 << 10

// claimsModeration reports whether a message says, anywhere in it, that a moderator took
// something back. Only the room says so (XEP-0425 §3, S-92); Converse believes whoever does,
// in the old way (XEP-0422) as well.
func claimsModeration(m *stream.Element) bool {
	if !bytes.Contains(m.Raw, []byte("moderated")) { // names cannot be written otherwise
		return false
	}
	for c := range m.Children() {
		if c.Has(isModerated) {
			return true
		}
	}
	return false
}

func isModerated(n stream.Name) bool {
	return n.Local == "moderated" && (n.Space == stanza.NSModerate || n.Space == nsOldModerate)
}

// retraction finds what a message takes back: something that the same person said
// here, named by its id in the archive (XEP-0424 §3.1), or by its own. nil: nothing.
//
// Clients believe whoever has the name of the author now, and names change hands; so where
// there is an archive, what is not in it under the person's account is refused.
func (r *room) retraction(ctx context.Context, c xmppd.Client, m *stream.Element) (*archive.Retraction, error) {
	id, err := archive.RetractedID(m)
	if err != nil || id == "" {
		return nil, err
	}
	r.mu.Lock()
	_, err = r.speakerLocked(c)
	archived := r.settings.Archive
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ids, err := r.archive.saidBy(ctx, c.Bare(), id)
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0 && archived:
		return nil, errNotSaid
	case len(ids) == 0 || m.ID == "": // without an id no tombstone can refer to it (XEP-0424 §5)
		return nil, nil
	}
	return &archive.Retraction{IDs: ids, By: m.ID, At: time.Now(), Keep: keptChildren()}, nil
}

// saidBy returns the ids of a message and of its corrections, if that account said it here.
func (ra *roomArchive) saidBy(ctx context.Context, bare, id string) ([]uuid.UUID, error) {
	entry, ids, err := ra.find(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0: // Converse names what somebody takes back by the id that they gave it
		return ra.archive.Versions(ctx, ra.owner, bare, true, id, nil)
	case entry.With != bare:
		return nil, stanza.ErrForbidden
	}
	return ids, nil
}

// keptChildren are what stays of a message that was taken back: who said it.
func keptChildren() []stream.Name {
	return []stream.Name{{Space: stanza.NSOccupantID, Local: "occupant-id"}}
}

// find returns a message of the archive with the ids of everything that corrects it;
// no ids: it is not there. Its id is taken letter for letter: people are told of it as it was named,
// and their clients compare letters. What else was said under the id that its author gave it, or also
// without one, is something else.
func (ra *roomArchive) find(ctx context.Context, text string) (archive.Entry, []uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return archive.Entry{}, nil, nil
	}
	entry, ok, err := ra.archive.Entry(ctx, ra.owner, id)
	if err != nil || !ok {
		return entry, nil, err
	}
	ids, err := ra.archive.Versions(ctx, ra.owner, entry.With, true, cmp.Or(entry.StanzaID, entry.Replaces), nil)
	switch {
	case err != nil:
		return entry, nil, err
	case !slices.Contains(ids, id):
		ids = []uuid.UUID{id}
	}
	return entry, ids, nil
}

// handleModerate takes back what somebody else said (XEP-0425 §3).
func handleModerate(ctx context.Context, r *room, c xmppd.Client, request stream.Child) ([]byte, error) {
	id, _ := request.Attr("id")
	if _, ok := request.Find(stanza.NSRetract, "retract"); !ok {
		return nil, stanza.ErrFeatureNotImplemented
	}
	reason, err := reasonIn(request, stanza.NSModerate)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	_, err = r.moderatorLocked(c)
	archived := r.settings.Archive
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if !archived {
		return nil, stanza.ErrItemNotFound
	}
	_, ids, err := r.archive.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, stanza.ErrItemNotFound
	}
	if err := r.svc.server.SpendArchive(ctx, c.User(), noticeCost+len(reason)); err != nil {
		return nil, err
	}
	p, err := r.moderate(c, id, reason, ids)
	if err != nil {
		return nil, err
	}
	if err := r.queue.await(ctx, p); err != nil {
		return nil, err
	}
	r.pins.retracted(ctx, ids)
	return nil, nil
}

// moderate enqueues the notice, and the tombstones with it.
func (r *room) moderate(c xmppd.Client, id, reason string, ids []uuid.UUID) (*pending, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	actor, err := r.moderatorLocked(c)
	if err != nil {
		return nil, err
	}
	if r.state != open {
		return nil, stanza.ErrItemNotFound
	}
	moderated := stanza.AppendAttr([]byte(`<moderated xmlns="`+stanza.NSModerate+`"`), "by", actor.jid)
	moderated = append(append(append(moderated, '>'), occupantID(actor.id)...), `</moderated>`...)
	why := ""
	if reason != "" {
		why = `<reason>` + stream.Escape(reason) + `</reason>`
	}
	own := uuid.NewString()
	notice := stanza.AppendAttr([]byte(`<message xmlns="jabber:client" type="groupchat"`), "from", r.jid)
	notice = append(stanza.AppendAttr(notice, "id", own), '>')
	notice = stanza.AppendAttr(append(notice, `<retract xmlns="`+stanza.NSRetract+`"`...), "id", id)
	notice = append(append(append(append(notice, '>'), moderated...), why...), `</retract></message>`...)
	entry := &archive.Entry{
		Owner: r.jid, With: actor.bare, Resource: actor.nick, Outgoing: true, StanzaID: own, Stanza: notice, IsRetraction: true,
		Retracts: &archive.Retraction{IDs: ids, By: own, At: time.Now(), Keep: keptChildren(), Extra: append(moderated, why...)},
	}
	return r.queue.addLocked(entry, func(stored uuid.UUID) {
		r.occupants.toAllLocked(r.archive.withStanzaID(notice, stored))
		r.activity.retractedLocked(ids)
	})
}
