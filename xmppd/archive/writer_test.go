package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stream"

	"github.com/google/uuid"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("the database is away")

// memory is a Store that the writer alone uses.
type memory struct {
	Store
	mu             sync.Mutex
	entries        []Entry
	fail           error         // of everything
	lostAck        bool          // what fails is stored all the same
	enter, release chan struct{} // Append goes from one to the other; nil: it does not stop
}

func (m *memory) Append(_ context.Context, entries []Entry) error {
	if m.enter != nil {
		m.enter <- struct{}{}
		<-m.release
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil && !m.lostAck {
		return m.fail
	}
	for _, e := range entries {
		if e.Body == "unstorable" {
			return fmt.Errorf("%w: no", ErrUnstorable)
		}
	}
	for _, e := range entries {
		if !slices.ContainsFunc(m.entries, func(x Entry) bool { return x.Owner == e.Owner && x.ID == e.ID }) {
			m.entries = append(m.entries, e)
		}
	}
	return m.fail
}

func (m *memory) Remove(_ context.Context, entries []Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.entries = slices.DeleteFunc(m.entries, func(x Entry) bool {
		return slices.ContainsFunc(entries, func(e Entry) bool { return x.Owner == e.Owner && x.ID == e.ID })
	})
	return nil
}

func (m *memory) Newest(_ context.Context, after uuid.UUID) (uuid.UUID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if bytes.Compare(e.ID[:], after[:]) > 0 {
			after = e.ID
		}
	}
	return after, nil
}

func (m *memory) archived() []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.entries)
}

func (m *memory) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// faultyStore fails as it is told, one outcome per call of Append.
type faultyStore struct {
	*memory
	outcomes []string // ok, away, lost (stored, but no answer)
	took     time.Duration
}

func (f *faultyStore) Append(ctx context.Context, entries []Entry) error {
	outcome := "ok"
	if len(f.outcomes) > 0 {
		outcome, f.outcomes = f.outcomes[0], f.outcomes[1:]
	}
	time.Sleep(f.took)
	if outcome == "away" {
		return errAway
	}
	if err := f.memory.Append(ctx, entries); err != nil || outcome == "ok" {
		return err
	}
	return errAway
}

// Whatever the database does and however long senders wait: a sender that was
// told that its message is stored has it in the archive once, under its id; one
// that was told otherwise has it not; and ids increase in the order of commits
// (S-63).
func TestArchiveWriter_KeepsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		outcomes := rapid.SliceOfN(rapid.SampledFrom([]string{"ok", "ok", "away", "lost"}), 0, 12).Draw(rt, "outcomes")
		took := time.Duration(rapid.IntRange(0, 300).Draw(rt, "ms")) * time.Millisecond
		type sender struct {
			timeout, start time.Duration
			body           string
			id             string
			err            error
		}
		senders := make([]sender, rapid.IntRange(1, 20).Draw(rt, "senders"))
		for i := range senders {
			senders[i].start = time.Duration(rapid.IntRange(0, 500).Draw(rt, "start")) * time.Millisecond
			senders[i].timeout = time.Duration(rapid.IntRange(1, 3000).Draw(rt, "patience")) * time.Millisecond
			senders[i].body = fmt.Sprint(i)
			if rapid.IntRange(0, 9).Draw(rt, "unstorable") == 0 {
				senders[i].body = "unstorable"
			}
		}
		synctest.Test(t, func(t *testing.T) {
			store := &faultyStore{memory: &memory{}, outcomes: slices.Clone(outcomes), took: took}
			w := New(store, 100, slog.New(slog.DiscardHandler), nil)
			ctx, stop := context.WithCancel(t.Context())
			var run, all sync.WaitGroup
			run.Go(func() { _ = w.Run(ctx) })
			for i := range senders {
				s := &senders[i]
				all.Go(func() {
					time.Sleep(s.start)
					ctx, cancel := context.WithTimeout(t.Context(), s.timeout)
					defer cancel()
					id, err := w.Store(ctx, Entry{Owner: "a@h", Body: s.body}, Entry{Owner: "b@h", Body: s.body})
					s.id, s.err = id.String(), err
				})
			}
			all.Wait()
			stop()
			run.Wait()
			got := store.archived()
			for _, s := range senders {
				var ids []string
				for _, e := range got {
					if e.Body == s.body {
						ids = append(ids, e.ID.String())
					}
				}
				switch {
				case s.body == "unstorable" && s.err == nil:
					rt.Errorf("what cannot be stored was stored")
				case s.err == nil && !slices.Equal(ids, []string{s.id, s.id}):
					rt.Errorf("sender %s was told %s, the archive has %v", s.body, s.id, ids)
				case s.err != nil && len(ids) > 0:
					rt.Errorf("sender %s was told %v, the archive has %v", s.body, s.err, ids)
				}
			}
			if len(w.writer.unsettled) > 0 {
				rt.Errorf("%d are not settled", len(w.writer.unsettled))
			}
			if !slices.IsSortedFunc(got, func(x, y Entry) int { return slices.Compare(x.ID[:], y.ID[:]) }) {
				rt.Error("ids do not follow the order of commits")
			}
		})
	})
}

