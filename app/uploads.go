package app

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"foyer/app/uploads"
	"foyer/app/uploads/files"
	"foyer/internal/budget"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// uploadStore is where files are kept, as the settings say.
func (c Config) uploadStore() uploads.StoreOptions {
	return uploads.StoreOptions{
		Place: c.UploadStore, Dir: filepath.Join(c.DataDir, "uploads"), Endpoint: c.S3Endpoint, Region: c.S3Region,
		AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey,
	}
}

// newTransfers bounds how many files come or go at once, and how many of them for one address: what
// takes as long as its client likes.
func newTransfers(most int, recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "files of one address that come or go at once"}, int64(most), int64(max(most/4, 1)), recorder)
}

// newUploads opens the store for the files that people send.
func (s *Server) newUploads() (*uploads.Service, error) {
	store, err := uploads.OpenStore(s.cfg.uploadStore())
	if err != nil {
		return nil, err
	}
	return uploads.New(uploads.Config{
		DB: s.db.Uploads, Store: store, BaseURL: s.BaseURL, Timeout: func() time.Duration { return s.middleware.timeout },
		Place: func(ctx context.Context, c *fiber.Ctx) (leave func(), err error) {
			return s.transfers.Acquire(ctx, budget.Network(s.address(c)), 1)
		},
		Small: s.pictures.Small, Payer: func(c *fiber.Ctx) string { return budget.Network(s.address(c)) },
		Quota: int64(s.cfg.UploadQuota), Retention: time.Duration(s.cfg.UploadRetention), Expire: s.filesExpire, Logger: s.log, Explain: explain, Elsewhere: len(s.cfg.ChatOrigins) > 0,
	}), nil
}

// CheckFiles reports whether files can be kept, read back and removed. It leaves nothing behind. mind says
// why that may be otherwise for the site: a directory belongs to another user than who asks. Empty: nothing.
func CheckFiles(ctx context.Context, cfg Config) (mind string, err error) {
	store, err := uploads.NewStore(cfg.uploadStore())
	if err != nil {
		return "", err
	}
	err = files.Check(ctx, store)
	if disk, ok := store.(*files.Disk); ok {
		mind = disk.Stranger()
		err = cmp.Or(err, disk.CheckOwners())
	}
	return mind, err
}

// tryFiles says once if files cannot be kept: the service for them may be away for a while, or the disk full, and
// neither is a reason not to start.
func (s *Server) tryFiles(ctx context.Context) {
	store, err := uploads.NewStore(s.cfg.uploadStore())
	if err == nil {
		err = files.Check(ctx, store)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Error("files that people send cannot be kept at present; look at DATA_DIR, or UPLOAD_STORE and the S3 settings", "err", err)
	}
}

// OrphanFiles returns how many files of the store no record knows of, and removes
// them if remove is set.
func OrphanFiles(ctx context.Context, cfg Config, db *models.DB, remove bool) (int, error) {
	store, err := uploads.NewStore(cfg.uploadStore())
	if err != nil {
		return 0, err
	}
	return uploads.Orphans(ctx, store, db.Uploads, remove)
}
