package remote

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

const (
	nsMUCAdmin = stanza.NSMUC + "#admin"
	nsMUCOwner = stanza.NSMUC + "#owner"

	formRoomInfo = stanza.NSMUC + "#roominfo"
)

const (
	// maxRooms is how many rooms are looked at; the others are not listed.
	maxRooms = 500

	// maxConcurrentQueries is how many questions are under way while rooms are looked at.
	maxConcurrentQueries = 16

	// fresh is for how long an answer is as good as a new one, and kept for how long
	// it is shown where there is no new one.
	fresh = 5 * time.Second
	kept  = time.Minute

	lookTimeout = 20 * time.Second

	// waits is how long somebody waits for the first answer; and after a look that failed there is
	// none for as long as it took, rests at most: a server that hangs keeps nobody's requests.
	waits = 5 * time.Second
	rests = 10 * time.Second

	roomTimeout = 3 * time.Second
)

// Room is a room at the server.
type Room struct {
	Name, Title, Description string
	Occupants                int
	MembersOnly, Hidden      bool
	NonAnonymous             bool              // who is in sees the addresses of all
	Affiliations             map[string]string // by bare address: owner, admin, member; nil: the server does not tell
}

// MayKnow reports whether somebody, by the bare address, may know of the room.
func (r Room) MayKnow(jid string) bool {
	return r.Affiliations[jid] != "" || !r.MembersOnly && !r.Hidden
}

// Directory knows which rooms there are, as of a moment ago. It is safe for concurrent
// use.
type Directory struct {
	service *Service
	domain  string // where the rooms are
	own     func(ctx context.Context, most int) ([]string, error)

	mu      sync.Mutex
	rooms   map[string]Room
	at      time.Time        // when they were looked at; zero: never
	looking chan struct{}    // closed when a look that is under way is over; nil: none is
	changed map[string]*Room // since that look began: it may have passed them already; nil: the room is no more
	err     error            // of the last look
	until   time.Time        // no look before that
}

// NewDirectory makes a Directory of the rooms at domain. own returns the names of rooms
// that the site made, so many at most: the server lists no others that are hidden.
func NewDirectory(service *Service, domain string, own func(ctx context.Context, most int) ([]string, error)) *Directory {
	return &Directory{service: service, domain: domain, own: own}
}

// Rooms returns all rooms, by name. ErrUnreachable: the server has not told for a while.
func (d *Directory) Rooms(ctx context.Context) ([]Room, error) {
	d.mu.Lock()
	age := time.Since(d.at)
	if age > fresh && d.looking == nil && time.Now().After(d.until) {
		d.looking, d.changed = make(chan struct{}), make(map[string]*Room)
		go d.look(d.looking)
	}
	looking := d.looking
	d.mu.Unlock()
	if age > kept && looking != nil {
		ctx, cancel := context.WithTimeout(ctx, waits)
		defer cancel()
		select {
		case <-looking:
		case <-ctx.Done():
			return nil, Unreachable(ctx.Err())
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.at) > kept {
		return nil, d.err
	}
	list := make([]Room, 0, len(d.rooms))
	for _, r := range d.rooms {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Room) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Put notes a room that was just made, or changed.
func (d *Directory) Put(r Room) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rooms != nil {
		d.rooms[r.Name] = r
	}
	if d.looking != nil {
		d.changed[r.Name] = &r
	}
}

// Forget notes that a room is no more.
func (d *Directory) Forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.rooms, name)
	if d.looking != nil {
		d.changed[name] = nil
	}
}

