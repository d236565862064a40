package muc

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Errors of a Store. Every other one means that it could not be asked: the sender
// of the stanza gets a wait error and may try again.
var (
	ErrNotFound  = errors.New("muc: not found")
	ErrTaken     = errors.New("muc: the room exists")
	ErrTooMany   = errors.New("muc: the bound is reached")
	ErrNoAccount = errors.New("muc: there is no such account")
)

// Affiliation is a person's lasting relation to a room (XEP-0045 §5.2).
type Affiliation string

// The affiliations.
const (
	Owner   Affiliation = "owner"
	Admin   Affiliation = "admin"
	Member  Affiliation = "member"
	None    Affiliation = "none"
	Outcast Affiliation = "outcast"
)

// Audience is who may do something in a room.
type Audience string

// The audiences.
const (
	Anyone       Audience = "anyone"
	Participants Audience = "participants"
	Moderators   Audience = "moderators"
	Nobody       Audience = "none"
)

// Settings are a room's configuration (XEP-0045 §10.2, §15.5.3).
type Settings struct {
	Title         string
	Description   string
	Lang          string
	Password      string   // empty: none is asked for
	Persistent    bool     // else the room ends with its last occupant
	Public        bool     // listed; else hidden
	MembersOnly   bool     // only members, admins and owners enter
	Moderated     bool     // those without affiliation have no voice
	NonAnonymous  bool     // everybody sees real addresses; else moderators do
	ChangeSubject bool     // participants may change the subject
	Invites       bool     // members of a members-only room may invite
	Private       Audience // who may send private messages
	Archive       bool     // messages are kept
	MaxOccupants  int
	Readable      bool // by everybody, on pages of the site, also by who is not signed in; as long as it is Open
}

// Open reports whether anybody may find a room, enter it and read what was said there.
func (s Settings) Open() bool {
	return s.Persistent && s.Public && !s.MembersOnly && s.Password == "" && s.Archive
}

// Subject is a room's topic, and who set it when.
type Subject struct {
	Text string
	Nick string
	At   time.Time // zero: it was never set
}

// Room is what is kept of a room.
type Room struct {
	Name     string // localpart, prepared
	Creator  string // localpart of the account
	Settings Settings
	Subject  Subject
	Pins     int // how many messages are pinned
}

// Pin is a message of a room's archive that everybody finds in the room's panel.
type Pin struct {
	ID uuid.UUID // in the archive
	By string    // the nickname of who pinned it
	At time.Time
}

// PinQuery says which pins of a room are asked for. Zero fields do not limit.
type PinQuery struct {
	IDs              []uuid.UUID
	Author, StanzaID string // the message that a correction is of: as in Pinned, both or none
}

// Pinned is a pin, with what the message says now.
type Pinned struct {
	Pin
	Author, StanzaID string    // bare JID of who wrote it, and the id that corrections name (XEP-0308 §3)
	Nick             string    // under which it was said
	Version          uuid.UUID // the latest: ID, or that of a correction
	Stanza           []byte    // of that version
}

// Affiliated is an account's affiliation with a room. Without an affiliation and a
// nickname there is nothing to keep.
type Affiliated struct {
	User        string // localpart
	Affiliation Affiliation
	Nick        string // reserved (XEP-0045 §7.10); may be empty
	Reason      string // given with the affiliation; may be empty
}

// Listing is a room as a directory shows it.
type Listing struct {
	Name, Title, Description string
	MembersOnly              bool
	NonAnonymous             bool        // who is in sees the addresses of all
	CanFollow                bool        // those who belong to it are told what is said without entering: it stays, and has an archive
	Affiliation              Affiliation // the asker's
	Orphan                   bool        // nobody owns it, and the asker may take it over
}

// Followed is a room of somebody who need not be in it.
type Followed struct {
	Name   string
	Unread bool // something was said that the account has not read
}

// Wanted says which rooms a page shows.
type Wanted struct {
	User    string // who asks
	Orphans bool   // rooms that nobody owns, too
	Own     bool   // only those that User belongs to
	Joined  bool   // only those that User follows (Store.Followed)
	Name    string // only the room of that name
	Typed   string // only those that begin with it, or have all its words; the first Max of them
	Max     int

	// Only those that come after a room of that name and title, which may be gone; After is empty: from the first.
	After, AfterTitle string

	Domain, RoomsDomain string // of accounts and of rooms, for Joined; the service knows them
}

// Store keeps rooms. Names of rooms and users are prepared localparts. An account
// that is deleted takes its affiliations with it.
type Store interface {
	// Room returns a room with its affiliations, or ErrNotFound.
	Room(ctx context.Context, name string) (Room, []Affiliated, error)

	// Create stores a new room with these affiliations: ErrTaken when it exists,
	// ErrTooMany when its creator has created as many as most.
	Create(ctx context.Context, r Room, people []Affiliated, most int) error

	// Configure changes the settings; ErrNotFound.
	Configure(ctx context.Context, name string, s Settings) error

	// SetSubject changes the subject; ErrNotFound.
	SetSubject(ctx context.Context, name string, s Subject) error

	// Affiliate changes entries, all or none: ErrNoAccount, and ErrTooMany when
	// the room would have more than most.
	Affiliate(ctx context.Context, name string, most int, changes []Affiliated) error

	// Pin notes a pin; one that is there already stays as it is. ErrNotFound: there is no room, or no
	// such message in the archive of owner, the room's bare JID, or what it said was taken
	// back. ErrTooMany: the room has most already.
	Pin(ctx context.Context, name, owner string, p Pin, most int) error

	// Unpin takes pins away, and returns those that were there.
	Unpin(ctx context.Context, name string, ids []uuid.UUID) ([]uuid.UUID, error)

	// Pinned returns what is pinned and is asked for, the latest pin first.
	Pinned(ctx context.Context, name, owner string, q PinQuery) ([]Pinned, error)

	// Delete deletes a room and its archive, which belongs to owner, the room's
	// bare JID. A room that does not exist is no error.
	Delete(ctx context.Context, name, owner string) error

	// DeleteTemporary deletes the rooms that are not persistent, except those
	// named, with their archives at the domain.
	DeleteTemporary(ctx context.Context, domain string, except []string) error

	// Public returns public rooms by name, those after a name, at most max.
	Public(ctx context.Context, after string, max int) ([]Listing, error)

	// Visible returns rooms that an account may know of, by title: persistent ones
	// that are public or that it belongs to. Orphans are marked.
	Visible(ctx context.Context, w Wanted) ([]Listing, error)

	// Followed returns the rooms that an account belongs to, or has a bookmark of to enter them
	// by itself and may read; not those whose bookmark says that it has left them (XEP-0402
	// §4). accounts and rooms are the domains; at most max.
	Followed(ctx context.Context, user, accounts, rooms string, max int) ([]Followed, error)

	// Readable returns a room that everybody may read on pages of the site, or ErrNotFound.
	Readable(ctx context.Context, name string) (Listing, error)

	// Created returns how many rooms an account has created that exist.
	Created(ctx context.Context, user string) (int, error)
}
