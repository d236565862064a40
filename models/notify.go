package models

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Event tells the instances of a site, and so the command line tells a running
// one, that something ended or changed.
type Event struct {
	Kind    EventKind `json:"kind"`
	User    string    `json:"user,omitempty"`
	Session string    `json:"session,omitempty"`
}

// sentEvent is an event on its way. An instance acts on its own events before it
// sends them, and does not hear them again.
type sentEvent struct {
	Event
	From string `json:"from"`
}

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventEnded       EventKind = "ended"           // a session, or all of a user's
	EventChanged     EventKind = "account-changed" // name or picture, or a new account
	EventRemoved     EventKind = "account-removed" // deleted or blocked
	EventGroups      EventKind = "groups-changed"  // an account is in other groups; no user: groups have other rooms
	EventActiveQuery EventKind = "who-looks"       // does somebody look at a page of another instance?
	EventActiveReply EventKind = "looks"           // the answer, by an instance where they do
	EventResync      EventKind = "resync"          // events may have been missed: check again
)

const eventChannel = "foyer_events"

// Notify sends an event to every other instance.
func (db *DB) Notify(ctx context.Context, e Event) error {
	raw, err := json.Marshal(sentEvent{e, db.instance})
	if err != nil {
		return err
	}
	_, err = db.pool.Exec(ctx, "SELECT pg_notify($1, $2)", eventChannel, string(raw))
	return err
}

// Listen calls handle for each event of another instance until ctx ends. It reconnects by itself,
// and then calls handle with EventResync, since a notification can be missed.
func (db *DB) Listen(ctx context.Context, handle func(Event)) {
	for first := true; ctx.Err() == nil; first = false {
		err := db.listenOnce(ctx, func() {
			if !first {
				handle(Event{Kind: EventResync})
			}
		}, handle)
		if ctx.Err() != nil {
			return
		}
		db.log.Warn("the database's notifications were interrupted; listening again", "err", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

func (db *DB) listenOnce(ctx context.Context, ready func(), handle func(Event)) error {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+eventChannel); err != nil {
		return err
	}
	ready()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		var e sentEvent
		if err := json.Unmarshal([]byte(n.Payload), &e); err != nil {
			db.log.Warn("an unreadable notification", "err", err)
			continue
		}
		if e.From != db.instance {
			handle(e.Event)
		}
	}
}
