package models

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Clients of one app password, or of one session, that have tokens; the one that was longest
// without a new one loses its own.
const maxFastClients = 10

// FastToken is a token of XEP-0484, without its secret.
type FastToken struct {
	StandsOn  string // id of the app password, or of the app's session, with which it ends
	Agent     []byte // hash of the client's own id
	Fresh     bool   // not used yet
	Mechanism string
	Nonce     []byte
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// FastTokens returns the tokens that a client of an account has, expired ones
// included.
func (db *Tokens) FastTokens(ctx context.Context, username string, agent []byte) ([]FastToken, error) {
	const of = `SELECT t.stands_on::text, t.agent, t.fresh, t.mechanism, t.nonce, t.issued_at, t.expires_at FROM accounts a `
	rows, err := db.chat.Query(ctx, of+`JOIN app_passwords p ON p.account_id = a.id JOIN fast_tokens t ON t.stands_on = p.id WHERE a.username = $1 AND t.agent = $2
		UNION ALL `+of+`JOIN sessions s ON s.account_id = a.id AND s.kind = 'app' AND s.expires_at > now() JOIN fast_tokens t ON t.stands_on = s.id WHERE a.username = $1 AND t.agent = $2
		ORDER BY fresh DESC, issued_at DESC`, username, agent)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[FastToken])
}

// IssueFastToken keeps a fresh token, in the place of one that was not used.
// ErrNotFound: what it is to stand on is neither an app password nor an app's session.
func (db *Tokens) IssueFastToken(ctx context.Context, t FastToken) error {
	if !IsID(t.StandsOn) {
		return ErrNotFound
	}
	return pgx.BeginFunc(ctx, db.chat, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO fast_tokens (app_password_id, session_id, agent, fresh, mechanism, nonce, issued_at, expires_at)
			SELECT g.app_password, g.session, $2, true, $3, $4, $5, $6 FROM (
				SELECT id AS app_password, NULL::uuid AS session FROM app_passwords WHERE id = $1
				UNION ALL SELECT NULL, id FROM sessions WHERE id = $1 AND kind = 'app' AND expires_at > now()) g
			ON CONFLICT (stands_on, agent, fresh) DO UPDATE SET
				mechanism = excluded.mechanism, nonce = excluded.nonce, issued_at = excluded.issued_at, expires_at = excluded.expires_at`,
			t.StandsOn, t.Agent, t.Mechanism, t.Nonce, t.IssuedAt, t.ExpiresAt)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM fast_tokens WHERE stands_on = $1 AND agent IN (
			SELECT agent FROM fast_tokens WHERE stands_on = $1 GROUP BY agent ORDER BY max(issued_at) DESC, agent OFFSET $2)`,
			t.StandsOn, maxFastClients)
		return err
	})
}

// UseFastToken makes a fresh token the current one. The same token used twice at
// once is no error.
func (db *Tokens) UseFastToken(ctx context.Context, t FastToken) error {
	if !t.Fresh {
		return nil
	}
	return pgx.BeginFunc(ctx, db.chat, func(tx pgx.Tx) error {
		var one int
		err := tx.QueryRow(ctx, `SELECT 1 FROM fast_tokens WHERE stands_on = $1 AND agent = $2 AND fresh AND nonce = $3 FOR UPDATE`,
			t.StandsOn, t.Agent, t.Nonce).Scan(&one)
		if errors.Is(translate(err), ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM fast_tokens WHERE stands_on = $1 AND agent = $2 AND NOT fresh", t.StandsOn, t.Agent); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE fast_tokens SET fresh = false WHERE stands_on = $1 AND agent = $2", t.StandsOn, t.Agent)
		return err
	})
}

// RevokeFastTokens deletes what a client has.
func (db *Tokens) RevokeFastTokens(ctx context.Context, t FastToken) error {
	_, err := db.chat.Exec(ctx, "DELETE FROM fast_tokens WHERE stands_on = $1 AND agent = $2", t.StandsOn, t.Agent)
	return err
}
