package xmppd

import (
	"context"
	"errors"
	"time"

	"foyer/internal/stream"

	"github.com/google/uuid"
)

// ErrNotFound is what a store returns for a record that does not exist. Every
// other error of a store means that it could not be asked: the sender of the
// stanza gets a wait error and may try again.
var ErrNotFound = errors.New("xmppd: not found")

// ErrNotAuthorized is what an Authority returns when credentials do not prove
// the account, and whenever an identity no longer stands.
var ErrNotAuthorized = errors.New("xmppd: not authorized")

// ErrDisabled and ErrExpired are what an Authority may return instead of
// ErrNotAuthorized to somebody who has proved the account: it is blocked, or
// the credentials are too old (RFC 6120 §6.5.2, §6.5.3).
var (
	ErrDisabled = errors.New("xmppd: account disabled")
	ErrExpired  = errors.New("xmppd: credentials expired")
)

// Authority says who may sign in. The site implements it.
type Authority interface {
	// Password verifies what SASL PLAIN brought: a password, a one-use token or
	// a signed token, as the site's mode allows. user is prepared. Unknown
	// users and wrong passwords are both ErrNotAuthorized, in equal time.
	Password(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error)

	// SCRAM returns what is kept of the account's app passwords. user is
	// prepared. An account without any, or one that does not exist, has no keys,
	// and a salt that is always the same and tells nothing (S-17).
	SCRAM(ctx context.Context, user string, hash SCRAMHash) (SCRAMCredentials, error)

	// SignedIn is told that the app password behind id was proved. ErrDisabled:
	// the account may not sign in; ErrNotAuthorized: the password is gone.
	SignedIn(ctx context.Context, id stream.Identity) error

	// Current reports whether id still stands: its session neither ended nor
	// expired, its account neither blocked nor deleted. Else ErrNotAuthorized.
	Current(ctx context.Context, id stream.Identity) error
}

// Account is a person's entry in the site's directory.
type Account struct {
	User       string // localpart, prepared
	Name       string // what people see
	AvatarHash string // hex SHA-1 of the picture's bytes (XEP-0153 §2); empty: none
}

// AccountStore reads the site's directory.
type AccountStore interface {
	// Account returns an account that may sign in, or ErrNotFound.
	Account(ctx context.Context, user string) (Account, error)
}

// Subscription is the state of a roster item (RFC 6121 §2.1.2.5).
type Subscription string

// The subscription states.
const (
	SubscriptionNone Subscription = "none"
	SubscriptionTo   Subscription = "to"
	SubscriptionFrom Subscription = "from"
	SubscriptionBoth Subscription = "both"
)

// Contact is a roster item with the pending states of RFC 6121 App. A.
type Contact struct {
	JID          string // bare
	Name         string
	Groups       []string
	Subscription Subscription
	Ask          bool   // pending out: ask='subscribe'
	Approved     bool   // pre-approved (RFC 6121 §3.4)
	Listed       bool   // on the roster; a pending-in request alone is not (RFC 6121 §3.1.3)
	Request      []byte // pending in: the subscribe stanza, stored whole; nil: none
	Site         bool   // supplied by the site (ROSTER=everyone or groups): mutual, cannot be removed
}

// RosterStore keeps rosters. Names of users are prepared localparts.
type RosterStore interface {
	// Roster returns all of user's contacts, those with only a pending Request
	// included, ordered by JID.
	Roster(ctx context.Context, user string) ([]Contact, error)

	// Contact returns one, or ErrNotFound.
	Contact(ctx context.Context, user, jid string) (Contact, error)

	// UpdateContact changes one under a lock: update gets the contact as it is
	// (a zero Contact with JID set when there is none) and returns whether to
	// keep it; false deletes it. An error of update is returned as it is and
	// nothing changes. The result is the contact as stored.
	UpdateContact(ctx context.Context, user, jid string, update func(*Contact) (keep bool, err error)) (Contact, error)
}

// ArchiveEntry is one message in one archive (XEP-0313).
type ArchiveEntry struct {
	ID       uuid.UUID // version 7, given by the archive writer in commit order; the same in both archives of a 1:1 message
	Owner    string    // bare JID whose archive it is
	With     string    // bare JID of the other side
	Resource string    // resource of the other side; may be empty
	Outgoing bool      // sent by the owner
	StanzaID string    // the stanza's id or origin-id, for de-duplication; may be empty
	Body     string    // plain text of <body/>, for search; may be empty
	Stanza   []byte    // the message as delivered, without stanza-ids
}

