package models

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Tokens are what apps and chat servers sign in with instead of a password, and the
// keys that sign some of them.
type Tokens struct{ *core }

// Tokens that sign somebody in to the chat once (package token).

// SaveToken keeps the hash of a temporary token, which stands on a session.
// ErrStale: the session has ended.
func (db *Tokens) SaveToken(ctx context.Context, hash []byte, accountID int64, sessionID string, expires time.Time) error {
	_, err := db.pool.Exec(ctx, "INSERT INTO login_tokens (hash, account_id, session_id, expires_at) VALUES ($1, $2, $3, $4)",
		hash, accountID, sessionID, expires)
	if isViolation(err, "23503") {
		return ErrStale
	}
	return translate(err)
}

// SaveOperatorToken keeps the hash of a temporary token that the operator made,
// with a session of its own, on which its stream will stand. It returns that one's id.
func (db *Tokens) SaveOperatorToken(ctx context.Context, hash []byte, accountID int64, expires time.Time) (session string, err error) {
	session = uuid.NewString()
	_, err = db.pool.Exec(ctx, `WITH s AS (INSERT INTO sessions (id, account_id, kind, expires_at) VALUES ($3, $2, 'token', $5) RETURNING id)
		INSERT INTO login_tokens (hash, account_id, session_id, expires_at) SELECT $1, $2, id, $4 FROM s`,
		hash, accountID, session, expires, expires.Add(chatSessionLifetime))
	return session, translate(err)
}

// ConsumeToken returns whom a token is for and takes it away: it works once.
func (db *Tokens) ConsumeToken(ctx context.Context, hash []byte) (username, sessionID string, err error) {
	err = db.chat.QueryRow(ctx, `DELETE FROM login_tokens t USING accounts a
		WHERE t.hash = $1 AND t.expires_at > now() AND a.id = t.account_id AND a.blocked_at IS NULL
		RETURNING a.username, t.session_id::text`, hash).Scan(&username, &sessionID)
	return username, sessionID, translate(err)
}

// UsedToken is a signed token that somebody signs in with.
type UsedToken struct {
	ID       string
	Username string
	Session  string // on which it stands; or an app password's id
	Expires  time.Time
}

// UseTokenID notes that a signed token was used. ErrTaken: it was before.
// ErrNotFound: what it
// stands on has ended, or the account may not sign in.
func (db *Tokens) UseTokenID(ctx context.Context, t UsedToken) error {
	if !IsID(t.Session) {
		return ErrNotFound
	}
	tag, err := db.chat.Exec(ctx, "INSERT INTO used_token_ids (id, expires_at) SELECT $3, $4 WHERE "+isCurrent,
		t.Username, t.Session, t.ID, t.Expires)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotFound
	}
	return translate(err)
}

// UseServiceTokenID notes that a signed token of the site itself was used, behind which
// there is no account. ErrTaken: it was before.
func (db *Tokens) UseServiceTokenID(ctx context.Context, id string, expires time.Time) error {
	_, err := db.chat.Exec(ctx, "INSERT INTO used_token_ids (id, expires_at) VALUES ($1, $2)", id, expires)
	return translate(err)
}
