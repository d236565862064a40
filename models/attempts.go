package models

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Throttle counts attempts of what may not be done too often.
type Throttle struct{ *core }

// How often something was tried under a key, within a window that begins with the first
// attempt: wrong passwords, new accounts, credentials for pages.

// Attempt counts an attempt under key. When more than limit happened within the
// window, it returns how long to wait.
func (db *Throttle) Attempt(ctx context.Context, key string, limit int, window time.Duration) (wait time.Duration, err error) {
	var count int
	var left float64
	err = db.pool.QueryRow(ctx, `INSERT INTO attempts (key, count, expires_at) VALUES ($1, 1, now() + make_interval(secs => $2))
		ON CONFLICT (key) DO UPDATE SET
			count = CASE WHEN attempts.expires_at < now() THEN 1 ELSE attempts.count + 1 END,
			expires_at = CASE WHEN attempts.expires_at < now() THEN excluded.expires_at ELSE attempts.expires_at END
		RETURNING count, `+secondsLeft, key, window.Seconds()).Scan(&count, &left)
	if err != nil || count <= limit {
		return 0, err
	}
	return toWait(left), nil
}

// secondsLeft is for how long attempts count, by the clock of the database, which also says whether they do: several
// instances of a site share them.
const secondsLeft = "extract(epoch FROM attempts.expires_at - now())::float8"

func toWait(left float64) time.Duration {
	return max(time.Duration(left*float64(time.Second)), time.Second)
}

// ReserveAttempt counts an attempt under key, unless limit have been counted already: then it
// returns how long to wait. Every attempt begins the window again.
func (db *Throttle) ReserveAttempt(ctx context.Context, key string, limit int, window time.Duration) (wait time.Duration, err error) {
	var count int
	err = db.pool.QueryRow(ctx, `INSERT INTO attempts (key, count, expires_at) VALUES ($1, 1, now() + make_interval(secs => $3))
		ON CONFLICT (key) DO UPDATE SET
			count = CASE WHEN attempts.expires_at < now() THEN 1 ELSE attempts.count + 1 END, expires_at = excluded.expires_at
		WHERE attempts.expires_at < now() OR attempts.count < $2
		RETURNING count`, key, limit, window.Seconds()).Scan(&count)
	if !errors.Is(err, pgx.ErrNoRows) {
		return 0, err
	}
	var left float64
	err = db.pool.QueryRow(ctx, "SELECT "+secondsLeft+" FROM attempts WHERE key = $1", key).Scan(&left)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Second, nil // it has just been forgotten
	}
	return toWait(left), err
}

// ReleaseAttempt takes back one that ReserveAttempt counted.
func (db *Throttle) ReleaseAttempt(ctx context.Context, key string) error {
	_, err := db.pool.Exec(ctx, "UPDATE attempts SET count = greatest(count - 1, 0) WHERE key = $1", key)
	return err
}

// Attempts is how many were counted under a key, and for how long they count.
type Attempts struct {
	Key   string
	Count int
	Left  time.Duration
}

// AttemptsUnder returns what was counted under keys; those without any are left
// out.
func (db *Throttle) AttemptsUnder(ctx context.Context, keys []string) ([]Attempts, error) {
	rows, err := db.pool.Query(ctx, "SELECT key, count, "+secondsLeft+" FROM attempts WHERE key = ANY($1) AND expires_at > now()", keys)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Attempts, err error) {
		var left float64
		err = row.Scan(&a.Key, &a.Count, &left)
		a.Left = toWait(left)
		return a, err
	})
}

// ResetAttempts forgets the attempts under key.
func (db *Throttle) ResetAttempts(ctx context.Context, key string) error {
	return db.site.WithContext(ctx).Exec("DELETE FROM attempts WHERE key = ?", key).Error
}
