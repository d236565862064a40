package models

import (
	"context"
	"errors"
)

// KeepChatDomain keeps the domain of people's chat addresses, if none is kept yet, and returns the one that is.
func (db *DB) KeepChatDomain(ctx context.Context, domain string) (kept string, err error) {
	if _, err := db.pool.Exec(ctx, "INSERT INTO chat_domain (domain) VALUES ($1) ON CONFLICT DO NOTHING", domain); err != nil {
		return "", err
	}
	return db.ChatDomain(ctx)
}

// ChatDomain returns the domain of people's chat addresses that is kept; empty: none, since no site has run on
// this database.
func (db *DB) ChatDomain(ctx context.Context) (string, error) {
	var domain string
	err := translate(db.pool.QueryRow(ctx, "SELECT domain FROM chat_domain").Scan(&domain))
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return domain, err
}

// SetChatDomain keeps another domain in place of the one that was. What is stored under addresses with that
// one stays as it is.
func (db *DB) SetChatDomain(ctx context.Context, domain string) error {
	_, err := db.pool.Exec(ctx, "INSERT INTO chat_domain (domain) VALUES ($1) ON CONFLICT (single) DO UPDATE SET domain = excluded.domain", domain)
	return err
}
