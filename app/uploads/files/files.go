// Package files keeps the files that people send: on disk, or in an
// S3-compatible service. It knows nothing about who they are from.
package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
)

// ErrNotFound is returned for a file that is not there. Every other error means
// that the store could not be asked, or was not given the file whole.
var ErrNotFound = errors.New("files: not found")

// small ends the name of a small version: the rest is that of its file, behind which it comes in every list by name.
const small = ".small"

// ErrUnreachable is also an error of Delete where it is of the store as a whole: other files cannot be removed either.
var ErrUnreachable = errors.New("files: the store is away")

// Store keeps files by their ids. It is safe for concurrent use.
type Store interface {
	// Put keeps size bytes of r. The file is there whole when Put returns nil,
	// even if the machine fails then, and not at all otherwise. If r ends early
	// the error is io.ErrUnexpectedEOF.
	Put(ctx context.Context, id uuid.UUID, r io.Reader, size int64) error

	// Open returns length bytes of a file, from offset on; both must be within it.
	Open(ctx context.Context, id uuid.UUID, offset, length int64) (io.ReadCloser, error)

	// Delete removes a file, its small version, and what an interrupted Put or PutSmall
	// left of them. What is not there is no error. ErrUnreachable: it is vain to try
	// another file now.
	Delete(ctx context.Context, id uuid.UUID) error

	// PutSmall keeps the small version of a picture beside it, whole or not at all.
	// Several programs may do so at once: one of them wins, or gets an error. data
	// is not empty.
	PutSmall(ctx context.Context, id uuid.UUID, data []byte) error

	// OpenSmall returns the small version, and how many bytes it has; ErrNotFound
	// where none is kept.
	OpenSmall(ctx context.Context, id uuid.UUID) (r io.ReadCloser, size int64, err error)

	// DeleteSmall is Delete for the small version alone.
	DeleteSmall(ctx context.Context, id uuid.UUID) error

	// List calls yield once for every file, or small version without one, that was
	// last written before a time, in no order, until it returns an error.
	List(ctx context.Context, before time.Time, yield func(uuid.UUID) error) error
}

// Check writes a file to a store, reads it back and removes it. It leaves nothing behind: who checks may be
// another than who runs the site, such as root, and a directory of theirs would be closed to the site.
func Check(ctx context.Context, s Store) error {
	if d, ok := s.(*Disk); ok {
		return d.check()
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	want := []byte(sample)
	if err := s.Put(ctx, id, bytes.NewReader(want), int64(len(want))); err != nil {
		return fmt.Errorf("a file cannot be written: %w", err)
	}
	got, err := read(ctx, s, id, int64(len(want)))
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("it came back as something else")
	}
	if err != nil {
		err = fmt.Errorf("a file cannot be read back: %w", err)
	}
	if gone := s.Delete(ctx, id); gone != nil {
		err = errors.Join(err, fmt.Errorf("a file cannot be removed: %w", gone))
	}
	return err
}

// sample is what Check writes.
const sample = "a file to see whether files can be kept here\n"

func read(ctx context.Context, s Store, id uuid.UUID, length int64) ([]byte, error) {
	r, err := s.Open(ctx, id, 0, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, length+1))
}

// exactReader reads size bytes, and takes an earlier end for an error: less than was
// announced is no file.
type exactReader struct {
	r    io.Reader
	left int64
	err  error // why reading failed, for those who put it in words of their own
}

func (e *exactReader) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = nil
		if e.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	e.err = err
	return n, err
}
