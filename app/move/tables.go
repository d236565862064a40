package move

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"foyer/models"
	"foyer/xmppd/archive"
)

// server says how another server keeps things in its tables.
type server interface {
	// check looks at the tables. An error says what is missing.
	check(ctx context.Context, d *target) error

	// people copies what people have, archives aside; rooms do so with rooms.
	people(ctx context.Context, b *batch, page []*models.AccountData) error
	rooms(ctx context.Context, b *batch, page []*models.RoomRecord) error

	// peopleGone and roomsGone remove everything of people and rooms, archives included.
	peopleGone(users []string) []removal
	roomsGone(names []string) []removal

	// archive is the table of messages. message returns a row of it; it is called in
	// the order of Source.Archives. name is a person or, with facts, a room.
	archive() *table
	message(e archive.Entry, name string, room *roomFacts) []any
}

// Into copies everything into the tables of another server: kind is prosody or ejabberd,
// whose database has the URL. While it runs, that server should not.
func Into(ctx context.Context, src Source, kind, url string, o Options) (*Report, error) {
	r := &Report{}
	var s server
	switch kind {
	case "prosody":
		s = newProsody(o, r)
	case "ejabberd":
		s = &ejabberd{o: o, report: r}
	default:
		return r, fmt.Errorf("nobody here knows the tables of %q", kind)
	}
	d, err := connect(ctx, url, r)
	if err != nil {
		return r, err
	}
	defer d.close()
	c := &copier{Options: o, src: src, to: d, server: s, report: r, owners: newOwners()}
	for _, step := range []func(context.Context) error{c.check, c.people, c.gone, c.rooms, c.messages} {
		if err := step(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

// copier copies into tables.
type copier struct {
	Options
	src    Source
	to     *target
	server server
	report *Report
	owners *owners
}

// check refuses the database of a site, whose tables have some of the same names, and looks at
// the other server's.
func (c *copier) check(ctx context.Context) error {
	var own bool
	if err := c.to.conn.QueryRow(ctx, "SELECT to_regclass('goose_db_version') IS NOT NULL AND to_regclass('accounts') IS NOT NULL").Scan(&own); err != nil {
		return err
	}
	if own {
		return errOwnDatabase
	}
	return c.server.check(ctx, c.to)
}

var errOwnDatabase = errors.New("that is the database of a site and not of another chat server; name the one that the other server has for itself")

func (c *copier) say(text string) {
	if c.Progress != nil {
		c.Progress(text)
	}
}

func (c *copier) people(ctx context.Context) error {
	c.say("people")
	return eachPerson(ctx, c.src, func(page []*models.AccountData) error {
		for _, b := range page {
			c.owners.people[b.User] = true
			c.report.people = append(c.report.people, b.User)
		}
		c.report.People += int64(len(page))
		return c.to.inBatch(ctx, func(b *batch) error { return c.server.people(ctx, b, page) })
	})
}

func (c *copier) rooms(ctx context.Context) error {
	c.say("rooms")
	return eachRoom(ctx, c.src, c.report, func(page []*models.RoomRecord) error {
		for _, r := range page {
			c.owners.addRoom(r)
			c.report.rooms = append(c.report.rooms, r.Name)
		}
		c.report.Rooms += int64(len(page))
		return c.to.inBatch(ctx, func(b *batch) error { return c.server.rooms(ctx, b, page) })
	})
}

func (c *copier) messages(ctx context.Context) error {
	all, err := c.src.Messages(ctx)
	if err != nil {
		return err
	}
	p := &progress{say: c.Progress, what: "messages", all: all}
	t := c.server.archive()
	rows, size := make([][]any, 0, messageBatch), 0
	write := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := c.to.inBatch(ctx, func(b *batch) error { return b.merge(ctx, t, rows, scope{}) })
		c.report.Messages += int64(len(rows))
		rows, size = rows[:0], 0
		return err
	}
	err = c.src.Archives(ctx, func(e archive.Entry) error {
		p.add(1)
		row := c.message(e)
		if row == nil {
			return nil
		}
		rows, size = append(rows, row), size+len(e.Stanza)+len(e.Body)
		if len(rows) < messageBatch && size < batchBytes {
			return nil
		}
		return write()
	})
	if err != nil {
		return err
	}
	return write()
}

// message returns a message's row, or nil for one that is not taken.
func (c *copier) message(e archive.Entry) []any {
	name, domain, _ := strings.Cut(e.Owner, "@")
	room, isRoom := c.owners.rooms[name]
	switch {
	case !storable(e.Stanza) || !storable([]byte(e.Body)):
		c.report.leave("damaged messages", e.Owner)
	case domain == c.Domain && c.owners.people[name]:
		return c.server.message(e, name, nil)
	case domain == c.Rooms && isRoom:
		return c.server.message(e, name, &room)
	default:
		c.report.leave("messages of archives whose person or room is not taken", e.Owner)
	}
	return nil
}

// storable reports whether bytes can be a text of Postgres.
func storable(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }
