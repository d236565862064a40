package muc

import (
	"context"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// Retraction of private messages (XEP-0424): nicknames change hands, so that who
// said something is told by the occupant id (XEP-0421), which stays.

// privateRetraction finds what a private message takes back: what the same person
// wrote to the same person here, in either's archive. nil: nothing.
func (ra *roomArchive) privateRetraction(ctx context.Context, m *stream.Element, author string, receiver, sender archive.Entry) (*archive.Retraction, error) {
	stanzaID, err := archive.RetractedID(m)
	if err != nil || stanzaID == "" {
		return nil, err
	}
	ids, others, err := ra.saidInPrivate(ctx, receiver.Owner, author, stanzaID)
	if err == nil && len(ids) == 0 && others { // the receiver's client would believe it
		return nil, stanza.ErrForbidden
	}
	if err == nil && len(ids) == 0 { // the receiver keeps nothing
		ids, _, err = ra.versionsIn(ctx, sender.Owner, true, stanzaID, nil, func(e archive.Entry) bool { return e.Resource == sender.Resource })
	}
	if err != nil || len(ids) == 0 || m.ID == "" { // without an id no tombstone can refer to it (XEP-0424 §5)
		return nil, err
	}
	return &archive.Retraction{IDs: ids, By: m.ID, At: time.Now(), Keep: keptChildren()}, nil
}

// saidInPrivate returns the ids of what somebody said here in private to owner under an id, and of its
// corrections, and whether only others said something under it: clients choose their ids, and the
// newest of that id may be another occupant's.
func (ra *roomArchive) saidInPrivate(ctx context.Context, owner, author, stanzaID string) (ids []uuid.UUID, others bool, err error) {
	isAuthors := func(e archive.Entry) bool { return authorOf(e) == author }
	ids, _, err = ra.versionsIn(ctx, owner, false, stanzaID, endOfPrivate(author), isAuthors)
	if err != nil || len(ids) > 0 {
		return ids, false, err
	}
	return ra.versionsIn(ctx, owner, false, stanzaID, nil, isAuthors) // what was taken back ends otherwise
}

// versionsIn returns the ids of a message of this room in somebody's archive, and of its
// corrections, that are the right ones, and whether there are others. See Archive.Versions for end.
func (ra *roomArchive) versionsIn(ctx context.Context, owner string, outgoing bool, stanzaID string, end []byte, right func(archive.Entry) bool) (ids []uuid.UUID, others bool, err error) {
	all, err := ra.archive.Versions(ctx, owner, ra.owner, outgoing, stanzaID, end)
	if err != nil {
		return nil, false, err
	}
	for _, id := range all {
		e, ok, err := ra.archive.Entry(ctx, owner, id)
		switch {
		case err != nil:
			return nil, false, err
		case ok && right(e):
			ids = append(ids, id)
		case ok:
			others = true
		}
	}
	return ids, others, nil
}

// authorOf returns the occupant id of who said something, as the room wrote it.
func authorOf(e archive.Entry) string {
	el, err := stream.Parse(e.Stanza, stream.Limits{Bytes: len(e.Stanza)})
	if err != nil {
		return ""
	}
	id, ok := el.Find(stanza.NSOccupantID, "occupant-id")
	if !ok {
		return ""
	}
	value, _ := id.Attr("id")
	return value
}
