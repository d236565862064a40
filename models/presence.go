package models

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// siteShows is the condition under which the site lets the account $1 see the
// presence of the account a, whether or not it is a contact.
func siteShows(mode RosterMode) string {
	switch mode {
	case RosterEveryone:
		return "true"
	case RosterGroups:
		return `EXISTS (SELECT 1 FROM accounts me
			JOIN account_groups mine ON mine.account_id = me.id
			JOIN account_groups theirs ON theirs.group_name = mine.group_name
			WHERE me.username = $1 AND theirs.account_id = a.id)`
	}
	return "false"
}

// VisiblePresence returns those of users whose presence viewer may see: the
// site's contacts and those who have agreed (RFC 6121 §4.2.2), but nobody who
// blocks viewer (XEP-0191 §3.1).
func (db *People) VisiblePresence(ctx context.Context, domain string, mode RosterMode, viewer string, users []string) ([]string, error) {
	rows, err := db.pool.Query(ctx, `SELECT a.username FROM accounts a WHERE a.username = ANY($2) AND a.blocked_at IS NULL
		AND (`+siteShows(mode)+` OR EXISTS (SELECT 1 FROM contacts c
			WHERE c.username = $1 AND c.jid = a.username || '@' || $3 AND c.subscription IN ('to', 'both')))
		AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.username = a.username AND b.jid = $1 || '@' || $3)`, viewer, users, domain)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// ContactState is what an account is to somebody who looks at it.
type ContactState struct {
	Known           bool // its presence is shown
	RequestSent     bool // it was asked to be a contact
	RequestReceived bool // it asks
}

// ContactStates returns what each of users is to viewer.
func (db *People) ContactStates(ctx context.Context, domain string, mode RosterMode, viewer string, users []string) (map[string]ContactState, error) {
	rows, err := db.pool.Query(ctx, `SELECT a.username, `+siteShows(mode)+` OR coalesce(c.subscription IN ('to', 'both'), false),
			coalesce(c.ask, false), c.request IS NOT NULL
		FROM accounts a LEFT JOIN contacts c ON c.username = $1 AND c.jid = a.username || '@' || $3
		WHERE a.username = ANY($2) AND a.blocked_at IS NULL`, viewer, nonNil(users), domain)
	if err != nil {
		return nil, err
	}
	states := make(map[string]ContactState, len(users))
	var user string
	var s ContactState
	_, err = pgx.ForEachRow(rows, []any{&user, &s.Known, &s.RequestSent, &s.RequestReceived}, func() error {
		states[user] = s
		return nil
	})
	return states, err
}

// ContactRequests returns the members who wait for an account's answer.
func (db *People) ContactRequests(ctx context.Context, domain, user string, max int) ([]string, error) {
	rows, err := db.pool.Query(ctx, `SELECT a.username FROM contacts c
		JOIN accounts a ON a.username = split_part(c.jid, '@', 1) AND c.jid = a.username || '@' || $2 AND a.blocked_at IS NULL
		WHERE c.username = $1 AND c.request IS NOT NULL ORDER BY a.username LIMIT $3`, user, domain, max)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
