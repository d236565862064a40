package archive

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"foyer/internal/stanza"

	"github.com/google/uuid"
)

// The archive writer: one goroutine commits whole groups of messages. While it
// is idle a message is committed at once; what arrives during a commit goes
// into the next one, in one statement. It alone gives ids, in commit order.
//
// If the database is away the group is tried again, with the same ids, for as
// long as its senders wait. A sender that gave up was told so: its message is
// taken out, and removed again if an attempt whose answer was lost may have
// stored it. Nothing that a sender was told is stored is lost, nothing is stored
// twice. A message that the database refuses fails alone: its group is halved
// until it is found.

// Limits of the writer.
const (
	maxQueued    = 10_000 // jobs; more is refused
	maxGroup     = 500    // jobs in one statement
	attemptTime  = 5 * time.Second
	firstRetry   = 50 * time.Millisecond
	slowestRetry = time.Second
)

// ErrBusy is the answer to what could not be stored in time, or was not certain in time to be
// stored already: its sender may try again.
var ErrBusy = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.ResourceConstraint, Text: "The archive is busy. Please try again in a moment."}

type writeJob struct {
	entries []Entry
	id      uuid.UUID
	done    chan struct{} // closed when committed or refused; of an abandoned job, when it is certain that it is not stored
	err     error         // why it was refused; set before done is closed
	unsure  bool          // it may be stored, though no answer said so; run's alone

	// Guarded by writer.mu.
	finished  bool // done is closed
	abandoned bool // nobody waits any more
}

type writer struct {
	to   Store
	log  *slog.Logger
	work chan struct{}

	mu        sync.Mutex
	queue     []*writeJob
	unsettled map[*writeJob]struct{} // abandoned, and it is not certain yet that they are not stored

	last      uint64    // the time and counter of the last id; run's alone
	saidAhead time.Time // when it was told last that they are ahead of the clock; run's alone
}

func newWriter(store Store, log *slog.Logger) *writer {
	return &writer{to: store, log: log, work: make(chan struct{}, 1), unsettled: make(map[*writeJob]struct{})}
}

// begin queues the entries. Ids are given in the order of these calls.
func (w *writer) begin(entries ...Entry) (*writeJob, error) {
	job := &writeJob{entries: entries, done: make(chan struct{})}
	w.mu.Lock()
	if len(w.queue) >= maxQueued {
		w.mu.Unlock()
		return nil, ErrBusy
	}
	w.queue = append(w.queue, job)
	w.mu.Unlock()
	select {
	case w.work <- struct{}{}:
	default:
	}
	return job, nil
}

// wait waits for a job. It must be called, once: a job that nobody waits for any
// more is taken back.
func (w *writer) wait(ctx context.Context, job *writeJob) (uuid.UUID, error) {
	select {
	case <-job.done:
		return job.id, job.err
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if job.finished {
		return job.id, job.err
	}
	job.abandoned = true
	w.unsettled[job] = struct{}{}
	return uuid.Nil, ctx.Err()
}

// settle waits until none of the messages under a stanza id whose senders gave up is in the
// store any more: until then a row of one may be there, which is about to be taken back. The
// error is ErrBusy when ctx ends first.
func (w *writer) settle(ctx context.Context, stanzaID string) error {
	var jobs []*writeJob
	w.mu.Lock()
	for job := range w.unsettled {
		if slices.ContainsFunc(job.entries, func(e Entry) bool { return e.StanzaID == stanzaID }) {
			jobs = append(jobs, job)
		}
	}
	w.mu.Unlock()
	for _, job := range jobs {
		select {
		case <-job.done:
		case <-ctx.Done():
			return ErrBusy
		}
	}
	return nil
}

// settledLocked notes that abandoned jobs are not stored, and will not be.
func (w *writer) settledLocked(jobs ...*writeJob) {
	for _, job := range jobs {
		delete(w.unsettled, job)
		job.finished = true
		close(job.done)
	}
}

// run commits until ctx ends, and then once more what is queued.
func (w *writer) run(ctx context.Context) error {
	w.continueIDs(ctx)
	for {
		select {
		case <-w.work:
			w.drain(ctx)
		case <-ctx.Done():
			w.drain(ctx)
			return nil
		}
	}
}

// drain commits groups until nothing is queued.
func (w *writer) drain(ctx context.Context) {
	for {
		group := w.next()
		if len(group) == 0 {
			return
		}
		w.commit(ctx, group)
	}
}

// next takes the next group from the queue and gives out the ids.
func (w *writer) next() []*writeJob {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxGroup)
	group := make([]*writeJob, 0, n)
	for _, job := range w.queue[:n] {
		if job.abandoned {
			w.settledLocked(job)
			continue
		}
		job.id = w.newID()
		for i := range job.entries {
			job.entries[i].ID = job.id
		}
		group = append(group, job)
	}
	if w.queue = w.queue[n:]; len(w.queue) == 0 {
		w.queue = nil
	}
	return group
}

