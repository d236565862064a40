package models

import (
	"context"
	"time"

	"foyer/internal/budget"
)

// NoteLimits adds to what is known of limits that were met.
func (db *DB) NoteLimits(ctx context.Context, met []budget.Entry) error {
	for _, e := range met { // there are few
		_, err := db.pool.Exec(ctx, `INSERT INTO limits_met (name, setting, last_by, last_at, count) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (name) DO UPDATE SET setting = $2, last_by = $3, last_at = $4, count = limits_met.count + $5`,
			e.Limit.Name, e.Limit.Setting, e.Last, e.At, e.Count)
		if err != nil {
			return translate(err)
		}
	}
	return nil
}

// LimitsMet returns the limits that were met since then, with how often they were
// met ever.
func (db *DB) LimitsMet(ctx context.Context, since time.Time) ([]budget.Entry, error) {
	rows, err := db.pool.Query(ctx, "SELECT name, setting, last_by, last_at, count FROM limits_met WHERE last_at >= $1 ORDER BY name", since)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	var met []budget.Entry
	for rows.Next() {
		var e budget.Entry
		if err := rows.Scan(&e.Limit.Name, &e.Limit.Setting, &e.Last, &e.At, &e.Count); err != nil {
			return nil, err
		}
		met = append(met, e)
	}
	return met, translate(rows.Err())
}
