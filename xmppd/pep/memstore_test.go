package pep

import (
	"cmp"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

var errAway = errors.New("the database is away")

// memStore keeps everything in memory. What personal eventing does not touch is not
// there. Set fail to see what happens when the database is away.
type memStore struct {
	xmppd.Authority
	archive.Store
	archive.PrefsStore

	mu       sync.Mutex
	fail     error
	accounts map[string]*xmppd.VCard
	rosters  map[string]map[string]xmppd.Contact
	blocked  map[string][]string
	private  map[string][]byte
	nodes    map[string]map[string]*memNode
	refused  string // a picture that no card can have just now

	meanwhile func() // happens once, before a picture is written
}

func newMemStore(users ...string) *memStore {
	m := &memStore{
		accounts: map[string]*xmppd.VCard{}, rosters: map[string]map[string]xmppd.Contact{}, blocked: map[string][]string{},
		private: map[string][]byte{}, nodes: map[string]map[string]*memNode{},
	}
	for _, u := range users {
		m.accounts[u] = &xmppd.VCard{Name: strings.ToUpper(u[:1]) + u[1:]}
		m.rosters[u] = map[string]xmppd.Contact{}
	}
	return m
}

func (m *memStore) stores() xmppd.Stores {
	return xmppd.Stores{Accounts: m, Roster: m, Archive: m, Prefs: m, Offline: m, Blocks: m, VCards: m, Private: m}
}

func (m *memStore) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// subscribe makes two people know each other.
func (m *memStore) subscribe(a, b string) {
	for _, p := range [][2]string{{a, b}, {b, a}} {
		m.rosters[p[0]][p[1]+"@h"] = xmppd.Contact{JID: p[1] + "@h", Subscription: xmppd.SubscriptionBoth, Listed: true}
	}
}

// Newest implements archive.Store: nothing is archived here.
func (m *memStore) Newest(context.Context, uuid.UUID) (uuid.UUID, error) { return uuid.Nil, nil }

func (m *memStore) Current(context.Context, stream.Identity) error { return nil }

func (m *memStore) Account(_ context.Context, user string) (xmppd.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.accounts[user]
	if v == nil {
		return xmppd.Account{}, cmp.Or(m.fail, xmppd.ErrNotFound)
	}
	return xmppd.Account{User: user, Name: v.Name, AvatarHash: v.PhotoHash}, m.fail
}

func (m *memStore) Roster(_ context.Context, user string) ([]xmppd.Contact, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.rosters[user])), false, m.fail
}

func (m *memStore) Contact(_ context.Context, user, jid string) (xmppd.Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.rosters[user][jid]
	if !ok {
		return c, cmp.Or(m.fail, xmppd.ErrNotFound)
	}
	return c, m.fail
}

func (m *memStore) ContactsOf(ctx context.Context, jid string, users []string) (map[string]xmppd.Contact, error) {
	out := make(map[string]xmppd.Contact)
	for _, u := range users {
		if c, err := m.Contact(ctx, u, jid); err == nil {
			out[u] = c
		}
	}
	return out, nil
}

func (m *memStore) GroupPeers(context.Context, string) ([]string, error) { return nil, nil }

func (m *memStore) UpdateContact(_ context.Context, user, jid string, update func(*xmppd.Contact) (bool, error)) (xmppd.Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.rosters[user][jid]
	c.JID = jid
	keep, err := update(&c)
	switch {
	case err != nil:
		return c, err
	case keep:
		m.rosters[user][jid] = c
	default:
		delete(m.rosters[user], jid)
	}
	return c, m.fail
}

func (m *memStore) AddOffline(context.Context, string, xmppd.OfflineMessage) error { return nil }

func (m *memStore) Offline(context.Context, string) ([]xmppd.OfflineMessage, error) { return nil, nil }

func (m *memStore) RemoveOffline(context.Context, string, []uuid.UUID) error { return nil }

func (m *memStore) Blocked(_ context.Context, user string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.blocked[user]), m.fail
}

