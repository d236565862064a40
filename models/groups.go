package models

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Group is a group of members, who know each other where ROSTER is groups. Somebody is in
// it by the operator's word, or as long as one of their identities says so; the one does
// not touch the other.
type Group struct {
	Name    string
	Members int
}

// Groups returns the groups that have members, by name.
func (db *Accounts) Groups(ctx context.Context) ([]Group, error) {
	rows, err := db.pool.Query(ctx, "SELECT group_name, count(DISTINCT account_id) FROM account_groups GROUP BY group_name ORDER BY group_name")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Group])
}

// GroupMembers returns the user names of a group's members, in order.
func (db *Accounts) GroupMembers(ctx context.Context, group string) ([]string, error) {
	rows, err := db.pool.Query(ctx, "SELECT DISTINCT a.username FROM account_groups g JOIN accounts a ON a.id = g.account_id WHERE g.group_name = $1 ORDER BY a.username", group)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// AddToGroup adds accounts to a group by the operator's word. It need not exist before.
// It returns the user names of those whom the operator had not put into it.
func (db *Accounts) AddToGroup(ctx context.Context, group string, usernames []string) ([]string, error) {
	rows, err := db.pool.Query(ctx, `WITH added AS (INSERT INTO account_groups (account_id, group_name)
			SELECT id, $1 FROM accounts WHERE username = ANY($2) ON CONFLICT DO NOTHING RETURNING account_id)
		SELECT a.username FROM added JOIN accounts a ON a.id = added.account_id ORDER BY a.username`, group, usernames)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// RemoveFromGroup takes back the operator's word that accounts are in a group, and returns
// the user names of those of whom that was said. A group without members is gone.
func (db *Accounts) RemoveFromGroup(ctx context.Context, group string, usernames []string) ([]string, error) {
	rows, err := db.pool.Query(ctx, `DELETE FROM account_groups g USING accounts a
		WHERE g.group_name = $1 AND g.identity_id IS NULL AND a.id = g.account_id AND a.username = ANY($2) RETURNING a.username`, group, usernames)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