// commit stores a group, however long it takes, for as long as anybody waits
// for it.
func (w *writer) commit(ctx context.Context, group []*writeJob) {
	for wait := firstRetry; ; wait = min(2*wait, slowestRetry) {
		if group = w.stillWaiting(ctx, group); len(group) == 0 {
			return
		}
		err := w.attempt(group)
		switch {
		case err == nil:
			w.takeBack(ctx, w.finish(group))
			return
		case errors.Is(err, ErrUnstorable) && len(group) == 1:
			w.refuse(ctx, group[0], err)
			return
		case errors.Is(err, ErrUnstorable):
			half := len(group) / 2
			w.commit(ctx, group[:half])
			w.commit(ctx, group[half:])
			return
		}
		w.log.Error("the archive could not be written; trying again", "messages", len(group), "err", err)
		for _, job := range group {
			job.unsure = true
		}
		time.Sleep(wait) // also while the server stops: its senders wait for a bounded time
	}
}

func (w *writer) attempt(group []*writeJob) error {
	ctx, cancel := context.WithTimeout(context.Background(), attemptTime)
	defer cancel()
	return w.to.Append(ctx, entriesOf(group))
}

func entriesOf(jobs []*writeJob) []Entry {
	n := 0
	for _, job := range jobs {
		n += len(job.entries)
	}
	entries := make([]Entry, 0, n)
	for _, job := range jobs {
		entries = append(entries, job.entries...)
	}
	return entries
}

// finish tells the waiting senders. It returns the jobs of those that gave up
// while the commit was under way.
func (w *writer) finish(group []*writeJob) (gone []*writeJob) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, job := range group {
		if job.abandoned {
			gone = append(gone, job)
			continue
		}
		job.finished = true
		close(job.done)
	}
	return gone
}

// refuse tells a sender that its message cannot be stored, once it is certain
// that it is not.
func (w *writer) refuse(ctx context.Context, job *writeJob, err error) {
	w.log.Error("the archive refuses a message", "owner", job.entries[0].Owner, "err", err)
	if job.unsure {
		w.remove(ctx, []*writeJob{job})
	}
	job.id, job.err = uuid.Nil, err
	gone := w.finish([]*writeJob{job})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settledLocked(gone...)
}

// stillWaiting takes out the jobs whose sender gave up, and takes back what
// they may have stored.
func (w *writer) stillWaiting(ctx context.Context, group []*writeJob) []*writeJob {
	var rest, gone []*writeJob
	w.mu.Lock()
	for _, job := range group {
		switch {
		case !job.abandoned:
			rest = append(rest, job)
		case job.unsure:
			gone = append(gone, job)
		default:
			w.settledLocked(job)
		}
	}
	w.mu.Unlock()
	w.takeBack(ctx, gone)
	return rest
}

// takeBack removes what abandoned jobs may have stored, and settles them.
func (w *writer) takeBack(ctx context.Context, gone []*writeJob) {
	if len(gone) == 0 {
		return
	}
	w.remove(ctx, gone)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settledLocked(gone...)
}

// remove takes back what may have been stored although its sender was told
// that it failed.
func (w *writer) remove(ctx context.Context, jobs []*writeJob) {
	entries := entriesOf(jobs)
	for wait := firstRetry; ; wait = min(2*wait, slowestRetry) {
		attempt, cancel := context.WithTimeout(context.Background(), attemptTime)
		err := w.to.Remove(attempt, entries)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			w.log.Error("messages whose senders saw a failure may be in the archive", "messages", len(jobs), "err", err)
			return
		}
		time.Sleep(wait)
	}
}
