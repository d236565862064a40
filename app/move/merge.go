package move

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"foyer/models"

	"github.com/jackc/pgx/v5"
)

// table is a table of another server's, as far as it is written. A row is found by its
// keys; the table itself need not know that they are unique.
type table struct {
	name   string
	fixed  map[string]any // columns that are the same in all rows; they are keys
	keys   []string
	values []string
}

// columns are all columns that are written, the keys first.
func (t *table) columns() []string {
	return slices.Concat(t.fixedColumns(), t.keys, t.values)
}

func (t *table) fixedColumns() []string {
	var names []string
	for name := range t.fixed {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// target is the other server's database. It is for one goroutine.
type target struct {
	conn   *pgx.Conn
	staged map[string]bool // tables that have a stage
	report *Report
}

// connect opens the database.
func connect(ctx context.Context, url string, r *Report) (*target, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the other server's database: %w", models.UnreadableURL(err))
	}
	if err := models.CheckSockets(&cfg.Config); err != nil {
		return nil, fmt.Errorf("the other server's database: %w", err)
	}
	for name, value := range map[string]string{
		"application_name": "foyer chat export", "statement_timeout": "0", "client_encoding": "UTF8",
		// A stage has no statistics. Rows are looked up by the indexes that the
		// servers have for that, however large the tables are.
		"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_seqscan": "off", "jit": "off",
		"temp_buffers": "64MB", "client_min_messages": "error",
	} {
		cfg.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &target{conn: conn, staged: make(map[string]bool), report: r}, nil
}

func (d *target) close() { _ = d.conn.Close(context.Background()) }

// tableColumns returns the columns of the tables that an unqualified name means, by table.
func (d *target) tableColumns(ctx context.Context) (map[string]map[string]bool, error) {
	rows, err := d.conn.Query(ctx, `SELECT c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)`)
	if err != nil {
		return nil, err
	}
	found := make(map[string]map[string]bool)
	var t, column string
	_, err = pgx.ForEachRow(rows, []any{&t, &column}, func() error {
		if found[t] == nil {
			found[t] = make(map[string]bool)
		}
		found[t][column] = true
		return nil
	})
	return found, err
}

// batch is one transaction of the other database.
type batch struct {
	pgx.Tx
	to *target
}

// inBatch runs f within a transaction.
func (d *target) inBatch(ctx context.Context, f func(*batch) error) error {
	return pgx.BeginFunc(ctx, d.conn, func(tx pgx.Tx) error { return f(&batch{tx, d}) })
}

// scope selects the rows of a table that are about what a batch is about; those of them that
// are not in the batch are gone at the site, and are removed. An empty condition selects
// none. Arguments begin with $1.
type scope struct {
	where string
	args  []any
}

// merge makes a table have these rows, each with the table's keys and values in order, and
// no others within the scope. Rows that are there as they should be are not touched.
func (b *batch) merge(ctx context.Context, t *table, rows [][]any, gone scope) error {
	stage, err := b.stage(ctx, t, rows)
	if err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	name := quoted(t.name)
	var same []string
	for _, k := range slices.Concat(t.fixedColumns(), t.keys) {
		same = append(same, "t."+quoted(k)+" = s."+quoted(k))
	}
	match := strings.Join(same, " AND ")
	if gone.where != "" {
		b.exec(ctx, &err, &b.to.report.Removed, "DELETE FROM "+name+" t WHERE "+gone.where+
			" AND NOT EXISTS (SELECT FROM "+stage+" s WHERE "+match+")", gone.args...)
	}
	if len(t.values) > 0 {
		b.exec(ctx, &err, &b.to.report.Changed, "UPDATE "+name+" t SET "+assignments(t.values)+" FROM "+stage+" s WHERE "+match+
			" AND ("+list("t.", t.values)+") IS DISTINCT FROM ("+list("s.", t.values)+")")
	}
	b.exec(ctx, &err, &b.to.report.Added, "INSERT INTO "+name+" ("+list("", t.columns())+") SELECT "+list("s.", t.columns())+
		" FROM "+stage+" s WHERE NOT EXISTS (SELECT FROM "+name+" t WHERE "+match+") ORDER BY s.move_order")
	if err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	return nil
}

// exec runs a statement, unless one failed before, and counts the rows.
func (b *batch) exec(ctx context.Context, err *error, counted *int64, sql string, args ...any) {
	if *err != nil {
		return
	}
	tag, failed := b.Exec(ctx, sql, args...)
	*err = failed
	*counted += tag.RowsAffected()
}

// stage puts rows into a temporary table of the same types.
func (b *batch) stage(ctx context.Context, t *table, rows [][]any) (name string, err error) {
	columns := t.columns()
	plain := "move_" + t.name
	name = quoted(plain)
	if !b.to.staged[t.name] {
		_, err = b.Exec(ctx, "CREATE TEMP TABLE "+name+" ON COMMIT DELETE ROWS AS SELECT 0::bigint AS move_order, "+list("", columns)+" FROM "+quoted(t.name)+" WITH NO DATA")
		b.to.staged[t.name] = true // should the transaction fail, everything does
	} else {
		_, err = b.Exec(ctx, "TRUNCATE "+name)
	}
	if err != nil {
		return "", err
	}
	var fixed []any
	for _, c := range t.fixedColumns() {
		fixed = append(fixed, t.fixed[c])
	}
	_, err = b.CopyFrom(ctx, pgx.Identifier{plain}, append([]string{"move_order"}, columns...), pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		return slices.Concat([]any{int64(i)}, fixed, rows[i]), nil
	}))
	return name, err
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

func list(prefix string, columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = prefix + quoted(c)
	}
	return strings.Join(out, ", ")
}

func assignments(columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = quoted(c) + " = s." + quoted(c)
	}
	return strings.Join(out, ", ")
}