// Time is when the message was archived, from the id (RFC 9562 §5.7).
func (e ArchiveEntry) Time() time.Time {
	sec, nsec := e.ID.Time().UnixTime()
	return time.Unix(sec, nsec).UTC()
}

// ArchiveQuery selects from one archive. Zero fields do not limit.
type ArchiveQuery struct {
	Owner      string
	With       string // bare or full JID
	Start, End time.Time
	After      uuid.UUID // exclusive
	Before     uuid.UUID // exclusive
	IDs        []uuid.UUID
	Last       bool // the newest Max of the matching, still oldest first
	Max        int
	WithCount  bool // fill ArchivePage.Count and Index
}

// ArchivePage is one page of results, oldest first.
type ArchivePage struct {
	Entries  []ArchiveEntry
	Complete bool // nothing was cut off in the direction of paging
	Counted  bool // Count and Index are filled
	Count    int  // of all that match
	Index    int  // of the first entry among them
}

// ArchiveStore keeps archives.
type ArchiveStore interface {
	// Append stores all entries or none, in one statement. Entries that are
	// there already (same owner and id) are left as they are.
	Append(ctx context.Context, entries []ArchiveEntry) error

	// Remove deletes the entries with these ids, in every archive; what does
	// not exist is ignored.
	Remove(ctx context.Context, ids []uuid.UUID) error

	// Query returns a page; ErrNotFound when After, Before or one of IDs is not
	// in the archive.
	Query(ctx context.Context, q ArchiveQuery) (ArchivePage, error)

	// Stored reports whether the owner's archive has a message that the owner
	// sent to with (a bare JID) under that stanza id, not before since.
	Stored(ctx context.Context, owner, with, stanzaID string, since time.Time) (bool, error)

	// Bounds returns the oldest and the newest entry; ErrNotFound for an empty
	// archive.
	Bounds(ctx context.Context, owner string) (first, last ArchiveEntry, err error)
}

// OfflineStore keeps messages for people who are away (XEP-0160).
type OfflineStore interface {
	// AddOffline keeps a message; ErrFull when the user's bound is reached.
	AddOffline(ctx context.Context, user string, m OfflineMessage) error

	// Offline returns the user's messages, oldest first, without removing them.
	Offline(ctx context.Context, user string) ([]OfflineMessage, error)

	// RemoveOffline removes messages that were delivered.
	RemoveOffline(ctx context.Context, user string, ids []uuid.UUID) error
}

// ErrFull is returned by an OfflineStore that keeps no more for that user.
var ErrFull = errors.New("xmppd: offline store full")

// OfflineMessage is one message that waits for its recipient.
type OfflineMessage struct {
	ID     uuid.UUID // that of the archive, or a fresh UUIDv7
	Stamp  time.Time
	Stanza []byte // as it will be delivered, but for the delay
}

// BlockStore keeps block lists (XEP-0191).
type BlockStore interface {
	Blocked(ctx context.Context, user string) ([]string, error)
	Block(ctx context.Context, user string, jids []string) error
	Unblock(ctx context.Context, user string, jids []string) error // no jids: all
}

// VCard is what vcard-temp (XEP-0054) and the site's profile have in common.
type VCard struct {
	Name      string // FN and NICKNAME
	Photo     []byte // nil: none
	PhotoType string // its media type
	PhotoHash string // hex SHA-1 of Photo; set by the store
	Extra     []byte // the vCard's other children as the owner sent them, each standing alone
}

// ErrNotAcceptable is returned by SetVCard for a name or picture that the site
// refuses.
var ErrNotAcceptable = errors.New("xmppd: not acceptable")

// VCardStore reads and writes profiles.
type VCardStore interface {
	VCard(ctx context.Context, user string) (VCard, error) // ErrNotFound
	SetVCard(ctx context.Context, user string, v VCard) error
}

// PrivateStore keeps private XML (XEP-0049).
type PrivateStore interface {
	Private(ctx context.Context, user string, name stream.Name) ([]byte, error) // ErrNotFound
	SetPrivate(ctx context.Context, user string, name stream.Name, raw []byte) error
}

// Stores is everything the server keeps.
type Stores struct {
	Accounts AccountStore
	Roster   RosterStore
	Archive  ArchiveStore
	Offline  OfflineStore
	Blocks   BlockStore
	VCards   VCardStore
	Private  PrivateStore
}
