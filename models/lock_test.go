package models

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Who comes while another instance migrates waits for as long as that takes, and says for whom. It waits in
// no statement: an index that the other makes concurrently waits for all of those.
func TestMigrate_WaitsForAnother(t *testing.T) {
	url := cluster.DB(t)
	first := openAt(t, url)
	said := make(logLines, 1)
	second, err := Open(t.Context(), Options{URL: url, SiteConns: 1, Logger: slog.New(slog.NewTextHandler(said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	release, err := first.lockWait(t.Context(), migrateLock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.pool.Exec(t.Context(), "SET statement_timeout = '50ms'"); err != nil { // of its one connection
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() {
		after, err := second.lockWait(t.Context(), migrateLock)
		if err == nil {
			after()
		}
		waited <- err
	}()
	line := <-said // it waits
	if _, err := first.pool.Exec(t.Context(), "CREATE INDEX CONCURRENTLY lock_test ON accounts (name)"); err != nil {
		t.Errorf("an index while another waits: %v", err)
	}
	holder, err := first.LockHolder(t.Context(), migrateLock)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(line, "pid="+strconv.Itoa(holder.PID)) || !strings.Contains(line, "a unix socket") {
		t.Errorf("it says %q; the holder is %s", line, holder)
	}
	for err = nil; err == nil; _, err = first.LockHolder(t.Context(), migrateLock) { // Postgres closes it in a moment
		time.Sleep(10 * time.Millisecond)
	}
	is(t, err, ErrNotFound)
}

// logLines has what is logged, a line each.
type logLines chan string

// Write implements io.Writer.
func (l logLines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// A lock whose connection broke is taken again at once, though Postgres does not know of the break: and
// only from one's own process.
func TestLock_AfterABreak(t *testing.T) {
	url := cluster.DB(t)
	db, other := openAt(t, url), openAt(t, url)
	cfg := db.pool.Config().ConnConfig
	broken, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close(context.Background())
	mine, held, err := tryLock(t.Context(), broken, "x")
	if err != nil || !held {
		t.Fatal(held, err)
	}
	_, _, err = db.Lock(t.Context(), "x")
	is(t, err, ErrLocked) // it is not known to be ours

	wrong := mine
	wrong.started = wrong.started.Add(-time.Second)
	db.lostLocks.put("x", wrong)
	_, _, err = db.Lock(t.Context(), "x")
	is(t, err, ErrLocked) // another process of that number

	db.lostLocks.put("x", mine)
	_, _, err = other.Lock(t.Context(), "x")
	is(t, err, ErrLocked)
	release, lost, err := db.Lock(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Ping(t.Context()); err == nil {
		t.Error("the process of the broken connection lives")
	}
	_, _, err = db.Lock(t.Context(), "x")
	is(t, err, ErrLocked) // what is held now is not taken away

	holder, err := db.LockHolder(t.Context(), "x")
	if err != nil || holder.Application != "foyer" || time.Since(holder.Since).Abs() > time.Minute {
		t.Errorf("%+v %v", holder, err)
	}
	if _, err := other.pool.Exec(t.Context(), "SELECT pg_terminate_backend($1)", holder.PID); err != nil {
		t.Fatal(err)
	}
	<-lost
	if b, ok := db.lostLocks.get("x"); !ok || b.pid != holder.PID {
		t.Errorf("remembered: %+v %v; it was %d", b, ok, holder.PID)
	}
	release()
}

// Postgres is told to look after connections that hold locks, and after no others; poolers are told nothing.
func TestLock_SilenceOfLock(t *testing.T) {
	db := open(t)
	for name := range silenceOfLock {
		if got := db.pool.Config().ConnConfig.RuntimeParams[name]; got != "" {
			t.Errorf("at the start: %s=%s", name, got)
		}
	}
	cfg := db.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["tcp_keepalives_idle"] = "77"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	is(t, err, nil)
	defer conn.Close(context.Background())
	asked := &statements{}
	watched, err := pgx.ConnectConfig(t.Context(), func() *pgx.ConnConfig { c := cfg.Copy(); c.Tracer = asked; return c }())
	is(t, err, nil)
	defer watched.Close(context.Background())
	is(t, watchOver(t.Context(), watched), nil)
	if len(asked.names) != len(silenceOfLock)-1 || slices.Contains(asked.names, "tcp_keepalives_idle") { // the URL's own
		t.Errorf("set: %q", asked.names)
	}
}

// statements are the names of what is set.
type statements struct{ names []string }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, "set_config") {
		s.names = append(s.names, q.Args[0].(string))
	}
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Where Postgres does not tell when a process began, the lock is taken, and no process is ever ended for it.
func TestLock_BeginningNotTold(t *testing.T) {
	db := open(t)
	if _, err := db.pool.Exec(t.Context(), `CREATE SCHEMA before; CREATE VIEW before.pg_stat_activity AS SELECT pid, NULL::timestamptz AS backend_start FROM pg_catalog.pg_stat_activity`); err != nil {
		t.Fatal(err)
	}
	cfg := db.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["search_path"] = "before, pg_catalog, public"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	is(t, err, nil)
	defer conn.Close(context.Background())
	self, held, err := tryLock(t.Context(), conn, "x")
	if err != nil || !held || self.pid == 0 || !self.started.IsZero() {
		t.Fatalf("%+v %v %v", self, held, err)
	}
	db.lostLocks.put("x", self)
	if b, ok := db.lostLocks.get("x"); ok {
		t.Errorf("remembered: %+v", b)
	}
}
