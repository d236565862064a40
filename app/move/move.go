// Package move copies what the embedded chat server keeps to another XMPP server: into
// the tables of Prosody or ejabberd, and into files as XEP-0227 has them.
//
// What is copied is read from one snapshot. What is written into tables goes in batches,
// each a transaction of the other database, and is compared with what is there: a copy that
// was interrupted goes on when it is begun again, and one that is made twice changes
// nothing. The site's database is only read.
//
// Memory: a page of people or rooms, a batch of messages, and the addresses of all people
// and rooms.
package move

import (
	"context"
	"fmt"
	"strings"
	"time"

	"foyer/models"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"
)

// How much is read and written at once.
const (
	peoplePage   = 100
	roomsPage    = 100
	messageBatch = 5000
	batchBytes   = 16 << 20
)

// Options configure a copy.
type Options struct {
	Domain   string       // of the people
	Rooms    string       // the domain of the rooms
	Progress func(string) // is told how far it is, from time to time; may be nil
}

// Source is what is copied: models.Snapshot.
type Source interface {
	People(ctx context.Context, after string, max int) ([]*models.AccountData, error)
	Rooms(ctx context.Context, after string, max int) ([]*models.RoomRecord, error)
	Gone(ctx context.Context, after string, max int) ([]string, error)
	GoneRooms(ctx context.Context) ([]string, error)
	Messages(ctx context.Context) (int64, error)
	Archives(ctx context.Context, f func(archive.Entry) error) error
}

// eachPerson calls f with a page of people after the other.
func eachPerson(ctx context.Context, src Source, f func([]*models.AccountData) error) error {
	for after := ""; ; {
		page, err := src.People(ctx, after, peoplePage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, b := range page {
			addPicture(b)
		}
		if err := f(page); err != nil {
			return err
		}
		after = page[len(page)-1].User
	}
}

// addPicture publishes the picture of somebody's profile, as the server would do when
// somebody first asks for it (XEP-0398 §3.2).
func addPicture(b *models.AccountData) {
	if len(b.Card.Photo) == 0 {
		return
	}
	for _, n := range b.Nodes {
		if strings.HasPrefix(n.Name, "urn:xmpp:avatar:") {
			return
		}
	}
	nodes, items := pep.Picture(b.Card)
	for i, n := range nodes {
		items[i].Published = b.Since // nobody knows; it is the same each time
		b.Nodes = append(b.Nodes, models.NodeItems{Node: n, Items: []pep.Item{items[i]}})
	}
}

// eachRoom calls f with a page of rooms after the other. Those that end with their last
// occupant are not among them: when the server stops, they end.
func eachRoom(ctx context.Context, src Source, r *Report, f func([]*models.RoomRecord) error) error {
	for after := ""; ; {
		page, err := src.Rooms(ctx, after, roomsPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Name
		lasting := page[:0]
		for _, room := range page {
			if room.Settings.Persistent {
				lasting = append(lasting, room)
				r.leaveMany(room.Pins, "pinned messages, which other servers do not know", room.Name)
			} else {
				r.leave("rooms that end with their last occupant", room.Name)
			}
		}
		if err := f(lasting); err != nil {
			return err
		}
	}
}

// roomFacts are what the archive of a room depends on.
type roomFacts struct{ nonAnonymous bool }

// owners are whose archives are copied.
type owners struct {
	people map[string]bool // by localpart
	rooms  map[string]roomFacts
}

func newOwners() *owners {
	return &owners{people: make(map[string]bool), rooms: make(map[string]roomFacts)}
}

func (o *owners) addRoom(r *models.RoomRecord) {
	o.rooms[r.Name] = roomFacts{nonAnonymous: r.Settings.NonAnonymous}
}

// progress says from time to time how far a long piece of work is.
type progress struct {
	say  func(string)
	what string
	all  int64
	done int64
	last time.Time
}

// between is how long progress is silent.
const between = 2 * time.Second

func (p *progress) add(n int) {
	p.done += int64(n)
	if now := time.Now(); p.say != nil && now.Sub(p.last) >= between {
		p.last = now
		p.say(fmt.Sprintf("%s: %d of %d", p.what, p.done, p.all))
	}
}

// affiliated are those who belong to a room, or are banned from it.
func affiliated(r *models.RoomRecord) []muc.Affiliated {
	var list []muc.Affiliated
	for _, a := range r.People {
		if a.Affiliation != muc.None {
			list = append(list, a)
		}
	}
	return list
}
