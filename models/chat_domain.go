package models

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// RoomsPrefix is before the domain of people's chat addresses in that of the embedded server's rooms.
const RoomsPrefix = "conference."

// KeepChatDomain keeps the domain of people's chat addresses, if none is kept yet, and returns the one that is.
func (db *DB) KeepChatDomain(ctx context.Context, domain string) (kept string, err error) {
	_, err = db.pool.Exec(ctx, `INSERT INTO chat_domains (domain, current) SELECT $1, true WHERE NOT EXISTS (SELECT FROM chat_domains WHERE current)
		ON CONFLICT (domain) DO UPDATE SET current = true`, domain)
	if err != nil && !isViolation(err, "23505") { // another program was faster
		return "", err
	}
	return db.ChatDomain(ctx)
}

// NoteChatDomain keeps that something may be under addresses at a domain, without that it is to stay theirs.
func (db *DB) NoteChatDomain(ctx context.Context, domain string) error {
	_, err := db.pool.Exec(ctx, "INSERT INTO chat_domains (domain, current) VALUES ($1, false) ON CONFLICT DO NOTHING", domain)
	return err
}

// ChatDomain returns the domain of people's chat addresses that is kept; empty: none, since no site has run on
// this database.
func (db *DB) ChatDomain(ctx context.Context) (string, error) {
	var domain string
	err := translate(db.pool.QueryRow(ctx, "SELECT domain FROM chat_domains WHERE current").Scan(&domain))
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return domain, err
}

// SetChatDomain keeps another domain in place of the one that was. What is stored under addresses with that
// one stays as it is, and that it was is kept as well.
func (db *DB) SetChatDomain(ctx context.Context, domain string) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE chat_domains SET current = false WHERE current AND domain <> $1", domain); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO chat_domains (domain, current) VALUES ($1, true) ON CONFLICT (domain) DO UPDATE SET current = true", domain)
		return err
	})
}

// FormerChatDomains returns the domains that people's chat addresses have had besides this one.
func (db *core) FormerChatDomains(ctx context.Context, domain string) ([]string, error) {
	rows, err := db.pool.Query(ctx, "SELECT domain FROM chat_domains WHERE domain <> $1 ORDER BY domain", domain)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// formerly adds to the domains of now those that were before.
func (db *core) formerly(ctx context.Context, at Domains) ([]Domains, error) {
	former, err := db.FormerChatDomains(ctx, at.Accounts)
	all := []Domains{at}
	for _, domain := range former {
		all = append(all, Domains{Accounts: domain, Rooms: RoomsPrefix + domain})
	}
	return all, err
}
