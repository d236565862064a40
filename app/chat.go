package app

import (
	"context"
	"errors"

	"foyer/internal/stream"
)

// Chat is what the site asks of its chat server. Pages know no other door to it,
// and so need not know which server it is: the embedded one (embedded.go), or
// another one.
//
// People and rooms are named by localparts. Errors are those below, or mean that
// the server could not tell just now. Everything is safe for concurrent use.
type Chat interface {
	stream.Server // the gateway hands streams over, and ends them

	// Run does the server's own work until ctx ends; then it stores what is
	// queued, and returns.
	Run(ctx context.Context) error

	// Shutdown ends every stream so that clients come back, and takes no new
	// ones. Run must still run.
	Shutdown(ctx context.Context)

	// Figures are what the server counts. They are cheap to ask for.
	Figures() ChatFigures

	// Identities returns what the open streams stand on, each once, for the site
	// to check whether it still stands.
	Identities() []stream.Identity

	// Online returns which of users are available to chat, among those whose
	// presence viewer may see. It costs one query at most, however many they are.
	Online(ctx context.Context, viewer string, users []string) (map[string]bool, error)

	// AccountChanged tells of a new account, and of a changed name or picture.
	AccountChanged(ctx context.Context, user string)

	// GroupsChanged tells of an account that the site has put into other groups.
	GroupsChanged(ctx context.Context, user string)

	// AccountRemoved tells of an account that is deleted or blocked; its streams
	// end.
	AccountRemoved(ctx context.Context, user string)

	// Rooms returns the rooms that viewer may know of, by title, at most max.
	Rooms(ctx context.Context, viewer string, max int) ([]ChatRoom, error)

	// CreateRoom makes a room that belongs to owner: ErrRoomTaken,
	// ErrTooManyRooms, ErrRoomRefused for a name that is none.
	CreateRoom(ctx context.Context, owner string, r NewRoom) error

	// Invite invites somebody into a room on behalf of inviter, who need not be in
	// it: ErrRoomRefused.
	Invite(ctx context.Context, room, inviter, invitee string) error

	// DestroyRoom ends a room for good on behalf of an owner, who need not be in
	// it: ErrRoomRefused.
	DestroyRoom(ctx context.Context, room, owner string) error
}

// What a Chat may answer about rooms.
var (
	ErrRoomTaken    = errors.New("app: there is such a room")
	ErrTooManyRooms = errors.New("app: that account has as many rooms as it may")
	ErrRoomRefused  = errors.New("app: the room is not there, or does not allow it")
)

// ChatRoom is a room as the chat server lists it.
type ChatRoom struct {
	Name, Title, Description string
	Occupants                int  // now
	Private                  bool // by invitation
	Orphan                   bool // nobody owns it, and the viewer may take it over
}

// NewRoom is a room to be made: it stays when everybody has left. Anybody may
// find a room that is not private, and enter.
type NewRoom struct {
	Name, Title, Description string
	Private                  bool // by invitation, and people see each other's addresses
}

// ChatFigures count what the chat server did since it started, and what it has
// now.
type ChatFigures struct {
	SessionsBound, SessionsResumed, RosterGets, Archived int64
	Sessions                                             int64 // now
}
