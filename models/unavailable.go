package models

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unavailable reports whether an error of a query means that the database is
// away, too slow, or too busy: it may well succeed later.
func Unavailable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Postgres, Appendix A: connection exceptions, insufficient resources,
		// operator intervention (which a statement's time limit is, too).
		class := pg.Code[:min(2, len(pg.Code))]
		return class == "08" || class == "53" || class == "57"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &connect) || errors.As(err, &network) ||
		(err != nil && strings.Contains(err.Error(), "conn closed"))
}
