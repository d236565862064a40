package pep

import (
	"context"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Bookmarks of rooms (XEP-0402). The items of one node are the truth; the old
// ways of keeping bookmarks, one list in one node (XEP-0048) or in
// private XML (XEP-0049), are views of it: what is written by one way is read by
// all, and told to those who ask for either node (§5, S-73).

// NodeBookmarks is the node of bookmarks; the id of an item is the room's address.
const NodeBookmarks = "urn:xmpp:bookmarks:1"

const (
	nodeOldBookmarks = "storage:bookmarks"

	// The one item of the old node.
	oldBookmarksItem = "current"
)

// bookmarkFeatures say that all ways lead to the same bookmarks (XEP-0402 §5.1).
func bookmarkFeatures() []string {
	return []string{NodeBookmarks + "#compat", NodeBookmarks + "#compat-pep"}
}

// storedNode returns the node in which the items of a node are kept.
func storedNode(node string) string {
	if node == nodeOldBookmarks {
		return NodeBookmarks
	}
	return node
}

// oldBookmarksName is the element that has them, in the old node and in private XML.
func oldBookmarksName() stream.Name { return stream.Name{Space: nodeOldBookmarks, Local: "storage"} }

// bookmark is one room.
type bookmark struct {
	jid, name      string
	autojoin       bool
	nick, password string
	extensions     string // the element as it came; nothing in it is ours (XEP-0402 §2)
}

// parseBookmark reads a <conference/> in either namespace.
func parseBookmark(jid string, c stream.Child) bookmark {
	b := bookmark{jid: jid}
	b.name, _ = c.Attr("name")
	attr, _ := c.Attr("autojoin")
	b.autojoin, _ = stanza.ParseBool(attr)
	for k := range c.Children() {
		switch k.Name {
		case stream.Name{Space: c.Name.Space, Local: "nick"}:
			b.nick = k.Text()
		case stream.Name{Space: c.Name.Space, Local: "password"}:
			b.password = k.Text()
		case stream.Name{Space: NodeBookmarks, Local: "extensions"}:
			b.extensions = string(k.Raw())
		}
	}
	return b
}

// checkBookmark refuses an item that is no bookmark (XEP-0402 §2).
func checkBookmark(it Item) error {
	_, ok := parseBookmarkItem(it)
	if _, isRoom := roomIn(it.ID); !isRoom || !ok {
		return pubsubError(stanza.ErrBadRequest, "invalid-payload")
	}
	return nil
}

// roomIn returns the prepared address of the room that an item's id is (RFC 7622 §3); ok is
// false if it is no room's: that has a localpart, and no resource.
func roomIn(id string) (jid string, ok bool) {
	a, err := stanza.ParseAddress(id)
	if err != nil || a.User == "" || a.Resource != "" {
		return "", false
	}
	return a.Bare(), true
}

// keptIDs are the ids under which an item of a node may be kept: a room's address is so once it is
// prepared, which it was not always.
func keptIDs(node, id string) []string {
	if jid, ok := roomIn(id); ok && node == NodeBookmarks && jid != id {
		return []string{jid, id}
	}
	return []string{id}
}

func parseBookmarkItem(it Item) (bookmark, bool) {
	c, ok := it.payload(NodeBookmarks, "conference")
	if !ok {
		return bookmark{}, false
	}
	return parseBookmark(it.ID, c), true
}

// append appends the bookmark in a namespace; the jid is in the old one only.
func (b bookmark) append(dst []byte, space string) []byte {
	dst = append(append(append(dst, `<conference xmlns="`...), space...), '"')
	if space == nodeOldBookmarks {
		dst = stanza.AppendAttr(dst, "jid", b.jid)
	}
	dst = stanza.AppendAttr(dst, "name", b.name)
	if b.autojoin {
		dst = append(dst, ` autojoin="true"`...)
	}
	dst = append(dst, '>')
	if b.nick != "" {
		dst = append(stream.AppendEscaped(append(dst, "<nick>"...), b.nick), "</nick>"...)
	}
	if b.password != "" {
		dst = append(stream.AppendEscaped(append(dst, "<password>"...), b.password), "</password>"...)
	}
	if space == NodeBookmarks {
		dst = append(dst, b.extensions...)
	}
	return append(dst, "</conference>"...)
}

// bookmarks returns an account's bookmarks, the oldest first.
func (s *Service) bookmarks(ctx context.Context, user string) ([]bookmark, error) {
	page, err := s.store.Items(ctx, ItemQuery{User: user, Node: NodeBookmarks, Max: maxNodeItems})
	if err != nil {
		return nil, err
	}
	var out []bookmark
	for _, it := range page.Items {
		if b, ok := parseBookmarkItem(it); ok {
			out = append(out, b)
		}
	}
	return out, nil
}

// oldBookmarks is the list in the old form, with what else was in it.
func oldBookmarks(list []bookmark, rest []byte) []byte {
	dst := []byte(`<storage xmlns="` + nodeOldBookmarks + `">`)
	for _, b := range list {
		dst = b.append(dst, nodeOldBookmarks)
	}
	return append(append(dst, rest...), "</storage>"...)
}

// parseOldBookmarks reads a list in the old form; the rest of it is returned as it is.
func parseOldBookmarks(storage stream.Child) (list []bookmark, rest []byte, err error) {
	if storage.Name != oldBookmarksName() {
		return nil, nil, pubsubError(stanza.ErrBadRequest, "invalid-payload")
	}
	seen := make(map[string]bool)
	for c := range storage.Children() {
		if c.Name != (stream.Name{Space: nodeOldBookmarks, Local: "conference"}) {
			rest = append(rest, c.Raw()...)
			continue
		}
		attr, _ := c.Attr("jid")
		a, err := stanza.ParseAddress(attr)
		switch {
		case err != nil:
			return nil, nil, err
		case a.User == "": // it is no room's
			rest = append(rest, c.Raw()...)
			continue
		case seen[a.Bare()]:
			continue
		case len(list) >= maxNodeItems:
			return nil, nil, stanza.ErrNotAcceptable
		}
		seen[a.Bare()] = true
		list = append(list, parseBookmark(a.Bare(), c))
	}
	return list, rest, nil
}

// replaceBookmarksLocked takes a list that a client wrote in the old way: what differs
// is stored and told, what is not in it is removed (XEP-0402 §5). The caller
// holds the account's lock.
func (s *Service) replaceBookmarksLocked(ctx context.Context, user string, list []bookmark, options []submission) error {
	old, err := s.bookmarks(ctx, user)
	if err != nil {
		return err
	}
	items, gone := bookmarkChanges(old, list)
	if err := s.spendBookmarks(ctx, user, items, gone); err != nil {
		return err
	}
	options = withoutMaxItems(options)
	changes := slices.Clone(items)
	for _, id := range gone { // at once, so that none that stays makes room for a new one
		changes = append(changes, Item{ID: id, Gone: true})
	}
	n, err := s.store.UpdateNode(ctx, user, NodeBookmarks, changes, func(n *Node, exists bool) (bool, error) {
		var err error
		n.Config, err = publication{node: NodeBookmarks, options: options}.ready(n, exists)
		return true, err
	})
	if err != nil {
		return storeBound(err)
	}
	if len(gone) > 0 {
		s.notify(ctx, user, n, retractEvent(NodeBookmarks, gone))
	}
	for _, it := range items {
		s.notify(ctx, user, n, itemsEvent(n, it))
	}
	if len(items)+len(gone) > 0 {
		s.notifyOldBookmarks(ctx, user, n)
	}
	return nil
}

// eventCost is what a notification has beside the item that it is about, in bytes.
const eventCost = 300

// spendBookmarks charges the account with the events of bookmarks that change together: each
// is told by itself, those that are gone at once.
func (s *Service) spendBookmarks(ctx context.Context, user string, items []Item, gone []string) error {
	size := 0
	for _, it := range items {
		size += len(it.Payload) + eventCost
	}
	for _, id := range gone {
		size += len(id)
	}
	if size == 0 {
		return nil
	}
	audience, err := s.audience(ctx, user, Node{Name: NodeBookmarks, Config: defaultConfig(NodeBookmarks)})
	if err != nil {
		return err
	}
	return s.server.SpendFanOut(ctx, user, size, len(audience))
}

// withoutMaxItems is what a client may ask of the old node: that has one item,
// whatever the number of bookmarks.
func withoutMaxItems(submitted []submission) []submission {
	return slices.DeleteFunc(slices.Clone(submitted), func(o submission) bool { return o.field.name == "max_items" })
}

// bookmarkChanges returns the items to store and those to remove. Extensions,
// which the old way does not have, are kept.
func bookmarkChanges(old, list []bookmark) (items []Item, gone []string) {
	before := make(map[string]bookmark, len(old))
	for _, b := range old {
		before[b.jid] = b
	}
	for _, b := range list {
		was, there := before[b.jid]
		delete(before, b.jid)
		if b.extensions = was.extensions; !there || b != was {
			items = append(items, Item{ID: b.jid, Payload: b.append(nil, NodeBookmarks)})
		}
	}
	for _, b := range old {
		if _, left := before[b.jid]; left {
			gone = append(gone, b.jid)
		}
	}
	return items, gone
}

// publishOldBookmarksLocked is a publication to the old node. The caller holds the
// account's lock.
func (s *Service) publishOldBookmarksLocked(ctx context.Context, user string, p publication) error {
	storage, _ := p.item.payload(nodeOldBookmarks, "storage")
	list, _, err := parseOldBookmarks(storage)
	if err != nil {
		return err
	}
	return s.replaceBookmarksLocked(ctx, user, list, p.options)
}

// notifyOldBookmarks tells those who ask for the old node.
func (s *Service) notifyOldBookmarks(ctx context.Context, user string, n Node) {
	n.Name = nodeOldBookmarks
	page, err := s.itemPage(ctx, ItemQuery{User: user, Node: nodeOldBookmarks, Max: 1})
	if err != nil {
		s.log.Error("changed bookmarks were not told in the old way", "user", user, "err", err)
		return
	}
	s.notify(ctx, user, n, itemsEvent(n, page.Items...))
}

// itemPage reads a page of items; that of the old node is made up.
func (s *Service) itemPage(ctx context.Context, q ItemQuery) (ItemPage, error) {
	if q.Node != nodeOldBookmarks {
		return s.store.Items(ctx, q)
	}
	list, err := s.bookmarks(ctx, q.User)
	if err != nil || q.Max == 0 || (len(q.IDs) > 0 && !slices.Contains(q.IDs, oldBookmarksItem)) {
		return ItemPage{Count: 1}, err
	}
	return ItemPage{Items: []Item{{ID: oldBookmarksItem, Payload: oldBookmarks(list, nil)}}, Count: 1}, nil
}

// PrivateName implements xmppd.PrivateView.
func (s *Service) PrivateName() stream.Name { return oldBookmarksName() }

// ReadPrivate implements xmppd.PrivateView: the bookmarks as private XML, with what
// else a client keeps there (XEP-0048 §3.2 has links, too).
func (s *Service) ReadPrivate(ctx context.Context, user string, kept []byte) ([]byte, error) {
	list, err := s.bookmarks(ctx, user)
	if err != nil {
		return nil, err
	}
	el, err := stream.Parse(kept, stream.Limits{Bytes: len(kept)})
	if err != nil {
		return nil, err
	}
	var rest []byte
	for c := range el.Children() {
		// What was written before there were views of the node is shown until the
		// client writes its list again.
		jid, _ := c.Attr("jid")
		if !slices.ContainsFunc(list, func(b bookmark) bool { return b.jid == jid }) {
			rest = append(rest, c.Raw()...)
		}
	}
	return oldBookmarks(list, rest), nil
}

// WritePrivate implements xmppd.PrivateView: the bookmarks are taken out, and the rest
// is kept.
func (s *Service) WritePrivate(ctx context.Context, user string, storage stream.Child) ([]byte, error) {
	list, rest, err := parseOldBookmarks(storage)
	if err != nil {
		return nil, err
	}
	release, err := s.changing.Lock(ctx, user)
	if err != nil {
		return nil, err
	}
	defer release()
	return oldBookmarks(nil, rest), s.replaceBookmarksLocked(ctx, user, list, nil)
}
