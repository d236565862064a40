package push

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd/muc"
)

// Bounds of what is kept of a message.
const (
	maxText    = 4 << 10 // bytes
	maxShown   = 160     // characters
	maxID      = 256     // bytes; what has a longer one may be told a second time
	maxPayload = 3993    // bytes: what is left of 4096 when it is encrypted (RFC 8291 §4, RFC 8188 §2.1)
)

// message is what is kept of one until it is looked at.
type message struct {
	to        string // user name; empty: whom it concerns in the room
	from      string // user name
	nick      string // in the room
	room      string // name
	roomJID   string
	id        string
	addressed stanza.Addressed
	text      string
	encrypted bool
	at        time.Time
	leave     func() // the queue
}

// Message implements xmppd.Notifier: it takes a message to somebody. Messages of one's own are
// none.
func (s *Service) Message(user string, m *stream.Element, at time.Time) {
	from, err := stanza.ParseAddress(m.From)
	if err != nil || from.User == "" || from.User == user || from.Domain != s.cfg.Domain {
		return
	}
	if msg, ok := read(m); ok {
		msg.to, msg.from, msg.at = user, from.User, at
		s.put(msg)
	}
}

// RoomMessage takes what was said in a room.
func (s *Service) RoomMessage(said muc.GroupMessage) {
	if !s.anybody.Load() {
		return
	}
	if msg, ok := read(said.Message); ok {
		msg.from, msg.nick, msg.room, msg.roomJID, msg.at = said.User, said.Nick, said.Room, said.RoomJID, said.At
		s.put(msg)
	}
}

// read takes from a message what is told of it. Corrections, reactions and retractions are
// nothing new.
func read(m *stream.Element) (message, bool) {
	text, encrypted := stanza.NewText(m)
	if text == "" {
		return message{}, false
	}
	return message{id: m.ID, addressed: stanza.AddressedBy(m), text: strings.Clone(stanza.CutText(stanza.LineText(m), maxText)), encrypted: encrypted}, true
}

// put never waits: what does not fit is not told. Who writes pays for the place, so that however much
// somebody says in a room, what others say is told.
func (s *Service) put(m message) {
	leave, ok := s.said.TryAcquire(m.from, 1)
	if !ok {
		return
	}
	m.leave = leave
	s.queue <- m // there are as many places
}

// conversation is where the message was said, as the recipient sees it.
func (s *Service) conversation(m message) string {
	if m.room != "" {
		return m.roomJID
	}
	return m.from + "@" + s.cfg.Domain
}

// occupant is the address in the room of who said the message; empty: it was said in none.
func (m message) occupant() string {
	if m.room == "" {
		return ""
	}
	return m.roomJID + "/" + m.nick
}

// handle looks at a message once the person may have come back.
func (s *Service) handle(ctx context.Context, m message) {
	select {
	case <-time.After(time.Until(m.at.Add(s.cfg.Grace))):
	case <-ctx.Done():
		return
	}
	var err error
	if m.room == "" {
		err = s.tell(ctx, []string{m.to}, job{m: m})
	} else {
		err = s.tellRoom(ctx, m)
	}
	if err != nil && ctx.Err() == nil {
		s.cfg.Logger.Error("a message was not told by web push", "user", m.to, "room", m.room, "err", err)
	}
}

// knownRoom is whom to tell of a room, as it was a moment ago.
type knownRoom struct {
	models.PushRoom
	until time.Time
}

func (s *Service) tellRoom(ctx context.Context, m message) error {
	room, ok := s.rooms[m.room]
	if now := time.Now(); !ok || now.After(room.until) {
		if len(s.rooms) >= maxRooms {
			clear(s.rooms)
		}
		found, err := s.cfg.Store.PushRoom(ctx, m.room, m.roomJID)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		room = knownRoom{found, now.Add(roomKnown)}
		s.rooms[m.room] = room
	}
	var failed error
	for users := range slices.Chunk(room.Users, askedFor) {
		failed = cmp.Or(failed, s.tell(ctx, users, job{m: m, title: cmp.Or(room.Title, m.room)}))
	}
	return failed
}

