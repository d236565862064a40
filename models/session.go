package models

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// Sessions are those of browsers and apps, and what is known of a device or kept while
// one lasts.
type Sessions struct{ *core }

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

	IdentityID      *string   // by which it began; nil: the account's own password
	PasskeyID       *string   // by which it began; nil: by none
	ProviderSession string    // of the identity's source, as that names it; empty: none
	ProvedAt        time.Time // when the person proved last who they are
}

// SessionBasis is what a session begins on. It begins only while that holds.
type SessionBasis struct {
	PasswordVersion int // of the account, as it was checked or read
	Identity        IdentityBasis
	Passkey         string // the id of a passkey; empty: none
}

// IdentityBasis is the part of a source other than the site; zero: there is none.
type IdentityBasis struct {
	ID      string
	Began   time.Time // before the source was asked, by the database's clock (Now)
	Session string    // the source's own, as it names it; empty: none
	Hint    []byte    // for signing out there, sealed; nil: none

	Source, Issuer string // of the identity
}

// id is the identity's for a statement.
func (p IdentityBasis) id() *string {
	if p.ID == "" {
		return nil
	}
	return &p.ID
}

// passkey is the passkey's id for a statement.
func (p SessionBasis) passkey() *string {
	if p.Passkey == "" {
		return nil
	}
	return &p.Passkey
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

// onBasis is the account $1 if it may sign in on the condition that it has the password's version
// $2, the identity $3 that was not ended since $4, and the passkey $8. FOR SHARE waits for a change that is
// under way, and then sees its outcome; a change that comes later ends the session. The
// account is locked before the identity, everywhere.
const onBasis = `WITH a AS MATERIALIZED (SELECT id FROM accounts WHERE id = $1 AND password_version = $2 AND blocked_at IS NULL FOR SHARE),
	proved AS MATERIALIZED (SELECT a.id FROM a
		WHERE ($3::uuid IS NULL OR EXISTS (SELECT 1 FROM identities i WHERE i.id = $3 AND i.account_id = a.id AND i.ended_at < $4 FOR SHARE))
		AND ($5 = '' OR NOT EXISTS (SELECT 1 FROM ended_provider_sessions e WHERE e.session = $5 AND e.source = $6 AND e.issuer = $7))
		AND ($8::uuid IS NULL OR EXISTS (SELECT 1 FROM passkeys p WHERE p.id = $8 AND p.account_id = a.id FOR SHARE)))
	`

func (p SessionBasis) args(accountID int64) []any {
	i := p.Identity
	return []any{accountID, p.PasswordVersion, i.id(), i.Began, i.Session, i.Source, i.Issuer, p.passkey()}
}

// beginOnBasis runs an INSERT on a basis, which returns the session's id. ErrStale: it does
// not hold any more.
func (db *Sessions) beginOnBasis(ctx context.Context, p SessionBasis, insert string, args []any) (id string, err error) {
	var batch pgx.Batch // in one transaction, and one journey
	if i := p.Identity; i.Session != "" {
		batch.Queue(lockProviderSessionShared, i.Source, i.Issuer, i.Session)
	}
	batch.Queue(insert, args...).QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	err = db.pool.SendBatch(ctx, &batch).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrStale
	}
	return id, translate(err)
}

// CreateSession creates a browser's session and sets its ID, on a proof. ErrStale: the
// password changed meanwhile, the identity was ended, or the account may not sign in.
func (db *Sessions) CreateSession(ctx context.Context, s *Session, basis SessionBasis) error {
	s.CreatedAt = time.Now()
	s.SeenAt, s.ProvedAt = s.CreatedAt, s.CreatedAt
	var err error
	s.ID, err = db.beginOnBasis(ctx, basis, onBasis+`INSERT INTO sessions (id, account_id, secret_hash, user_agent, address, trusted, created_at, seen_at, proved_at, expires_at, identity_id, provider_session, sign_out_hint, passkey_id)
		SELECT $9, id, $10, $11, $12, $13, $14, $14, $14, $15, $3, $5, $16, $8 FROM proved RETURNING id::text`,
		append(basis.args(s.AccountID), uuid.NewString(), s.SecretHash, s.UserAgent, s.Address, s.Trusted, s.CreatedAt, s.ExpiresAt, basis.Identity.Hint))
	s.IdentityID, s.ProviderSession, s.PasskeyID = basis.Identity.id(), basis.Identity.Session, basis.passkey()
	return err
}

