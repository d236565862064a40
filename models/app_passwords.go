package models

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// MaxAppPasswords is how many an account may have.
const MaxAppPasswords = 20

// ErrTooMany is returned for what would be more than there may be.
var ErrTooMany = errors.New("models: too many")

// AppPassword is what a native client signs in with. The password itself is not
// kept.
type AppPassword struct {
	ID         string // public; a UUID; the session of the streams that signed in with it
	AccountID  int64
	Name       string // for the person to recognise it
	Salt       []byte
	Iterations int
	CreatedAt  time.Time
	UsedAt     *time.Time
	IdentityID *string          // of the session in which it was made; nil: none
	PasskeyID  *string          // likewise
	Keys       []AppPasswordKey `gorm:"foreignKey:AppPasswordID"`
}

// AppPasswordKey is what is kept for one hash (RFC 5802 §3).
type AppPasswordKey struct {
	AppPasswordID string `gorm:"primaryKey"`
	Hash          string `gorm:"primaryKey"`
	StoredKey     []byte
	ServerKey     []byte
}

// CreateAppPassword keeps a password that somebody made in a session, and sets
// its ID. ErrTooMany: the account has as many as it may. ErrStale: the session has
// ended.
func (db *Tokens) CreateAppPassword(ctx context.Context, p *AppPassword, session string) error {
	p.ID, p.CreatedAt = uuid.NewString(), time.Now()
	for i := range p.Keys {
		p.Keys[i].AppPasswordID = p.ID
	}
	return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		// One at a time for each account, or two would both be the last. The
		// session cannot end before this is written: what ends it, and would end
		// the new password too, waits.
		if err := requireRows(tx.Exec("SELECT 1 FROM accounts WHERE id = ? FOR UPDATE", p.AccountID)); err != nil {
			return err
		}
		err := tx.Raw("SELECT identity_id::text, passkey_id::text FROM sessions WHERE account_id = ? AND id = ? AND expires_at > now() FOR SHARE", p.AccountID, session).Row().Scan(&p.IdentityID, &p.PasskeyID)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrStale
		}
		if err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&AppPassword{}).Where("account_id = ?", p.AccountID).Count(&n).Error; err != nil {
			return err
		}
		if n >= MaxAppPasswords {
			return ErrTooMany
		}
		return translate(tx.Create(p).Error)
	})
}

// AppPasswords returns an account's, the newest first, without their keys.
func (db *Tokens) AppPasswords(ctx context.Context, accountID int64) ([]AppPassword, error) {
	var list []AppPassword
	err := db.site.WithContext(ctx).Where("account_id = ?", accountID).Order("created_at DESC, id").Find(&list).Error
	return list, err
}

// RevokeAppPassword deletes one of an account's.
func (db *Tokens) RevokeAppPassword(ctx context.Context, accountID int64, id string) error {
	if !IsID(id) {
		return ErrNotFound
	}
	return requireRows(db.site.WithContext(ctx).Where("account_id = ? AND id = ?", accountID, id).Delete(&AppPassword{}))
}

// AppPasswordKeys returns what is kept of an account's passwords for one hash;
// that of blocked accounts too. Those whose salt is not the newest one's are
// left out: one proof cannot be held against them.
func (db *Tokens) AppPasswordKeys(ctx context.Context, username, hash string) ([]AppPassword, error) {
	rows, err := db.chat.Query(ctx, `SELECT p.id::text, p.salt, p.iterations, k.stored_key, k.server_key
		FROM app_passwords p JOIN app_password_keys k ON k.app_password_id = p.id AND k.hash = $2
		WHERE p.account_id = (SELECT id FROM accounts WHERE username = $1) ORDER BY p.created_at DESC, p.id`, username, hash)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p AppPassword, err error) {
		k := AppPasswordKey{Hash: hash}
		err = row.Scan(&p.ID, &p.Salt, &p.Iterations, &k.StoredKey, &k.ServerKey)
		p.Keys = []AppPasswordKey{k}
		return p, err
	})
	return withSameSalt(list), err
}

func withSameSalt(list []AppPassword) []AppPassword {
	same := list[:0]
	for _, p := range list {
		if string(p.Salt) == string(list[0].Salt) && p.Iterations == list[0].Iterations {
			same = append(same, p)
		}
	}
	return same
}

// UseAppPassword notes that a password is in use, at most once a minute, which
// is enough for a person to recognise it. blocked: its account may not sign in.
// ErrNotFound: it was revoked.
func (db *Tokens) UseAppPassword(ctx context.Context, id string) (blocked bool, err error) {
	var used *time.Time
	err = db.chat.QueryRow(ctx, `SELECT a.blocked_at IS NOT NULL, p.used_at FROM app_passwords p
		JOIN accounts a ON a.id = p.account_id WHERE p.id = $1`, id).Scan(&blocked, &used)
	if err != nil || blocked || (used != nil && time.Since(*used) < time.Minute) {
		return blocked, translate(err)
	}
	_, err = db.chat.Exec(ctx, "UPDATE app_passwords SET used_at = now() WHERE id = $1", id)
	return false, err
}
