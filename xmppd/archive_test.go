package xmppd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"pgregory.net/rapid"
)

// faultyStore fails as it is told, one outcome per call of Append.
type faultyStore struct {
	*memStore
	outcomes []string // ok, away, lost (stored, but no answer)
	took     time.Duration
}

func (f *faultyStore) Append(ctx context.Context, entries []ArchiveEntry) error {
	outcome := "ok"
	if len(f.outcomes) > 0 {
		outcome, f.outcomes = f.outcomes[0], f.outcomes[1:]
	}
	time.Sleep(f.took)
	if outcome == "away" {
		return errAway
	}
	if err := f.memStore.Append(ctx, entries); err != nil || outcome == "ok" {
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
			patience, start time.Duration
			body            string
			id              string
			err             error
		}
		senders := make([]sender, rapid.IntRange(1, 20).Draw(rt, "senders"))
		for i := range senders {
			senders[i].start = time.Duration(rapid.IntRange(0, 500).Draw(rt, "start")) * time.Millisecond
			senders[i].patience = time.Duration(rapid.IntRange(1, 3000).Draw(rt, "patience")) * time.Millisecond
			senders[i].body = fmt.Sprint(i)
			if rapid.IntRange(0, 9).Draw(rt, "unstorable") == 0 {
				senders[i].body = "unstorable"
			}
		}
		synctest.Test(t, func(t *testing.T) {
			store := &faultyStore{memStore: newMemStore(), outcomes: slices.Clone(outcomes), took: took}
			w := newArchiveWriter(store, slog.New(slog.DiscardHandler))
			ctx, stop := context.WithCancel(t.Context())
			var run, all sync.WaitGroup
			run.Go(func() { _ = w.run(ctx) })
			for i := range senders {
				s := &senders[i]
				all.Go(func() {
					time.Sleep(s.start)
					ctx, cancel := context.WithTimeout(t.Context(), s.patience)
					defer cancel()
					id, err := w.store(ctx, ArchiveEntry{Owner: "a@h", Body: s.body}, ArchiveEntry{Owner: "b@h", Body: s.body})
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
			if !slices.IsSortedFunc(got, func(x, y ArchiveEntry) int { return slices.Compare(x.ID[:], y.ID[:]) }) {
				rt.Error("ids do not follow the order of commits")
			}
		})
	})
}

// What cannot be stored fails alone and at once; its group does not wait for it.
func TestArchiveWriter_Unstorable(t *testing.T) {
	store := newMemStore()
	entered, release := store.hold("Append")
	w := newArchiveWriter(store, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var run, all sync.WaitGroup
	run.Go(func() { _ = w.run(ctx) })
	all.Go(func() { _, _ = w.store(t.Context(), ArchiveEntry{Owner: "a@h", Body: "first"}) })
	entered()
	errs := make([]error, 9)
	for i := range errs {
		all.Go(func() {
			body := "fine"
			if i == 4 {
				body = "unstorable"
			}
			_, errs[i] = w.store(t.Context(), ArchiveEntry{Owner: "a@h", Body: body})
		})
	}
	release()
	all.Wait()
	stop()
	run.Wait()
	for i, err := range errs {
		if (i == 4) != errors.Is(err, ErrUnstorable) || (i != 4 && err != nil) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := len(store.archived()); n != 9 {
		t.Errorf("%d stored", n)
	}
}

// BenchmarkMessage_Archived is the whole way of a one-to-one message into both
// archives, but for the database: with few senders and with many.
func BenchmarkMessage_Archived(b *testing.B) {
	for _, senders := range []int{1, 100} {
		b.Run(fmt.Sprint(senders), func(b *testing.B) {
			w := newWorld(b, "alice", "bob")
			w.srv.archive.store_ = discard{w.store}
			alice := w.online("alice", "a")
			alice.sync()
			s := w.srv.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
			m, err := stream.Parse([]byte(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m"><body>Hello, how are you?</body><store xmlns="urn:xmpp:hints"/></message>`), stream.DefaultLimits)
			if err != nil {
				b.Fatal(err)
			}
			to := stanza.Address{User: "bob", Domain: "h"}
			b.ReportAllocs()
			b.SetParallelism(senders)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					mine, theirs, err := w.srv.archiveMessage(context.Background(), s, m, to)
					if err != nil {
						b.Error(err)
						return
					}
					w.srv.deliverMessage(context.Background(), s, m, to, route{}, mine, theirs)
				}
			})
		})
	}
}

// discard is an archive that keeps nothing.
type discard struct{ *memStore }

func (discard) Append(context.Context, []ArchiveEntry) error { return nil }
