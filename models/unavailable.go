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

// HowToMend is what an operator does about an error of the database that is a matter of rights; empty: it is none.
func HowToMend(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return ""
	}
	switch pg.Code { // Postgres, Appendix A
	case "42501":
		return "The user in DATABASE_URL may not do that: let it own the database and what is in it (ALTER DATABASE … OWNER TO …, REASSIGN OWNED BY … TO …), or name the one that does."
	case "25006":
		return "The server in DATABASE_URL can only be read, as a copy of another can: name the one that it copies, or add target_session_attrs=read-write with all of them."
	}
	return ""
}
