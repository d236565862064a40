package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// expiryCounters counts what retention removed.
type expiryCounters struct{ people, rooms, offline atomic.Int64 }

// How often archives are looked through for what is too old.
const retentionEvery = time.Hour

// How long a message waits for somebody who never comes, whatever the archive's
// retention is.
const offlineRetention = 365 * 24 * time.Hour

// How long after the start nothing is removed: a machine that has just started may not have set its clock yet.
const retentionFirst = 10 * time.Minute

// How far the machine's clock and the database's may be apart, and how far the machine's may have been set,
// with messages being removed by it.
const retentionSkew = 5 * time.Minute

// retention removes messages that are older than the settings allow, and what came too late for
// accounts that are gone, soon and then every hour, until ctx ends. By a clock that may be wrong nothing is.
func (s *Server) retention(ctx context.Context) {
	wait, last := time.NewTimer(retentionFirst), time.Now()
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		err := s.checkClock(ctx, now, clockSet(last, now))
		if err == nil {
			err = s.expire(ctx, now)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("old messages were not removed; trying again in an hour", "err", err)
		}
		last = now
		wait.Reset(retentionEvery)
	}
}

// clockSet is by how much this machine's clock was set between two of its times: the difference of what they say,
// less that by a clock which nobody sets (package time).
func clockSet(last, now time.Time) time.Duration {
	return now.Round(0).Sub(last.Round(0)) - now.Sub(last)
}

// checkClock refuses a time that may be wrong: all messages would be too old by a clock that is far ahead, and they do
// not come back. Either the database's clock is another, or this machine's was set since it was looked at last.
func (s *Server) checkClock(ctx context.Context, now time.Time, set time.Duration) error {
	if set.Abs() > retentionSkew {
		return fmt.Errorf("this machine's clock was set by %s; if that was wrong, set it right within the hour", set.Round(time.Second))
	}
	server, err := s.db.Postgres(ctx)
	if err != nil {
		return err
	}
	if off := server.Now.Sub(now); off.Abs() > retentionSkew {
		return fmt.Errorf("this machine's clock and the database's are %s apart; let systemd-timesyncd or chrony set them", off.Abs().Round(time.Second))
	}
	return nil
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
