package models

import (
	"context"
	"time"

	"foyer/xmppd"
)

// SaveLastActivity implements xmppd.LastActivityStore.
func (s *chatStore) SaveLastActivity(ctx context.Context, list []xmppd.LastActivity) error {
	users, at, status := make([]string, len(list)), make([]time.Time, len(list)), make([]string, len(list))
	for i, d := range list {
		users[i], at[i], status[i] = d.User, d.At, d.Status
	}
	_, err := s.chat.Exec(ctx, `INSERT INTO last_activity AS l (username, at, status)
		SELECT d.* FROM unnest($1::text[], $2::timestamptz[], $3::text[]) d (username, at, status) JOIN accounts a ON a.username = d.username
		ON CONFLICT (username) DO UPDATE SET at = excluded.at, status = excluded.status WHERE l.at < excluded.at`, users, at, status)
	return err
}

// LastActivity implements xmppd.LastActivityStore.
func (s *chatStore) LastActivity(ctx context.Context, user string) (xmppd.LastActivity, error) {
	d := xmppd.LastActivity{User: user}
	err := s.chat.QueryRow(ctx, "SELECT at, status FROM last_activity WHERE username = $1", user).Scan(&d.At, &d.Status)
	return d, asXMPPError(err)
}
