package models

import (
	"bytes"
	"context"
	"log/slog"
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
	var said bytes.Buffer
	second, err := Open(t.Context(), Options{URL: url, SiteConns: 1, Logger: slog.New(slog.NewTextHandler(&said, nil))})
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
	time.Sleep(300 * time.Millisecond)
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
	if !strings.Contains(said.String(), "pid="+strconv.Itoa(holder.PID)) || !strings.Contains(said.String(), "a unix socket") {
		t.Errorf("it says %q; the holder is %s", said.String(), holder)
	}
	for err = nil; err == nil; _, err = first.LockHolder(t.Context(), migrateLock) { // Postgres closes it in a moment
		time.Sleep(10 * time.Millisecond)
	}
	is(t, err, ErrNotFound)
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

// Postgres is told to look after connections whose network broke.
func TestPool_ServerSilence(t *testing.T) {
	db := open(t)
	cfg, err := poolConfig("postgres://foyer@db/foyer?tcp_keepalives_idle=77", 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range serverSilence {
		if name == "tcp_keepalives_idle" {
			want = "77"
		}
		if got := cfg.ConnConfig.RuntimeParams[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if err := db.Ping(t.Context()); err != nil { // Postgres takes them
		t.Error(err)
	}
}
