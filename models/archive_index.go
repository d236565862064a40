package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"foyer/internal/budget"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Index is the index of the words in archives, for searches.
type Index struct{ *core }

// The words of an archive are indexed in segments: its oldest messages in large
// ones, later ones in small ones, and the latest not at all: a search reads those.
// So most archives have no index. When enough small segments have come together
// they are replaced by a large one.
//
// This happens in the background, at a pace that leaves the processor to others.
// Storing a message only looks at its id: by its random bits one of some dozen has
// its archive looked at.
//
// Ids are given in the order of commits, by the one writer (xmppd/archive): what is
// older than a message that can be seen can be seen too, or never.

// indexBounds are the sizes of segments, in messages.
type indexBounds struct{ small, large int }

// Sizes of segments: a search reads less than a small one, and looks into one
// segment for each large one's messages of an archive.
var defaultIndexBounds = indexBounds{small: 256, large: 8192}

const (
	lookedAt    = 32          // one of so many messages has its archive looked at
	maxDue      = 4096        // archives that wait to be looked at; what is more is seen with a later message
	ownerPace   = 9           // after a segment its archive waits, this many times as long as the segment took
	indexPace   = 1           // and all the others wait, this many times as long
	indexRetry  = time.Minute // until an archive that could not be indexed is looked at again, or the database
	sweepEvery  = time.Hour   // how often segments of removed messages are looked for
	ownersAtOne = 1000        // archives that are looked at in one statement
)

// Run indexes the words of archives until ctx ends: first what was stored while
// nobody did, then what comes, a segment of each archive in turn. Errors are logged;
// what was not indexed is read by searches, and looked at again later.
func (db *Index) Run(ctx context.Context) {
	var sweeping sync.WaitGroup
	sweeping.Go(func() { db.keepSwept(ctx) })
	defer sweeping.Wait()
	err := db.eachUnindexed(ctx, func(owners []string) error {
		for _, owner := range owners {
			db.index.add(owner)
		}
		return db.indexDue(ctx)
	})
	for ; ctx.Err() == nil; err = db.indexDue(ctx) {
		if err != nil {
			db.log.Error("words of messages were not indexed; searches take longer", "err", err)
			_ = budget.Pause(ctx, indexRetry)
			continue
		}
		select {
		case <-db.index.wake:
		case <-ctx.Done():
		}
	}
}

// keepSwept takes what was removed out of the index, until ctx ends.
func (db *Index) keepSwept(ctx context.Context) {
	for budget.Pause(ctx, sweepEvery) == nil {
		if err := db.sweepIndex(ctx, ownerPace); err != nil && ctx.Err() == nil {
			db.log.Error("words of removed messages are in the index still", "err", err)
		}
	}
}

// IndexArchives indexes the words of all archives, as fast as it goes. One that cannot
// be indexed keeps no other from it.
func (db *Index) IndexArchives(ctx context.Context) error {
	var first error
	failed := 0
	err := db.eachUnindexed(ctx, func(owners []string) error {
		for _, owner := range owners {
			if err := db.indexArchive(ctx, owner); err != nil {
				first = cmp.Or(first, err)
				failed++
			}
		}
		return ctx.Err()
	})
	if err == nil && first != nil {
		err = fmt.Errorf("the words of %d archives were not indexed: %w", failed, first)
	}
	return err
}

// indexArchive indexes an archive until less than a small segment is left.
func (db *Index) indexArchive(ctx context.Context, owner string) error {
	for {
		if more, err := db.indexSegment(ctx, owner); err != nil || !more {
			return err
		}
	}
}

// indexDue indexes the archives that are due, until none is. An archive that cannot be
// indexed waits, and the others go on.
func (db *Index) indexDue(ctx context.Context) error {
	for {
		owner, wait, ok := db.index.next()
		if !ok {
			return nil
		}
		if wait > 0 {
			if err := db.index.await(ctx, wait); err != nil {
				return err
			}
			continue
		}
		begin := time.Now()
		if err := db.indexTurn(ctx, owner); err != nil {
			return err
		}
		if err := budget.Pause(ctx, indexPace*time.Since(begin)); err != nil {
			return err
		}
	}
}

// indexTurn indexes one segment of an archive. An error is the database's; one of the
// archive's own is logged, once.
func (db *Index) indexTurn(ctx context.Context, owner string) error {
	begin := time.Now()
	db.index.begin(owner)
	more, err := db.indexSegment(ctx, owner)
	again := time.Duration(0)
	switch {
	case err != nil:
		again = indexRetry
	case more:
		again = ownerPace * time.Since(begin)
	}
	first := db.index.finish(owner, again, err)
	var refused *pgconn.PgError
	if err == nil || !errors.As(err, &refused) {
		return err
	}
	if first {
		db.log.Error("the words of an archive were not indexed; searches in it take longer", "owner", owner, "err", err)
	}
	return nil
}