// SignInApp returns the session of an app that signed in with a password of the account, or
// of its identity, from one address; there is one for each. ErrStale as for CreateSession.
func (db *Sessions) SignInApp(ctx context.Context, accountID int64, basis SessionBasis, address string) (id string, err error) {
	return db.beginOnBasis(ctx, basis, onBasis+`INSERT INTO sessions (id, account_id, kind, address, expires_at, identity_id)
		SELECT $9, id, 'app', $10, $11, $3 FROM proved
		ON CONFLICT (account_id, address) WHERE kind = 'app' DO UPDATE SET seen_at = now(), expires_at = excluded.expires_at, identity_id = excluded.identity_id
		RETURNING id::text`, append(basis.args(accountID), uuid.NewString(), address, time.Now().Add(chatSessionLifetime)))
}

// UseAppSession notes that an app signed in by what stands on its session. ErrNotFound: it has
// ended.
func (db *Sessions) UseAppSession(ctx context.Context, id string) (blocked bool, err error) {
	err = db.chat.QueryRow(ctx, `SELECT a.blocked_at IS NOT NULL FROM sessions s JOIN accounts a ON a.id = s.account_id
		WHERE s.id = $1 AND s.kind = 'app' AND s.expires_at > now()`, id).Scan(&blocked)
	if err != nil || blocked {
		return blocked, translate(err)
	}
	return false, db.KeepChatSessions(ctx, []string{id})
}

// Proved notes that a session's person has proved again who they are. ErrStale: it has
// ended.
func (db *Sessions) Proved(ctx context.Context, id string) error {
	err := requireRows(db.site.WithContext(ctx).Model(&Session{}).Where("id = ? AND expires_at > now()", id).Update("proved_at", gorm.Expr("now()")))
	if errors.Is(err, ErrNotFound) {
		err = ErrStale
	}
	return err
}

// SignOutHint returns what the source of a session wants to see when somebody signs out there, sealed, and the
// identity's source; also of a session that SignOut ended a moment ago. ErrNotFound: no identity.
func (db *Sessions) SignOutHint(ctx context.Context, hash []byte) (source string, sealed []byte, err error) {
	err = db.pool.QueryRow(ctx, `SELECT i.source, s.sign_out_hint FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE s.secret_hash = $1
		UNION ALL SELECT source, sign_out_hint FROM signed_out_sessions WHERE secret_hash = $1 AND expires_at > now() LIMIT 1`, hash).Scan(&source, &sealed)
	return source, sealed, translate(err)
}

// HasApp reports whether an app has signed in to an account from an address and was
// not signed out.
func (db *Sessions) HasApp(ctx context.Context, accountID int64, address string) (bool, error) {
	var has bool
	err := db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM sessions WHERE account_id = $1 AND address = $2 AND kind = 'app' AND expires_at > now())", accountID, address).Scan(&has)
	return has, err
}

// KeepChatSessions keeps the sessions of apps and tokens that have streams now.
func (db *Sessions) KeepChatSessions(ctx context.Context, ids []string) error {
	_, err := db.chat.Exec(ctx, `UPDATE sessions SET seen_at = now(), expires_at = $2
		WHERE id = ANY($1::uuid[]) AND kind <> 'browser' AND expires_at > now() AND seen_at < now() - interval '10 minutes'`, ids, time.Now().Add(chatSessionLifetime))
	return err
}

// SessionBySecret returns the session that a cookie stands for, and its
// account. ErrNotFound when it ended or expired, or the account is blocked. Every
// page and every stream begins with it, and so it is one statement.
func (db *Sessions) SessionBySecret(ctx context.Context, hash []byte) (s Session, a Account, err error) {
	err = db.pool.QueryRow(ctx, `SELECT s.id::text, s.account_id, s.kind, s.secret_hash, s.user_agent, s.address, s.trusted, s.created_at, s.seen_at, s.expires_at,
			s.identity_id::text, s.passkey_id::text, s.provider_session, s.proved_at, a.id, a.username, a.name, a.password_hash, a.password_version, a.admin, a.own_admin, a.demo, a.avatar_hash, a.vcard_extra, a.created_at
		FROM sessions s JOIN accounts a ON a.id = s.account_id
		WHERE s.secret_hash = $1 AND s.expires_at > now() AND a.blocked_at IS NULL`, hash).
		Scan(&s.ID, &s.AccountID, &s.Kind, &s.SecretHash, &s.UserAgent, &s.Address, &s.Trusted, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt,
			&s.IdentityID, &s.PasskeyID, &s.ProviderSession, &s.ProvedAt, &a.ID, &a.Username, &a.Name, &a.PasswordHash, &a.PasswordVersion, &a.Admin, &a.OwnAdmin, &a.Demo, &a.AvatarHash, &a.VcardExtra, &a.CreatedAt)
	return s, a, translate(err)
}

