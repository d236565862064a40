package models

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Retention removes what has been kept long enough.
type Retention struct{ *core }

// The maximum number of rows that one statement removes: it holds its locks for
// milliseconds.
const expiryBatch = 500

// ExpireArchive removes what is older than before from the archives of the
// accounts or rooms at a domain. In each archive the oldest goes first, so that
// nothing is ever missing in the middle (XEP-0313 §3.2), whenever ctx ends. It
// returns how many messages it removed, also with an error. It uses the pages'
// connections; the chat does not wait for it.
func (db *Retention) ExpireArchive(ctx context.Context, domain string, before time.Time) (removed int64, err error) {
	for owner := ""; ; {
		err := db.pool.QueryRow(ctx, "SELECT owner FROM archive WHERE owner > $1 ORDER BY owner LIMIT 1", owner).Scan(&owner)
		if errors.Is(err, pgx.ErrNoRows) {
			return removed, nil
		}
		if err != nil {
			return removed, err
		}
		if !strings.HasSuffix(owner, "@"+domain) {
			continue
		}
		n, err := db.inBatches(ctx, `DELETE FROM archive WHERE (owner, id) IN
			(SELECT owner, id FROM archive WHERE owner = $1 AND id < $2 ORDER BY owner, id LIMIT $3)`, owner, firstID(before), expiryBatch)
		removed += n
		if err != nil {
			return removed, err
		}
	}
}

// ExpireOffline removes messages that wait for somebody since before that time.
func (db *Retention) ExpireOffline(ctx context.Context, before time.Time) (removed int64, err error) {
	return db.inBatches(ctx, `DELETE FROM offline_messages WHERE (username, id) IN
		(SELECT username, id FROM offline_messages WHERE stamp < $1 ORDER BY stamp LIMIT $2)`, before, expiryBatch)
}

// inBatches repeats a statement until it finds less than a batch.
func (db *Retention) inBatches(ctx context.Context, sql string, args ...any) (removed int64, err error) {
	for {
		tag, err := db.pool.Exec(ctx, sql, args...)
		removed += tag.RowsAffected()
		if err != nil || tag.RowsAffected() < expiryBatch {
			return removed, err
		}
	}
}
