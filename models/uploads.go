package models

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Uploads are the records of files that people send.
type Uploads struct{ *core }

// UploadState says how far a file has come:
//
//	slot ─▶ writing ─▶ stored
//	  └────────┴──────────┴──▶ deleted ─▶ (no row)
type UploadState string

// The states. A deleted file is handed out no more, and removed in the
// background.
const (
	StateSlot    UploadState = "slot"    // may be sent, until it expires
	StateWriting UploadState = "writing" // is being sent
	StateStored  UploadState = "stored"
	StateDeleted UploadState = "deleted"
)

// Upload is a file that somebody sent, or may send.
type Upload struct {
	ID          uuid.UUID // its name in the store
	State       UploadState
	Name        string
	Size        int64  // bytes
	ClaimedType string // as the client said
	MediaType   string // as shown in pages; empty: only handed out as a file
	CreatedAt   time.Time
	ExpiresAt   *time.Time // of a slot: when the upload must have begun
}

// Key is the file's name in the store.
func (u Upload) Key() string { return u.ID.String() }

const uploadColumns = "u.id, u.state, u.name, u.size, u.claimed_type, u.media_type, u.created_at, u.expires_at"

func scanUpload(row pgx.CollectableRow) (u Upload, err error) {
	return u, row.Scan(&u.ID, &u.State, &u.Name, &u.Size, &u.ClaimedType, &u.MediaType, &u.CreatedAt, &u.ExpiresAt)
}

func (db *Uploads) oneUpload(ctx context.Context, sql string, args ...any) (Upload, error) {
	rows, err := db.pool.Query(ctx, sql, args...)
	if err != nil {
		return Upload{}, err
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUpload)
	return u, translate(err)
}

// UploadLimits bound what one account may keep.
type UploadLimits struct {
	Bytes     int64         // files and open slots together
	Files     int           // likewise
	Slots     int           // open slots
	Retention time.Duration // how long files are kept; 0: for ever
}

// UploadQuotaError is returned by ReserveUpload when there is no room.
type UploadQuotaError struct {
	Used  UploadUsage
	Frees time.Time // when some room is free again; zero: when the person deletes something
}

func (e *UploadQuotaError) Error() string {
	return fmt.Sprintf("models: upload quota: %d files and slots with %d bytes", e.Used.Files, e.Used.Bytes)
}

