package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"foyer/app/remote"
	"foyer/internal/stanza"
	"foyer/models"

	"github.com/google/uuid"
)

// Rooms implements Chat.
func (r *upstreamChat) Rooms(ctx context.Context, viewer string, q RoomQuery) ([]ChatRoom, error) {
	list, err := r.listed.Rooms(ctx)
	if err != nil {
		return nil, asUnreachable(err)
	}
	return roomsFor(list, r.address(viewer), q), nil
}

// roomsFor are the rooms of a list that somebody, by the address, asks for, in the order of the embedded server's.
func roomsFor(list []remote.Room, me string, q RoomQuery) (found []ChatRoom) {
	keys := make(map[string]string, len(list)) // the one that titles are compared by, by name
	for _, room := range list {
		keys[room.Name] = models.Folded(room.Title)
	}
	typed, after := models.Folded(q.Typed), models.Folded(q.AfterTitle)
	list = slices.DeleteFunc(list, func(room remote.Room) bool {
		return !room.MayKnow(me) || ((q.Own || q.Joined) && room.Affiliations[me] == "") || !matches(keys[room.Name], room.Description, typed) ||
			(q.After != "" && cmp.Or(strings.Compare(keys[room.Name], after), strings.Compare(room.Name, q.After)) <= 0)
	})
	later := func(room remote.Room) int { // than those whose title begins with what was typed
		if strings.HasPrefix(keys[room.Name], typed) {
			return 0
		}
		return 1
	}
	slices.SortFunc(list, func(a, b remote.Room) int {
		return cmp.Or(later(a)-later(b), strings.Compare(keys[a.Name], keys[b.Name]), strings.Compare(a.Name, b.Name))
	})
	for _, room := range list[:min(len(list), q.Max)] {
		found = append(found, asChatRoom(room, me))
	}
	return found
}

// matches reports whether a room's title has all words of what was typed, both folded, or its title and description
// have words that begin with them, accents or not. A single letter is looked for in the title.
func matches(title, description, typed string) bool {
	if typed == "" {
		return true
	}
	about := words(title + " " + models.Folded(description))
	isSaid := func(word string) bool {
		return slices.ContainsFunc(about, func(said string) bool { return strings.HasPrefix(said, word) })
	}
	if asked := words(typed); utf8.RuneCountInString(typed) > 1 && len(asked) > 0 && !slices.ContainsFunc(asked, func(w string) bool { return !isSaid(w) }) {
		return true
	}
	for _, word := range strings.Fields(typed) {
		if !strings.Contains(title, word) {
			return false
		}
	}
	return true
}

// words are those of a folded text.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

func asChatRoom(room remote.Room, viewer string) ChatRoom {
	mine := room.Affiliations[viewer]
	return ChatRoom{
		Name: room.Name, Title: room.Title, Description: room.Description, Occupants: room.Occupants, Private: room.MembersOnly,
		Member: mine != "", Owner: mine == "owner", ShowsAddresses: room.NonAnonymous || mine == "owner" || mine == "admin",
	}
}

func (r *upstreamChat) address(user string) string { return user + "@" + r.domain }

// roomAddress is the address of a room, whatever case and form its name is written in (RFC
// 7622 §3.3).
func (r *upstreamChat) roomAddress(name string) (stanza.Address, error) {
	a, err := stanza.ParseAddress(name + "@" + r.rooms)
	if err != nil || a.User == "" || a.Domain != r.rooms || a.Resource != "" {
		return stanza.Address{}, ErrRoomRefused
	}
	return a, nil
}

// Room implements Chat.
func (r *upstreamChat) Room(ctx context.Context, viewer, name string) (ChatRoom, error) {
	room, err := r.room(ctx, viewer, name)
	return asChatRoom(room, r.address(viewer)), err
}

// room looks at a room that viewer may know of.
func (r *upstreamChat) room(ctx context.Context, viewer, name string) (remote.Room, error) {
	at, err := r.roomAddress(name)
	if err != nil {
		return remote.Room{}, err
	}
	room, err := r.listed.Room(ctx, at.User)
	if err != nil {
		return remote.Room{}, asUpstreamError(err)
	}
	if !room.MayKnow(r.address(viewer)) {
		return remote.Room{}, ErrRoomRefused
	}
	return room, nil
}

