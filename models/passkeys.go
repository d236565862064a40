package models

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Passkeys are those of accounts, and what was answered with one.
type Passkeys struct{ *core }

// MaxPasskeys is how many an account may have.
const MaxPasskeys = 20

// Passkey is what somebody signs in with that a device of theirs keeps: the site has its public key.
type Passkey struct {
	ID           string // public; a UUID
	AccountID    int64
	IdentityID   *string // on which it stands: whose password was typed for it; nil: the account's own
	Site         string  // the host for which it was made
	CredentialID []byte
	PublicKey    []byte // COSE
	SignCount    uint32
	Synced       bool
	Name         string // for the person to recognise it
	CreatedAt    time.Time
	UsedAt       *time.Time
}

const passkeyColumns = "p.id::text, p.account_id, p.identity_id::text, p.site, p.credential_id, p.public_key, p.sign_count, p.synced, p.name, p.created_at, p.used_at"

func (p *Passkey) fields() []any {
	return []any{&p.ID, &p.AccountID, &p.IdentityID, &p.Site, &p.CredentialID, &p.PublicKey, &p.SignCount, &p.Synced, &p.Name, &p.CreatedAt, &p.UsedAt}
}

// handleLength is that which WebAuthn §14.6.1 recommends, in bytes.
const handleLength = 64

// Handle returns by what those who keep an account's passkeys know it; it is made the first time, and stays.
func (db *Passkeys) Handle(ctx context.Context, accountID int64) (handle []byte, err error) {
	made := make([]byte, handleLength)
	_, _ = rand.Read(made) // never fails (crypto/rand)
	err = db.pool.QueryRow(ctx, `INSERT INTO passkey_handles (account_id, handle) VALUES ($1, $2)
		ON CONFLICT (account_id) DO UPDATE SET handle = passkey_handles.handle RETURNING handle`, accountID, made).Scan(&handle)
	return handle, translate(err)
}

// Of returns an account's passkeys, the newest first.
func (db *Passkeys) Of(ctx context.Context, accountID int64) ([]Passkey, error) {
	rows, err := db.pool.Query(ctx, "SELECT "+passkeyColumns+" FROM passkeys p WHERE p.account_id = $1 ORDER BY p.created_at DESC, p.id", accountID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Passkey, err error) { return p, row.Scan(p.fields()...) })
}

// ByCredential returns a passkey by what its authenticator calls it, with the handle of its account and that account,
// blocked ones included: ErrNotFound.
func (db *Passkeys) ByCredential(ctx context.Context, credentialID []byte) (p Passkey, handle []byte, a Account, err error) {
	var username string
	err = db.pool.QueryRow(ctx, "SELECT "+passkeyColumns+`, h.handle, a.username FROM passkeys p
		JOIN passkey_handles h ON h.account_id = p.account_id JOIN accounts a ON a.id = p.account_id WHERE p.credential_id = $1`, credentialID).
		Scan(append(p.fields(), &handle, &username)...)
	if err != nil {
		return p, nil, a, translate(err)
	}
	a, err = (&Accounts{db.core}).AccountByName(ctx, username)
	return p, handle, a, err
}

// Create keeps a passkey that somebody made in a session, on the strength of a password that was typed before, and sets
// its ID. The basis is what that password proved. ErrStale: it does not hold any more, or the session has ended;
// ErrTooMany; ErrTaken: it is kept already, whosever it is.
func (db *Passkeys) Create(ctx context.Context, p *Passkey, session string, basis SessionBasis) error {
	p.ID, p.IdentityID = uuid.NewString(), basis.Identity.id()
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// One at a time for each account, or two would both be the last. What ends all of it waits.
		if _, err := tx.Exec(ctx, "SELECT FROM accounts WHERE id = $1 FOR UPDATE", p.AccountID); err != nil {
			return err
		}
		var n int
		err := tx.QueryRow(ctx, onBasis+"SELECT (SELECT count(*) FROM passkeys WHERE account_id = $1) FROM proved", basis.args(p.AccountID)...).Scan(&n)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrStale
		case err == nil && n >= MaxPasskeys:
			return ErrTooMany
		}
		if err == nil {
			err = lockSession(ctx, tx, p.AccountID, session)
		}
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `INSERT INTO passkeys (id, account_id, identity_id, site, credential_id, public_key, sign_count, synced, name)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING created_at`,
			p.ID, p.AccountID, p.IdentityID, p.Site, p.CredentialID, p.PublicKey, p.SignCount, p.Synced, p.Name).Scan(&p.CreatedAt)
	})
	return translate(err)
}

// Use notes that a passkey was used, and how often by its authenticator's count. ErrStale: the count has not gone
// forward, as when a copy was used as well (WebAuthn §6.1.1); or the passkey was removed.
func (db *Passkeys) Use(ctx context.Context, id string, signCount uint32) error {
	tag, err := db.pool.Exec(ctx, `UPDATE passkeys SET sign_count = $2, used_at = now()
		WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))`, id, int64(signCount))
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrStale
	}
	return translate(err)
}

// Remove takes a passkey from an account, and with it what was signed in by it: sessions but keep, and app passwords
// that were made there. It returns the ids that ended. ErrNotFound.
func (db *Passkeys) Remove(ctx context.Context, accountID int64, id, keep string) (ended []string, err error) {
	if !IsID(id) {
		return nil, ErrNotFound
	}
	err = db.ending(ctx, func(tx pgx.Tx) error {
		ended = nil
		// The account first, as for a new app password: it may be made in a session of this passkey. The passkey next: a
		// session that begins by it locks its row, or waits and sees then that it is late.
		if _, err := tx.Exec(ctx, "SELECT FROM accounts WHERE id = $1 FOR UPDATE", accountID); err != nil {
			return err
		}
		var one int
		if err := tx.QueryRow(ctx, "SELECT 1 FROM passkeys WHERE id = $1 AND account_id = $2 FOR UPDATE", id, accountID).Scan(&one); err != nil {
			return err
		}
		end := func(query string, args ...any) error {
			rows, err := tx.Query(ctx, query, args...)
			if err != nil {
				return err
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
			ended = append(ended, ids...)
			return err
		}
		err := end("DELETE FROM sessions WHERE passkey_id = $1 AND id::text <> $2 RETURNING id::text", id, keep)
		if err == nil {
			err = end("DELETE FROM app_passwords WHERE passkey_id = $1 RETURNING id::text", id)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "DELETE FROM passkeys WHERE id = $1", id)
		}
		return err
	})
	return ended, translate(err)
}

// UseChallenge notes that a challenge was answered. ErrTaken: it was before.
func (db *Passkeys) UseChallenge(ctx context.Context, challenge string, until time.Time) error {
	sum := sha256.Sum256([]byte(challenge))
	_, err := db.pool.Exec(ctx, "INSERT INTO used_token_ids (id, expires_at) VALUES ($1, $2)", "passkey "+base64.RawURLEncoding.EncodeToString(sum[:]), until)
	return translate(err)
}

// Elsewhere returns how many passkeys were made for another host than this one, and one of these hosts.
func (db *Passkeys) Elsewhere(ctx context.Context, site string) (count int, host string, err error) {
	err = db.pool.QueryRow(ctx, "SELECT count(*), coalesce(min(site), '') FROM passkeys WHERE site <> $1", site).Scan(&count, &host)
	return count, host, err
}
