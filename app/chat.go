package app

import (
	"context"
	"errors"

	"foyer/internal/stream"
	"foyer/models"

	"github.com/google/uuid"
)

// Chat is what the site asks of its chat server. Pages have no other way to it, and
// so need not know which server it is: the embedded one (embedded.go), or another
// behind the gateway (upstream_chat.go). What not every server can do is in Abilities, and
// pages do without.
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

	// Abilities says what pages can offer; it is always the same.
	Abilities() ChatAbilities

	// ChatStats are what the server counts. They are cheap to ask for.
	ChatStats() ChatStats

	// Identities returns what the open streams stand on, each once, for the site
	// to check whether it still stands.
	Identities() []stream.Identity

	// SupportsPush reports whether the site learns of messages to people who do not look, to
	// tell them by web push. For a server that is not the site's own this is known only after
	// it has been asked.
	SupportsPush() bool

	// SetPushEnabled begins or ends that for somebody, who has a subscription now, or has none
	// any more.
	SetPushEnabled(ctx context.Context, user string, on bool) error

	// SetNotificationLevel keeps of which messages of a room somebody is notified where their apps look
	// for it, too. A server that is not the site's own keeps what apps write there.
	SetNotificationLevel(ctx context.Context, user, room string, level models.NotificationLevel) error

	// Online returns which of users are available to chat, among those whose
	// presence viewer may see. It costs one query at most, however many they are.
	Online(ctx context.Context, viewer string, users []string) (map[string]bool, error)

	// AccountChanged tells of a new account, and of a changed name or picture.
	AccountChanged(ctx context.Context, user string)

	// GroupsChanged tells of an account that the site has put into other groups: it is on
	// other rosters, and belongs to the rooms of its groups. user empty: groups have other
	// rooms.
	GroupsChanged(ctx context.Context, user string)

	// AccountRemoved tells of an account that is deleted or blocked; its streams
	// end.
	AccountRemoved(ctx context.Context, user string)

	// Around returns some of those who are available to chat and whose presence
	// viewer may see, at most max.
	Around(ctx context.Context, viewer string, max int) ([]string, error)

	// Contacts returns what viewer and each of users are to each other.
	Contacts(ctx context.Context, viewer string, users []string) (map[string]ContactState, error)

	// ContactRequests returns who waits for viewer's answer, at most max.
	ContactRequests(ctx context.Context, viewer string, max int) ([]string, error)

	// AskContact asks other to be user's contact: ErrContactRefused.
	AskContact(ctx context.Context, user, other string) error

	// AnswerContact accepts or declines other's request: ErrContactRefused, ErrNoRequest.
	AnswerContact(ctx context.Context, user, other string, accept bool) error

	// Rooms returns rooms that viewer may know of, by title.
	Rooms(ctx context.Context, viewer string, q RoomQuery) ([]ChatRoom, error)

	// Room returns one of them: ErrRoomRefused.
	Room(ctx context.Context, viewer, name string) (ChatRoom, error)

	// RoomPeople returns who is in a room or belongs to it, as viewer may see them, by
	// account: ErrRoomRefused. A server that tells people only returns none.
	RoomPeople(ctx context.Context, viewer, name string) ([]RoomPerson, error)

	// RoomAuthor returns who said what has that id in a room's archive, as viewer may see
	// them, with the name that they had there: ErrRoomRefused. They may have left since. A
	// server that tells people only returns nobody.
	RoomAuthor(ctx context.Context, viewer, name string, said uuid.UUID) ([]RoomPerson, error)

	// BusyRooms returns rooms that anybody may enter, those with the most people
	// first, at most max.
	BusyRooms(ctx context.Context, viewer string, max int) ([]ChatRoom, error)

	// SearchMessages finds messages that viewer may read, the newest first:
	// ErrSearchBusy. Abilities say whether the server can.
	SearchMessages(ctx context.Context, viewer string, q MessageSearch) (MessagesFound, error)

	// CreateRoom makes a room that belongs to owner: ErrRoomTaken,
	// ErrTooManyRooms, ErrRoomRefused for a name that is none.
	CreateRoom(ctx context.Context, owner string, r NewRoom) error

	// Invite invites somebody into a room on behalf of inviter, who need not be in
	// it: ErrRoomRefused.
	Invite(ctx context.Context, room, inviter, invitee string) error

	// Latest returns the latest message of each of viewer's conversations with others,
	// and of each of the rooms, which viewer belongs to; and whether there are more with others. A server
	// that tells people only returns none.
	Latest(ctx context.Context, viewer string, q LatestQuery) (list []ConversationMessage, more bool, err error)

	// Unread returns what viewer has not read in rooms that they follow, of at most max rooms,
	// by the room's name. A server whose clients count by themselves returns none.
	Unread(ctx context.Context, viewer string, max int) (map[string]UnreadCount, error)

	// Discussion returns what was said before an id, the latest of it, at most max messages, in
	// a room that everybody may read, also who is not signed in: ErrRoomRefused for any
	// other, and of a server that does not know such rooms.
	Discussion(ctx context.Context, room string, before uuid.UUID, max int) (Discussion, error)

	// DestroyRoom ends a room for good on behalf of an owner, who need not be in
	// it: ErrRoomRefused.
	DestroyRoom(ctx context.Context, room, owner string) error
}

