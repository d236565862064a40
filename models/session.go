package models

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// Session is what somebody's streams and requests stand on: a browser that is signed
// in, an app, or a token.
type Session struct {
	ID         string // public; a UUID
	AccountID  int64
	Kind       SessionKind
	SecretHash []byte // of the cookie's value; nil for all but browsers
	UserAgent  string
	Address    string
	Trusted    bool // the device keeps the chat's cache
	CreatedAt  time.Time
	SeenAt     time.Time
	ExpiresAt  time.Time
}

// SessionKind says what a session is of.
type SessionKind string

// The kinds of sessions.
const (
	BrowserSession SessionKind = "browser" // with a cookie
	AppSession     SessionKind = "app"     // signed in to the chat with the account's password
	TokenSession   SessionKind = "token"   // of a token that the operator made
)

// chatSessionLifetime is how long a session that is no browser's is kept without a
// stream that stands on it.
const chatSessionLifetime = 24 * time.Hour

// CreateSession creates a browser's session and sets its ID, if the account's password has
// still the version that was checked, and the account may sign in; else ErrStale
//
func (db *DB) CreateSession(ctx context.Context, s *Session, version int) error {
	s.ID = uuid.NewString()
	s.CreatedAt = time.Now()
	s.SeenAt = s.CreatedAt
	// FOR SHARE waits for a change of the password that is under way, and then
	// sees its outcome; a change that comes later ends this session.
	tag, err := db.pool.Exec(ctx, `INSERT INTO sessions (id, account_id, secret_hash, user_agent, address, trusted, created_at, seen_at, expires_at)
		SELECT $3, a.id, $4, $5, $6, $7, $8, $8, $9 FROM accounts a
		WHERE a.id = $1 AND a.password_version = $2 AND a.blocked_at IS NULL FOR SHARE`,
		s.AccountID, version, s.ID, s.SecretHash, s.UserAgent, s.Address, s.Trusted, s.CreatedAt, s.ExpiresAt)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrStale
	}
	return translate(err)
}

// SignInApp returns the session of an app that signed in with the account's
// password, from one address; there is one for each. ErrStale as for CreateSession.
func (db *DB) SignInApp(ctx context.Context, accountID int64, version int, address string) (id string, err error) {
	err = db.pool.QueryRow(ctx, `INSERT INTO sessions (id, account_id, kind, address, expires_at)
		SELECT $3, a.id, 'app', $4, $5 FROM accounts a
		WHERE a.id = $1 AND a.password_version = $2 AND a.blocked_at IS NULL FOR SHARE
		ON CONFLICT (account_id, address) WHERE kind = 'app' DO UPDATE SET seen_at = now(), expires_at = excluded.expires_at
		RETURNING id::text`, accountID, version, uuid.NewString(), address, time.Now().Add(chatSessionLifetime)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrStale
	}
	return id, err
}

// HasApp reports whether an app has signed in to an account from an address and was
// not signed out.
func (db *DB) HasApp(ctx context.Context, accountID int64, address string) (bool, error) {
	var has bool
	err := db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM sessions WHERE account_id = $1 AND address = $2 AND kind = 'app' AND expires_at > now())", accountID, address).Scan(&has)
	return has, err
}

// KeepChatSessions keeps the sessions of apps and tokens that have streams now.
func (db *DB) KeepChatSessions(ctx context.Context, ids []string) error {
	_, err := db.chat.Exec(ctx, `UPDATE sessions SET seen_at = now(), expires_at = $2
		WHERE id = ANY($1::uuid[]) AND kind <> 'browser' AND seen_at < now() - interval '10 minutes'`, ids, time.Now().Add(chatSessionLifetime))
	return err
}

