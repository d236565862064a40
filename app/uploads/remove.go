package uploads

import (
	"context"
	"errors"
	"time"

	"foyer/app/uploads/files"

	"github.com/google/uuid"
)

// How files are removed.
const (
	removalBatch = 100              // that are claimed at a time
	removalEvery = time.Minute      // and whenever somebody deletes one
	removalTime  = 10 * time.Second // for one file
	removalRun   = 4 * time.Minute  // for a batch: less than it is claimed for
	forgetTime   = 30 * time.Second // for the records of those that are gone
)

// Run removes files that nobody may have any more, until ctx ends. Nothing else waits for it: the
// store may be away, or hang.
func (s *Service) Run(ctx context.Context) {
	t := time.NewTicker(removalEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-s.deleted:
		case <-ctx.Done():
			return
		}
		s.RemoveDeleted(ctx)
	}
}

// Deleted says that there is something to remove. It is done in the background: who deletes a file waits neither
// for the store nor for what others deleted.
func (s *Service) Deleted() {
	select {
	case s.deleted <- struct{}{}:
	default: // it is known
	}
}

// RemoveDeleted removes files that nobody may have any more: deleted ones, those
// of deleted accounts, those older than UPLOAD_RETENTION if the clock is right, and
// what was announced but never came. The record goes after the file, so whatever fails is tried
// again; it is in the way of no other, unless nothing can be removed just now.
func (s *Service) RemoveDeleted(ctx context.Context) {
	for ctx.Err() == nil {
		ids, err := s.db.ClaimDeletedUploads(ctx, s.retention(ctx), removalBatch)
		if err != nil {
			if ctx.Err() == nil {
				s.log.Error("files that are to be removed could not be listed", "err", err)
			}
			return
		}
		gone, unreachable := s.removeFiles(ctx, ids)
		if err := s.forget(ctx, gone); err != nil {
			s.log.Error("records of removed files stay for now", "err", err)
			return
		}
		s.counts.removed.Add(int64(len(gone)))
		if len(ids) < removalBatch || len(gone) == 0 || unreachable {
			return
		}
	}
}

// retention is how long files are kept as of now; 0: for ever.
func (s *Service) retention(ctx context.Context) time.Duration {
	if s.cfg.Retention > 0 && s.cfg.Expire(ctx) {
		return s.cfg.Retention
	}
	return 0
}

// forget removes records of files that are gone, also where no more files are to be removed.
func (s *Service) forget(ctx context.Context, gone []uuid.UUID) error {
	if len(gone) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTime)
	defer cancel()
	return s.db.ForgetUploads(ctx, gone)
}

// removeFiles returns those that are gone, and whether it gave up since the store is away: the others are not
// tried now.
func (s *Service) removeFiles(ctx context.Context, ids []uuid.UUID) (gone []uuid.UUID, unreachable bool) {
	ctx, cancel := context.WithTimeout(ctx, removalRun)
	defer cancel()
	for i, id := range ids {
		if ctx.Err() != nil {
			return gone, true
		}
		switch err := s.removeFile(ctx, id); {
		case err == nil:
			gone = append(gone, id)
		case errors.Is(ctx.Err(), context.Canceled): // the site stops
			return gone, true
		case errors.Is(err, files.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
			s.log.Error("files cannot be removed now; it will be tried again", "file", id, "and_others", len(ids)-i-1, "err", err)
			return gone, true
		default:
			s.log.Error("a file could not be removed; it will be tried again", "file", id, "err", err)
		}
	}
	return gone, false
}

func (s *Service) removeFile(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, removalTime)
	defer cancel()
	return s.cfg.Store.Delete(ctx, id)
}
