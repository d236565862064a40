package uploads

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"foyer/app/uploads/files"
	"foyer/models"

	"github.com/google/uuid"
)

// StoreOptions say where files are kept.
type StoreOptions struct {
	Place     string // disk, s3://bucket or s3://bucket/prefix
	Dir       string // for disk
	Endpoint  string // URL of the S3-compatible service; empty: Amazon's
	Region    string
	AccessKey string
	SecretKey string
}

// OnDisk is the Place that is a directory.
const OnDisk = "disk"

// NewStore makes the store, and touches nothing yet.
func NewStore(o StoreOptions) (files.Store, error) {
	if o.Place == OnDisk {
		return files.NewDisk(o.Dir), nil
	}
	u, err := url.Parse(o.Place)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("it must be disk, s3://bucket or s3://bucket/prefix")
	}
	if o.AccessKey == "" || o.SecretKey == "" {
		return nil, errors.New("S3_ACCESS_KEY and S3_SECRET_KEY are needed")
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	return files.NewS3(files.S3Options{
		Bucket: u.Host, Prefix: prefix, Endpoint: o.Endpoint, Region: o.Region, AccessKey: o.AccessKey, SecretKey: o.SecretKey,
	})
}

// OpenStore opens the store. A directory must be there, or be made; whether files can be kept is another question
// (files.Check): a full disk is no reason to be without pages and chat, nor is a service that is away for a while.
func OpenStore(o StoreOptions) (files.Store, error) {
	store, err := NewStore(o)
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

// Files that are looked up at a time, and how old one must be to be missed.
const (
	orphanBatch = 1000
	orphanAge   = 24 * time.Hour
)

// Orphans returns how many files of the store no record knows of, and removes them
// if remove is set. There are none unless the database was restored from an older
// copy, or somebody else put them there.
func Orphans(ctx context.Context, store files.Store, db *models.Uploads, remove bool) (found int, err error) {
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
