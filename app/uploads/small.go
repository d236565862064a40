package uploads

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"foyer/app/uploads/files"
	"foyer/internal/budget"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// Small versions of pictures, for conversations: a photo of megabytes is shown in 300 pixels there. One is made when
// it is asked for first, kept beside its picture, and goes with it. Whatever is in the way of that, people get the
// picture as it was sent.
//
// It counts in no quota: nobody chose to send it, and people could not tell why there is less room than their files
// take. There is at most one for each file, and it has fewer bytes than that: all of them together are bounded by what
// the quotas allow, and in practice a few per cent of it. Where the store has no room for it, it is served all the same.

// noSmall is all that is kept of a small version where there is to be none, so that the next one who asks has nothing
// decoded. What JPEG and PNG begin with are other bytes.
const noSmall = 0

// How small versions are made.
const (
	fewBytes        = 128 << 10       // that a picture has of which a small version would be of no use
	smallsAtOnce    = 4               // in this program,
	smallsOfAddress = 1               // and for one address: a large one takes all memory that there is for that, anyway
	smallWait       = 4 * time.Second // until it is begun, with all that takes: after that the picture itself is there as soon
)

// smalls are the small versions that are made now.
type smalls struct {
	turns  *budget.KeyedSemaphore
	mu     sync.Mutex
	making map[uuid.UUID]*smallFlight
	stored func(ctx context.Context, id uuid.UUID) error // models.ErrNotFound: nobody may have the file any more
}

// smallFlight is one that is made, for all who ask for it meanwhile.
type smallFlight struct {
	over chan struct{} // closed when it is; the rest is set by then
	data []byte        // as it is kept
	made bool          // else something was in the way, which says nothing of the picture
}

func newSmalls(db *models.Uploads) smalls {
	return smalls{
		stored: func(ctx context.Context, id uuid.UUID) error {
			_, err := db.StoredUpload(ctx, id)
			return err
		},
		// Whoever opens a conversation with some new pictures waits here: that is nothing to be told of.
		turns:  budget.NewKeyedSemaphore(budget.Limit{Name: "pictures made small at once"}, smallsAtOnce, smallsOfAddress, nil),
		making: make(map[uuid.UUID]*smallFlight),
	}
}

// wantsSmall reports whether a request is for the small version of a file that may have one. What browsers show of the
// others moves, or cannot be decoded here.
func wantsSmall(c *fiber.Ctx, u models.Upload) bool {
	if !c.Context().QueryArgs().Has("small") || u.Size <= fewBytes {
		return false
	}
	switch u.MediaType {
	case "image/jpeg", "image/png", "image/webp":
		return true
	}
	return false
}

// getSmall sends the small version. Not done: there is none, now or ever.
func (s *Service) getSmall(c *fiber.Ctx, u models.Upload) (done bool, err error) {
	if s.cfg.Small == nil {
		return false, nil
	}
	tag := `"` + u.Key() + `-small"`
	if matches(c.Get("If-None-Match"), tag) {
		describeFile(c, u)
		c.Set("ETag", tag)
		return true, c.SendStatus(fiber.StatusNotModified)
	}
	small, size, leave, err := s.smallOf(c, u)
	if small == nil || err != nil {
		return false, err
	}
	body := &downloadReader{small, func() {}, leave}
	first, err := small.Peek(1)
	if err != nil || first[0] == noSmall {
		if err = errors.Join(err, body.Close()); err != nil {
			s.smallFailed("read", u, err)
		}
		return false, nil
	}
	describeSmall(c, u, tag, first[0])
	if c.Method() == fiber.MethodHead {
		c.Response().SkipBody = true
		c.Response().Header.SetContentLength(int(size))
		return true, body.Close()
	}
	return true, s.send(c, body, size)
}

// describeSmall is describeFile for the small version, which says in its name what it is, for who saves it. It comes as
// a whole: it is small.
func describeSmall(c *fiber.Ctx, u models.Upload, tag string, first byte) {
	ending := path.Ext(u.Name)
	u.Name = strings.TrimSuffix(u.Name, ending) + " (small)"
	if u.MediaType = "image/jpeg"; first != 0xff {
		u.MediaType = "image/png"
	}
	u.Name += map[string]string{"image/jpeg": ".jpg", "image/png": ".png"}[u.MediaType]
	describeFile(c, u)
	c.Set("ETag", tag)
	c.Set("Accept-Ranges", "none")
}

// smallFile is a small version that is sent, or noSmall alone.
type smallFile struct {
	*bufio.Reader
	io.Closer
}

