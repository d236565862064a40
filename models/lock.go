package models

import (
	"context"
	"errors"
	"fmt"
	"foyer/internal/budget"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Advisory locks keep several programs from doing one thing at once on the same database. Postgres gives one
// up with the connection that holds it, which is when it learns of that connection's end (silenceOfLock).

// lockKey is the number that Postgres knows an advisory lock by.
const lockKey = "('x' || substr(md5($1), 1, 16))::bit(64)::bigint"

// heldBy finds the process of Postgres that holds a lock: pg_locks has the two halves of its number.
const heldBy = `
	FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND (l.classid::bigint << 32) | l.objid::bigint = ` + lockKey

// silenceOfLock says after how long Postgres gives up the process of a connection whose network broke, and the locks that
// it holds: without, when the system does, which is two hours on Linux. It is for TCP; on unix sockets it means nothing, and
// Postgres ignores it.
var silenceOfLock = map[string]string{
	"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", // s, s and times: 25 s in all
	"tcp_user_timeout": "25s",
}

// watchOver tells Postgres to look after a connection that is to hold a lock (silenceOfLock). It is no startup parameter,
// since a pooler between refuses those that it does not know. What the URL has stays as it is.
func watchOver(ctx context.Context, conn *pgx.Conn) error {
	for name, value := range silenceOfLock {
		if conn.Config().RuntimeParams[name] != "" {
			continue
		}
		if _, err := conn.Exec(ctx, "SELECT set_config($1, $2, false)", name, value); err != nil {
			return err
		}
	}
	return nil
}

// Holder is who holds a lock, as far as Postgres tells this user.
type Holder struct {
	PID         int       // of Postgres' process
	Address     string    // where it is connected from; "a unix socket" for one of Postgres' own machine; empty: not told
	Application string    // what it says it is; may be empty
	Since       time.Time // its last statement, which was to take the lock; zero: not told
}

// String is for the operator.
func (h Holder) String() string {
	text := fmt.Sprintf("Postgres' process %d", h.PID)
	if h.Application != "" {
		text += fmt.Sprintf(", %q", h.Application)
	}
	if h.Address != "" {
		text += " from " + h.Address
	}
	if !h.Since.IsZero() {
		text += ", since " + h.Since.Local().Format("2 January 15:04:05")
	}
	return text
}

// LockHolder returns who holds a lock. ErrNotFound: nobody does.
func (db *DB) LockHolder(ctx context.Context, name string) (Holder, error) {
	return lockHolder(ctx, db.pool, name)
}

// rower is a connection or a pool of them.
type rower interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

func lockHolder(ctx context.Context, from rower, name string) (Holder, error) {
	var h Holder
	var since *time.Time
	err := from.QueryRow(ctx, `SELECT a.pid, CASE WHEN a.client_addr IS NOT NULL THEN host(a.client_addr) WHEN a.client_port = -1 THEN 'a unix socket' ELSE '' END,
		coalesce(a.application_name, ''), a.state_change`+heldBy, name).Scan(&h.PID, &h.Address, &h.Application, &since)
	if since != nil {
		h.Since = *since
	}
	return h, translate(err)
}

// backend is a process of Postgres: their numbers come again, but not with the same beginning.
type backend struct {
	pid     int
	started time.Time // zero: not told
}

// lostLocks are the processes that held locks of ours when their connections broke, by the locks' names.
type lostLocks struct {
	mu  sync.Mutex
	all map[string]backend
}

func newLostLocks() *lostLocks { return &lostLocks{all: make(map[string]backend)} }

func (l *lostLocks) put(name string, b backend) {
	if b.started.IsZero() { // not told: a process of that number may be anybody's
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[name] = b
}

func (l *lostLocks) get(name string) (backend, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.all[name]
	return b, ok
}

func (l *lostLocks) drop(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, name)
}

// How often a lock is tried again that another holds: who waits in a statement would keep
// CREATE INDEX CONCURRENTLY of the one who migrates from ever ending.
const lockPause = 500 * time.Millisecond

// lockWait takes a lock as soon as nobody else holds it, and logs once for whom it waits.
func (db *DB) lockWait(ctx context.Context, name string) (release func(), err error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	release = func() {
		// The connection goes, and the lock with it.
		_ = conn.Conn().Close(context.Background())
		conn.Release()
	}
	if err := watchOver(ctx, conn.Conn()); err != nil {
		release()
		return nil, err
	}
	for first := true; ; first = false {
		_, held, err := tryLock(ctx, conn.Conn(), name)
		if held {
			return release, nil
		}
		if err == nil && first {
			h, holderErr := lockHolder(ctx, conn.Conn(), name)
			if holderErr == nil {
				db.log.Warn("waiting for another program that has the lock; if it is gone, end its process with SELECT pg_terminate_backend(…)", "lock", name, "holder", h.String(), "pid", h.PID)
			}
		}
		if err == nil {
			err = budget.Pause(ctx, lockPause)
		}
		if err != nil {
			release()
			return nil, err
		}
	}
}

const tryLockQuery = "SELECT pg_try_advisory_lock(" + lockKey + "), a.pid, a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()"

// tryLock takes a lock on a connection, if nobody else holds it.
func tryLock(ctx context.Context, conn *pgx.Conn, name string) (self backend, held bool, err error) {
	var started *time.Time
	err = conn.QueryRow(ctx, tryLockQuery, name).Scan(&held, &self.pid, &started)
	if started != nil {
		self.started = *started
	}
	return self, held, err
}

// Lock takes an advisory lock on a connection of its own; ErrLocked when
// another instance has it. lost is closed if the connection dies, and with it
// the lock; the caller may take it again. Postgres may not know yet that it died:
// its process is ended then, which is this program's own.
func (db *DB) Lock(ctx context.Context, name string) (release func(), lost <-chan struct{}, err error) {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return nil, nil, err
	}
	var self backend
	var held bool
	if err = watchOver(ctx, conn); err == nil {
		self, held, err = tryLock(ctx, conn, name)
	}
	if err == nil && !held {
		if held, err = db.takeBack(ctx, conn, name); err == nil && !held {
			err = ErrLocked
		}
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, nil, err
	}
	db.lostLocks.drop(name)
	watch, stop := context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		// Nothing is ever notified here: the wait ends with the connection.
		for watch.Err() == nil {
			if _, err := conn.WaitForNotification(watch); err != nil {
				break
			}
		}
		if watch.Err() == nil {
			db.lostLocks.put(name, self)
		}
		_ = conn.Close(context.Background())
	}()
	return func() { stop(); <-gone }, gone, nil
}

// How often a lock is tried that a process holds which was just ended.
const takeBackTries = 20

// takeBack takes a lock from the process that holds it for a connection of ours which broke, and from no
// other.
func (db *DB) takeBack(ctx context.Context, conn *pgx.Conn, name string) (held bool, err error) {
	mine, ok := db.lostLocks.get(name)
	if !ok {
		return false, nil
	}
	var ended bool
	err = conn.QueryRow(ctx, "SELECT pg_terminate_backend(a.pid)"+heldBy+" AND a.pid = $2 AND a.backend_start = $3", name, mine.pid, mine.started).Scan(&ended)
	if errors.Is(err, pgx.ErrNoRows) {
		// It ended by itself meanwhile, or another was faster.
		_, held, err = tryLock(ctx, conn, name)
		return held, err
	}
	for range takeBackTries {
		if err != nil {
			return false, err
		}
		if _, held, err = tryLock(ctx, conn, name); held {
			db.log.Warn("Postgres still kept the process of a connection that broke, and the lock that it held; it was ended", "lock", name, "pid", mine.pid)
			return true, nil
		}
		if err == nil {
			err = budget.Pause(ctx, 50*time.Millisecond)
		}
	}
	return false, err
}