// eachUnindexed calls do with the archives that have enough for a segment, some at a
// time.
func (db *Index) eachUnindexed(ctx context.Context, do func(owners []string) error) error {
	for last := ""; ; {
		rows, err := db.pool.Query(ctx, unindexedOwners, last, ownersAtOne, db.index.bounds.small-1)
		if err != nil {
			return err
		}
		var owner string
		var long bool
		var owners []string
		if _, err := pgx.ForEachRow(rows, []any{&owner, &long}, func() error {
			if last = owner; long {
				owners = append(owners, owner)
			}
			return nil
		}); err != nil {
			return err
		}
		if owner == "" {
			return nil
		}
		if err := do(owners); err != nil {
			return err
		}
	}
}

// unindexedOwners are the next $2 owners after $1, and whether more than $3 messages
// of theirs are in no segment. Owners are skipped through the index one by one.
const unindexedOwners = `WITH RECURSIVE o AS (
		(SELECT owner FROM archive WHERE owner > $1 ORDER BY owner LIMIT 1)
		UNION ALL
		SELECT (SELECT a.owner FROM archive a WHERE a.owner > o.owner ORDER BY a.owner LIMIT 1) FROM o WHERE o.owner IS NOT NULL
	)
	SELECT o.owner, EXISTS (SELECT 1 FROM archive a WHERE a.owner = o.owner AND a.id >
			coalesce((SELECT last FROM archive_segments s WHERE s.owner = o.owner ORDER BY s.owner DESC, s.last DESC LIMIT 1), '` + firstOfAll + `')
		ORDER BY a.owner, a.id OFFSET $3 LIMIT 1)
	FROM o WHERE o.owner IS NOT NULL LIMIT $2`

// indexSegment indexes one segment, if there is enough for one.
func (db *Index) indexSegment(ctx context.Context, owner string) (done bool, err error) {
	b := db.index.bounds
	err = db.inIndex(ctx, func(tx pgx.Tx) error {
		var large, latest uuid.UUID // the ends of the last large segment, and of the last of all
		var small, unindexed int    // messages in small segments, and in none
		if err := tx.QueryRow(ctx, indexState, owner, b.large).Scan(&large, &latest, &small, &unindexed); err != nil || unindexed < b.small {
			return err
		}
		done = true
		if small+unindexed < b.large {
			_, err := tx.Exec(ctx, insertSegment, owner, latest, lastOfAll, b.small)
			return err
		}
		if _, err := tx.Exec(ctx, deleteSegments, owner, large); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertSegment, owner, large, lastOfAll, b.large)
		return err
	})
	return done, err
}

// indexLock is the number of the lock that those who change the index take.
const indexLock = "4915631"

// inIndex changes the index, alone.
func (db *Index) inIndex(ctx context.Context, change func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock("+indexLock+"), set_config('work_mem', '32MB', true), set_config('jit', 'off', true)"); err != nil {
			return err
		}
		return change(tx)
	})
}

// messageWords are the words of a message. The other side's address is one of them,
// so that a search in one conversation reads only what is about it; in a room it is that of who wrote it. And
// of what went out: ">" is what a member said to another, ">Bob" what was said in a room under that name.
const messageWords = "unnest(tsvector_to_array(to_tsvector('simple', left(a.body, 32768))) || ('@' || a.peer) || " +
	"CASE WHEN NOT a.outgoing THEN '{}' WHEN split_part($1::text, '@', 2) = split_part(a.peer, '@', 2) THEN ARRAY['>'] ELSE ARRAY['>' || a.resource] END) m (lexeme)"

// indexedLexeme is a word as the index has it (indexedWord).
var indexedLexeme = fmt.Sprintf("left(m.lexeme, %d)", indexedRunes)

const (
	firstHalf = "('x' || left(translate(a.id::text, '-', ''), 16))::bit(64)::bigint"

	firstOfAll = "00000000-0000-0000-0000-000000000000"
	lastOfAll  = "ffffffff-ffff-ffff-ffff-ffffffffffff"
)

// latestSegment is where the segments of the owner $1 end.
const latestSegment = "coalesce((SELECT last FROM archive_segments WHERE owner = $1 ORDER BY owner DESC, last DESC LIMIT 1), '" + firstOfAll + "')"