// ChatAbilities is what pages can offer with a chat server.
type ChatAbilities struct {
	Presence bool // the site knows who is around; else a person's own stream tells their page
	Contacts bool // the site knows who is whose contact, and passes requests on; else anybody writes to anybody
	Rooms    bool // the site lists rooms and makes them; else people's own clients do
	Uploads  bool // the site keeps the files that people send
	Search   bool // messages can be searched from pages
	Follow   bool // the server tells what is said in one's rooms, which need not be entered for that
	Unread   bool // Latest says what is unread between people
}

// Errors of a Chat, about rooms.
var (
	ErrChatUnreachable = errors.New("app: the chat server does not answer")
	ErrRoomTaken       = errors.New("app: there is such a room")
	ErrTooManyRooms    = errors.New("app: that account has as many rooms as it may")
	ErrRoomRefused     = errors.New("app: the room is not there, or does not allow it")
)

// ErrContactRefused: the other side cannot be asked.
var ErrContactRefused = errors.New("app: the chat server refuses the request to be a contact")

// ErrNoRequest: the other side does not ask, or not any more.
var ErrNoRequest = errors.New("app: nobody asks to be a contact")

// ContactState is what two people are to each other.
type ContactState int

// The states, by what viewer can do.
const (
	NoContact       ContactState = iota // may be asked
	RequestSent                         // an answer is awaited
	RequestReceived                     // viewer is asked
	IsContact                           // viewer sees the other's presence
)

// LatestQuery says of which conversations the latest message is asked for.
type LatestQuery struct {
	Max        int // conversations with others
	UnreadScan int // of those that come after them, in how many something that is unread is looked for: those where it is are returned, too
	Rooms      []string
}

// RoomQuery says which rooms a page shows.
type RoomQuery struct {
	Own    bool   // only those that viewer belongs to
	Joined bool   // only those that viewer belongs to or has entered, and has not left; of a server that cannot tell, Own
	Typed  string // only those that begin with it, or have all its words; the first Max of them
	Max    int

	// Only those after a room of that name and title, which may be gone by now; After is empty: from the first.
	After, AfterTitle string
}

// ChatRoom is a room as the chat server lists it.
type ChatRoom struct {
	Name, Title, Description string
	Occupants                int  // now
	Entered                  bool // viewer is one of them; a server that does not tell says no
	Private                  bool // by invitation
	Member                   bool // viewer belongs to it
	Owner                    bool // viewer owns it
	ShowsAddresses           bool // it shows viewer whose accounts people are
	Orphan                   bool // nobody owns it, and the viewer may take it over
	CanFollow                bool // those who belong to it are told what is said without entering (XEP-0437)
}

// UnreadCount is what somebody has not read in a room: at most 100 messages are counted.
type UnreadCount struct {
	Messages  int
	Mentioned int // of these, those that are to the person
}

// NewRoom is a room to be made: it stays when everybody has left. Anybody may
// find a room that is not private, and enter.
type NewRoom struct {
	Name, Title, Description string
	Private                  bool // by invitation, and people see each other's addresses
	Readable                 bool // by everybody on pages of the site, unless it is private
}

// RoomPerson is somebody in a room, or who belongs to it or is banned from it.
type RoomPerson struct {
	User           string
	Affiliation    string // "owner", "admin", "member", "none"; "outcast": banned
	Nick           string // in the room now, or when they said what was asked about, under this name; empty: not there
	AddressVisible bool   // the room shows viewer whose account it is
}

// ChatStats count what the chat server did since it started, and what it has
// now.
type ChatStats struct {
	SessionsBound, SessionsResumed, RosterGets, Archived int64
	Sessions                                             int64 // now
}
