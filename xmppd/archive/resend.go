package archive

import (
	"context"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Messages that are sent again: a client whose stream was lost and could not be resumed
// cannot know which of its last messages arrived, and sends them again with the same id,
// marked as delayed (XEP-0198 §5, XEP-0203 §2). What an archive has is known by it, what none
// has by recent_ids.go, as long as the program runs.

// resendWindow is how far back a message that is sent again is looked for.
const resendWindow = 24 * time.Hour

// IsResend reports whether the sender marks a message as sent again.
func IsResend(m *stream.Element) bool {
	_, delayed := m.Find(stanza.NSDelay, "delay")
	return delayed && m.ID != ""
}

// IsDuplicate reports whether a message is a resend of one that an archive has, as what
// its owner sent to with (a bare JID), or of one that NoteUnarchived noted. What the archive
// is about to take back since its sender gave up is none; the error is ErrBusy if that takes
// longer than ctx.
func (a *Archive) IsDuplicate(ctx context.Context, owner, with string, m *stream.Element) (bool, error) {
	if !IsResend(m) {
		return false, nil
	}
	if err := a.writer.settle(ctx, m.ID); err != nil {
		return false, err
	}
	if a.recentIDs.has(owner, with, m.ID) {
		return true, nil
	}
	return a.store.Stored(ctx, owner, with, m.ID, time.Now().Add(-resendWindow))
}

// IsDuplicateBetween reports whether a message from one bare JID to another is a resend
// of one that is in an archive: the sender's, or the recipient's if the sender keeps none, or
// that passed. A note to oneself is in only one, as received. Errors are those of IsDuplicate.
func (a *Archive) IsDuplicateBetween(ctx context.Context, from, to string, m *stream.Element) (bool, error) {
	if !IsResend(m) {
		return false, nil
	}
	if err := a.writer.settle(ctx, m.ID); err != nil {
		return false, err
	}
	if from != to || a.recentIDs.has(from, to, m.ID) {
		if sent, err := a.IsDuplicate(ctx, from, to, m); err != nil || sent {
			return sent, err
		}
	}
	ids, err := a.store.Versions(ctx, to, from, false, m.ID, nil)
	return slices.ContainsFunc(ids, IsRecent), err
}

// IsRecent reports whether a message is young enough to be sent again, by its id.
func IsRecent(id uuid.UUID) bool { return time.Since(Entry{ID: id}.Time()) < resendWindow }
