package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"foyer/app/remote"
	"foyer/internal/stanza"
	"foyer/models"

	"github.com/google/uuid"
)

// Rooms implements Chat.
func (r *relayed) Rooms(ctx context.Context, viewer string, q RoomQuery) ([]ChatRoom, error) {
	list, err := r.listed.Rooms(ctx)
	if err != nil {
		return nil, asSilence(err)
	}
	if q.After != "" {
		at := slices.IndexFunc(list, func(room remote.Room) bool { return room.Name == q.After })
		list = list[at+1:]
	}
	me := r.address(viewer)
	var found []ChatRoom
	for _, room := range list {
		if !room.MayKnow(me) || ((q.Own || q.Joined) && room.Affiliations[me] == "") || !matches(room.Title, q.Typed) {
			continue
		}
		if found = append(found, asChatRoom(room, me)); len(found) == q.Max {
			break
		}
	}
	return found, nil
}

// matches reports whether a title has all words of what was typed, accents or not.
func matches(title, typed string) bool {
	title = models.Folded(title)
	for _, word := range strings.Fields(models.Folded(typed)) {
		if !strings.Contains(title, word) {
			return false
		}
	}
	return true
}

func asChatRoom(room remote.Room, viewer string) ChatRoom {
	mine := room.Affiliations[viewer]
	return ChatRoom{
		Name: room.Name, Title: room.Title, Description: room.Description, Occupants: room.Occupants, Private: room.MembersOnly,
		Member: mine != "", Owner: mine == "owner", Seen: room.NonAnonymous || mine == "owner" || mine == "admin",
	}
}

func (r *relayed) address(user string) string { return user + "@" + r.domain }

// roomAddress is the address of a room, whatever case and form its name is written in (RFC
// 7622 §3.3).
func (r *relayed) roomAddress(name string) (stanza.Address, error) {
	a, err := stanza.ParseAddress(name + "@" + r.rooms)
	if err != nil || a.User == "" || a.Domain != r.rooms || a.Resource != "" {
		return stanza.Address{}, ErrRoomRefused
	}
	return a, nil
}

// Room implements Chat.
func (r *relayed) Room(ctx context.Context, viewer, name string) (ChatRoom, error) {
	room, err := r.room(ctx, viewer, name)
	return asChatRoom(room, r.address(viewer)), err
}

// room looks at a room that viewer may know of.
func (r *relayed) room(ctx context.Context, viewer, name string) (remote.Room, error) {
	at, err := r.roomAddress(name)
	if err != nil {
		return remote.Room{}, err
	}
	room, err := r.listed.Room(ctx, at.User)
	if err != nil {
		return remote.Room{}, asRelayedError(err)
	}
	if !room.MayKnow(r.address(viewer)) {
		return remote.Room{}, ErrRoomRefused
	}
	return room, nil
}

// RoomPeople implements Chat. The page asks the server itself, as the person.
func (r *relayed) RoomPeople(context.Context, string, string) ([]RoomPerson, error) { return nil, nil }

// RoomAuthor implements Chat.
func (r *relayed) RoomAuthor(context.Context, string, string, uuid.UUID) ([]RoomPerson, error) {
	return nil, nil
}

// BusyRooms implements Chat.
func (r *relayed) BusyRooms(ctx context.Context, viewer string, max int) ([]ChatRoom, error) {
	list, err := r.listed.Rooms(ctx)
	if err != nil {
		return nil, asSilence(err)
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

func (r *relayed) bounded(ctx context.Context, key string, most int, window time.Duration) error {
	wait, err := r.db.Throttle.Attempt(ctx, "upstream:"+key, most, window)
	if err == nil && wait > 0 {
		err = errTooMuchDone
	}
	return err
}

// as does something at the server as somebody who asked for it.
func (r *relayed) as(ctx context.Context, user string, do func(*remote.Session) error) error {
	if err := r.bounded(ctx, "done:"+user, doneForPerMinute, time.Minute); err != nil {
		return err
	}
	return remote.Dial(r.dial).With(ctx, user, do)
}

// CreateRoom implements Chat.
func (r *relayed) CreateRoom(ctx context.Context, owner string, n NewRoom) error {
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
	if err = asRelayedError(err); err != nil {
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
func (r *relayed) Invite(ctx context.Context, name, inviter, invitee string) error {
	room, err := r.room(ctx, inviter, name)
	if err != nil {
		return err
	}
	err = r.as(ctx, inviter, func(s *remote.Session) error {
		return s.Invite(ctx, room, room.Name+"@"+r.rooms, r.address(invitee))
	})
	if err != nil {
		return asRelayedError(err)
	}
	if _, err := r.listed.Room(ctx, room.Name); err != nil { // who belongs to it now; the invitation is on its way
		r.log.Warn("a room could not be looked at after an invitation", "room", room.Name, "err", err)
	}
	return nil
}

// DestroyRoom implements Chat.
func (r *relayed) DestroyRoom(ctx context.Context, name, owner string) error {
	at, err := r.roomAddress(name)
	if err != nil {
		return err
	}
	err = r.as(ctx, owner, func(s *remote.Session) error { return s.DestroyRoom(ctx, at.Bare()) })
	if err != nil {
		return asRelayedError(err)
	}
	r.listed.Forget(at.User)
	return r.db.External.RemoveExternalRoom(ctx, at.User)
}
