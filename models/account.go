package models

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Accounts are the accounts of the site, with their pictures and groups.
type Accounts struct{ *core }

// Account is a person's account.
type Account struct {
	ID           int64
	Username     string // localpart, prepared
	Name         string
	PasswordHash string // empty: the account has no password
	// PasswordVersion counts the changes of the password.
	PasswordVersion int
	Admin           bool // by the operator's word, or that of an identity
	OwnAdmin        bool // by the operator's
	Demo            bool
	BlockedAt       *time.Time
	AvatarHash      string
	VcardExtra      []byte
	CreatedAt       time.Time
}

// Avatar is a picture, known by the SHA-1 of its bytes.
type Avatar struct {
	Hash      string `gorm:"primaryKey"`
	MediaType string
	Data      []byte
}

// NameTaken reports whether somebody has a user name, or had it.
func (db *Accounts) NameTaken(ctx context.Context, username string) (taken bool, err error) {
	return taken, db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM usernames WHERE username = $1)", username).Scan(&taken)
}

// CreateAccount creates an account and sets its ID. ErrTaken when somebody has
// the name, or had it: the table usernames keeps every name for ever, and the
// insert itself fails on it.
func (db *Accounts) CreateAccount(ctx context.Context, a *Account) error {
	if a.CreatedAt.IsZero() {
		a.CreatedAt = time.Now()
	}
	if a.VcardExtra == nil {
		a.VcardExtra = []byte{}
	}
	a.OwnAdmin = a.Admin // the operator's word
	return translate(db.site.WithContext(ctx).Create(a).Error)
}

// AccountByName returns an account, blocked ones included.
func (db *Accounts) AccountByName(ctx context.Context, username string) (Account, error) {
	var a Account
	err := db.site.WithContext(ctx).Where("username = ?", username).Take(&a).Error
	return a, translate(err)
}

// All returns every account, by username.
func (db *Accounts) All(ctx context.Context) ([]Account, error) {
	var list []Account
	err := db.site.WithContext(ctx).Omit("password_hash", "vcard_extra").Order("username").Find(&list).Error
	return list, err
}

// HasDemoAccounts reports whether the database holds accounts with the
// published demo password.
func (db *Accounts) HasDemoAccounts(ctx context.Context) (bool, error) {
	var n int64
	err := db.site.WithContext(ctx).Model(&Account{}).Where("demo").Limit(1).Count(&n).Error
	return n > 0, err
}

// DemoRoomMade reports whether the demo accounts have had their room at that chat server.
func (db *Accounts) DemoRoomMade(ctx context.Context, server string) (made bool, err error) {
	err = db.site.WithContext(ctx).Raw("SELECT EXISTS (SELECT FROM demo_rooms WHERE server = ?)", server).Row().Scan(&made)
	return made, err
}

// NoteDemoRoom notes that they have it. It is not made there again.
func (db *Accounts) NoteDemoRoom(ctx context.Context, server string) error {
	return db.site.WithContext(ctx).Exec("INSERT INTO demo_rooms (server) VALUES (?) ON CONFLICT DO NOTHING", server).Error
}

func (db *Accounts) updateAccount(ctx context.Context, id int64, fields map[string]any) error {
	return requireRows(db.site.WithContext(ctx).Model(&Account{}).Where("id = ?", id).Updates(fields))
}

// SetName changes what people see.
func (db *Accounts) SetName(ctx context.Context, id int64, name string) error {
	return db.updateAccount(ctx, id, map[string]any{"name": name})
}

// AnyVersion stands for the version of a password that nobody has checked: the
// operator changes it.
const AnyVersion = -1

// PasswordChange is a new password.
type PasswordChange struct {
	AccountID int64
	Version   int    // of the password that was checked; or AnyVersion
	Hash      string // of the new one
	Keep      string // the session that stays; empty: none
}

// ChangePassword changes the password, and with it ends what the old one had
// opened: sessions, app passwords, tokens, and passkeys, which a password allowed. It returns the ids that ended.
// ErrStale: the password is another one by now, or the session that was to stay
// has ended. A demo account is none afterwards.
func (db *Accounts) ChangePassword(ctx context.Context, c PasswordChange) (ended []string, err error) {
	err = db.ending(ctx, func(tx pgx.Tx) error {
		// The account first: everything that is written because of the old password
		// locks this row, or waits for it.
		tag, err := tx.Exec(ctx, `UPDATE accounts SET password_hash = $2, demo = false, password_version = password_version + 1
			WHERE id = $1 AND (password_version = $3 OR $3 = -1)`, c.AccountID, c.Hash, c.Version)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrStale
		}
		if c.Keep != "" {
			if err := lockSession(ctx, tx, c.AccountID, c.Keep); err != nil {
				return err
			}
		}
		ended, err = endAll(ctx, tx, c.AccountID, c.Keep)
		return err
	})
	return ended, err
}

