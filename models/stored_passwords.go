package models

import "context"

// StorePassword keeps what a session's browser signed in with, sealed, in the place of an
// earlier one. ErrStale: the session has ended.
func (db *Sessions) StorePassword(ctx context.Context, sessionID string, sealed []byte) error {
	_, err := db.pool.Exec(ctx, `INSERT INTO kept_passwords (session_id, sealed) VALUES ($1, $2)
		ON CONFLICT (session_id) DO UPDATE SET sealed = excluded.sealed`, sessionID, sealed)
	if isViolation(err, "23503") {
		return ErrStale
	}
	return err
}

// StoredPassword returns what was kept for a session. ErrNotFound: nothing, or it has
// ended.
func (db *Sessions) StoredPassword(ctx context.Context, sessionID string) ([]byte, error) {
	var sealed []byte
	err := db.pool.QueryRow(ctx, "SELECT sealed FROM kept_passwords WHERE session_id = $1", sessionID).Scan(&sealed)
	return sealed, translate(err)
}

// DeleteStoredPasswords removes all of them, where the site does not keep any now.
func (db *Sessions) DeleteStoredPasswords(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, "DELETE FROM kept_passwords")
	return err
}
