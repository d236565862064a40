// Package uploads is files that people send in the chat (XEP-0363). The chat
// server asks here for a slot; the file itself comes and goes over HTTP (put.go,
// get.go). Both addresses are secrets of their own, of 256 bits, and neither leads
// to the other: those who may read a file may not write it.
//
//	uploads.go      slots, and what one account may keep
//	put.go, get.go  a file comes, once; and goes, to everybody who has its address
//	small.go        small versions of pictures
//	media_type.go   what pages may show in place
//	name.go         what a file may be called
//	remove.go       files that nobody may have any more
//	store.go        where files are kept, and whether records and files agree
package uploads

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"foyer/app/uploads/files"
	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/models"
	"foyer/token"
	"foyer/xmppd"

	"github.com/dustin/go-humanize"
	"github.com/gofiber/fiber/v2"
)

const (
	prefix        = "/upload"
	slotLifetime  = 300 * time.Second
	filesPerOwner = 10_000 // however small they are
	slotsPerOwner = 50     // open at once
)

// Config is what a Service needs.
type Config struct {
	DB        *models.Uploads
	Store     files.Store
	BaseURL   func() string        // the site's public URL
	Timeout   func() time.Duration // how long a request waits for the database
	Quota     int64                // bytes that the files of one account may take
	Retention time.Duration        // how long files are kept; 0: for ever
	Logger    *slog.Logger

	// Expire reports whether files may be removed for their age now: by a clock that may be wrong none is.
	Expire    func(context.Context) bool
	Elsewhere bool // pages of other origins show files

	// Place waits for a place among the files that come or go at once; leave gives it back.
	Place func(ctx context.Context, c *fiber.Ctx) (leave func(), err error)

	// Small makes the small version of a picture of so many bytes; nil: it has none, whenever it is asked for. An
	// error says nothing of the picture, but that it cannot be made now. address pays. Nil: there are none.
	Small func(ctx context.Context, address string, r io.Reader, size int64) ([]byte, error)

	// Payer is the address that pays for what is made.
	Payer func(*fiber.Ctx) string

	// Explain returns the status and the sentence for errors that are no *Error.
	Explain func(error) (status int, public string)
}

// Service receives, sends and removes files. It is safe for concurrent use.
type Service struct {
	cfg     Config
	db      *models.Uploads
	log     *slog.Logger
	deleted chan struct{} // something is to be removed
	counts  counts
	failed  budget.Lines // files that were not served, in the log
	small   smalls
}

type counts struct{ received, receivedBytes, sent, removed atomic.Int64 }

// New returns a Service.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, db: cfg.DB, log: cfg.Logger, deleted: make(chan struct{}, 1), small: newSmalls(cfg.DB)}
}

// Stats count what happened since the start.
type Stats struct{ Received, ReceivedBytes, Sent, Removed int64 }

// Stats returns the counts.
func (s *Service) Stats() Stats {
	return Stats{
		Received: s.counts.received.Load(), ReceivedBytes: s.counts.receivedBytes.Load(),
		Sent: s.counts.sent.Load(), Removed: s.counts.removed.Load(),
	}
}

// place is where a file may be open, once there is one.
func (s *Service) place(c *fiber.Ctx) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.Timeout())
	defer cancel()
	if leave, err = s.cfg.Place(ctx, c); err != nil {
		return nil, errTooMany
	}
	return leave, nil
}

// limits are what one account may keep.
func (s *Service) limits() models.UploadLimits {
	return models.UploadLimits{Bytes: s.cfg.Quota, Files: filesPerOwner, Slots: slotsPerOwner, Retention: s.cfg.Retention}
}

// ReserveSlot implements xmppd.UploadSite (S-98).
func (s *Service) ReserveSlot(ctx context.Context, r xmppd.UploadRequest) (xmppd.UploadSlot, error) {
	put, putHash := token.New()
	get, getHash := token.New()
	expires := time.Now().Add(slotLifetime)
	u := models.Upload{Name: cleanFileName(r.Name), Size: r.Size, ClaimedType: plainMediaType(r.Type), ExpiresAt: &expires}
	err := s.db.ReserveUpload(ctx, r.User, &u, putHash, getHash, s.limits())
	var full *models.UploadQuotaError
	switch {
	case errors.As(err, &full):
		return xmppd.UploadSlot{}, s.quotaError(full)
	case errors.Is(err, models.ErrNotFound):
		return xmppd.UploadSlot{}, stanza.ErrForbidden
	case err != nil:
		return xmppd.UploadSlot{}, err
	}
	return xmppd.UploadSlot{Put: s.uploadURL(put, u.Name), Get: s.uploadURL(get, u.Name)}, nil
}

func (s *Service) quotaError(full *models.UploadQuotaError) error {
	text := "There is no room for this file: yours take " + humanize.Bytes(uint64(full.Used.Bytes)) + " of " + humanize.Bytes(uint64(s.cfg.Quota)) +
		". You can delete some in the settings."
	switch {
	case full.Used.Slots >= slotsPerOwner:
		text = "Too many files at once. Please try again in a moment."
	case full.Used.Files >= filesPerOwner:
		text = "You have too many files. You can delete some in the settings."
	}
	return &xmppd.UploadQuotaError{Text: text, Retry: full.Frees}
}

// uploadURL is an address under /upload, percent-encoded (XEP-0363 §4, S-98):
// everything but letters, digits and -_.~ is, so that no program that looks for
// addresses in a text can mistake where this one ends.
func (s *Service) uploadURL(secret, name string) string {
	return s.cfg.BaseURL() + prefix + "/" + secret + "/" + models.EscapedFileName(name)
}
