package uploads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"foyer/app/uploads/files"
	"foyer/models"

	"github.com/google/uuid"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// makers are some programs that share a store with a picture.
type makers struct {
	dir   string
	store files.Store
	file  models.Upload
}

func newMakers(t *testing.T) makers {
	t.Helper()
	dir := t.TempDir()
	m := makers{dir, files.NewDisk(dir), models.Upload{ID: uuid.New(), Size: 5}}
	if err := m.store.Put(t.Context(), m.file.ID, bytes.NewReader([]byte("large")), 5); err != nil {
		t.Fatal(err)
	}
	return m
}

// program makes small versions as it is told, of files of which stored says whether they are there.
func (m makers) program(small func(context.Context) ([]byte, error), stored func() error) *Service {
	s := New(Config{
		Store: m.store, Logger: slog.New(slog.DiscardHandler), Timeout: func() time.Duration { return 15 * time.Second },
		Small: func(ctx context.Context, _ string, _ io.Reader, _ int64) ([]byte, error) { return small(ctx) },
	})
	s.small.stored = func(context.Context, uuid.UUID) error { return stored() }
	return s
}

func there() error { return nil }

// kept are the names of what is in the store, without the id.
func (m makers) kept(t *testing.T) (endings []string) {
	t.Helper()
	err := filepath.WalkDir(m.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			endings = append(endings, entry.Name()[len(m.file.Key()):])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(endings)
	return endings
}

// However many ask for it at once, it is made once in each program, and none is in the way of another program.
func TestSmall_Once(t *testing.T) {
	m := newMakers(t)
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		finish := make(chan struct{})
		slow := func(context.Context) ([]byte, error) {
			made.Add(1)
			<-finish
			return []byte("small"), nil
		}
		var all sync.WaitGroup
		for range 2 {
			s := m.program(slow, there)
			for i := range 50 {
				all.Go(func() {
					if got := s.makeOnce(t.Context(), fmt.Sprint("192.0.2.", i), m.file); string(got) != "small" {
						t.Errorf("got %q", got)
					}
				})
			}
		}
		synctest.Wait() // each waits for it, or for a turn
		close(finish)
		all.Wait()
		if n := made.Load(); n != 2 {
			t.Errorf("made %d times", n)
		}
	})
	if got := m.kept(t); !slices.Equal(got, []string{"", ".small"}) {
		t.Errorf("kept: %q", got)
	}
	none := m.program(func(context.Context) ([]byte, error) { return nil, errors.New("made again") }, there)
	if got := none.makeOnce(t.Context(), "192.0.2.1", m.file); string(got) != "small" {
		t.Errorf("afterwards: %q", got)
	}
}

// That there is none is kept; what fails for now is not.
func TestSmall_None(t *testing.T) {
	m := newMakers(t)
	failing := m.program(func(context.Context) ([]byte, error) { return nil, errors.New("not now") }, there)
	if got := failing.makeOnce(t.Context(), "192.0.2.1", m.file); got != nil || !slices.Equal(m.kept(t), []string{""}) {
		t.Errorf("%q; kept: %q", got, m.kept(t))
	}
	none := m.program(func(context.Context) ([]byte, error) { return nil, nil }, there)
	if got := none.makeOnce(t.Context(), "192.0.2.1", m.file); !bytes.Equal(got, []byte{noSmall}) || !slices.Equal(m.kept(t), []string{"", ".small"}) {
		t.Errorf("%q; kept: %q", got, m.kept(t))
	}
}

// Nothing is left of a file that was deleted while its small version was made, or of which that is not known.
func TestSmall_DeletedMeanwhile(t *testing.T) {
	for name, gone := range map[string]error{"deleted": models.ErrNotFound, "not known": errors.New("the database is away")} {
		m := newMakers(t)
		s := m.program(func(context.Context) ([]byte, error) { return []byte("small"), nil }, func() error { return gone })
		if got := s.makeOnce(t.Context(), "192.0.2.1", m.file); string(got) != "small" {
			t.Errorf("%s: got %q", name, got)
		}
		if got := m.kept(t); !slices.Equal(got, []string{""}) {
			t.Errorf("%s: kept: %q", name, got)
		}
	}
}

// A program makes a few at once, and one for an address; who gets no turn within their time has none, and that is so
// of who waits for another's, too.
func TestSmall_Turns(t *testing.T) {
	m := newMakers(t)
	synctest.Test(t, func(t *testing.T) {
		var making, most atomic.Int64
		s := m.program(func(ctx context.Context) ([]byte, error) {
			most.Store(max(most.Load(), making.Add(1)))
			<-ctx.Done() // for as long as it may take
			making.Add(-1)
			return nil, ctx.Err()
		}, there)
		// Each is another file, with the same bytes.
		s.cfg.Store = everyFile{s.cfg.Store, m.file.ID}
		began := time.Now()
		var all sync.WaitGroup
		ask := func(address string, id uuid.UUID) {
			all.Go(func() {
				if got := s.makeOnce(t.Context(), address, models.Upload{ID: id, Size: 5}); got != nil {
					t.Errorf("got %q", got)
				}
			})
			synctest.Wait()
		}
		for range 5 {
			ask("192.0.2.1", uuid.New())
		}
		if n := making.Load(); n != smallsOfAddress {
			t.Errorf("%d for one address at once", n)
		}
		last := uuid.New()
		ask("192.0.2.2", last)
		if n := making.Load(); n != smallsOfAddress+1 {
			t.Errorf("%d: another address waits", n)
		}
		ask("192.0.2.3", last) // waits for the same
		for i := range 5 {
			ask(fmt.Sprint("192.0.2.1", i), uuid.New())
		}
		all.Wait()
		if n := most.Load(); n != smallsAtOnce {
			t.Errorf("%d at once", n)
		}
		if took := time.Since(began); took != smallWait {
			t.Errorf("they waited %s", took)
		}
		if len(s.small.making) != 0 {
			t.Errorf("%d are being made", len(s.small.making))
		}
	})
}

// What is being decoded is waited for, for as long as a request may take: it would be for nothing.
func TestSmall_Slow(t *testing.T) {
	m := newMakers(t)
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		time.AfterFunc(2*smallWait, func() { close(finish) })
		s := m.program(func(context.Context) ([]byte, error) {
			<-finish
			return []byte("small"), nil
		}, there)
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				if got := s.makeOnce(t.Context(), fmt.Sprint("192.0.2.", i), m.file); string(got) != "small" {
					t.Errorf("got %q", got)
				}
			})
			synctest.Wait()
		}
		all.Wait()
	})
}

// everyFile is a store in which every file is the same one.
type everyFile struct {
	files.Store
	id uuid.UUID
}

func (e everyFile) Open(ctx context.Context, _ uuid.UUID, offset, length int64) (io.ReadCloser, error) {
	return e.Store.Open(ctx, e.id, offset, length)
}