func (m *memStore) Block(_ context.Context, user string, jids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocked[user] = append(m.blocked[user], jids...)
	return m.fail
}

func (m *memStore) Unblock(_ context.Context, user string, jids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocked[user] = slices.DeleteFunc(m.blocked[user], func(j string) bool { return len(jids) == 0 || slices.Contains(jids, j) })
	return m.fail
}

func (m *memStore) VCard(_ context.Context, user string) (xmppd.VCard, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts[user] == nil {
		return xmppd.VCard{}, xmppd.ErrNotFound
	}
	return *m.accounts[user], m.fail
}

// before runs what happens before a picture is written.
func (m *memStore) before() {
	m.mu.Lock()
	meanwhile := m.meanwhile
	m.meanwhile = nil
	m.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
}

func (m *memStore) SetPhoto(_ context.Context, user, before string, photo []byte, photoType string) (hash string, err error) {
	m.before()
	m.mu.Lock()
	defer m.mu.Unlock()
	v := *m.accounts[user]
	switch {
	case m.refused != "" && m.refused == string(photo):
		return "", errAway
	case v.PhotoHash != before:
		return "", xmppd.ErrStale
	}
	v.Photo, v.PhotoType, v.PhotoHash = photo, photoType, ""
	if len(photo) > 0 {
		v.PhotoHash = fmt.Sprintf("%x", sha1.Sum(photo))
	}
	m.accounts[user] = &v
	return v.PhotoHash, m.fail
}

func (m *memStore) SetVCard(_ context.Context, user string, v xmppd.VCard) error {
	m.before()
	m.mu.Lock()
	defer m.mu.Unlock()
	if v.PhotoHash = ""; len(v.Photo) > 0 {
		v.PhotoHash = fmt.Sprintf("%x", sha1.Sum(v.Photo))
	}
	m.accounts[user] = &v
	return m.fail
}

func (m *memStore) Private(_ context.Context, user string, name stream.Name) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, ok := m.private[user+name.Space+name.Local]
	if !ok {
		return nil, xmppd.ErrNotFound
	}
	return raw, m.fail
}

func (m *memStore) SetPrivate(_ context.Context, user string, name stream.Name, raw []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.private[user+name.Space+name.Local] = raw
	return m.fail
}

// memNode is a node of memStore: its items in the order of publishing.
type memNode struct {
	config NodeConfig
	items  []Item
}

// Bounds of memStore, small enough to be reached in a test.
const (
	memNodes = 20
	memBytes = 1 << 20
)

func (m *memStore) Node(_ context.Context, user, node string) (Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[user][node]
	if n == nil {
		return Node{}, cmp.Or(m.fail, xmppd.ErrNotFound)
	}
	return Node{node, n.config.clone()}, m.fail
}

func (m *memStore) Nodes(_ context.Context, user, asker string, groups []string) ([]Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Node
	for _, name := range slices.Sorted(maps.Keys(m.nodes[user])) {
		c := m.nodes[user][name].config
		out = append(out, Node{name, NodeConfig{Access: c.Access, Title: c.Title, Members: common(c.Members, asker), Groups: common(c.Groups, groups...)}})
	}
	return out, m.fail
}

// common returns which of a list are among others.
func common(list []string, others ...string) (both []string) {
	for _, v := range list {
		if slices.Contains(others, v) {
			both = append(both, v)
		}
	}
	return both
}

