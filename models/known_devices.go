package models

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Devices of one account that are known; the one that was longest without a
// sign-in is forgotten first.
const maxKnownDevices = 10

// KnowsDevice reports whether an account has signed in from a device.
func (db *Sessions) KnowsDevice(ctx context.Context, accountID int64, hash []byte) (bool, error) {
	var known bool
	err := db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM known_devices WHERE account_id = $1 AND secret_hash = $2 AND expires_at > now())", accountID, hash).Scan(&known)
	return known, err
}

// RememberDevice notes that an account has signed in from a device.
func (db *Sessions) RememberDevice(ctx context.Context, accountID int64, hash []byte, expires time.Time) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO known_devices (account_id, secret_hash, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (account_id, secret_hash) DO UPDATE SET expires_at = excluded.expires_at`, accountID, hash, expires)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM known_devices WHERE account_id = $1 AND secret_hash IN (
			SELECT secret_hash FROM known_devices WHERE account_id = $1 ORDER BY expires_at DESC, secret_hash OFFSET $2)`, accountID, maxKnownDevices)
		return err
	})
}
