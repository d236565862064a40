package app

import (
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
func newTransfers(most int, meter budget.Meter) *budget.Share {
	return budget.NewShare(budget.Limit{Name: "files of one address that come or go at once"}, int64(most), int64(max(most/4, 1)), meter)
}

// newUploads opens the store for the files that people send.
func (s *Server) newUploads() (*uploads.Service, error) {
	store, err := uploads.OpenStore(s.cfg.uploadStore())
	if err != nil {
		return nil, err
	}
	return uploads.New(uploads.Config{
		DB: s.db.Uploads, Store: store, BaseURL: s.BaseURL, Patience: func() time.Duration { return s.gate.patience },
		Place: func(ctx context.Context, c *fiber.Ctx) (leave func(), err error) {
			return s.transfers.Acquire(ctx, budget.Network(s.address(c)), 1)
		},
		Quota: int64(s.cfg.UploadQuota), Retention: time.Duration(s.cfg.UploadRetention), Logger: s.log, Explain: explain, Elsewhere: len(s.cfg.ChatOrigins) > 0,
	}), nil
}

// CheckFiles reports whether files can be kept, read back and removed.
func CheckFiles(ctx context.Context, cfg Config) error {
	store, err := uploads.OpenStore(cfg.uploadStore())
	if err != nil {
		return err
	}
	return files.Check(ctx, store)
}

// OrphanFiles returns how many files of the store no record knows of, and removes
// them if remove is set.
func OrphanFiles(ctx context.Context, cfg Config, db *models.DB, remove bool) (int, error) {
	store, err := uploads.OpenStore(cfg.uploadStore())
	if err != nil {
		return 0, err
	}
	return uploads.Orphans(ctx, store, db.Uploads, remove)
}