// SessionBySecret returns the session that a cookie stands for, and its
// account. ErrNotFound when it ended or expired, or the account is blocked. Every
// page and every stream begins with it, and so it is one statement.
func (db *DB) SessionBySecret(ctx context.Context, hash []byte) (s Session, a Account, err error) {
	err = db.pool.QueryRow(ctx, `SELECT s.id::text, s.account_id, s.kind, s.secret_hash, s.user_agent, s.address, s.trusted, s.created_at, s.seen_at, s.expires_at,
			a.id, a.username, a.name, a.password_hash, a.password_version, a.admin, a.demo, a.avatar_hash, a.vcard_extra, a.created_at
		FROM sessions s JOIN accounts a ON a.id = s.account_id
		WHERE s.secret_hash = $1 AND s.expires_at > now() AND a.blocked_at IS NULL`, hash).
		Scan(&s.ID, &s.AccountID, &s.Kind, &s.SecretHash, &s.UserAgent, &s.Address, &s.Trusted, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt,
			&a.ID, &a.Username, &a.Name, &a.PasswordHash, &a.PasswordVersion, &a.Admin, &a.Demo, &a.AvatarHash, &a.VcardExtra, &a.CreatedAt)
	return s, a, translate(err)
}

// standing is the condition that the account named $1 may sign in, and that its session
// or app password $2 stands. Nothing stands without either.
const standing = `EXISTS (SELECT 1 FROM accounts a WHERE a.username = $1 AND a.blocked_at IS NULL
	AND (EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id AND s.id = $2 AND s.expires_at > now())
		OR EXISTS (SELECT 1 FROM app_passwords p WHERE p.account_id = a.id AND p.id = $2)))`

// SessionCurrent returns nil when the session or app password, and its account,
// named, still stand; else ErrNotFound.
func (db *DB) SessionCurrent(ctx context.Context, id, username string) error {
	if _, err := uuid.Parse(id); err != nil {
		return ErrNotFound
	}
	var one int
	return translate(db.chat.QueryRow(ctx, "SELECT 1 WHERE "+standing, username, id).Scan(&one))
}

// LapsedSessions is SessionCurrent for many, who are given by name and session: it
// returns the places of those that do not stand.
func (db *DB) LapsedSessions(ctx context.Context, usernames, sessions []string) ([]int, error) {
	rows, err := db.chat.Query(ctx, `SELECT i.place::int - 1 FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (username, session, place)
		WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.username = i.username AND a.blocked_at IS NULL AND (
			EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id AND s.id = nullif(i.session, '')::uuid AND s.expires_at > now())
			OR EXISTS (SELECT 1 FROM app_passwords p WHERE p.account_id = a.id AND p.id = nullif(i.session, '')::uuid)))
		ORDER BY i.place`, usernames, sessions)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// Sessions returns an account's sessions, the latest used first.
func (db *DB) Sessions(ctx context.Context, accountID int64) ([]Session, error) {
	var list []Session
	err := db.site.WithContext(ctx).Where("account_id = ? AND expires_at > now()", accountID).Order("seen_at DESC").Find(&list).Error
	return list, err
}

// EndSession ends a session of the account.
func (db *DB) EndSession(ctx context.Context, accountID int64, id string) error {
	if _, err := uuid.Parse(id); err != nil {
		return ErrNotFound
	}
	return requireRows(db.site.WithContext(ctx).Where("account_id = ? AND id = ?", accountID, id).Delete(&Session{}))
}

// EndSessions ends all sessions of an account but one, and returns their ids.
func (db *DB) EndSessions(ctx context.Context, accountID int64, except string) ([]string, error) {
	var ended []string
	err := db.site.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		q := tx.Model(&Session{}).Where("account_id = ?", accountID)
		if except != "" {
			q = q.Where("id <> ?", except)
		}
		if err := q.Pluck("id", &ended).Error; err != nil || len(ended) == 0 {
			return err
		}
		return tx.Where("id IN ?", ended).Delete(&Session{}).Error
	})
	return ended, err
}

// TouchSession notes that a session is in use; at most once a minute, which is
// enough for a person to recognise it.
func (db *DB) TouchSession(ctx context.Context, s Session, now time.Time) error {
	if now.Sub(s.SeenAt) < time.Minute {
		return nil
	}
	return db.site.WithContext(ctx).Model(&Session{}).Where("id = ?", s.ID).Update("seen_at", now).Error
}

// DeleteExpired removes what has expired: sessions, tokens, attempts.
func (db *DB) DeleteExpired(ctx context.Context) error {
	for _, table := range []string{"sessions", "login_tokens", "used_token_ids", "token_keys", "attempts", "fast_tokens", "known_devices"} {
		if err := db.site.WithContext(ctx).Exec("DELETE FROM " + table + " WHERE expires_at < now()").Error; err != nil {
			return err
		}
	}
	return nil
}
