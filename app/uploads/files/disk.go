package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Disk keeps files in a directory: in 256 directories by the last two digits of
// their ids, which are random, where the first ones are a time.
type Disk struct{ dir string }

var _ Store = (*Disk)(nil)

// partial ends the name of a file that is being written.
const partial = ".part"

// NewDisk keeps files in dir.
func NewDisk(dir string) *Disk { return &Disk{dir} }

// Prepare makes the directory if need be.
func (d *Disk) Prepare() error { return os.MkdirAll(d.dir, 0o700) }

func (d *Disk) path(id uuid.UUID) string {
	name := id.String()
	return filepath.Join(d.dir, name[len(name)-2:], name)
}

// Put implements Store: the file is written beside its place, flushed to the
// disk, and then moved there.
func (d *Disk) Put(_ context.Context, id uuid.UUID, r io.Reader, size int64) error {
	return d.put(d.path(id), &exactReader{r: r, left: size})
}

func (d *Disk) put(path string, r io.Reader) error {
	if err := os.Mkdir(filepath.Dir(path), 0o700); err == nil {
		if err := flushDir(d.dir); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := writeFile(path+partial, r); errors.Is(err, fs.ErrExist) {
		return err // it is another program's, which may be writing it
	} else if err != nil {
		return errors.Join(err, remove(path+partial))
	}
	if err := os.Rename(path+partial, path); err != nil {
		return errors.Join(err, remove(path+partial))
	}
	if err := flushDir(filepath.Dir(path)); err != nil {
		return errors.Join(err, remove(path))
	}
	return nil
}

func writeFile(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// flushDir makes a new name in a directory last.
func flushDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Open implements Store.
func (d *Disk) Open(_ context.Context, id uuid.UUID, offset, length int64) (io.ReadCloser, error) {
	f, err := os.Open(d.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return sectionFile{io.NewSectionReader(f, offset, length), f}, nil
}

// sectionFile is a part of a file that closes the file.
type sectionFile struct {
	io.Reader
	io.Closer
}

// Delete implements Store.
func (d *Disk) Delete(ctx context.Context, id uuid.UUID) error {
	path := d.path(id)
	return errors.Join(d.DeleteSmall(ctx, id), remove(path+partial), remove(path))
}

// abandoned is how old a part of a small version is whose program has ended: to write one takes a moment.
const abandoned = 10 * time.Minute

// PutSmall implements Store.
func (d *Disk) PutSmall(_ context.Context, id uuid.UUID, data []byte) error {
	path := d.path(id) + small
	if info, err := os.Stat(path + partial); err == nil && time.Since(info.ModTime()) > abandoned {
		if err := remove(path + partial); err != nil {
			return err
		}
	}
	return d.put(path, bytes.NewReader(data))
}

// OpenSmall implements Store.
func (d *Disk) OpenSmall(_ context.Context, id uuid.UUID) (io.ReadCloser, int64, error) {
	f, err := os.Open(d.path(id) + small)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, ErrNotFound
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// DeleteSmall implements Store.
func (d *Disk) DeleteSmall(_ context.Context, id uuid.UUID) error {
	path := d.path(id) + small
	return errors.Join(remove(path+partial), remove(path))
}

// List implements Store.
func (d *Disk) List(ctx context.Context, before time.Time, yield func(uuid.UUID) error) error {
	var last uuid.UUID
	return filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		if path == d.dir && errors.Is(err, fs.ErrNotExist) {
			return nil // nobody has sent any
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id, err := uuid.Parse(strings.TrimSuffix(strings.TrimSuffix(entry.Name(), partial), small))
		if err != nil || entry.IsDir() || id == last {
			return nil // not of ours, or it was told: names come in order
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if !info.ModTime().Before(before) {
			return nil
		}
		last = id
		return yield(id)
	})
}
