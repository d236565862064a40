package app

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// expired counts what retention removed.
type expired struct{ people, rooms, offline atomic.Int64 }

// How often archives are looked through for what is too old.
const retentionEvery = time.Hour

// How long a message waits for somebody who never comes, whatever the archive's
// retention is.
const offlineRetention = 365 * 24 * time.Hour

// retention removes messages that are older than the settings allow, and what came too late for
// accounts that are gone, at once and then every hour, until ctx ends.
func (s *Server) retention(ctx context.Context) {
	t := time.NewTicker(retentionEvery)
	defer t.Stop()
	for {
		if err := s.expire(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.log.Error("old messages were not removed; trying again in an hour", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// expire removes what is too old at that time. What fails is in the way of nothing else.
func (s *Server) expire(ctx context.Context, now time.Time) error {
	var all []error
	people, rooms := time.Duration(s.cfg.ArchiveRetention), time.Duration(s.cfg.RoomRetention)
	if people > 0 {
		n, err := s.db.Retention.ExpireArchive(ctx, s.cfg.Domain, now.Add(-people))
		s.expired.people.Add(n)
		all = append(all, err)
	}
	if rooms > 0 {
		n, err := s.db.Retention.ExpireArchive(ctx, s.cfg.RoomsDomain(), now.Add(-rooms))
		s.expired.rooms.Add(n)
		all = append(all, err)
	}
	waits := offlineRetention
	if people > 0 {
		waits = min(waits, people)
	}
	n, err := s.db.Retention.ExpireOffline(ctx, now.Add(-waits))
	s.expired.offline.Add(n)
	all = append(all, err)
	_, err = s.db.Retention.RemoveOrphaned(ctx, s.cfg.Domain)
	return errors.Join(append(all, err)...)
}