// smallOf opens the small version, and makes it where it is not there. leave gives back its place among the files that
// come or go: who waits for it to be made has none. nil: there is none now.
func (s *Service) smallOf(c *fiber.Ctx, u models.Upload) (small *smallFile, size int64, leave func(), err error) {
	if leave, err = s.place(c); err != nil {
		return nil, 0, nil, err
	}
	kept, size, err := s.openSmall(c.UserContext(), u.ID)
	if err == nil {
		return &smallFile{bufio.NewReader(kept), kept}, size, leave, nil
	}
	leave()
	if !errors.Is(err, files.ErrNotFound) {
		s.smallFailed("read", u, err)
		return nil, 0, nil, nil
	}
	data := s.makeOnce(c.UserContext(), s.cfg.Payer(c), u)
	if data == nil {
		return nil, 0, nil, nil
	}
	if leave, err = s.place(c); err != nil {
		return nil, 0, nil, err
	}
	return &smallFile{bufio.NewReader(bytes.NewReader(data)), io.NopCloser(nil)}, int64(len(data)), leave, nil
}

// openSmall opens the small version that is kept.
func (s *Service) openSmall(ctx context.Context, id uuid.UUID) (io.ReadCloser, int64, error) {
	// It is read after the handler has returned, and has its own time then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), transferTime(0))
	late := time.AfterFunc(min(s.cfg.Timeout(), smallWait), cancel)
	kept, size, err := s.cfg.Store.OpenSmall(ctx, id)
	late.Stop() // if it is too late, reading says so
	if err != nil {
		cancel()
		return nil, 0, err
	}
	return &downloadReader{kept, cancel, func() {}}, size, nil
}

// makeOnce makes the small version, or waits for whoever does so already. Nobody waits for somebody who has yet to wait
// for a turn. nil: not now.
func (s *Service) makeOnce(ctx context.Context, address string, u models.Upload) []byte {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout())
	defer cancel()
	begin, stop := context.WithTimeout(ctx, smallWait)
	defer stop()
	if data, made := s.waitForSmall(ctx, u.ID); made {
		return data
	}
	release, err := s.small.turns.Acquire(begin, address, 1)
	if err != nil {
		return nil
	}
	defer release()
	for begin.Err() == nil {
		f, mine := s.beginSmall(u.ID)
		if mine {
			defer s.endSmall(u.ID, f)
			f.data, f.made = s.makeSmall(begin, address, u)
			return f.data
		}
		if data, made := s.waitForSmall(ctx, u.ID); made {
			return data
		}
	}
	return nil
}

// waitForSmall waits for the small version of a file if it is made now.
func (s *Service) waitForSmall(ctx context.Context, id uuid.UUID) (data []byte, made bool) {
	s.small.mu.Lock()
	f := s.small.making[id]
	s.small.mu.Unlock()
	if f == nil {
		return nil, false
	}
	select {
	case <-f.over:
		return f.data, f.made
	case <-ctx.Done():
		return nil, false
	}
}

func (s *Service) beginSmall(id uuid.UUID) (f *smallFlight, mine bool) {
	s.small.mu.Lock()
	defer s.small.mu.Unlock()
	if f = s.small.making[id]; f == nil {
		f = &smallFlight{over: make(chan struct{})}
		s.small.making[id] = f
		mine = true
	}
	return f, mine
}

func (s *Service) endSmall(id uuid.UUID, f *smallFlight) {
	s.small.mu.Lock()
	delete(s.small.making, id)
	s.small.mu.Unlock()
	close(f.over)
}

// makeSmall makes the small version, or noSmall, and keeps it. Not made: not now.
func (s *Service) makeSmall(ctx context.Context, address string, u models.Upload) (data []byte, made bool) {
	if kept, _, err := s.cfg.Store.OpenSmall(ctx, u.ID); err == nil { // somebody was faster
		data, err := io.ReadAll(kept)
		return data, errors.Join(err, kept.Close()) == nil
	}
	picture, err := s.cfg.Store.Open(ctx, u.ID, 0, u.Size)
	if err != nil {
		return nil, false // who asks for the picture itself says so
	}
	data, err = s.cfg.Small(ctx, address, picture, u.Size)
	if err = errors.Join(err, picture.Close()); err != nil {
		return nil, false
	}
	if data == nil {
		data = []byte{noSmall}
	}
	if err := s.keepSmall(ctx, u, data); err != nil {
		s.smallFailed("kept", u, err)
	}
	return data, true
}

// keepSmall keeps a small version unless its file was deleted meanwhile, and with it what was there of it. Whoever deletes
// a file marks its record before they remove it: if it is not marked after the small version was kept, that is removed
// with it.
func (s *Service) keepSmall(ctx context.Context, u models.Upload, data []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout())
	defer cancel()
	err := s.cfg.Store.PutSmall(ctx, u.ID, data)
	if err != nil {
		return err
	}
	if err = s.small.stored(ctx, u.ID); err == nil {
		return nil
	}
	again, stop := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer stop()
	gone := s.cfg.Store.DeleteSmall(again, u.ID)
	if errors.Is(err, models.ErrNotFound) {
		err = nil
	}
	return errors.Join(err, gone)
}

// smallFailed says in the log what people do not see.
func (s *Service) smallFailed(what string, u models.Upload, err error) {
	s.failed.Warn(s.log, "small "+what, "a small version of a picture was not "+what, "file", u.ID, "err", err)
}
