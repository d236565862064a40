package models

import (
	"context"
	"time"
)

// Postgres is what the database's server says of itself.
type Postgres struct {
	Version int // as server_version_num has it: 150004 is 15.4
	Now     time.Time
}

// Postgres asks the database's server.
func (db *DB) Postgres(ctx context.Context) (Postgres, error) {
	var p Postgres
	err := db.pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, clock_timestamp()").Scan(&p.Version, &p.Now)
	return p, err
}

// SomeAccount returns an account that may sign in, an administrator's if there is one.
// ErrNotFound: there is none.
func (db *Accounts) SomeAccount(ctx context.Context) (Account, error) {
	var a Account
	err := db.site.WithContext(ctx).Where("blocked_at IS NULL").Order("admin DESC, id").Take(&a).Error
	return a, translate(err)
}