// look asks the server for all rooms.
func (d *Directory) look(over chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	started := time.Now()
	rooms, err := d.all(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err = err; err != nil {
		d.until = time.Now().Add(min(time.Since(started), rests))
	} else {
		d.rooms, d.at = rooms, started
		for name, r := range d.changed {
			if delete(d.rooms, name); r != nil {
				d.rooms[name] = *r
			}
		}
	}
	d.looking, d.changed = nil, nil
	close(over)
}

func (d *Directory) all(ctx context.Context) (map[string]Room, error) {
	session, err := d.service.open(ctx)
	if err != nil {
		return nil, err
	}
	names, err := session.roomNames(ctx, d.domain)
	if err != nil {
		return nil, err
	}
	own, err := d.own(ctx, maxRooms)
	if err != nil {
		return nil, err
	}
	return session.roomsNamed(ctx, d.domain, lookedAt(names, own))
}

// lookedAt returns the names of the rooms that are looked at, of those that the server lists
// and those that the site made, the latest first. Where they are too many, neither crowd out
// the other: a server with many public rooms would hide all private ones from their members.
func lookedAt(listed, own []string) []string {
	names := slices.Clone(own[:min(len(own), maxRooms/2)])
	for _, name := range slices.Concat(listed, own) {
		if len(names) == maxRooms {
			break
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Room looks at one room now. *Refusal: there is none, or the server does not tell.
func (d *Directory) Room(ctx context.Context, name string) (Room, error) {
	session, err := d.service.open(ctx)
	if err != nil {
		return Room{}, err
	}
	r, err := session.roomOrAgain(ctx, d.domain, name)
	if err == nil {
		d.Put(r)
	}
	return r, err
}

// roomOrAgain asks a second time when there is no answer: a question that reaches a room
// of ejabberd's while it ends is lost.
func (s *Session) roomOrAgain(ctx context.Context, domain, name string) (Room, error) {
	once, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	r, err := s.room(once, domain, name)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && !s.ended() {
		return s.room(ctx, domain, name)
	}
	return r, err
}

// roomsNamed looks at rooms, some at a time. Those that are no more are left out.
func (s *Session) roomsNamed(ctx context.Context, domain string, names []string) (map[string]Room, error) {
	rooms := make(map[string]Room, len(names))
	var mu sync.Mutex
	var failed error
	var work sync.WaitGroup
	turns := make(chan struct{}, maxConcurrentQueries)
	for _, name := range names {
		turns <- struct{}{}
		work.Go(func() {
			defer func() { <-turns }()
			r, err := s.roomOrAgain(ctx, domain, name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				rooms[name] = r
			case !isRefusal(err):
				failed = err
			}
		})
	}
	work.Wait()
	return rooms, failed
}

// roomNames lists rooms, page by page where the server has pages (XEP-0045 §6.3,
// XEP-0059).
func (s *Session) roomNames(ctx context.Context, domain string) ([]string, error) {
	var names []string
	page := `<set xmlns="` + stanza.NSRSM + `"><max>100</max></set>`
	for {
		var list struct {
			Items []struct {
				JID string `xml:"jid,attr"`
			} `xml:"item"`
			Last string `xml:"set>last"`
		}
		if err := s.ask(ctx, "get", domain, `<query xmlns="`+stanza.NSDiscoItems+`">`+page+`</query>`, &list); err != nil {
			return nil, err
		}
		before := len(names)
		for _, item := range list.Items {
			if a, err := stanza.ParseAddress(item.JID); err == nil && a.User != "" && a.Domain == domain && !slices.Contains(names, a.User) {
				names = append(names, a.User)
			}
		}
		if list.Last == "" || len(names) == before || len(names) >= maxRooms {
			return names, nil
		}
		page = `<set xmlns="` + stanza.NSRSM + `"><max>100</max><after>` + stream.Escape(list.Last) + `</after></set>`
	}
}

// room looks at one room: what it says of itself (XEP-0045 §6.4), and who belongs to it
// (§9.5), which only its admins and those of the server are told.
func (s *Session) room(ctx context.Context, domain, name string) (Room, error) {
	jid := name + "@" + domain
	el, err := s.iq(ctx, "get", jid, `<query xmlns="`+stanza.NSDiscoInfo+`"/>`)
	if err != nil {
		return Room{}, err
	}
	r := Room{Name: name, Title: name}
	if query, ok := el.Find(stanza.NSDiscoInfo, "query"); ok {
		r.describe(query)
	}
	r.Title, r.Description = cmp.Or(line(r.Title), name), line(r.Description)
	for _, affiliation := range []string{"owner", "admin", "member"} {
		var list struct {
			Items []struct {
				JID string `xml:"jid,attr"`
			} `xml:"item"`
		}
		err := s.ask(ctx, "get", jid, `<query xmlns="`+nsMUCAdmin+`"><item affiliation="`+affiliation+`"/></query>`, &list)
		if isRefusal(err) {
			break
		}
		if err != nil {
			return r, err
		}
		for _, item := range list.Items {
			if a, err := stanza.ParseAddress(item.JID); err == nil {
				if r.Affiliations == nil {
					r.Affiliations = make(map[string]string)
				}
				r.Affiliations[a.Bare()] = affiliation
			}
		}
	}
	return r, nil
}

// maxLine is how much of a title or a description is shown, in bytes.
const maxLine = 1000

// line is a text of the server's as the site's own are: one line, with nothing in it that
// is not seen (internal/names).
func line(text string) string {
	return names.Line(strings.ToValidUTF8(text[:min(len(text), maxLine)], ""))
}

// describe reads what a room says of itself.
func (r *Room) describe(query stream.Child) {
	for c := range query.Children() {
		switch c.Name.Local {
		case "identity":
			if title, _ := c.Attr("name"); title != "" {
				r.Title = title
			}
		case "feature":
			feature, _ := c.Attr("var")
			r.MembersOnly = r.MembersOnly || feature == "muc_membersonly"
			r.Hidden = r.Hidden || feature == "muc_hidden"
			r.NonAnonymous = r.NonAnonymous || feature == "muc_nonanonymous"
		case "x":
			r.describeMore(c)
		}
	}
}

func (r *Room) describeMore(x stream.Child) {
	form, err := stanza.ParseForm(x, formRoomInfo)
	if err != nil {
		return
	}
	r.Description = form.Get("muc#roominfo_description")
	r.Occupants = atoi(form.Get("muc#roominfo_occupants"))
	if title := form.Get("muc#roomconfig_roomname"); title != "" {
		r.Title = title
	}
}
