package pep

import (
	"context"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Retrieving and retracting items (XEP-0060 §6.5, §7.2).

const (
	maxItemsAsked = 200       // ids in one request
	maxItemsPage  = 512 << 10 // bytes of items in one answer
)

// answerRetract removes items (XEP-0060 §7.2).
func (s *Service) answerRetract(ctx context.Context, user string, retract stream.Child) error {
	node, err := nodeOf(retract)
	if err != nil {
		return err
	}
	ids, err := itemIDs(node, retract)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return pubsubError(stanza.ErrBadRequest, "item-required")
	}
	attr, _ := retract.Attr("notify")
	tell, _ := stanza.ParseBool(attr)
	return s.retract(ctx, user, node, ids, tell)
}

// itemIDs reads the ids of <item/> elements, as those of the node are kept.
func itemIDs(node string, parent stream.Child) ([]string, error) {
	var ids []string
	for c := range parent.Children() {
		id, _ := c.Attr("id")
		switch {
		case c.Name.Local != "item":
			continue
		case id == "":
			return nil, pubsubError(stanza.ErrBadRequest, "item-required")
		case len(ids) >= maxItemsAsked:
			return nil, stanza.ErrNotAcceptable
		}
		ids = append(ids, keptIDs(node, id)...)
	}
	return ids, nil
}

// retract removes items and tells of it, if the request or the node wants that
// (XEP-0060 §7.2.2).
func (s *Service) retract(ctx context.Context, user, node string, ids []string, tell bool) error {
	release, err := s.changing.Lock(ctx, user)
	if err != nil {
		return err
	}
	defer release()
	n, err := s.store.Node(ctx, user, storedNode(node))
	if err != nil {
		return storeBound(err)
	}
	// The old list of bookmarks is one item: with it all go.
	all := node == nodeOldBookmarks && slices.Contains(ids, oldBookmarksItem)
	removed, err := s.store.RemoveItems(ctx, user, n.Name, ids, all)
	if err != nil {
		return storeBound(err)
	}
	if len(removed) == 0 {
		return stanza.ErrItemNotFound // §7.2.3.2
	}
	if !tell && !n.Config.NotifyRetract {
		return nil
	}
	s.notify(ctx, user, n, retractEvent(n.Name, removed))
	if n.Name == NodeBookmarks {
		s.notifyOldBookmarks(ctx, user, n)
	}
	return nil
}

// retrieve answers a request for items (XEP-0060 §6.5, S-71).
func (s *Service) retrieve(ctx context.Context, r xmppd.AccountRequest, items stream.Child) ([]byte, error) {
	node, err := nodeOf(items)
	if err != nil {
		return nil, err
	}
	q, err := parseItemQuery(r.Owner, node, r.Payload, items)
	if err != nil {
		return nil, err
	}
	if err := s.ensureAvatarPublished(ctx, r.Owner, node); err != nil {
		return nil, err
	}
	n, err := s.store.Node(ctx, r.Owner, storedNode(node))
	if err != nil {
		return nil, storeBound(err)
	}
	if err := s.reader(ctx, r.Owner, r.Client.Bare()).mayRead(n.Config); err != nil {
		return nil, err
	}
	page, err := s.itemPage(ctx, q)
	if err != nil {
		return nil, storeBound(err)
	}
	if err := r.Client.Ready(ctx); err != nil {
		return nil, err
	}
	return appendItems(nil, node, page, q), nil
}

func parseItemQuery(owner, node string, pubsub, items stream.Child) (ItemQuery, error) {
	q := ItemQuery{User: owner, Node: node, Max: maxNodeItems}
	var err error
	if q.IDs, err = itemIDs(node, items); err != nil {
		return q, err
	}
	if attr, ok := items.Attr("max_items"); ok {
		n, err := stanza.ParseNumber(attr, 31)
		if err != nil || n == 0 {
			return q, stanza.ErrBadRequest
		}
		q.Max, q.Last = int(min(n, maxNodeItems)), true
	}
	r, err := stanza.ParseResultSet(pubsub)
	if err != nil {
		return q, err
	}
	q.Paged = r.Asked
	if r.Max >= 0 {
		q.Max = min(q.Max, r.Max)
	}
	q.After, q.Before = r.After, r.Before
	q.Last = q.Last || r.Last
	return q, nil
}

// appendItems appends a page, or as much of it as goes into one answer: the rest
// can be asked for (XEP-0060 §6.5.4).
func appendItems(dst []byte, node string, page ItemPage, q ItemQuery) []byte {
	page, cut := page.fitting(maxItemsPage, q.Last)
	dst = stanza.AppendAttr(append(dst, `<pubsub xmlns="`+stanza.NSPubsub+`"><items`...), "node", node)
	dst = append(dst, '>')
	for _, it := range page.Items {
		dst = appendItemTo(dst, it, true)
	}
	dst = append(dst, "</items>"...)
	if q.Paged || cut {
		first, last := "", ""
		if len(page.Items) > 0 {
			first, last = page.Items[0].ID, page.Items[len(page.Items)-1].ID
		}
		dst = stanza.AppendResultSet(dst, first, last, page.Index, page.Count)
	}
	return append(dst, "</pubsub>"...)
}

// fitting returns the page without what is too much for one answer: the newest
// items, or with last the oldest. One item always fits.
func (page ItemPage) fitting(size int, last bool) (fits ItemPage, cut bool) {
	n := len(page.Items)
	for used, k := 0, 0; k < n; k++ {
		at := k
		if last {
			at = n - 1 - k
		}
		if used += len(page.Items[at].ID) + len(page.Items[at].Payload); used <= size || k == 0 {
			continue
		}
		if last {
			page.Index += n - k
			page.Items = page.Items[n-k:]
		} else {
			page.Items = page.Items[:k]
		}
		return page, true
	}
	return page, false
}

func appendItemTo(dst []byte, it Item, payload bool) []byte {
	dst = stanza.AppendAttr(append(dst, "<item"...), "id", it.ID)
	if !payload || len(it.Payload) == 0 {
		return append(dst, "/>"...)
	}
	return append(append(append(dst, '>'), it.Payload...), "</item>"...)
}
