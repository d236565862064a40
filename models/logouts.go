package models

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Logout is a source's word that somebody is out.
type Logout struct {
	Source, Issuer string
	Subject        string // empty: only Session tells
	Session        string // of the source's; empty: all of Subject's

	ID           string    // of the word, which counts once
	Until        time.Time // until when that is remembered
	SessionUntil time.Time // until when no session may begin in Session
}

// EndByLogout remembers that a word was used, and ends what it says, both or neither.
// ErrTaken: it was used before.
func (db *Sessions) EndByLogout(ctx context.Context, l Logout) (ended []Ended, err error) {
	err = db.ending(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO used_token_ids (id, expires_at) VALUES ($1, $2)", l.key(), l.Until); err != nil {
			return err
		}
		if l.Session != "" {
			ended, err = l.endSession(ctx, tx)
			return err
		}
		ended, err = l.endSubject(ctx, tx)
		return err
	})
	return ended, translate(err)
}

// key is what the word is remembered by: ids of two sources may be the same, and those of
// the site's own tokens are others.
func (l Logout) key() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{l.Source, l.Issuer, l.ID}, "\x00")))
	return "logout " + base64.RawURLEncoding.EncodeToString(sum[:])
}

// endSession ends what began in the source's session; and of its person, what began without
// the source saying in which.
func (l Logout) endSession(ctx context.Context, tx pgx.Tx) ([]Ended, error) {
	if err := lockOutProviderSession(ctx, tx, l.Source, l.Issuer, l.Session, l.SessionUntil); err != nil {
		return nil, err
	}
	return endedBy(ctx, tx, `DELETE FROM sessions t USING identities i, accounts a
		WHERE i.id = t.identity_id AND i.source = $1 AND i.issuer = $2 AND a.id = t.account_id
			AND (t.provider_session = $3 AND $4 IN ('', i.subject) OR t.provider_session = '' AND i.subject = $4)
		RETURNING a.username, t.id::text`, l.Source, l.Issuer, l.Session, l.Subject)
}

// endSubject ends all that stands on the person.
func (l Logout) endSubject(ctx context.Context, tx pgx.Tx) ([]Ended, error) {
	var id string
	err := tx.QueryRow(ctx, "SELECT id::text FROM identities WHERE source = $1 AND issuer = $2 AND subject = $3", l.Source, l.Issuer, l.Subject).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return endIdentities(ctx, tx, []string{id})
}

// lockOutProviderSession lets no session begin in a session of the source until then, and
// waits for those that are beginning.
func lockOutProviderSession(ctx context.Context, tx pgx.Tx, source, issuer, session string, until time.Time) error {
	if _, err := tx.Exec(ctx, lockProviderSession, source, issuer, session); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO ended_provider_sessions (source, issuer, session, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (source, issuer, session) DO UPDATE SET expires_at = greatest(ended_provider_sessions.expires_at, excluded.expires_at)`, source, issuer, session, until)
	return err
}
