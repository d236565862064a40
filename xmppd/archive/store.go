package archive

import (
	"context"
	"errors"
	"time"

	"foyer/internal/stream"

	"github.com/google/uuid"
)

// ErrNotFound is what a store returns for what does not exist. Every other error of a
// store means that it could not be asked.
var ErrNotFound = errors.New("archive: not found")

// Entry is one message in one archive (XEP-0313).
type Entry struct {
	ID       uuid.UUID // version 7, given by the archive writer in commit order; the same in both archives of a 1:1 message
	Owner    string    // bare JID whose archive it is
	With     string    // bare JID of the other side
	Resource string    // resource of the other side; may be empty
	Outgoing bool      // sent by the owner
	StanzaID string    // the stanza's id or origin-id, for de-duplication; may be empty
	Replaces string    // the stanza id of the message that this one corrects (XEP-0308); may be empty
	Body     string    // what its author wrote, for search (stanza.SaidText); may be empty; pages do not bring it
	Stanza   []byte    // the message as delivered, without stanza-ids

	IsRetraction bool // it takes something back (IsRetraction), be that here or not; pages do not bring it

	Retracts *Retraction // what is taken back with this message; nil: nothing. Pages do not bring it
}

// Retraction leaves tombstones in the place of earlier messages of an archive
// (XEP-0424 §5), in the transaction that stores the entry it comes with.
type Retraction struct {
	IDs   []uuid.UUID   // in the archive of the entry; those that are not there are ignored
	By    string        // the stanza id of the retraction
	At    time.Time     // when it was retracted
	Keep  []stream.Name // children of the messages that stay, such as who wrote them
	Extra []byte        // children of <retracted/>, such as who moderated
}

// Query selects from one archive. Zero fields do not limit.
type Query struct {
	Owner      string
	With       string // bare or full JID
	Start, End time.Time
	AfterID    uuid.UUID // exclusive; bounds what is counted, and has to be within After
	BeforeID   uuid.UUID // likewise
	After      uuid.UUID // exclusive; bounds the page
	Before     uuid.UUID // exclusive
	IDs        []uuid.UUID
	Named      []uuid.UUID // ids that must be there, whatever is selected
	Text       string      // words that the body must have, as people type them (XEP-0431)
	Last       bool        // the newest Max of the matching, still oldest first
	Max        int
	MaxBytes   int  // of stanzas, beyond which the page is cut off after the first entry; 0: no bound
	WithCount  bool // fill Page.Count
}

// Page is one page of results, oldest first.
type Page struct {
	Entries  []Entry
	Complete bool // nothing was cut off in the direction of paging
	Counted  bool // Count is filled
	Count    int  // of all that match; where there are many, an estimate (XEP-0059 §2.6)
}

// Store keeps archives.
type Store interface {
	// Append stores all entries or none. Entries that are there already (same
	// owner and id) are left as they are. An error that wraps ErrUnstorable
	// means that at least one entry never can be stored.
	Append(ctx context.Context, entries []Entry) error

	// Remove deletes the entries with the same owners and ids; what does not
	// exist is ignored.
	Remove(ctx context.Context, entries []Entry) error

	// Query returns a page; ErrNotFound when After, Before, one of IDs or one of
	// Named is not in the archive.
	Query(ctx context.Context, q Query) (Page, error)

	// Versions returns the ids of the newest message in the owner's archive that
	// was exchanged with that bare JID in that direction under that stanza id,
	// and of its corrections; or, if the stanza id is a correction's, of what it
	// corrects and its other corrections. None: not found, too far back, or no stanza id. With end, only what
	// ends in that is looked at; nil: everything.
	Versions(ctx context.Context, owner, with string, outgoing bool, stanzaID string, end []byte) ([]uuid.UUID, error)

	// Stored reports whether the owner's archive has a message that the owner
	// sent to with (a bare JID) under that stanza id, not before since.
	Stored(ctx context.Context, owner, with, stanzaID string, since time.Time) (bool, error)

	// Newest returns the greatest id in all archives, if it is greater than after;
	// else the zero id.
	Newest(ctx context.Context, after uuid.UUID) (uuid.UUID, error)

	// Bounds returns owner and id of the oldest and the newest entry; ErrNotFound
	// for an empty archive.
	Bounds(ctx context.Context, owner string) (first, last Entry, err error)
}

// ErrUnstorable is wrapped by what a Store returns for entries that it can never
// store, however often it is asked.
var ErrUnstorable = errors.New("archive: unstorable")

// Default says what happens to messages with people of whom the
// preferences say nothing (XEP-0441 §2).
type Default string

// The defaults.
const (
	Always Default = "always"
	Never  Default = "never"
	Roster Default = "roster" // with contacts only
)

// Prefs is what an account wants in its archive. JIDs are bare or full.
type Prefs struct {
	Default       Default
	Always, Never []string
}

// PrefsStore keeps what people want in their archives.
type PrefsStore interface {
	Prefs(ctx context.Context, user string) (Prefs, error) // ErrNotFound: nothing was ever set
	SetPrefs(ctx context.Context, user string, p Prefs) error
}
