package pep

import (
	"context"
	"errors"
	"slices"
	"time"
)

// AccessModel says who may read a node (XEP-0060 §4.5).
type AccessModel string

// The access models.
const (
	AccessPresence  AccessModel = "presence"  // who may see the owner's presence
	AccessOpen      AccessModel = "open"      // everybody
	AccessRoster    AccessModel = "roster"    // contacts in one of NodeConfig.Groups
	AccessWhitelist AccessModel = "whitelist" // NodeConfig.Members
)

// SendLast says when the last item is sent to somebody unasked.
type SendLast string

// When the last item is sent (XEP-0060 §16.4.3). Subscriptions come with
// presence here, so that the latter two are the same.
const (
	SendNever      SendLast = "never"
	SendOnSub      SendLast = "on_sub"
	SendOnPresence SendLast = "on_sub_and_presence"
)

// NodeConfig is how a node behaves (XEP-0060 §16.4.3). Stores keep it as JSON, so
// that its names stay as they are.
type NodeConfig struct {
	Access        AccessModel `json:"access"`
	Groups        []string    `json:"groups,omitempty"`  // of the owner's roster, for AccessRoster
	Members       []string    `json:"members,omitempty"` // bare JIDs, for AccessWhitelist (affiliation member)
	MaxItems      int         `json:"max_items"`         // items kept; the oldest go first
	Persist       bool        `json:"persist"`           // false: items are passed on and not kept
	SendLast      SendLast    `json:"send_last"`
	Payloads      bool        `json:"payloads"`       // notifications have the item's payload
	NotifyRetract bool        `json:"notify_retract"` // tell of removed items even if the request does not ask for it
	NotifyDelete  bool        `json:"notify_delete"`
	NotifyConfig  bool        `json:"notify_config"`
	Title         string      `json:"title,omitempty"`
	Type          string      `json:"type,omitempty"` // the payload's namespace, as the owner says
}

// Node is one node of an account.
type Node struct {
	Name   string
	Config NodeConfig
}

// Item is one item of a node.
type Item struct {
	ID        string
	Payload   []byte    // one element that stands alone
	Published time.Time // when it was stored last; set by the store

	// Unless is asked by UpdateNode with the stored item of the same id, if there is one: true
	// leaves that as it is. nil: never. Items that are read have none.
	Unless func(stored Item) bool

	// Gone: UpdateNode removes it, before it stores others. Items that are read never are.
	Gone bool
}

// ItemQuery selects items of a node. Zero fields do not limit.
type ItemQuery struct {
	User, Node string
	IDs        []string
	After      string // id, exclusive
	Before     string // id, exclusive
	Last       bool   // the newest Max of the matching, still oldest first
	Max        int
	Paged      bool // the client pages (XEP-0059); fill ItemPage.Count and Index
}

// ItemPage is one page of items, oldest first: an item that is published again
// is the newest.
type ItemPage struct {
	Items []Item
	Count int // of the node's items
	Index int // of the first item of the page
}

// LastItem is the newest item of a node.
type LastItem struct {
	User string
	Node Node
	Item Item
}

// Errors of a Store. What does not exist is xmppd.ErrNotFound.
var (
	ErrTooManyNodes = errors.New("pep: too many nodes") // it would be one too many for its account
	ErrFull         = errors.New("pep: account full")   // the account's bytes are used up
)

// SupersededError is what UpdateNode returns when an item gives way to the one that is stored (Item.Unless).
type SupersededError struct{ Item Item }

func (e *SupersededError) Error() string {
	return "pep: the item " + e.Item.ID + " stands as it is stored"
}

// Store keeps the nodes of accounts (XEP-0163). Names of users are
// prepared localparts. What belongs to an account goes with it.
type Store interface {
	// Node returns a node, or xmppd.ErrNotFound.
	Node(ctx context.Context, user, node string) (Node, error)

	// Nodes returns an account's nodes, by name, as a list shows them to an asker (bare JID)
	// who is in these groups of its roster: of their configuration there are Access and Title, and of
	// Members and Groups only those of the asker.
	Nodes(ctx context.Context, user, asker string, groups []string) ([]Node, error)

	// UpdateNode changes a node, and the items in it, in one step: update gets
	// the node as it is (exists false: a zero Config) and returns whether to keep
	// it; false deletes it with its items. An error of update is returned as it
	// is and nothing changes. Then items are removed that are to be gone, the others stored, those with the same id
	// overwritten, and the oldest beyond MaxItems removed; a node that does not
	// persist keeps none. Changes of one account happen one after the other.
	// Errors: ErrTooManyNodes; ErrFull when the account's bytes are used up, of which names,
	// configurations and ids are a part;
	// xmppd.ErrNotFound for an account that is gone; *SupersededError when a stored item
	// stands, and then nothing changes.
	UpdateNode(ctx context.Context, user, node string, items []Item, update func(n *Node, exists bool) (keep bool, err error)) (Node, error)

	// RemoveItems removes items and returns which of them were there. all
	// removes every item. xmppd.ErrNotFound when the node does not exist.
	RemoveItems(ctx context.Context, user, node string, ids []string, all bool) (removed []string, err error)

	// Items returns a page of a node's items; xmppd.ErrNotFound when After or Before
	// is not there. A node that does not exist has none.
	Items(ctx context.Context, q ItemQuery) (ItemPage, error)

	// LastItems returns the newest item of every node that has one of these
	// names and belongs to one of these accounts, by account and name; without
	// its payload where that has more than payloadMax bytes, and of its node's configuration without
	// the Members that are none of the viewer's addresses, and the Groups unless the access model
	// goes by them. Accounts that block one of those addresses are left out.
	LastItems(ctx context.Context, users, nodes, viewer []string, payloadMax int) ([]LastItem, error)
}

// clone returns a copy that shares nothing.
func (c NodeConfig) clone() NodeConfig {
	c.Groups, c.Members = slices.Clone(c.Groups), slices.Clone(c.Members)
	return c
}