func (m *memStore) UpdateNode(_ context.Context, user, node string, items []Item, update func(*Node, bool) (bool, error)) (Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := Node{Name: node}
	old := m.nodes[user][node]
	if old != nil {
		n.Config = old.config.clone()
	}
	keep, err := update(&n, old != nil)
	switch {
	case m.fail != nil:
		return n, m.fail
	case err != nil:
		return n, err
	case !keep:
		delete(m.nodes[user], node)
		return n, nil
	case m.accounts[user] == nil:
		return n, xmppd.ErrNotFound
	case old == nil && len(m.nodes[user]) >= memNodes:
		return n, ErrTooManyNodes
	}
	next := &memNode{config: n.Config.clone()}
	if old != nil {
		next.items = slices.Clone(old.items)
	}
	for _, it := range items {
		for _, stored := range next.items {
			if n.Config.Persist && stored.ID == it.ID && it.Unless != nil && it.Unless(stored) {
				return n, &SupersededError{stored}
			}
		}
	}
	next.put(items)
	size := 0
	for name, o := range m.nodes[user] {
		if name != node {
			size += o.size()
		}
	}
	if size+next.size() > memBytes {
		return n, ErrFull
	}
	if m.nodes[user] == nil {
		m.nodes[user] = map[string]*memNode{}
	}
	m.nodes[user][node] = next
	return n, nil
}

func (n *memNode) put(items []Item) {
	if !n.config.Persist {
		n.items = nil
		return
	}
	n.items = slices.DeleteFunc(n.items, func(o Item) bool {
		return slices.ContainsFunc(items, func(it Item) bool { return it.Gone && it.ID == o.ID })
	})
	for _, it := range items {
		if it.Gone {
			continue
		}
		it.Published = time.Now()
		n.items = append(slices.DeleteFunc(n.items, func(o Item) bool { return o.ID == it.ID }), it)
	}
	n.items = n.items[max(0, len(n.items)-n.config.MaxItems):]
}

func (n *memNode) size() int {
	size := 0
	for _, it := range n.items {
		size += len(it.ID) + len(it.Payload)
	}
	return size
}

func (m *memStore) RemoveItems(_ context.Context, user, node string, ids []string, all bool) (removed []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[user][node]
	if n == nil {
		return nil, cmp.Or(m.fail, xmppd.ErrNotFound)
	}
	n.items = slices.DeleteFunc(slices.Clone(n.items), func(it Item) bool {
		gone := all || slices.Contains(ids, it.ID)
		if gone {
			removed = append(removed, it.ID)
		}
		return gone
	})
	return removed, m.fail
}

func (m *memStore) Items(_ context.Context, q ItemQuery) (ItemPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[q.User][q.Node]
	if n == nil {
		return ItemPage{}, m.fail
	}
	found := slices.Clone(n.items)
	at := func(id string) int { return slices.IndexFunc(found, func(it Item) bool { return it.ID == id }) }
	page := ItemPage{Count: len(found)}
	if (q.After != "" && at(q.After) < 0) || (q.Before != "" && at(q.Before) < 0) {
		return page, xmppd.ErrNotFound
	}
	if q.Before != "" {
		found = found[:at(q.Before)]
	}
	if q.After != "" {
		page.Index = at(q.After) + 1
		found = found[page.Index:]
	}
	if len(q.IDs) > 0 {
		found = slices.DeleteFunc(found, func(it Item) bool { return !slices.Contains(q.IDs, it.ID) })
	}
	if cut := len(found) - q.Max; cut > 0 && q.Last {
		page.Index += cut
		found = found[cut:]
	} else if cut > 0 {
		found = found[:q.Max]
	}
	page.Items = found
	return page, m.fail
}

func (m *memStore) LastItems(_ context.Context, users, nodes, viewer []string, payloadMax int) ([]LastItem, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []LastItem
	for _, user := range users {
		if slices.ContainsFunc(m.blocked[user], func(jid string) bool { return slices.Contains(viewer, jid) }) {
			continue
		}
		for _, node := range nodes {
			n := m.nodes[user][node]
			if n == nil || len(n.items) == 0 {
				continue
			}
			last := n.items[len(n.items)-1]
			if len(last.Payload) > payloadMax {
				last.Payload = nil
			}
			config := n.config.clone()
			config.Members = common(config.Members, viewer...)
			out = append(out, LastItem{user, Node{node, config}, last})
		}
	}
	slices.SortFunc(out, func(a, b LastItem) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Node.Name, b.Node.Name))
	})
	return out, m.fail
}
