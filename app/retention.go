package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/budget"
	"foyer/models"
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
	wait := time.NewTimer(retentionFirst)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		err := s.clock.check(ctx, s.db, now)
		if err == nil {
			err = s.expire(ctx, now)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("old messages were not removed; trying again in an hour", "err", err)
		}
		wait.Reset(retentionEvery)
	}
}

// machineClock is this machine's, as far as what is too old by it may be removed. It is safe for concurrent use.
type machineClock struct {
	refused budget.Lines

	mu    sync.Mutex
	began time.Time
	last  time.Time // it was looked at
	set   time.Time // that it was set was seen then; zero: it was not
	setBy time.Duration
}

func newMachineClock() *machineClock {
	now := time.Now()
	return &machineClock{refused: budget.Lines{Every: retentionEvery}, began: now, last: now}
}

// check refuses a time that may be wrong (checkClock), for as long after the clock was set as somebody is given to
// set it right.
func (c *machineClock) check(ctx context.Context, db *models.DB, now time.Time) error {
	c.mu.Lock()
	if by := clockSet(c.last, now); by.Abs() > retentionSkew {
		c.set, c.setBy = now, by
	}
	c.last = now
	var by time.Duration
	if !c.set.IsZero() && now.Sub(c.set) < retentionEvery {
		by = c.setBy
	}
	c.mu.Unlock()
	return checkClock(ctx, db, now, by)
}

// filesExpire reports whether files may be removed for their age. It says why not, at most once an hour.
func (s *Server) filesExpire(ctx context.Context) bool {
	now := time.Now()
	if now.Sub(s.clock.began) < retentionFirst {
		return false
	}
	err := s.clock.check(ctx, s.db, now)
	if err != nil && ctx.Err() == nil {
		s.clock.refused.Error(s.log, "files", "files older than UPLOAD_RETENTION are not removed now", "err", err)
	}
	return err == nil
}

// clockSet is by how much this machine's clock was set between two of its times: the difference of what they say,
// less that by a clock which nobody sets (package time).
func clockSet(last, now time.Time) time.Duration {
	return now.Round(0).Sub(last.Round(0)) - now.Sub(last)
}

// checkClock refuses a time that may be wrong: all messages would be too old by a clock that is far ahead, and they do
// not come back, and files neither. Either the database's clock is another, or this machine's was set since it was looked at last.
func checkClock(ctx context.Context, db *models.DB, now time.Time, set time.Duration) error {
	if set.Abs() > retentionSkew {
		return fmt.Errorf("this machine's clock was set by %s; if that was wrong, set it right within the hour", set.Round(time.Second))
	}
	server, err := db.Postgres(ctx)
	if err != nil {
		return err
	}
	if off := server.Now.Sub(now); off.Abs() > retentionSkew {
		return fmt.Errorf("this machine's clock and the database's are %s apart; let systemd-timesyncd or chrony set them", off.Abs().Round(time.Second))
	}
	return nil
}

// expire removes what is too old at that time, also of former domains. What fails is in the way of nothing else.
func (s *Server) expire(ctx context.Context, now time.Time) error {
	former, err := s.db.FormerChatDomains(ctx, s.cfg.Domain)
	all := []error{err}
	people, rooms := time.Duration(s.cfg.ArchiveRetention), time.Duration(s.cfg.RoomRetention)
	archives := func(domain string, kept time.Duration, removed *atomic.Int64) {
		if kept > 0 {
			n, err := s.db.Retention.ExpireArchive(ctx, domain, now.Add(-kept))
			removed.Add(n)
			all = append(all, err)
		}
	}
	archives(s.cfg.Domain, people, &s.expired.people)
	archives(s.cfg.RoomsDomain(), rooms, &s.expired.rooms)
	for _, domain := range former {
		archives(domain, people, &s.expired.people)
		archives(models.RoomsPrefix+domain, rooms, &s.expired.rooms)
	}
	waits := offlineRetention
	if people > 0 {
		waits = min(waits, people)
	}
	n, err := s.db.Retention.ExpireOffline(ctx, now.Add(-waits))
	s.expired.offline.Add(n)
	all = append(all, err)
	for _, domain := range append(former, s.cfg.Domain) {
		_, err := s.db.Retention.RemoveOrphaned(ctx, domain)
		all = append(all, err)
	}
	return errors.Join(all...)
}
