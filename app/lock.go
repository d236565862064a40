package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"foyer/models"
)

// errSecondInstance says which one is the first, if that can be told.
func errSecondInstance(ctx context.Context, db *models.DB) error {
	const text = "another instance runs the embedded chat server on this database; stop it first (the embedded server is for one instance)"
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	holder, err := db.LockHolder(ctx, lockName)
	if err != nil {
		return errors.New(text)
	}
	return fmt.Errorf("%s. It is %s. If its machine is gone, Postgres lets go of it within half a minute; at once with SELECT pg_terminate_backend(%d)", text, holder, holder.PID)
}

// instanceLock keeps a second instance from running the embedded chat server on
// the same database. Postgres gives it up when the connection is lost; it is
// then taken again as soon as the database is back.
type instanceLock struct {
	lost chan error // another instance was faster

	cancel context.CancelFunc
	held   sync.WaitGroup
}

const lockName = "foyer-chat-server"

// takeLock takes the lock and keeps it until release.
func takeLock(ctx context.Context, db *models.DB, log *slog.Logger) (*instanceLock, error) {
	release, gone, err := db.Lock(ctx, lockName)
	if errors.Is(err, models.ErrLocked) {
		return nil, errSecondInstance(ctx, db)
	}
	if err != nil {
		return nil, err
	}
	keep, cancel := context.WithCancel(context.Background())
	l := &instanceLock{lost: make(chan error, 1), cancel: cancel}
	l.held.Go(func() { l.keep(keep, db, log, release, gone) })
	return l, nil
}

// ChatServerRuns reports whether an instance runs the embedded chat server on the
// database.
func ChatServerRuns(ctx context.Context, db *models.DB) (bool, error) {
	release, _, err := db.Lock(ctx, lockName)
	if err == nil {
		release()
	}
	if errors.Is(err, models.ErrLocked) {
		return true, nil
	}
	return false, err
}

func (l *instanceLock) release() {
	l.cancel()
	l.held.Wait()
}

func (l *instanceLock) keep(ctx context.Context, db *models.DB, log *slog.Logger, release func(), gone <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			release()
			return
		case <-gone:
		}
		log.Warn("the connection that holds the chat server's lock was lost; taking it again")
		var err error
		for release, gone, err = db.Lock(ctx, lockName); err != nil; release, gone, err = db.Lock(ctx, lockName) {
			if errors.Is(err, models.ErrLocked) {
				l.lost <- errSecondInstance(ctx, db)
				return
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return
			}
		}
	}
}
