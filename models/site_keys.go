package models

import (
	"context"
	"crypto/rand"
)

// siteKeyLength is the length of a key in bytes.
const siteKeyLength = 32

// SiteKey returns a key that the site made for itself at random, the first time that
// it was asked for. All instances get the same.
func (db *DB) SiteKey(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, siteKeyLength)
	_, _ = rand.Read(fresh) // never fails (crypto/rand)
	tx := db.site.WithContext(ctx)
	if err := tx.Exec("INSERT INTO site_keys (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", name, fresh).Error; err != nil {
		return nil, err
	}
	var value []byte
	err := tx.Raw("SELECT value FROM site_keys WHERE name = ?", name).Row().Scan(&value)
	return value, err
}
