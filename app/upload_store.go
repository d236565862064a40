package app

import (
	"context"
	"fmt"
	"path/filepath"

	"foyer/app/files"
)

// openFiles opens the store that is set.
func openFiles(cfg Config) (files.Store, error) {
	dir := filepath.Join(cfg.DataDir, "uploads")
	store, err := files.NewDisk(dir)
	if err != nil {
		return nil, fmt.Errorf("files cannot be kept in %s; set DATA_DIR to a directory that can be written: %w", dir, err)
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