// RoomPeople implements Chat. The page asks the server itself, as the person.
func (r *upstreamChat) RoomPeople(context.Context, string, string) ([]RoomPerson, error) {
	return nil, nil
}

// RoomAuthor implements Chat.
func (r *upstreamChat) RoomAuthor(context.Context, string, string, uuid.UUID) ([]RoomPerson, error) {
	return nil, nil
}

// BusyRooms implements Chat.
func (r *upstreamChat) BusyRooms(ctx context.Context, viewer string, max int) ([]ChatRoom, error) {
	list, err := r.listed.Rooms(ctx)
	if err != nil {
		return nil, asUnreachable(err)
	}
	me := r.address(viewer)
	var busy []ChatRoom
	for _, room := range list {
		if room.Occupants > 0 && !room.MembersOnly && room.MayKnow(me) {
			busy = append(busy, asChatRoom(room, me))
		}
	}
	slices.SortStableFunc(busy, func(a, b ChatRoom) int { return b.Occupants - a.Occupants })
	return busy[:min(len(busy), max)], nil
}

// What one person may have done at the server: each costs a sign-in there.
const (
	doneForPerMinute = 60
	madePerDay       = 50 // rooms
)

var errTooMuchDone = &Error{Code: TooMany, Public: "You have asked for that too often. Please try again later."}

func (r *upstreamChat) bounded(ctx context.Context, key string, most int, window time.Duration) error {
	wait, err := r.db.Throttle.Attempt(ctx, "upstream:"+key, most, window)
	if err == nil && wait > 0 {
		err = errTooMuchDone
	}
	return err
}

// as does something at the server as somebody who asked for it.
func (r *upstreamChat) as(ctx context.Context, user string, do func(*remote.Session) error) error {
	if err := r.bounded(ctx, "done:"+user, doneForPerMinute, time.Minute); err != nil {
		return err
	}
	return remote.Dial(r.dial).With(ctx, user, do)
}

// CreateRoom implements Chat.
func (r *upstreamChat) CreateRoom(ctx context.Context, owner string, n NewRoom) error {
	at, err := r.roomAddress(n.Name)
	if err != nil {
		return err
	}
	n.Name = at.User
	if err := r.bounded(ctx, "rooms:"+owner, madePerDay, 24*time.Hour); err != nil {
		return err
	}
	// Noted first: a room that nobody is told of could not be found again.
	added, err := r.db.External.AddExternalRoom(ctx, n.Name)
	if err != nil {
		return err
	}
	err = r.as(ctx, owner, func(s *remote.Session) error {
		return s.CreateRoom(ctx, at.Bare(), owner, remote.NewRoom{Title: n.Title, Description: n.Description, Private: n.Private})
	})
	if err = asUpstreamError(err); err != nil {
		if added && (errors.Is(err, ErrRoomTaken) || errors.Is(err, ErrRoomRefused)) {
			err = errors.Join(err, r.db.External.RemoveExternalRoom(ctx, n.Name)) // the site did not make it
		}
		return err
	}
	r.listed.Put(remote.Room{
		Name: n.Name, Title: n.Title, Description: n.Description, MembersOnly: n.Private, Hidden: n.Private,
		Affiliations: map[string]string{r.address(owner): "owner"},
	})
	return nil
}

// Invite implements Chat.
func (r *upstreamChat) Invite(ctx context.Context, name, inviter, invitee string) error {
	room, err := r.room(ctx, inviter, name)
	if err != nil {
		return err
	}
	err = r.as(ctx, inviter, func(s *remote.Session) error {
		return s.Invite(ctx, room, room.Name+"@"+r.rooms, r.address(invitee))
	})
	if err != nil {
		return asUpstreamError(err)
	}
	if _, err := r.listed.Room(ctx, room.Name); err != nil { // who belongs to it now; the invitation is on its way
		r.log.Warn("a room could not be looked at after an invitation", "room", room.Name, "err", err)
	}
	return nil
}

// DestroyRoom implements Chat.
func (r *upstreamChat) DestroyRoom(ctx context.Context, name, owner string) error {
	at, err := r.roomAddress(name)
	if err != nil {
		return err
	}
	err = r.as(ctx, owner, func(s *remote.Session) error { return s.DestroyRoom(ctx, at.Bare()) })
	if err != nil {
		return asUpstreamError(err)
	}
	r.listed.Forget(at.User)
	return r.db.External.RemoveExternalRoom(ctx, at.User)
}