// tell sends a message to where people are reached who want to be told of it and have not come back. It asks the
// database once for all of them.
func (s *Service) tell(ctx context.Context, users []string, j job) error {
	type person struct {
		name string
		at   uint64 // they subscribed
	}
	people, names := make([]person, 0, len(users)), make([]string, 0, len(users))
	for _, user := range users {
		if user != j.m.from && !s.cfg.HasSeen(user, j.m.at) {
			people, names = append(people, person{user, s.subscribedAt(user)}), append(names, user)
		}
	}
	if len(people) == 0 {
		return nil
	}
	audiences, err := s.cfg.Store.PushAudiences(ctx, names, s.conversation(j.m), j.m.room, j.m.occupant())
	if err != nil {
		return err
	}
	for _, p := range people {
		a := audiences[p.name]
		if len(a.Subscriptions) == 0 {
			s.forget(p.name, p.at)
			continue
		}
		j.user = p.name
		err = cmp.Or(err, s.tellOne(ctx, j, a))
	}
	return err
}

// tellOne sends a message to all browsers of one person who wants to be told of it, or to the one that j is for.
func (s *Service) tellOne(ctx context.Context, j job, a models.PushAudience) error {
	if !wanted(j, a) || (j.session == "" && !s.rate.Allow(j.user, 1)) {
		return nil
	}
	var err error
	if j.payload, err = s.payload(ctx, j, a.Settings.ShowText); err != nil {
		return err
	}
	for _, sub := range a.Subscriptions {
		if j.session != "" && j.session != sub.SessionID {
			continue
		}
		one := j
		one.session, one.sub = sub.SessionID, sub
		s.deliver(ctx, one)
	}
	return nil
}

// wanted reports whether somebody wants to be told. People: of everything; rooms: of what is to
// them; unless they chose.
func wanted(j job, a models.PushAudience) bool {
	if a.Out || a.Settings.Quiet(time.Now()) {
		return false
	}
	switch {
	case a.Level == models.NotifyNone:
		return false
	case a.Level == models.NotifyAll, j.m.room == "" && a.Level == "":
		return true
	case j.m.room == "": // to one person is as good as a mention
		return true
	}
	return j.m.addressed.To(a.Name, j.user)
}

// payload is what the service worker gets (static/js/sw.js).
func (s *Service) payload(ctx context.Context, j job, showText bool) ([]byte, error) {
	name := j.m.nick
	if name == "" {
		a, err := s.cfg.Accounts.AccountByName(ctx, j.m.from)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return nil, err
		}
		name = a.Name
	}
	name = shown(cmp.Or(name, j.m.from))
	p := struct {
		ID    string `json:"id"`
		Tag   string `json:"tag"`
		URL   string `json:"url"`
		Title string `json:"title"`
		Text  string `json:"text"`
		Time  int64  `json:"time"` // ms
	}{Tag: s.conversation(j.m), URL: "/chat/with/" + url.PathEscape(j.m.from), Title: name, Text: "New message", Time: j.m.at.UnixMilli()}
	if len(j.m.id) <= maxID {
		p.ID = j.m.id
	}
	if showText && !j.m.encrypted {
		p.Text = shown(j.m.text)
	}
	does, isAction := stanza.Action(p.Text)
	if j.m.room != "" {
		p.URL, p.Title, p.Text = "/chat/room/"+url.PathEscape(j.m.room), shown(j.title), name+": "+p.Text
	}
	if isAction {
		p.Text = name + " " + does
	}
	raw, err := marshal(p)
	if len(raw) > maxPayload {
		p.URL = "/chat" // of a room with a very long name
		raw, err = marshal(p)
	}
	return raw, err
}

// marshal makes JSON that is no longer than need be.
func marshal(v any) ([]byte, error) {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return raw.Bytes(), err
}

// shown is the beginning of a text.
func shown(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= maxShown {
		return string(runes)
	}
	return string(runes[:maxShown-1]) + "…"
}
