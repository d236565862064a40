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

// orphanedArchives are the archives of accounts at the domain $1 that are gone. No name is given
// out twice, so that they are nobody's. Each is looked for in the order of an index: by "=" alone the
// database may choose to read everything, where a few archives are most of what there is.
const orphanedArchives = `SELECT g.owner FROM (
		SELECT (u.username || '@' || $1) COLLATE "C" AS owner FROM usernames u WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.username = u.username)
	) g WHERE g.owner = (SELECT m.owner FROM archive m WHERE m.owner >= g.owner ORDER BY m.owner LIMIT 1)`

// RemoveOrphaned removes what is in the archives of accounts that are gone: messages that were on
// their way to an account while it was deleted. It returns how many they were.
func (db *Retention) RemoveOrphaned(ctx context.Context, domain string) (removed int64, err error) {
	rows, err := db.pool.Query(ctx, orphanedArchives, domain)
	if err != nil {
		return 0, err
	}
	owners, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, err
	}
	for _, owner := range owners {
		// The archive last: by it the rest is found.
		for _, q := range []string{"DELETE FROM conversations WHERE owner = ANY ($1)", deleteIndexes} {
			if _, err := db.pool.Exec(ctx, q, []string{owner}); err != nil {
				return removed, err
			}
		}
		n, err := db.inBatches(ctx, `DELETE FROM archive WHERE (owner, id) IN
			(SELECT owner, id FROM archive WHERE owner = $1 ORDER BY owner, id LIMIT $2)`, owner, expiryBatch)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// ExpireOffline removes messages that wait for somebody since before that time, account by account: of
// each only as much is read as is removed.
func (db *Retention) ExpireOffline(ctx context.Context, before time.Time) (removed int64, err error) {
	for last := ""; ; {
		rows, err := db.pool.Query(ctx, waitingLong, last, firstID(before), ownersAtOne)
		if err != nil {
			return removed, err
		}
		var user string
		var old bool
		var users []string
		if _, err := pgx.ForEachRow(rows, []any{&user, &old}, func() error {
			if last = user; old {
				users = append(users, user)
			}
			return nil
		}); err != nil || user == "" {
			return removed, err
		}
		for _, user := range users {
			n, err := db.inBatches(ctx, expireWaiting, user, before, expiryBatch, firstID(before))
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
}

const (
	// waitingLong are the next $3 accounts after $1 for which messages wait, and whether the first of those
	// came before the id $2. Accounts are skipped through the index one by one.
	waitingLong = `WITH RECURSIVE o AS (
			(SELECT username FROM offline_messages WHERE username > $1 ORDER BY username LIMIT 1)
			UNION ALL
			SELECT (SELECT m.username FROM offline_messages m WHERE m.username > o.username ORDER BY m.username LIMIT 1) FROM o WHERE o.username IS NOT NULL
		)
		SELECT o.username, (SELECT m.id FROM offline_messages m WHERE m.username = o.username ORDER BY m.username, m.id LIMIT 1) < $2
		FROM o WHERE o.username IS NOT NULL LIMIT $3`

	expireWaiting = `DELETE FROM offline_messages WHERE (username, id) IN
		(SELECT username, id FROM offline_messages WHERE username = $1 AND id < $4 AND stamp < $2 ORDER BY username, id LIMIT $3)`
)

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