// What cannot be stored fails alone and at once; its group does not wait for it.
func TestArchiveWriter_Unstorable(t *testing.T) {
	store := &memory{}
	store.enter, store.release = make(chan struct{}), make(chan struct{})
	w := New(store, 100, slog.New(slog.DiscardHandler), nil)
	ctx, stop := context.WithCancel(t.Context())
	var run, all sync.WaitGroup
	run.Go(func() { _ = w.Run(ctx) })
	all.Go(func() { _, _ = w.Store(t.Context(), Entry{Owner: "a@h", Body: "first"}) })
	<-store.enter
	errs := make([]error, 9)
	for i := range errs {
		all.Go(func() {
			body := "fine"
			if i == 4 {
				body = "unstorable"
			}
			_, errs[i] = w.Store(t.Context(), Entry{Owner: "a@h", Body: body})
		})
	}
	store.release <- struct{}{}
	go func() { // the later ones do not stop
		for range store.enter {
			store.release <- struct{}{}
		}
	}()
	all.Wait()
	stop()
	run.Wait()
	close(store.enter)
	for i, err := range errs {
		if (i == 4) != errors.Is(err, ErrUnstorable) || (i != 4 && err != nil) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := len(store.archived()); n != 9 {
		t.Errorf("%d stored", n)
	}
}

// The archive writer takes back what was stored although the answer was lost
// and the sender gave up, and keeps what somebody still waits for.
func TestArchiveWriter_LostAnswer(t *testing.T) {
	store := &memory{}
	store.lostAck, store.fail = true, errAway
	w := New(store, 100, slog.New(slog.DiscardHandler), nil)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	defer func() { stop(); <-done }()

	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := w.Store(short, Entry{Owner: "a@h", Body: "given up"}); err == nil {
		t.Fatal("stored while the database is away")
	}
	waiting := make(chan error, 1)
	go func() { _, err := w.Store(t.Context(), Entry{Owner: "a@h", Body: "waits"}); waiting <- err }()
	store.setFail(nil)
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	if _, err := w.Store(t.Context(), Entry{Owner: "a@h", Body: "after"}); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, e := range store.archived() {
		bodies = append(bodies, e.Body)
	}
	if fmt.Sprint(bodies) != "[waits after]" {
		t.Errorf("archive holds %v", bodies)
	}
}

// Stored and Versions look for a message as IsDuplicate and IsDuplicateBetween ask for it.
func (m *memory) Stored(_ context.Context, owner, with, stanzaID string, _ time.Time) (bool, error) {
	return slices.ContainsFunc(m.archived(), func(e Entry) bool {
		return e.Owner == owner && e.With == with && e.StanzaID == stanzaID && e.Outgoing
	}), nil
}

func (m *memory) Versions(_ context.Context, owner, with string, outgoing bool, stanzaID string, _ []byte) (ids []uuid.UUID, _ error) {
	for _, e := range m.archived() {
		if e.Owner == owner && e.With == with && e.StanzaID == stanzaID && e.Outgoing == outgoing {
			ids = append(ids, e.ID)
		}
	}
	return ids, nil
}

// A message is no duplicate of one whose sender was told that it failed, while its row is there
// still, to be taken back: it would be acknowledged, and lost.
func TestArchive_DuplicateOfTakenBack(t *testing.T) {
	again, err := stream.Parse([]byte(`<message xmlns="jabber:client" id="m"><body>x</body><delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/></message>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		store.lostAck, store.fail = true, errAway
		a := New(store, 100, slog.New(slog.DiscardHandler), nil)
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = a.Run(ctx) })
		within := func(d time.Duration, do func(context.Context)) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			do(ctx)
		}
		within(time.Millisecond, func(ctx context.Context) {
			if _, err := a.Store(ctx, Entry{Owner: "a@h", With: "b@h", StanzaID: "m", Outgoing: true}, Entry{Owner: "b@h", With: "a@h", StanzaID: "m"}); err == nil {
				t.Error("stored while the database is away")
			}
		})
		if len(store.archived()) != 2 {
			t.Error("it is not there")
		}
		asks := map[string]func(context.Context) (bool, error){
			"IsDuplicate":        func(ctx context.Context) (bool, error) { return a.IsDuplicate(ctx, "a@h", "b@h", again) },
			"IsDuplicateBetween": func(ctx context.Context) (bool, error) { return a.IsDuplicateBetween(ctx, "a@h", "b@h", again) },
		}
		for name, ask := range asks {
			within(100*time.Millisecond, func(ctx context.Context) {
				if is, err := ask(ctx); is || !errors.Is(err, ErrBusy) {
					t.Errorf("%s, before it is taken back: %v, %v", name, is, err)
				}
			})
			run.Go(func() {
				if is, err := ask(t.Context()); is || err != nil {
					t.Errorf("%s: %v, %v", name, is, err)
				}
			})
		}
		synctest.Wait()
		store.setFail(nil)
		time.Sleep(10 * time.Second)
		stop()
		run.Wait()
		if len(store.archived()) > 0 || len(a.writer.unsettled) > 0 {
			t.Errorf("left: %v, %v", store.archived(), a.writer.unsettled)
		}
	})
}

// Ids strictly increase in commit order, whatever the clock does, with fresh
// random bits (RFC 9562 §5.7, S-63).
func TestArchiveWriter_IDs(t *testing.T) {
	var said strings.Builder
	w := newWriter(nil, slog.New(slog.NewTextHandler(&said, nil)))
	last := w.newID()
	seen := map[string]bool{}
	for range 20_000 {
		id := w.newID()
		if id.String() <= last.String() || id.Version() != 7 || id.Variant() != 1 || seen[id.String()[19:]] {
			t.Fatalf("%s after %s", id, last)
		}
		seen[id.String()[19:]] = true
		last = id
	}
	if said.Len() > 0 {
		t.Errorf("with a good clock: %s", said.String())
	}
	w.last += 1 << 30 // the clock goes back a long way
	ahead := w.newID()
	if strings.Count(said.String(), "ahead=4m22s") != 1 {
		t.Errorf("ids that are ahead: %s", said.String())
	}
	if next := w.newID(); next.String() <= ahead.String() {
		t.Errorf("%s after %s", next, ahead)
	}
	if d := time.Until(Entry{ID: last}.Time()); d < -time.Minute || d > time.Minute {
		t.Errorf("the id says %v from now", d)
	}
}

// the clock was ahead when the last message was stored, and is right again at
// the next start: what comes after it gets a later id all the same.
func TestArchive_ContinuesIDs(t *testing.T) {
	ahead := firstAt(time.Now().Add(48 * time.Hour))
	ahead[7] |= 0x7f // a message within its millisecond
	store := &memory{entries: []Entry{{ID: ahead, Owner: "a@h"}}}
	last := ahead
	for range 3 { // starts
		a := New(store, 100, slog.New(slog.DiscardHandler), nil)
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = a.Run(ctx) })
		for range 2 {
			id, err := a.Store(t.Context(), Entry{Owner: "b@h"})
			if err != nil || bytes.Compare(id[:], last[:]) <= 0 || clockOf(id) <= clockOf(last) {
				t.Errorf("%s after %s: %v", id, last, err)
			}
			last = id
		}
		stop()
		run.Wait()
	}
	// Before the store tells, nothing is written.
	away := &memory{}
	a := New(unasked{away}, 100, slog.New(slog.DiscardHandler), nil)
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = a.Run(ctx) })
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := a.Store(short, Entry{Owner: "a@h"}); err == nil || len(away.archived()) > 0 {
		t.Errorf("stored without knowing the last id: %v", err)
	}
	stop()
	run.Wait()
}

// unasked is a store that does not tell its last id.
type unasked struct{ *memory }

func (unasked) Newest(context.Context, uuid.UUID) (uuid.UUID, error) { return uuid.Nil, errAway }
