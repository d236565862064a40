package uploads

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"foyer/models"
	"foyer/token"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// How long a file may take: connections that stall are given up, and those that
// drip are not waited for.
const (
	uploadStall   = 30 * time.Second // without a byte
	uploadGrace   = 2 * time.Minute  // in all, and so much more:
	slowestUpload = 16 << 10         // bytes per second
	storeReply    = time.Minute      // for the store, after the last byte
)

// transferTime is how long a file of that size may take.
func transferTime(size int64) time.Duration {
	return uploadGrace + time.Duration(size/slowestUpload)*time.Second
}

// put: PUT /upload/:secret/:name — receives a file into its slot, once
// (XEP-0363 §6, S-99).
func (s *Service) put(c *fiber.Ctx) error {
	leave, err := s.place(c) // before the address is used, which works once
	if err != nil {
		return err
	}
	defer leave()
	u, err := s.begin(c)
	if err != nil {
		return err
	}
	timeout := transferTime(u.Size)
	ctx, cancel := context.WithTimeout(c.UserContext(), timeout+storeReply)
	defer cancel()
	body := &deadlineReader{c: c.Context(), r: c.Context().RequestBodyStream(), until: time.Now().Add(timeout)}
	if err := s.receive(ctx, u, body); err != nil {
		s.abandon(u)
		return err
	}
	s.counts.received.Add(1)
	s.counts.receivedBytes.Add(u.Size)
	return c.SendStatus(http.StatusCreated)
}

// begin finds the slot and marks it used: for another request it is none any more.
func (s *Service) begin(c *fiber.Ctx) (models.Upload, error) {
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.Timeout())
	defer cancel()
	u, err := s.db.UploadByPut(ctx, token.Hash(c.Params("secret")))
	if err != nil {
		return u, AsError(err)
	}
	if err := checkPut(c, u); err != nil {
		return u, err
	}
	err = s.db.BeginUpload(ctx, u.ID, time.Now().Add(transferTime(u.Size)+2*storeReply))
	if errors.Is(err, models.ErrNotFound) {
		return u, errSlotUsed
	}
	return u, AsError(err)
}

// checkPut compares what arrives with what was announced (XEP-0363 §6, S-99).
func checkPut(c *fiber.Ctx, u models.Upload) error {
	h := &c.Request().Header
	switch length := int64(h.ContentLength()); {
	case !sameName(c, u):
		return ErrNoFile
	case u.State != models.StateSlot || u.ExpiresAt == nil || !time.Now().Before(*u.ExpiresAt):
		return errSlotUsed
	case length < 0 || !c.Request().IsBodyStream():
		return errNoLength
	case length != u.Size:
		return errLength
	}
	if got := plainMediaType(string(h.ContentType())); got != "" && u.ClaimedType != "" && got != u.ClaimedType {
		return errType
	}
	return nil
}

// receive stores the file, and then makes it available.
func (s *Service) receive(ctx context.Context, u models.Upload, body io.Reader) error {
	r := bufio.NewReaderSize(body, 32<<10)
	head, err := r.Peek(int(min(u.Size, sniffLength)))
	if err != nil {
		return cutOff(err)
	}
	mediaType := inlineType(u.ClaimedType, u.Name, head)
	if err := s.cfg.Store.Put(ctx, u.ID, r, u.Size); err != nil {
		if readErr := (*readError)(nil); errors.As(err, &readErr) || errors.Is(err, io.ErrUnexpectedEOF) {
			return cutOff(err)
		}
		return AsError(err)
	}
	if err := s.db.FinishUpload(ctx, u.ID, mediaType); err != nil {
		return AsError(err)
	}
	return nil
}

// abandon removes what a failed upload left. If that fails too, it is made up
// for in the background.
func (s *Service) abandon(u models.Upload) {
	ctx, cancel := context.WithTimeout(context.Background(), storeReply)
	defer cancel()
	if err := s.db.AbandonUpload(ctx, u.ID); err != nil {
		s.log.Warn("a file that did not arrive is removed later", "file", u.ID, "err", err)
		return
	}
	s.Deleted()
}

// deadlineReader reads a request's body and gives up when nothing comes for a while,
// or it takes too long altogether.
type deadlineReader struct {
	c     *fasthttp.RequestCtx
	r     io.Reader
	until time.Time
}

// readError tells the sender's fault from the store's.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

func (a *deadlineReader) Read(p []byte) (int, error) {
	deadline := time.Now().Add(uploadStall)
	if a.until.Before(deadline) {
		deadline = a.until
	}
	if err := a.c.SetReadDeadline(deadline); err != nil {
		return 0, &readError{err}
	}
	n, err := a.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &readError{err}
	}
	return n, err
}