// EscapedFileName is a file's name as its address ends with it: everything but letters, digits and -_.~ is escaped.
func EscapedFileName(name string) string {
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// UploadUsage is what an account's files take, open slots included.
type UploadUsage struct {
	Files int
	Bytes int64
	Slots int // of these files
}

// ReserveUpload makes a slot for a file and sets its ID; ErrNotFound when there
// is no such account, *UploadQuotaError when it has no room. The account is
// locked meanwhile, so that two requests at once cannot get the same room.
func (db *Uploads) ReserveUpload(ctx context.Context, username string, u *Upload, putHash, getHash []byte, limits UploadLimits) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	u.ID, u.State, u.CreatedAt = id, StateSlot, time.Now()
	return pgx.BeginFunc(ctx, db.chat, func(tx pgx.Tx) error {
		var account int64
		err := tx.QueryRow(ctx, "SELECT id FROM accounts WHERE username = $1 AND blocked_at IS NULL FOR NO KEY UPDATE", username).Scan(&account)
		if err != nil {
			return translate(err)
		}
		if err := checkUploadLimits(ctx, tx, account, u.Size, limits); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO uploads (id, account_id, state, name, size, claimed_type, put_hash, get_hash, created_at, expires_at)
			VALUES ($1, $2, 'slot', $3, $4, $5, $6, $7, $8, $9)`,
			u.ID, account, u.Name, u.Size, u.ClaimedType, putHash, getHash, u.CreatedAt, u.ExpiresAt)
		return translate(err)
	})
}

// uploadUsage selects an UploadUsage. Slots that nobody used in time do not count.
const uploadUsage = `SELECT count(*), coalesce(sum(size), 0)::bigint, count(*) FILTER (WHERE state <> 'stored')`

const uploadsThatCount = ` FROM uploads WHERE account_id = $1 AND (state = 'stored' OR (state IN ('slot', 'writing') AND expires_at > now()))`

func checkUploadLimits(ctx context.Context, tx pgx.Tx, account, size int64, limits UploadLimits) error {
	var used UploadUsage
	var slotEnds, oldest *time.Time
	err := tx.QueryRow(ctx, uploadUsage+`, min(expires_at), min(created_at) FILTER (WHERE state = 'stored')`+uploadsThatCount, account).
		Scan(&used.Files, &used.Bytes, &used.Slots, &slotEnds, &oldest)
	if err != nil {
		return err
	}
	if used.Bytes+size <= limits.Bytes && used.Files < limits.Files && used.Slots < limits.Slots {
		return nil
	}
	full := &UploadQuotaError{Used: used}
	switch {
	case slotEnds != nil:
		full.Frees = *slotEnds
	case oldest != nil && limits.Retention > 0:
		full.Frees = oldest.Add(limits.Retention)
	}
	return full
}

// UploadUsage returns what an account's files take.
func (db *Uploads) UploadUsage(ctx context.Context, accountID int64) (used UploadUsage, err error) {
	err = db.pool.QueryRow(ctx, uploadUsage+uploadsThatCount, accountID).Scan(&used.Files, &used.Bytes, &used.Slots)
	return used, err
}

// UploadByPut returns the slot, open or used, that a hash stands for.
// ErrNotFound for those of people who were blocked or deleted as well.
func (db *Uploads) UploadByPut(ctx context.Context, putHash []byte) (Upload, error) {
	return db.oneUpload(ctx, "SELECT "+uploadColumns+` FROM uploads u JOIN accounts a ON a.id = u.account_id
		WHERE u.put_hash = $1 AND a.blocked_at IS NULL`, putHash)
}

// UploadByGet returns the stored file that a hash stands for.
func (db *Uploads) UploadByGet(ctx context.Context, getHash []byte) (Upload, error) {
	return db.oneUpload(ctx, "SELECT "+uploadColumns+` FROM uploads u
		WHERE u.get_hash = $1 AND u.state = 'stored' AND u.account_id IS NOT NULL`, getHash)
}

// StoredUpload returns a file that people may still have: it is stored, and its account is there.
func (db *Uploads) StoredUpload(ctx context.Context, id uuid.UUID) (Upload, error) {
	return db.oneUpload(ctx, "SELECT "+uploadColumns+" FROM uploads u WHERE u.id = $1 AND u.state = 'stored' AND u.account_id IS NOT NULL", id)
}

// BeginUpload uses an open slot: it succeeds once, else ErrNotFound. The upload
// must be done by then.
func (db *Uploads) BeginUpload(ctx context.Context, id uuid.UUID, until time.Time) error {
	return db.execUpload(ctx, "UPDATE uploads SET state = 'writing', expires_at = $2 WHERE id = $1 AND state = 'slot' AND expires_at > now()", id, until)
}

// FinishUpload makes a file that was written available; ErrNotFound when it was
// too late, or the account is gone: then the file must go, too.
func (db *Uploads) FinishUpload(ctx context.Context, id uuid.UUID, mediaType string) error {
	return db.execUpload(ctx, `UPDATE uploads SET state = 'stored', expires_at = NULL, media_type = $2
		WHERE id = $1 AND state = 'writing' AND account_id IS NOT NULL`, id, mediaType)
}

func (db *Uploads) execUpload(ctx context.Context, sql string, args ...any) error {
	tag, err := db.pool.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotFound
	}
	return err
}

// Of returns n of an account's files, the newest first; after is the last
// one of the page before, or uuid.Nil.
func (db *Uploads) Of(ctx context.Context, accountID int64, after uuid.UUID, n int) ([]Upload, error) {
	rows, err := db.pool.Query(ctx, "SELECT "+uploadColumns+` FROM uploads u WHERE u.account_id = $1 AND u.state = 'stored'
		AND ($2 = '00000000-0000-0000-0000-000000000000'::uuid OR u.id < $2) ORDER BY u.id DESC LIMIT $3`, accountID, after, n)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanUpload)
}

// UploadOf returns a stored file of an account.
func (db *Uploads) UploadOf(ctx context.Context, accountID int64, id uuid.UUID) (Upload, error) {
	return db.oneUpload(ctx, "SELECT "+uploadColumns+" FROM uploads u WHERE u.account_id = $1 AND u.id = $2 AND u.state = 'stored'", accountID, id)
}

// AbandonUpload marks a file that was not received for deletion.
func (db *Uploads) AbandonUpload(ctx context.Context, id uuid.UUID) error {
	return db.execUpload(ctx, "UPDATE uploads SET state = 'deleted', expires_at = now() WHERE id = $1", id)
}

// MarkUploadDeleted marks a stored file of an account; ErrNotFound when it has none by
// that id.
func (db *Uploads) MarkUploadDeleted(ctx context.Context, accountID int64, id uuid.UUID) error {
	return db.execUpload(ctx, "UPDATE uploads SET state = 'deleted', expires_at = now() WHERE account_id = $1 AND id = $2 AND state = 'stored'", accountID, id)
}

// MarkUploadsDeleted marks all stored files of an account.
func (db *Uploads) MarkUploadsDeleted(ctx context.Context, accountID int64) error {
	_, err := db.pool.Exec(ctx, "UPDATE uploads SET state = 'deleted', expires_at = now() WHERE account_id = $1 AND state = 'stored'", accountID)
	return err
}

// removalLease is how long deleted files that were claimed are not given out again:
// so long is there to remove them.
const removalLease = 5 * time.Minute

// ClaimDeletedUploads returns up to n files that are to be removed: deleted ones,
// those without an owner, slots and uploads that expired, and stored ones older
// than retention (0: kept for ever). What is being written is left alone until
// it expires. They are given out again later unless ForgetUploads follows.
func (db *Uploads) ClaimDeletedUploads(ctx context.Context, retention time.Duration, n int) ([]uuid.UUID, error) {
	oldest := time.Time{}
	if retention > 0 {
		oldest = time.Now().Add(-retention)
	}
	rows, err := db.pool.Query(ctx, claimUploads, oldest, time.Now().Add(removalLease), n)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// claimUploads has a part for each index, which it reads up to the bound.
const claimUploads = `UPDATE uploads SET state = 'deleted', expires_at = $2 WHERE id IN (SELECT id FROM (
		SELECT id FROM (SELECT id FROM uploads WHERE state <> 'stored' AND expires_at <= now() ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED) late
		UNION ALL SELECT id FROM (SELECT id FROM uploads WHERE state = 'stored' AND created_at < $1 ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED) old
		UNION ALL SELECT id FROM (SELECT id FROM uploads WHERE account_id IS NULL AND state IN ('slot', 'stored') ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) nobodys
	) due LIMIT $3) RETURNING id`

// ForgetUploads removes the records of deleted files that are gone from the store.
func (db *Uploads) ForgetUploads(ctx context.Context, ids []uuid.UUID) error {
	_, err := db.pool.Exec(ctx, "DELETE FROM uploads WHERE id = ANY($1) AND state = 'deleted'", ids)
	return err
}

// UnknownUploads returns those of ids that there is no record of.
func (db *Uploads) UnknownUploads(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := db.pool.Query(ctx, "SELECT id FROM unnest($1::uuid[]) AS given(id) WHERE NOT EXISTS (SELECT 1 FROM uploads u WHERE u.id = given.id)", ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
