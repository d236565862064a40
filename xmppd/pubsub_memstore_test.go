package xmppd

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// memNode is a node of memStore: its items in the order of publishing.
type memNode struct {
	config NodeConfig
	items  []PubsubItem
}

// Bounds of memStore, small enough to be reached in a test.
const (
	memNodes = 20
	memBytes = 1 << 20
)

func (m *memStore) Node(_ context.Context, user, node string) (PubsubNode, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[user][node]
	if n == nil {
		return PubsubNode{}, cmp.Or(m.fail, ErrNotFound)
	}
	return PubsubNode{node, n.config.clone()}, m.fail
}

func (m *memStore) Nodes(_ context.Context, user string) ([]PubsubNode, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []PubsubNode
	for _, name := range slices.Sorted(maps.Keys(m.nodes[user])) {
		out = append(out, PubsubNode{name, m.nodes[user][name].config.clone()})
	}
	return out, m.fail
}

func (m *memStore) UpdateNode(_ context.Context, user, node string, items []PubsubItem, update func(*PubsubNode, bool) (bool, error)) (PubsubNode, error) {
	m.pass("UpdateNode")
	m.mu.Lock()
	defer m.mu.Unlock()
	n := PubsubNode{Name: node}
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
		return n, ErrNotFound
	case old == nil && len(m.nodes[user]) >= memNodes:
		return n, ErrTooManyNodes
	}
	next := &memNode{config: n.Config.clone()}
	if old != nil {
		next.items = slices.Clone(old.items)
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

func (n *memNode) put(items []PubsubItem) {
	if !n.config.Persist {
		n.items = nil
		return
	}
	for _, it := range items {
		it.Published = time.Now()
		n.items = append(slices.DeleteFunc(n.items, func(o PubsubItem) bool { return o.ID == it.ID }), it)
	}
	n.items = n.items[max(0, len(n.items)-n.config.MaxItems):]
}

func (n *memNode) size() int {
	size := 0
	for _, it := range n.items {
		size += len(it.Payload)
	}
	return size
}

func (m *memStore) RemoveItems(_ context.Context, user, node string, ids []string, all bool) (removed []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[user][node]
	if n == nil {
		return nil, cmp.Or(m.fail, ErrNotFound)
	}
	n.items = slices.DeleteFunc(slices.Clone(n.items), func(it PubsubItem) bool {
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
	at := func(id string) int { return slices.IndexFunc(found, func(it PubsubItem) bool { return it.ID == id }) }
	page := ItemPage{Count: len(found)}
	if (q.After != "" && at(q.After) < 0) || (q.Before != "" && at(q.Before) < 0) {
		return page, ErrNotFound
	}
	if q.Before != "" {
		found = found[:at(q.Before)]
	}
	if q.After != "" {
		page.Index = at(q.After) + 1
		found = found[page.Index:]
	}
	if len(q.IDs) > 0 {
		found = slices.DeleteFunc(found, func(it PubsubItem) bool { return !slices.Contains(q.IDs, it.ID) })
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
			out = append(out, LastItem{user, PubsubNode{node, n.config.clone()}, last})
		}
	}
	slices.SortFunc(out, func(a, b LastItem) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Node.Name, b.Node.Name))
	})
	return out, m.fail
}
