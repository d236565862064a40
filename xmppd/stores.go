package xmppd

import (
	"context"
	"errors"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// ErrNotFound is what a store returns for a record that does not exist. Every
// other error of a store means that it could not be asked: the sender of the
// stanza gets a wait error and may try again.
var ErrNotFound = errors.New("xmppd: not found")

// Authority says who may sign in. The site implements it. An error that is a
// sasl.Failure is what the client is told: NotAuthorized when credentials do not
// prove the account; AccountDisabled and CredentialsExpired to somebody who has
// proved it; TemporaryAuthFailure while somebody has tried too often, when nothing
// was checked. Any other error means that the site could not tell.
type Authority interface {
	// Password verifies what SASL PLAIN brought: a password, a one-use token or
	// a signed token, as the site's mode allows. user is prepared. Unknown
	// users and wrong passwords are both NotAuthorized, in equal time.
	Password(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error)

	// SCRAM returns what is kept of the account's app passwords. user is
	// prepared. An account without any, or one that does not exist, has no keys,
	// and a salt that is always the same and tells nothing (S-17).
	SCRAM(ctx context.Context, user string, hash sasl.SCRAMHash) (sasl.SCRAMCredentials, error)

	// CredentialUsed is told that the app password behind id was proved, or a token that stands on it or
	// on an app's session. AccountDisabled: the account may not sign in; NotAuthorized: it is gone.
	CredentialUsed(ctx context.Context, id stream.Identity) error

	// Current reports whether id still stands: its session neither ended nor
	// expired, its account neither blocked nor deleted. Else NotAuthorized.
	Current(ctx context.Context, id stream.Identity) error
}

// FASTToken is a token that signs one client in quickly (XEP-0484).
type FASTToken struct {
	sasl.Token        // its identity is that of the sign-in that it was got with
	Agent      string // the client's own id (XEP-0388 §2.4.1)
	Issued     time.Time
	Fresh      bool   // not used yet
	Nonce      []byte // the store's own
}

// FASTStore keeps tokens: for each client a current one, and a fresh one that
// takes its place once it is used (XEP-0484 §6.1).
type FASTStore interface {
	// FASTTokens returns what a client of the account has, expired ones included.
	FASTTokens(ctx context.Context, user, agent string) ([]FASTToken, error)

	// IssueFAST makes a fresh token, in the place of one that was not used.
	// ErrNotFound: id is of no app password or app's session, and has no tokens.
	IssueFAST(ctx context.Context, id stream.Identity, agent, mechanism string) (FASTToken, error)

	// UseFAST makes a fresh token the current one.
	UseFAST(ctx context.Context, t FASTToken) error

	// RevokeFAST deletes what the client has.
	RevokeFAST(ctx context.Context, t FASTToken) error
}

// Account is a person's entry in the site's directory.
type Account struct {
	User       string // localpart, prepared
	Name       string // what people see
	AvatarHash string // hex SHA-1 of the picture's bytes (XEP-0153 §2); empty: none
}

// SessionData is what an account's first session needs when it begins.
type SessionData struct {
	Account  Account
	Contacts []Contact // and
	Complete bool      // as RosterStore.Roster has them
	Blocked  []string
	Prefs    archive.Prefs
	Waiting  bool // there are offline messages
}

// SessionDataStore reads all of that at once.
type SessionDataStore interface {
	// SessionData returns what the stores have of the account of id. ErrNotFound: id does
	// not stand, as Authority.Current says by NotAuthorized.
	SessionData(ctx context.Context, id stream.Identity) (SessionData, error)
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
	SharedBySite bool   // a member whose presence the site shares both ways (ROSTER=everyone or groups)
	SiteManaged  bool   // on the roster by the site's word: cannot be removed
}

// RosterStore keeps rosters. Names of users are prepared localparts.
type RosterStore interface {
	// Roster returns all of user's contacts, those with only a pending Request
	// included. whole: every member of the site is among them, and new ones will be.
	Roster(ctx context.Context, user string) (contacts []Contact, complete bool, err error)

	// Contact returns one, or ErrNotFound. A member whose presence the site shares
	// is a contact even where it is on no roster.
	Contact(ctx context.Context, user, jid string) (Contact, error)

	// ContactsOf returns what each of users has under jid, by user; those who have
	// nothing are not in it.
	ContactsOf(ctx context.Context, jid string, users []string) (map[string]Contact, error)

	// GroupPeers returns whose rosters the site puts user on for something they have in
	// common, such as a group.
	GroupPeers(ctx context.Context, user string) ([]string, error)

	// UpdateContact changes one under a lock: update gets the contact as it is
	// (a zero Contact with JID set when there is none) and returns whether to
	// keep it; false deletes it. An error of update is returned as it is and
	// nothing changes. The result is the contact as stored.
	UpdateContact(ctx context.Context, user, jid string, update func(*Contact) (keep bool, err error)) (Contact, error)
}

// OfflineStore keeps messages for people who are away (XEP-0160).
type OfflineStore interface {
	// AddOffline keeps a message; ErrFull when the user's bound, in number or in
	// bytes, is reached.
	AddOffline(ctx context.Context, user string, m OfflineMessage) error

	// Offline returns the user's messages, oldest first, without removing them.
	Offline(ctx context.Context, user string) ([]OfflineMessage, error)

	// RemoveOffline removes messages that were delivered.
	RemoveOffline(ctx context.Context, user string, ids []uuid.UUID) error
}

// ErrFull is returned by a store that keeps no more for that user.
var ErrFull = errors.New("xmppd: the store keeps no more")

// OfflineMessage is one message that waits for its recipient.
type OfflineMessage struct {
	ID     uuid.UUID // that of the archive, or a fresh UUIDv7
	Stamp  time.Time
	Stanza []byte // as it will be delivered, without the delay
}

// BlockStore keeps block lists (XEP-0191).
type BlockStore interface {
	Blocked(ctx context.Context, user string) ([]string, error)

	// Block adds to the list, all or nothing: ErrFull when it would have more than MaxBlocked
	// entries, or MaxBlockedBytes in them, however many clients of the account ask at once.
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

// Errors of a VCardStore.
var (
	ErrNotAcceptable = errors.New("xmppd: not acceptable")       // the site refuses that picture
	ErrStale         = errors.New("xmppd: it is another by now") // it changed after it was read
)

// VCardStore reads and writes profiles. A picture may also be refused by a *stanza.Error, which is
// sent to the owner as it is.
type VCardStore interface {
	VCard(ctx context.Context, user string) (VCard, error) // ErrNotFound
	SetVCard(ctx context.Context, user string, v VCard) error

	// SetPhoto replaces the picture alone, if it is still the one with the hash before; else ErrStale. No photo
	// removes it. It returns the hash that the picture now has.
	SetPhoto(ctx context.Context, user, before string, photo []byte, photoType string) (hash string, err error)
}

// PrivateStore keeps private XML (XEP-0049).
type PrivateStore interface {
	Private(ctx context.Context, user string, name stream.Name) ([]byte, error) // ErrNotFound
	SetPrivate(ctx context.Context, user string, name stream.Name, raw []byte) error
}

// LastActivity is when an account's last available resource went, and what it said.
type LastActivity struct {
	User   string
	At     time.Time
	Status string
}

// LastActivityStore keeps when accounts left last (XEP-0012 §4).
type LastActivityStore interface {
	// SaveLastActivity notes departures of several accounts, one of each. One that is older
	// than what is known changes nothing; nor does one of an account that is no more.
	SaveLastActivity(ctx context.Context, list []LastActivity) error

	// LastActivity returns an account's latest departure, or ErrNotFound.
	LastActivity(ctx context.Context, user string) (LastActivity, error)
}

// Stores is everything the server keeps.
type Stores struct {
	SessionData SessionDataStore // nil: each thing is asked for when it is needed
	Accounts    AccountStore
	Roster      RosterStore
	Archive     archive.Store
	Prefs       archive.PrefsStore
	Offline     OfflineStore
	Blocks      BlockStore
	VCards      VCardStore
	Private     PrivateStore

	LastActivity LastActivityStore // nil: they are not kept
}