// isCurrent is the condition that the account named $1 may sign in, and that its session
// or app password $2 stands. Nothing stands without either.
const isCurrent = `EXISTS (SELECT 1 FROM accounts a WHERE a.username = $1 AND a.blocked_at IS NULL
	AND (EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id AND s.id = $2 AND s.expires_at > now())
		OR EXISTS (SELECT 1 FROM app_passwords p WHERE p.account_id = a.id AND p.id = $2)))`

// SessionCurrent returns nil when the session or app password, and its account,
// named, still stand; else ErrNotFound.
func (db *Sessions) SessionCurrent(ctx context.Context, id, username string) error {
	if !IsID(id) {
		return ErrNotFound
	}
	var one int
	return translate(db.chat.QueryRow(ctx, "SELECT 1 WHERE "+isCurrent, username, id).Scan(&one))
}

// LapsedSessions is SessionCurrent for many, who are given by name and session: it
// returns the places of those that do not stand.
func (db *Sessions) LapsedSessions(ctx context.Context, usernames, sessions []string) ([]int, error) {
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

// MaxSessions is how many sessions of browsers and apps one account has at once: a program
// that signs in again and again would have thousands, each of which may be told by web push.
const MaxSessions = 200

// Of returns an account's sessions that were used last, the latest first.
func (db *Sessions) Of(ctx context.Context, accountID int64) ([]Session, error) {
	var list []Session
	err := db.site.WithContext(ctx).Where("account_id = ? AND expires_at > now()", accountID).Order("seen_at DESC, id").Limit(MaxSessions).Find(&list).Error
	return list, err
}

// EndUnused ends those sessions of an account, but not the one that has just begun, that were not
// used for the longest time, beyond MaxSessions; and returns their ids. It comes after the session is
// kept: of several that begin at once the last sees all. What the operator made is not counted.
func (db *Sessions) EndUnused(ctx context.Context, accountID int64, begun string) ([]string, error) {
	var ended []string
	err := db.ending(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions
			WHERE account_id = $1 AND id <> $2 AND kind <> 'token' AND expires_at > now() ORDER BY seen_at DESC, id OFFSET $3) RETURNING id::text`,
			accountID, begun, MaxSessions-1)
		if err != nil {
			return err
		}
		ended, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return ended, err
}

// EndSession ends a session of the account.
func (db *Sessions) EndSession(ctx context.Context, accountID int64, id string) error {
	if !IsID(id) {
		return ErrNotFound
	}
	return requireRows(db.site.WithContext(ctx).Where("account_id = ? AND id = ?", accountID, id).Delete(&Session{}))
}

// SignOut is EndSession, after which SignOutHint knows the session for one more minute.
func (db *Sessions) SignOut(ctx context.Context, accountID int64, id string) error {
	if !IsID(id) {
		return ErrNotFound
	}
	var ended bool
	err := db.pool.QueryRow(ctx, `WITH ended AS (DELETE FROM sessions WHERE account_id = $1 AND id = $2 RETURNING secret_hash, identity_id, sign_out_hint),
		kept AS (INSERT INTO signed_out_sessions (secret_hash, source, sign_out_hint, expires_at)
			SELECT e.secret_hash, i.source, e.sign_out_hint, now() + interval '1 minute' FROM ended e JOIN identities i ON i.id = e.identity_id)
		SELECT EXISTS (SELECT 1 FROM ended)`, accountID, id).Scan(&ended)
	if err == nil && !ended {
		err = ErrNotFound
	}
	return err
}

// EndSessions ends all sessions of an account but one, and returns their ids.
func (db *Sessions) EndSessions(ctx context.Context, accountID int64, except string) ([]string, error) {
	var ended []string
	err := db.ending(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "DELETE FROM sessions WHERE account_id = $1 AND id::text <> $2 RETURNING id::text", accountID, except)
		if err != nil {
			return err
		}
		ended, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return ended, err
}

// TouchSession notes that a session is in use; at most once a minute, which is
// enough for a person to recognise it.
func (db *Sessions) TouchSession(ctx context.Context, s Session, now time.Time) error {
	if now.Sub(s.SeenAt) < time.Minute {
		return nil
	}
	return db.site.WithContext(ctx).Model(&Session{}).Where("id = ?", s.ID).Update("seen_at", now).Error
}

// DeleteExpired removes what has expired: sessions, tokens, attempts.
func (db *Sessions) DeleteExpired(ctx context.Context) error {
	var all []error // one that fails is in the way of no other
	for _, table := range []string{"sessions", "login_tokens", "used_token_ids", "token_keys", "attempts", "fast_tokens", "known_devices", "ended_provider_sessions", "signed_out_sessions", "joinings"} {
		if err := db.site.WithContext(ctx).Exec("DELETE FROM " + table + " WHERE expires_at < now()").Error; err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
