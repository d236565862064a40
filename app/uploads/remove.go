package uploads

import (
	"context"

	"github.com/google/uuid"
)

// Files that are removed at a time.
const removalBatch = 100

// RemoveDeleted removes files that nobody may have any more: deleted ones, those
// of deleted accounts, those older than UPLOAD_RETENTION, and what was announced
// but never came. The record goes after the file, so whatever fails is tried
// again; it is in the way of no other, unless nothing can be removed just now.
func (s *Service) RemoveDeleted(ctx context.Context) {
	for ctx.Err() == nil {
		ids, err := s.db.ClaimDeletedUploads(ctx, s.cfg.Retention, removalBatch)
		if err != nil {
			if ctx.Err() == nil {
				s.log.Error("files that are to be removed could not be listed", "err", err)
			}
			return
		}
		gone := s.removeFiles(ctx, ids)
		if err := s.db.ForgetUploads(ctx, gone); err != nil {
			s.log.Error("records of removed files stay for now", "err", err)
			return
		}
		s.counts.removed.Add(int64(len(gone)))
		if len(ids) < removalBatch || len(gone) == 0 {
			return
		}
	}
}

// removeFiles returns those that are gone.
func (s *Service) removeFiles(ctx context.Context, ids []uuid.UUID) []uuid.UUID {
	gone := make([]uuid.UUID, 0, len(ids))
	for _, id := range ids {
		if err := s.cfg.Store.Delete(ctx, id); err != nil {
			s.log.Error("a file could not be removed; it will be tried again", "file", id, "err", err)
			continue
		}
		gone = append(gone, id)
	}
	return gone
}
