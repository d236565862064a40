package models

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"time"

	"gorm.io/gorm"
)

// Account is a person's account.
type Account struct {
	ID           int64
	Username     string // localpart, prepared
	Name         string
	PasswordHash string
	Admin        bool
	Demo         bool
	BlockedAt    *time.Time
	AvatarHash   string
	VcardExtra   []byte
	CreatedAt    time.Time
}

// Avatar is a picture, known by the SHA-1 of its bytes.
type Avatar struct {
	Hash      string `gorm:"primaryKey"`
	MediaType string
	Data      []byte
}

type retiredUsername struct {
	Username  string `gorm:"primaryKey"`
	RetiredAt time.Time
}

func (retiredUsername) TableName() string { return "retired_usernames" }

// CreateAccount creates an account and sets its ID. ErrTaken when somebody has
// the name, or had it: a deleted account's name is never given out again.
func (db *DB) CreateAccount(ctx context.Context, a *Account) error {
	return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var retired int64
		if err := tx.Model(&retiredUsername{}).Where("username = ?", a.Username).Count(&retired).Error; err != nil {
			return err
		}
		if retired > 0 {
			return ErrTaken
		}
		if a.CreatedAt.IsZero() {
			a.CreatedAt = time.Now()
		}
		if a.VcardExtra == nil {
			a.VcardExtra = []byte{}
		}
		return translate(tx.Create(a).Error)
	})
}

// AccountByName returns an account, blocked ones included.
func (db *DB) AccountByName(ctx context.Context, username string) (Account, error) {
	var a Account
	err := db.site.WithContext(ctx).Where("username = ?", username).Take(&a).Error
	return a, translate(err)
}

// Directory returns the accounts that may sign in, by name.
func (db *DB) Directory(ctx context.Context) ([]Account, error) {
	var list []Account
	err := db.site.WithContext(ctx).Omit("password_hash", "vcard_extra").Where("blocked_at IS NULL").
		Order("lower(name), username").Find(&list).Error
	return list, err
}

// Accounts returns every account, by username.
func (db *DB) Accounts(ctx context.Context) ([]Account, error) {
	var list []Account
	err := db.site.WithContext(ctx).Omit("password_hash", "vcard_extra").Order("username").Find(&list).Error
	return list, err
}

// HasDemoAccounts reports whether the database holds accounts with the
// published demo password.
func (db *DB) HasDemoAccounts(ctx context.Context) (bool, error) {
	var n int64
	err := db.site.WithContext(ctx).Model(&Account{}).Where("demo").Limit(1).Count(&n).Error
	return n > 0, err
}

func (db *DB) updateAccount(ctx context.Context, id int64, fields map[string]any) error {
	return changed(db.site.WithContext(ctx).Model(&Account{}).Where("id = ?", id).Updates(fields))
}

// SetName changes what people see.
func (db *DB) SetName(ctx context.Context, id int64, name string) error {
	return db.updateAccount(ctx, id, map[string]any{"name": name})
}

// SetPasswordHash changes the password; a demo account is none afterwards.
func (db *DB) SetPasswordHash(ctx context.Context, id int64, hash string) error {
	return db.updateAccount(ctx, id, map[string]any{"password_hash": hash, "demo": false})
}

// RenewPasswordHash replaces the hash of the same password by a stronger one.
func (db *DB) RenewPasswordHash(ctx context.Context, id int64, hash string) error {
	return db.updateAccount(ctx, id, map[string]any{"password_hash": hash})
}

// SetBlocked blocks or unblocks an account; blocking ends its sessions.
func (db *DB) SetBlocked(ctx context.Context, id int64, blocked bool) error {
	var at *time.Time
	if blocked {
		now := time.Now()
		at = &now
	}
	return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := changed(tx.Model(&Account{}).Where("id = ?", id).Updates(map[string]any{"blocked_at": at})); err != nil || !blocked {
			return err
		}
		return tx.Where("account_id = ?", id).Delete(&Session{}).Error
	})
}

// SetAvatar sets the picture; no data removes it.
func (db *DB) SetAvatar(ctx context.Context, id int64, data []byte, mediaType string) (hash string, err error) {
	err = db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var old string
		if err := tx.Model(&Account{}).Where("id = ?", id).Pluck("avatar_hash", &old).Error; err != nil {
			return err
		}
		if hash, err = storeAvatar(tx, data, mediaType); err != nil {
			return err
		}
		if err := changed(tx.Model(&Account{}).Where("id = ?", id).Update("avatar_hash", hash)); err != nil {
			return err
		}
		return dropAvatar(tx, old)
	})
	return hash, err
}

func storeAvatar(tx *gorm.DB, data []byte, mediaType string) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	sum := sha1.Sum(data) // XEP-0153 §2 names pictures so; nothing rests on it
	a := Avatar{Hash: hex.EncodeToString(sum[:]), MediaType: mediaType, Data: data}
	return a.Hash, tx.Exec("INSERT INTO avatars (hash, media_type, data) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING",
		a.Hash, a.MediaType, a.Data).Error
}

// dropAvatar removes a picture that nobody has any more.
func dropAvatar(tx *gorm.DB, hash string) error {
	if hash == "" {
		return nil
	}
	return tx.Exec("DELETE FROM avatars WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM accounts WHERE avatar_hash = ? AND avatar_hash <> '')", hash, hash).Error
}

// Avatar returns a picture.
func (db *DB) Avatar(ctx context.Context, hash string) (Avatar, error) {
	var a Avatar
	err := db.site.WithContext(ctx).Where("hash = ?", hash).Take(&a).Error
	return a, translate(err)
}

// DeleteAccount deletes an account with everything that is its own: sessions,
// tokens, archive, contacts on both sides, picture. What others have in their
// archives stays theirs. The name is retired.
func (db *DB) DeleteAccount(ctx context.Context, id int64, domain string) error {
	return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var a Account
		if err := tx.Where("id = ?", id).Take(&a).Error; err != nil {
			return translate(err)
		}
		jid := a.Username + "@" + domain
		if err := tx.Create(&retiredUsername{a.Username, time.Now()}).Error; err != nil {
			return err
		}
		for _, q := range []string{"DELETE FROM archive WHERE owner = ?", "DELETE FROM contacts WHERE jid = ?", "DELETE FROM blocks WHERE jid = ?"} {
			if err := tx.Exec(q, jid).Error; err != nil {
				return err
			}
		}
		if err := changed(tx.Delete(&Account{}, id)); err != nil {
			return err
		}
		return dropAvatar(tx, a.AvatarHash)
	})
}