// lockSession keeps a session from ending before the transaction does; ErrStale:
// it has ended.
func lockSession(ctx context.Context, tx pgx.Tx, accountID int64, id string) error {
	var one int
	err := tx.QueryRow(ctx, "SELECT 1 FROM sessions WHERE account_id = $1 AND id = $2 AND expires_at > now() FOR SHARE", accountID, id).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrStale
	}
	return err
}

// endAll ends what an account is signed in with, except one session, and returns the
// ids; and its passkeys. Tokens go with their sessions.
func endAll(ctx context.Context, tx pgx.Tx, accountID int64, keep string) ([]string, error) {
	rows, err := tx.Query(ctx, `WITH s AS (DELETE FROM sessions WHERE account_id = $1 AND id::text <> $2 RETURNING id),
		p AS (DELETE FROM app_passwords WHERE account_id = $1 RETURNING id),
		k AS (DELETE FROM passkeys WHERE account_id = $1)
		SELECT id::text FROM s UNION ALL SELECT id::text FROM p`, accountID, keep)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// RenewPasswordHash replaces the hash of the same password by a stronger one,
// unless the password has changed meanwhile.
func (db *Accounts) RenewPasswordHash(ctx context.Context, id int64, version int, hash string) error {
	return db.site.WithContext(ctx).Model(&Account{}).Where("id = ? AND password_version = ?", id, version).Update("password_hash", hash).Error
}

// SetBlocked blocks or unblocks an account; blocking ends its sessions.
func (db *Accounts) SetBlocked(ctx context.Context, id int64, blocked bool) error {
	var at *time.Time
	if blocked {
		now := time.Now()
		at = &now
	}
	return insist(ctx, func() error {
		return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := requireRows(tx.Model(&Account{}).Where("id = ?", id).Updates(map[string]any{"blocked_at": at})); err != nil || !blocked {
				return err
			}
			return tx.Where("account_id = ?", id).Delete(&Session{}).Error
		})
	})
}

// ErrLastAdmin: nobody would run the site.
var ErrLastAdmin = errors.New("models: that is the last administrator")

// SetAdmin makes an account an administrator by the operator's word, or takes that word back. admin is whether it is
// one afterwards: a source may say so as well. Blocked ones do not count. ErrLastAdmin: there would be none, and that is
// not forced; ErrNotFound: the account is gone.
func (db *Accounts) SetAdmin(ctx context.Context, id int64, own, force bool) (admin bool, err error) {
	err = insist(ctx, func() error {
		return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			// All of them first, in one order: of two that are taken back at once, one is the last.
			if _, err := tx.Exec(ctx, "SELECT FROM accounts WHERE admin OR id = $1 ORDER BY id FOR UPDATE", id); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, "UPDATE accounts SET own_admin = $2 WHERE id = $1", id, own)
			if err == nil && tag.RowsAffected() == 0 {
				err = ErrNotFound
			}
			if err == nil {
				_, err = tx.Exec(ctx, settleAdmins+" AND a.id = $1", id)
			}
			if err != nil {
				return err
			}
			var left bool
			err = tx.QueryRow(ctx, "SELECT admin, EXISTS (SELECT FROM accounts WHERE admin AND blocked_at IS NULL) FROM accounts WHERE id = $1", id).Scan(&admin, &left)
			if err == nil && !own && !left && !force {
				err = ErrLastAdmin
			}
			return err
		})
	})
	return admin, translate(err)
}

// SetAvatar sets the picture; no data removes it. Pictures that were still to be fetched from
// where somebody comes from are not, any more.
func (db *Accounts) SetAvatar(ctx context.Context, id int64, data []byte, mediaType string) (hash string, err error) {
	err = db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var old string
		err := requireRows(tx.Raw("SELECT avatar_hash FROM accounts WHERE id = ? FOR UPDATE", id).Scan(&old))
		if err != nil {
			return err
		}
		if err := noPicturesDue(tx, id); err != nil {
			return err
		}
		hash, err = changeAvatar(tx, id, old, data, mediaType)
		return err
	})
	return hash, err
}

// replaceAvatar is SetAvatar, if the account still has the picture with the hash before; else ErrStale.
func (db *Accounts) replaceAvatar(ctx context.Context, username, before string, data []byte, mediaType string) (hash string, err error) {
	err = db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var a Account
		err := requireRows(tx.Raw("SELECT id, avatar_hash FROM accounts WHERE username = ? FOR UPDATE", username).Scan(&a))
		if err != nil {
			return err
		}
		if a.AvatarHash != before {
			return ErrStale
		}
		if err := noPicturesDue(tx, a.ID); err != nil {
			return err
		}
		hash, err = changeAvatar(tx, a.ID, before, data, mediaType)
		return err
	})
	return hash, err
}

