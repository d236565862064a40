package models

import (
	"context"
	"fmt"
	"time"
)

// Postgres is what the database's server says of itself.
type Postgres struct {
	Version  int // as server_version_num has it: 150004 is 15.4
	Now      time.Time
	Encoding string // of this database, as Postgres calls it, such as UTF8
}

// CheckEncoding refuses a database that does not keep text as UTF-8: names are compared by their letters, which Postgres
// knows in no other (normalize).
func (p Postgres) CheckEncoding() error {
	if p.Encoding == "UTF8" {
		return nil
	}
	return fmt.Errorf("the database's encoding is %s, and the site needs UTF8, which cannot be changed later: make another one with `createdb -E UTF8 -T template0 -O foyer foyer`, and copy what this one has, if it has anything, with pg_dump and pg_restore", p.Encoding)
}

// Postgres asks the database's server.
func (db *DB) Postgres(ctx context.Context) (Postgres, error) {
	var p Postgres
	err := db.pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, clock_timestamp(), getdatabaseencoding()").Scan(&p.Version, &p.Now, &p.Encoding)
	return p, err
}

// SomeAccount returns an account that may sign in, an administrator's if there is one.
// ErrNotFound: there is none.
func (db *Accounts) SomeAccount(ctx context.Context) (Account, error) {
	var a Account
	err := db.site.WithContext(ctx).Where("blocked_at IS NULL").Order("admin DESC, id").Take(&a).Error
	return a, translate(err)
}
