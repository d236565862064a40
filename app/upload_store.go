package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"foyer/app/files"
	"foyer/models"

	"github.com/google/uuid"
)

// newStore makes the store that is set, and touches nothing yet.
func newStore(cfg Config) (files.Store, error) {
	if cfg.UploadStore == "disk" {
		return files.NewDisk(filepath.Join(cfg.DataDir, "uploads")), nil
	}
	u, err := url.Parse(cfg.UploadStore)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("it must be disk, s3://bucket or s3://bucket/prefix")
	}
	if cfg.S3AccessKey == "" || cfg.S3SecretKey == "" {
		return nil, errors.New("S3_ACCESS_KEY and S3_SECRET_KEY are needed")
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	return files.NewS3(files.S3Options{
		Bucket: u.Host, Prefix: prefix, Endpoint: cfg.S3Endpoint, Region: cfg.S3Region, AccessKey: cfg.S3AccessKey, SecretKey: cfg.S3SecretKey,
	})
}

// openFiles opens the store that is set. A directory must be usable at once; a
// service may be away for a while.
func openFiles(cfg Config) (files.Store, error) {
	store, err := newStore(cfg)
	if err != nil {
		return nil, err
	}
	if disk, ok := store.(*files.Disk); ok {
		if err := disk.Prepare(); err != nil {
			return nil, fmt.Errorf("files cannot be kept; set DATA_DIR to a directory that can be written: %w", err)
		}
	}
	return store, nil
}

// CheckFiles reports whether files can be kept, read back and removed.
func CheckFiles(ctx context.Context, cfg Config) error {
	store, err := openFiles(cfg)
	if err != nil {
		return err
	}
	return files.Check(ctx, store)
}

// Files that are looked up at a time, and how old one must be to be missed.
const (
	orphanBatch = 1000
	orphanAge   = 24 * time.Hour
)

// OrphanFiles returns how many files of the store no record knows of, and
// removes them if remove is set. There are none unless the database was
// restored from an older copy, or somebody else put them there.
func OrphanFiles(ctx context.Context, cfg Config, db *models.DB, remove bool) (int, error) {
	store, err := openFiles(cfg)
	if err != nil {
		return 0, err
	}
	return orphans(ctx, store, db, remove)
}

func orphans(ctx context.Context, store files.Store, db *models.DB, remove bool) (found int, err error) {
	var batch []uuid.UUID
	look := func() error {
		unknown, err := db.UnknownUploads(ctx, batch)
		batch = batch[:0]
		if err != nil {
			return err
		}
		found += len(unknown)
		for _, id := range unknown {
			if !remove {
				break
			}
			if err := store.Delete(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}
	err = store.List(ctx, time.Now().Add(-orphanAge), func(id uuid.UUID) error {
		if batch = append(batch, id); len(batch) < orphanBatch {
			return nil
		}
		return look()
	})
	if err != nil {
		return found, err
	}
	return found, look()
}
