package models

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// TokenKey is a key that signs tokens for one other server. What is kept of it is what
// it follows from, together with a secret that is not kept here.
type TokenKey struct {
	ID        string // RFC 7638
	Audience  string // the server
	Algorithm string // EdDSA or HS256
	Nonce     []byte
	State     TokenKeyState
	CreatedAt time.Time
	ExpiresAt *time.Time // of a retired key: when no token of it is good any more
}

// TokenKeyState says what a key is for. All are published, and verify.
type TokenKeyState string

// The states, in order: next ─▶ signing ─▶ retired.
const (
	KeyNext    TokenKeyState = "next"    // servers learn it before it is used
	KeySigning TokenKeyState = "signing" // one for each server
	KeyRetired TokenKeyState = "retired" // until its last token has expired
)

const tokenKeyColumns = "id, audience, algorithm, nonce, state, created_at, expires_at"

// AddTokenKey keeps a new key. ErrTaken: the server has one in this state.
func (db *Tokens) AddTokenKey(ctx context.Context, k TokenKey) error {
	_, err := db.pool.Exec(ctx, "INSERT INTO token_keys (id, audience, algorithm, nonce, state) VALUES ($1, $2, $3, $4, $5)",
		k.ID, k.Audience, k.Algorithm, k.Nonce, k.State)
	return translate(err)
}

// SigningKey returns the key that signs for a server now.
func (db *Tokens) SigningKey(ctx context.Context, audience string) (TokenKey, error) {
	return db.tokenKey(ctx, "audience = $1 AND state = 'signing'", audience)
}

// TokenKey returns a key whose tokens are good.
func (db *Tokens) TokenKey(ctx context.Context, id string) (TokenKey, error) {
	return db.tokenKey(ctx, "id = $1 AND (expires_at IS NULL OR expires_at > now())", id)
}

func (db *Tokens) tokenKey(ctx context.Context, where, value string) (TokenKey, error) {
	rows, err := db.chat.Query(ctx, "SELECT "+tokenKeyColumns+" FROM token_keys WHERE "+where, value)
	if err != nil {
		return TokenKey{}, err
	}
	k, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[TokenKey])
	return k, translate(err)
}

// TokenKeys returns all keys for a server whose tokens are good, the newest first.
func (db *Tokens) TokenKeys(ctx context.Context, audience string) ([]TokenKey, error) {
	rows, err := db.pool.Query(ctx, "SELECT "+tokenKeyColumns+` FROM token_keys
		WHERE audience = $1 AND (expires_at IS NULL OR expires_at > now()) ORDER BY created_at DESC, id`, audience)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[TokenKey])
}

// SwitchTokenKey lets a server's next key sign. The one that signed verifies until
// expires. ErrNotFound: there is no next key.
func (db *Tokens) SwitchTokenKey(ctx context.Context, audience string, expires time.Time) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var next string
		err := tx.QueryRow(ctx, "SELECT id FROM token_keys WHERE audience = $1 AND state = 'next' FOR UPDATE", audience).Scan(&next)
		if err != nil {
			return translate(err)
		}
		if _, err := tx.Exec(ctx, "UPDATE token_keys SET state = 'retired', expires_at = $2 WHERE audience = $1 AND state = 'signing'", audience, expires); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE token_keys SET state = 'signing' WHERE id = $1", next)
		return err
	})
}

// DropTokenKey removes a key that does not sign; its tokens are good for nothing from
// then on. ErrNotFound: there is none, or it signs.
func (db *Tokens) DropTokenKey(ctx context.Context, audience, id string) error {
	tag, err := db.pool.Exec(ctx, "DELETE FROM token_keys WHERE audience = $1 AND id = $2 AND state <> 'signing'", audience, id)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotFound
	}
	return err
}
