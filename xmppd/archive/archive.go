// Package archive keeps what was said: it writes messages in groups, answers queries
// (XEP-0313), applies people's preferences (XEP-0441) and retractions (XEP-0424). An
// archive belongs to a bare JID, an account's or a room's. It stands below the server,
// which says who may read what; the store is the site's.
//
// Goroutines: one, the writer's, in Run.
package archive

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Archive is all archives of a server. It is safe for concurrent use.
type Archive struct {
	store     Store
	writer    *writer
	searches  *budget.KeyedSemaphore
	page      int
	stored    atomic.Int64
	recentIDs *recentIDs
}

// New returns the archives in a store, of which a client gets at most page results at
// once. Run must be called for anything to be written.
// recorder is told when an account meets a limit; it may be nil.
func New(store Store, page int, log *slog.Logger, recorder budget.Recorder) *Archive {
	return &Archive{store: store, writer: newWriter(store, log), searches: newSearches(recorder), page: page, recentIDs: newRecentIDs()}
}

// Run writes until ctx ends, and then once more what is queued.
func (a *Archive) Run(ctx context.Context) error { return a.writer.run(ctx) }

// Count is how many messages were stored since the start.
func (a *Archive) Count() int64 { return a.stored.Load() }

// ShouldArchive reports whether a message between people goes into their archives, if their
// preferences allow it (XEP-0313 §6.1.1, XEP-0334 §4, S-63, S-64). A headline does if its sender
// asks for it.
func ShouldArchive(m *stream.Element) bool {
	if stanza.MessageType(m) == "headline" {
		return stanza.HasHint(m, "store") && stanza.ShouldArchive(m)
	}
	return stanza.IsConversation(m) && stanza.ShouldArchive(m)
}

// Received is a message that owner receives from somebody.
func Received(m *stream.Element, owner string, from stanza.Address) Entry {
	return Entry{
		Owner: owner, With: from.Bare(), Resource: from.Resource,
		StanzaID: m.ID, Replaces: stanza.CorrectedID(m), Body: stanza.SaidText(m), Stanza: m.Raw,
		IsRetraction: IsRetraction(m),
	}
}

// Store stores entries under one id and returns it. It blocks until they are in the
// store, or ctx ends; then they are not, and will not be.
func (a *Archive) Store(ctx context.Context, entries ...Entry) (uuid.UUID, error) {
	job, err := a.writer.begin(entries...)
	if err != nil {
		return uuid.Nil, err
	}
	return a.wait(ctx, job)
}

func (a *Archive) wait(ctx context.Context, job *writeJob) (uuid.UUID, error) {
	id, err := a.writer.wait(ctx, job)
	if err == nil {
		a.stored.Add(1)
	}
	return id, err
}

// PendingWrite is a message on its way into the archive.
type PendingWrite struct {
	archive *Archive
	job     *writeJob
}

// Begin queues entries, which get one id, and does not block. Ids are given in the
// order of the calls. Wait must be called afterwards, once. The error is a
// *stanza.Error of type wait when too much is queued.
func (a *Archive) Begin(entries ...Entry) (*PendingWrite, error) {
	job, err := a.writer.begin(entries...)
	if err != nil {
		return nil, err
	}
	return &PendingWrite{a, job}, nil
}

// Wait blocks until the message is in the store and returns its id, or until ctx
// ends; then it is not there, and will not be.
func (st *PendingWrite) Wait(ctx context.Context) (uuid.UUID, error) {
	return st.archive.wait(ctx, st.job)
}

// Last returns the newest entry of an archive; one without an id if it is empty.
func (a *Archive) Last(ctx context.Context, owner string) (Entry, error) {
	_, last, err := a.store.Bounds(ctx, owner)
	if errors.Is(err, ErrNotFound) {
		return Entry{}, nil
	}
	return last, err
}

// Page returns a page of an archive.
func (a *Archive) Page(ctx context.Context, q Query) (Page, error) { return a.store.Query(ctx, q) }

// Entry returns one entry of an archive; false when it is not there.
func (a *Archive) Entry(ctx context.Context, owner string, id uuid.UUID) (Entry, bool, error) {
	page, err := a.store.Query(ctx, Query{Owner: owner, IDs: []uuid.UUID{id}, Max: 1})
	if errors.Is(err, ErrNotFound) || (err == nil && len(page.Entries) == 0) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	return page.Entries[0], true, nil
}

// Versions returns the ids of what was said in an archive under that stanza id to or
// from with, as outgoing tells, its corrections included (XEP-0308): of all that was said (end is
// nil), or of the stanzas that end in end.
func (a *Archive) Versions(ctx context.Context, owner, with string, outgoing bool, stanzaID string, end []byte) ([]uuid.UUID, error) {
	return a.store.Versions(ctx, owner, with, outgoing, stanzaID, end)
}