// indexState: of the owner $1, and $2 messages being a large segment.
const indexState = `WITH ends AS MATERIALIZED (SELECT ` + latestSegment + ` AS latest,
		coalesce((SELECT last FROM archive_segments WHERE owner = $1 AND size >= $2 ORDER BY owner DESC, last DESC LIMIT 1), '` + firstOfAll + `') AS large)
	SELECT large, latest, (SELECT coalesce(sum(size), 0) FROM archive_segments WHERE owner = $1 AND last > large),
		(SELECT count(*) FROM (SELECT 1 FROM archive WHERE owner = $1 AND id > latest LIMIT $2) unindexed)
	FROM ends`

// insertSegment makes a segment of the owner's $1 first $4 messages after $2, up to $3.
var insertSegment = `WITH part AS MATERIALIZED (
		SELECT id, peer, resource, outgoing, body FROM archive WHERE owner = $1 AND id > $2 AND id <= $3 ORDER BY owner, id LIMIT $4
	), segment AS (
		INSERT INTO archive_segments (owner, first, last, size, authors)
		SELECT $1, (SELECT id FROM part ORDER BY id LIMIT 1), (SELECT id FROM part ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM part), true
		WHERE EXISTS (SELECT FROM part)
		RETURNING id
	)
	INSERT INTO archive_words (segment, letters, at)
	SELECT segment.id, w.word, array_agg(w.at)
	FROM segment, (SELECT ` + indexedLexeme + ` AS word, ` + firstHalf + ` AS at FROM part a, ` + messageWords + ` WHERE a.body <> '') w
	GROUP BY 1, 2 ORDER BY 2`

// deleteIndex deletes all segments of one owner, and deleteIndexes of the owners $1.
const (
	deleteIndex = `WITH segments AS (DELETE FROM archive_segments WHERE owner = ? RETURNING id)
	DELETE FROM archive_words w USING segments s WHERE w.segment = s.id`
	deleteIndexes = `WITH segments AS (DELETE FROM archive_segments WHERE owner = ANY ($1) RETURNING id)
	DELETE FROM archive_words w USING segments s WHERE w.segment = s.id`
)

// deleteSegments deletes the owner's $1 segments that end after $2.
const deleteSegments = `WITH segments AS (DELETE FROM archive_segments WHERE owner = $1 AND last > $2 RETURNING id)
	DELETE FROM archive_words w USING segments s WHERE w.segment = s.id`

// forgetWords takes a message, $2 of the owner's $1, out of its segment, and words that no other message there has.
var forgetWords = `WITH said AS MATERIALIZED (
		SELECT DISTINCT s.id AS segment, ` + indexedLexeme + ` AS word, ` + firstHalf + ` AS at
		FROM archive a, ` + messageWords + `, archive_segments s
		WHERE a.owner = $1 AND a.id = $2 AND s.owner = $1 AND s.first <= $2 AND s.last >= $2
	), nobodys AS (
		DELETE FROM archive_words w USING said WHERE w.segment = said.segment AND w.letters = said.word AND w.at <@ ARRAY[said.at]
	)
	UPDATE archive_words w SET at = array_remove(w.at, said.at)
	FROM said WHERE w.segment = said.segment AND w.letters = said.word AND NOT w.at <@ ARRAY[said.at]`

// sweepIndex takes messages that were removed out of the index, such as what is older
// than the archive's retention. The words of some of them stay, without their order and whose
// they were, until an eighth of their segment is gone.
func (db *Index) sweepIndex(ctx context.Context, pace int) error {
	type segment struct {
		Owner       string
		First, Last uuid.UUID
		Size, Left  int
	}
	rows, err := db.pool.Query(ctx, `SELECT owner, first, last, size,
			(SELECT count(*) FROM archive a WHERE a.owner = s.owner AND a.id >= s.first AND a.id <= s.last) AS left
		FROM archive_segments s WHERE NOT EXISTS (SELECT 1 FROM archive a WHERE a.owner = s.owner AND a.id = s.first)`)
	if err != nil {
		return err
	}
	segments, err := pgx.CollectRows(rows, pgx.RowToStructByPos[segment])
	if err != nil {
		return err
	}
	for _, s := range segments {
		if 8*(s.Size-s.Left) < s.Size {
			continue
		}
		begin := time.Now()
		err := db.inIndex(ctx, func(tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, deleteSegment, s.Owner, s.First, s.Last)
			if err != nil || tag.RowsAffected() == 0 || s.Left == 0 {
				return err // or it is another one by now
			}
			_, err = tx.Exec(ctx, insertSegment, s.Owner, s.First, s.Last, s.Size)
			return err
		})
		if err == nil {
			err = budget.Pause(ctx, time.Duration(pace)*time.Since(begin))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteSegment deletes one segment, from $2 to $3 of the owner $1.
const deleteSegment = `WITH segments AS (DELETE FROM archive_segments WHERE owner = $1 AND first = $2 AND last = $3 RETURNING id)
	DELETE FROM archive_words w USING segments s WHERE w.segment = s.id`