// SetClaimedAvatar sets a picture that was fetched from where somebody comes from. ErrStale: it is not to be
// fetched any more, since they chose one themselves meanwhile, or their source has another by now.
func (db *Accounts) SetClaimedAvatar(ctx context.Context, p ClaimedPicture, data []byte, mediaType string) error {
	return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var a Account
		if err := requireRows(tx.Raw("SELECT id, avatar_hash FROM accounts WHERE username = ? FOR UPDATE", p.Username).Scan(&a)); err != nil {
			return err
		}
		due := tx.Exec("UPDATE identities SET picture_due = false WHERE account_id = ? AND picture = ? AND picture_due", a.ID, p.URL)
		if due.Error == nil && due.RowsAffected == 0 {
			return ErrStale
		}
		if due.Error != nil {
			return due.Error
		}
		_, err := changeAvatar(tx, a.ID, a.AvatarHash, data, mediaType)
		return err
	})
}

// setProfile changes what a card of a chat client says: the name unless it is empty, what
// the site does not show, and the picture, which no data removes. All of it or nothing.
func (db *Accounts) setProfile(ctx context.Context, username, name string, extra, picture []byte, mediaType string) error {
	return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var a Account
		err := requireRows(tx.Raw(`UPDATE accounts SET name = coalesce(nullif(?, ''), name), vcard_extra = ?
			WHERE username = ? RETURNING id, avatar_hash`, name, append([]byte{}, extra...), username).Scan(&a))
		if err != nil {
			return err
		}
		if err := noPicturesDue(tx, a.ID); err != nil {
			return err
		}
		_, err = changeAvatar(tx, a.ID, a.AvatarHash, picture, mediaType)
		return err
	})
}

// changeAvatar replaces the picture of an account, whose row is locked. No data removes it.
func changeAvatar(tx *gorm.DB, id int64, old string, data []byte, mediaType string) (hash string, err error) {
	if hash, err = storeAvatar(tx, data, mediaType); err != nil {
		return "", err
	}
	if err := tx.Model(&Account{}).Where("id = ?", id).Update("avatar_hash", hash).Error; err != nil {
		return "", err
	}
	return hash, dropAvatar(tx, old)
}

// noPicturesDue lets no picture be fetched any more from where somebody comes from: they chose one themselves.
func noPicturesDue(tx *gorm.DB, id int64) error {
	return tx.Exec("UPDATE identities SET picture_due = false WHERE account_id = ? AND picture_due", id).Error
}

// storeAvatar keeps a picture, and locks its row: nobody drops it before it is somebody's.
func storeAvatar(tx *gorm.DB, data []byte, mediaType string) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	sum := sha1.Sum(data) // XEP-0153 §2 names pictures so; nothing rests on it
	a := Avatar{Hash: hex.EncodeToString(sum[:]), MediaType: mediaType, Data: data}
	return a.Hash, tx.Exec(`INSERT INTO avatars (hash, media_type, data) VALUES (?, ?, ?)
		ON CONFLICT (hash) DO UPDATE SET media_type = avatars.media_type`, a.Hash, a.MediaType, a.Data).Error
}

// dropAvatar removes a picture that nobody has any more. It waits for whoever is storing
// the same one, and looks after that: a statement sees what was there when it began.
func dropAvatar(tx *gorm.DB, hash string) error {
	if hash == "" {
		return nil
	}
	if err := tx.Exec("SELECT 1 FROM avatars WHERE hash = ? FOR UPDATE", hash).Error; err != nil {
		return err
	}
	return tx.Exec("DELETE FROM avatars WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM accounts WHERE avatar_hash = ? AND avatar_hash <> '')", hash, hash).Error
}

// Avatar returns a picture.
func (db *Accounts) Avatar(ctx context.Context, hash string) (Avatar, error) {
	var a Avatar
	err := db.site.WithContext(ctx).Where("hash = ?", hash).Take(&a).Error
	return a, translate(err)
}

// DeleteAccount deletes an account with everything that is its own: sessions,
// tokens, archive, contacts on both sides, picture. What others have in their
// archives stays theirs. What is under domains before this one goes as well
// (SetChatDomain). The name is never given out again. version is that of
// the password that was checked, or AnyVersion; ErrStale: it is another one by
// now.
func (db *Accounts) DeleteAccount(ctx context.Context, id int64, version int, domain string) error {
	return insist(ctx, func() error { return db.deleteAccount(ctx, id, version, domain) })
}

func (db *Accounts) deleteAccount(ctx context.Context, id int64, version int, domain string) error {
	return db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var a Account
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&a).Error; err != nil {
			return translate(err)
		}
		if version != AnyVersion && version != a.PasswordVersion {
			return ErrStale
		}
		var former []string
		if err := tx.Raw("SELECT domain FROM chat_domains WHERE domain <> ?", domain).Scan(&former).Error; err != nil {
			return err
		}
		for _, at := range append(former, domain) {
			jid := a.Username + "@" + at
			for _, q := range []string{"DELETE FROM archive WHERE owner = ?", deleteIndex, "DELETE FROM conversations WHERE owner = ?", "DELETE FROM contacts WHERE jid = ?", "DELETE FROM blocks WHERE jid = ?"} {
				if err := tx.Exec(q, jid).Error; err != nil {
					return err
				}
			}
		}
		if err := requireRows(tx.Delete(&Account{}, id)); err != nil {
			return err
		}
		return dropAvatar(tx, a.AvatarHash)
	})
}
