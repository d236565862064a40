package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// Group chat (XEP-0045).

const mucDomain = "conference." + domain

// makeRoom lets the first client make a room, as an instant room (§10.1.2).
func makeRoom(owner *client, room string) error {
	if err := exchange(owner, joining(room, owner), "<presence"); err != nil {
		return err
	}
	return exchange(owner, `<iq xmlns="jabber:client" type="set" to="`+room+`" id="instant"><query xmlns="http://jabber.org/protocol/muc#owner">`+
		`<x xmlns="jabber:x:data" type="submit"/></query></iq>`, `"instant"`, `'instant'`)
}

func joining(room string, c *client) string {
	return `<presence xmlns="jabber:client" to="` + room + `/` + c.user + `"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x></presence>`
}

// join lets all clients into the room at once and returns how long it took until
// every one of them had seen every other.
func (s *server) join(ctx context.Context, clients []*client, room string) (time.Duration, error) {
	if err := makeRoom(clients[0], room); err != nil {
		return 0, err
	}
	start := time.Now()
	err := each(clients, func(c *client) error {
		seen := 0
		if c == clients[0] {
			seen = 1 // itself; the answer to making the room
		} else if err := c.write([]byte(joining(room, c))); err != nil {
			return err
		}
		from := []byte(room + "/")
		for seen < len(clients) {
			got, err := c.recv()
			if err != nil {
				return fmt.Errorf("%s saw %d of %d occupants: %w", c.user, seen, len(clients), err)
			}
			for _, g := range got {
				if bytes.Contains(g, []byte("<error")) {
					return fmt.Errorf("%s cannot join: %.400s", c.user, g)
				}
				seen += occupants(g, from)
			}
		}
		return nil
	})
	return time.Since(start), err
}

// occupants counts the presences of occupants in b.
func occupants(b, from []byte) int {
	n := 0
	for {
		i := bytes.Index(b, []byte("<presence"))
		if i < 0 {
			return n
		}
		b = b[i+len("<presence"):]
		tag, _, _ := bytes.Cut(b, []byte(">"))
		if bytes.Contains(tag, from) {
			n++
		}
	}
}

// talk lets some of a room's occupants speak for d; each speaks again when it
// hears itself, so that the room is always busy and never flooded.
func (s *server) talk(ctx context.Context, clients []*client, room string, talkers int, d time.Duration) (measured, error) {
	var count atomic.Int64
	stop, finished := s.background(clients, func(c *client) error {
		l := newLetter(c.user, room, "groupchat", stored)
		speaks := c.i < talkers
		own := []byte("/" + c.user + `"`)
		if speaks {
			if err := c.write(l.write()); err != nil {
				return err
			}
		}
		for {
			got, err := c.recv()
			if err != nil {
				return err
			}
			n, heard := 0, 0
			for _, g := range got {
				n += stamps(g, nil)
				if speaks {
					heard += spoken(g, own)
				}
			}
			count.Add(int64(n))
			for range heard {
				if err := c.write(l.write()); err != nil {
					return err
				}
			}
		}
	})
	m, err := s.window(ctx, &count, d)
	stop()
	return m, errors.Join(err, <-finished)
}

// spoken counts the messages in b that come from the occupant whose address
// ends so; servers differ in their quotes.
func spoken(b, own []byte) int {
	n := 0
	for {
		i := bytes.Index(b, []byte("<message"))
		if i < 0 {
			return n
		}
		b = b[i+len("<message"):]
		tag, _, _ := bytes.Cut(b, []byte(">"))
		if bytes.Contains(bytes.ReplaceAll(tag, []byte("'"), []byte(`"`)), own) {
			n++
		}
	}
}

// readArchive lets every client read pages of the archive for d.
func (s *server) readArchive(ctx context.Context, clients []*client, page int, d time.Duration) (measured, error) {
	var count atomic.Int64
	stop, finished := s.background(clients, func(c *client) error {
		for n := 0; ; n++ {
			id := "page" + strconv.Itoa(n)
			query := `<iq xmlns="jabber:client" type="set" id="` + id + `"><query xmlns="urn:xmpp:mam:2" queryid="` + id + `">` +
				`<set xmlns="http://jabber.org/protocol/rsm"><max>` + strconv.Itoa(page) + `</max><before/></set></query></iq>`
			if err := c.write([]byte(query)); err != nil {
				return err
			}
			if err := awaitPage(c, page); err != nil {
				return err
			}
			count.Add(1)
		}
	})
	m, err := s.window(ctx, &count, d)
	stop()
	return m, errors.Join(err, <-finished)
}

// awaitPage waits for a whole page and its end.
func awaitPage(c *client, page int) error {
	results := 0
	for {
		got, err := c.recv()
		if err != nil {
			return err
		}
		for _, g := range got {
			results += bytes.Count(g, []byte("</result>"))
			if !bytes.Contains(g, []byte("<fin")) {
				continue
			}
			if results != page {
				return fmt.Errorf("a page has %d messages, not %d", results, page)
			}
			return nil
		}
	}
}
