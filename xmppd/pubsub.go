package xmppd

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Personal eventing (XEP-0163): every account is a pubsub service (XEP-0060)
// whose owner is the only publisher. Here are the items: publish, retrieve,
// retract. Nodes are in pubsub_node.go, notifications in pubsub_notify.go.
//
// What changes is stored first, then told; the changes of one account are told
// in the order in which they were stored.

const (
	nsPubsub       = "http://jabber.org/protocol/pubsub"
	nsPubsubOwner  = nsPubsub + "#owner"
	nsPubsubEvent  = nsPubsub + "#event"
	nsPubsubErrors = nsPubsub + "#errors"
)

// Bounds of what an account publishes. Those of the number of nodes and of all
// bytes are the store's.
const (
	maxItemBytes  = 192 << 10 // one payload; a picture fits in
	maxNodeName   = 1023      // bytes
	maxItemID     = 1023      // bytes
	maxItemsAsked = 200       // ids in one request
	maxItemsPage  = 512 << 10 // bytes of items in one answer
)

func pubsubHandlers() map[iqKey]iqHandler {
	pubsub := stream.Name{Space: nsPubsub, Local: "pubsub"}
	owner := stream.Name{Space: nsPubsubOwner, Local: "pubsub"}
	return map[iqKey]iqHandler{
		{toSelf, "get", pubsub}:    handlePubsubGet,
		{toAccount, "get", pubsub}: handlePubsubGet,
		{toSelf, "set", pubsub}:    handlePubsubSet,
		{toAccount, "set", pubsub}: handleForeignPubsub,
		{toSelf, "get", owner}:     handlePubsubOwnerGet,
		{toSelf, "set", owner}:     handlePubsubOwnerSet,
		{toAccount, "get", owner}:  handleForeignPubsub,
		{toAccount, "set", owner}:  handleForeignPubsub,
	}
}

// pubsubError is a condition with an application-specific one (XEP-0060 §14).
func pubsubError(base *stanza.Error, condition string) *stanza.Error {
	e := *base
	e.Extra = `<` + condition + ` xmlns="` + nsPubsubErrors + `"/>`
	return &e
}

// unsupported names the feature that is missing (XEP-0060 §14).
func unsupported(feature string) *stanza.Error {
	e := *stanza.ErrFeatureNotImplemented
	e.Extra = `<unsupported xmlns="` + nsPubsubErrors + `" feature="` + feature + `"/>`
	return &e
}

// firstOf returns the first child of a request: what it is about.
func firstOf(pubsub stream.Child) (stream.Child, error) {
	for c := range pubsub.Children() {
		if c.Name.Space == pubsub.Name.Space {
			return c, nil
		}
	}
	return stream.Child{}, stanza.ErrBadRequest
}

// nodeOf returns the node that an element names.
func nodeOf(c stream.Child) (string, error) {
	node, _ := c.Attr("node")
	switch {
	case node == "":
		return "", pubsubError(stanza.ErrBadRequest, "nodeid-required")
	case len(node) > maxNodeName:
		return "", stanza.ErrNotAcceptable
	}
	return node, nil
}

func handlePubsubGet(ctx context.Context, s *session, iq *stream.Element, pubsub stream.Child) ([]byte, error) {
	owner, err := s.ownerOf(ctx, iq)
	if err != nil {
		return nil, err
	}
	c, err := firstOf(pubsub)
	if err != nil {
		return nil, err
	}
	switch c.Name.Local {
	case "items":
		return s.retrieve(ctx, owner, pubsub, c)
	case "subscriptions", "affiliations":
		return s.relations(ctx, owner, c)
	case "default":
		return nil, unsupported("retrieve-default-sub")
	case "options":
		return nil, unsupported("subscription-options")
	}
	return nil, stanza.ErrBadRequest
}

// ownerOf returns the account that a request is for. One that does not exist
// answers nothing (S-23).
func (s *session) ownerOf(ctx context.Context, iq *stream.Element) (string, error) {
	if iq.To == "" {
		return s.user, nil
	}
	to, err := stanza.ParseAddress(iq.To)
	if err != nil || to.User == s.user {
		return s.user, err
	}
	_, err = s.server.stores.Accounts.Account(ctx, to.User)
	if errors.Is(err, ErrNotFound) {
		err = stanza.ErrServiceUnavailable
	}
	return to.User, err
}

func handlePubsubSet(ctx context.Context, s *session, _ *stream.Element, pubsub stream.Child) ([]byte, error) {
	c, err := firstOf(pubsub)
	if err != nil {
		return nil, err
	}
	switch c.Name.Local {
	case "publish":
		return s.handlePublish(ctx, pubsub, c)
	case "retract":
		return nil, s.handleRetract(ctx, c)
	case "create":
		return nil, s.handleCreate(ctx, pubsub, c)
	case "subscribe", "unsubscribe":
		return nil, unsupported("subscribe")
	case "options":
		return nil, unsupported("subscription-options")
	}
	return nil, stanza.ErrBadRequest
}

// handleForeignPubsub: only the owner changes a node (XEP-0060 §7.1.3.1, S-66).
// Subscriptions come with presence (XEP-0163 §4).
func handleForeignPubsub(ctx context.Context, s *session, iq *stream.Element, pubsub stream.Child) ([]byte, error) {
	if _, err := s.ownerOf(ctx, iq); err != nil {
		return nil, err
	}
	c, err := firstOf(pubsub)
	if err != nil {
		return nil, err
	}
	if c.Name.Local == "subscribe" || c.Name.Local == "unsubscribe" {
		return nil, unsupported("subscribe")
	}
	return nil, stanza.ErrForbidden
}

// publication is what somebody publishes to a node: one item, or only that
// something happened.
type publication struct {
	node    string
	item    PubsubItem
	hasItem bool
	options []submission
}

// items are what is published: one, or none.
func (p publication) items() []PubsubItem {
	if !p.hasItem {
		return nil
	}
	return []PubsubItem{p.item}
}

// parsePublish reads at most one item with at most one payload (XEP-0060 §7.1.1,
// §7.1.3). Whether there has to be any is for the node's configuration to say.
func parsePublish(pubsub, publish stream.Child) (publication, error) {
	node, err := nodeOf(publish)
	if err != nil {
		return publication{}, err
	}
	p := publication{node: node}
	for item := range publish.Children() {
		if p.hasItem || item.Name != (stream.Name{Space: nsPubsub, Local: "item"}) {
			return p, stanza.ErrBadRequest
		}
		if p.item, err = parseItem(item); err != nil {
			return p, err
		}
		p.hasItem = true
	}
	if options, ok := pubsub.Find(nsPubsub, "publish-options"); ok {
		p.options, err = parseConfig(options, formPublishOptions)
	}
	return p, err
}

func parseItem(item stream.Child) (PubsubItem, error) {
	id, _ := item.Attr("id")
	if id == "" {
		id = rand.Text()
	}
	it := PubsubItem{ID: id, Payload: []byte{}}
	for payload := range item.Children() {
		if len(it.Payload) > 0 {
			return it, pubsubError(stanza.ErrBadRequest, "invalid-payload")
		}
		it.Payload = payload.Raw()
	}
	switch {
	case len(it.Payload) > maxItemBytes:
		return it, pubsubError(stanza.ErrNotAcceptable, "payload-too-big")
	case len(id) > maxItemID:
		return it, stanza.ErrNotAcceptable
	}
	return it, nil
}

// payload returns the item's payload, if it is that element.
func (it PubsubItem) payload(space, local string) (stream.Child, bool) {
	el, err := stream.Parse([]byte(`<item>`+string(it.Payload)+`</item>`), stream.Limits{Bytes: len(it.Payload) + 16})
	if err != nil {
		return stream.Child{}, false
	}
	return el.Find(space, local)
}

func (s *session) handlePublish(ctx context.Context, pubsub, publish stream.Child) ([]byte, error) {
	p, err := parsePublish(pubsub, publish)
	if err != nil {
		return nil, err
	}
	if err := s.spendPublication(ctx, p); err != nil {
		return nil, err
	}
	if err := s.server.publish(ctx, s.user, p); err != nil {
		return nil, err
	}
	dst := append(stanza.AppendAttr([]byte(`<pubsub xmlns="`+nsPubsub+`"><publish`), "node", p.node), '>')
	for _, it := range p.items() {
		dst = appendItemTo(dst, it, false)
	}
	return append(dst, `</publish></pubsub>`...), nil
}

// spendPublication charges the account with the events that a publication causes, as
// far as the node is as nodes are.
func (s *session) spendPublication(ctx context.Context, p publication) error {
	audience, err := s.server.audience(ctx, s.user, PubsubNode{Name: p.node, Config: defaultConfig(p.node)})
	if err != nil {
		return err
	}
	return s.server.SpendFanOut(ctx, s.user, len(p.item.Payload), len(audience))
}

// publish stores an item and tells who asked for the node (XEP-0060 §7.1.2).
func (srv *Server) publish(ctx context.Context, user string, p publication) error {
	picture, err := srv.publishInTurn(ctx, user, p)
	if err == nil && picture {
		srv.AccountChanged(ctx, user)
	}
	return err
}

// publishInTurn reports whether the profile's picture changed by it.
func (srv *Server) publishInTurn(ctx context.Context, user string, p publication) (picture bool, err error) {
	release, err := srv.nodeLocks.lock(ctx, user)
	if err != nil {
		return false, err
	}
	defer release()
	if isWellKnown(p.node) { // its items have a form, whatever the configuration
		if err := p.complete(); err != nil {
			return false, err
		}
	}
	switch p.node {
	case nodeOldBookmarks:
		return false, srv.publishOldBookmarksLocked(ctx, user, p)
	case nodeBookmarks:
		err = checkBookmark(p.item)
	case nodeNick, nodeVCard4:
		err = checkNames(p.node, &p.item)
	case nodeAvatarMetadata:
		picture, err = srv.adoptAvatarLocked(ctx, user, p)
	}
	if err != nil {
		return false, err
	}
	n, err := srv.stores.Pubsub.UpdateNode(ctx, user, p.node, p.items(), p.admit)
	if err != nil {
		return picture, storeBound(err)
	}
	srv.notify(ctx, user, n, itemsEvent(n, p.items()...))
	if p.node == nodeBookmarks {
		srv.notifyOldBookmarks(ctx, user, n)
	}
	return picture, nil
}

// isWellKnown reports whether the server reads what is published to a node.
func isWellKnown(node string) bool {
	switch node {
	case nodeBookmarks, nodeOldBookmarks, nodeNick, nodeVCard4, nodeAvatarMetadata:
		return true
	}
	return false
}

// complete reports an item or a payload that is missing (XEP-0060 §7.1.3.6).
func (p publication) complete() error {
	switch {
	case !p.hasItem:
		return pubsubError(stanza.ErrBadRequest, "item-required")
	case len(p.item.Payload) == 0:
		return pubsubError(stanza.ErrBadRequest, "payload-required")
	}
	return nil
}

// admit creates the node as the options want it, or checks that it is as they
// want it (XEP-0060 §7.1.4, §7.1.5, S-67). Then it is known what may be published.
func (p publication) admit(n *PubsubNode, exists bool) (keep bool, err error) {
	ready, err := p.ready(n, exists)
	if err == nil {
		err = ready.takes(p)
	}
	n.Config = ready
	return true, err
}

// ready is a node's configuration if it is, or is made, as the options want it.
func (p publication) ready(n *PubsubNode, exists bool) (NodeConfig, error) {
	if !exists {
		return defaultConfig(p.node).apply(p.options)
	}
	ok, err := n.Config.meets(p.options)
	if err == nil && !ok {
		err = pubsubError(stanza.ErrConflict, "precondition-not-met")
	}
	return n.Config, err
}

// takes reports whether a publication is of the kind that a node is for: where
// nothing is kept and no payload is delivered there is no item, else there is one; it
// has a payload where payloads are delivered (XEP-0060 §4.3, §7.1.3.6; X-11).
func (c NodeConfig) takes(p publication) error {
	switch {
	case c.Payloads:
		return p.complete()
	case !c.Persist && p.hasItem:
		return pubsubError(stanza.ErrBadRequest, "item-forbidden")
	case c.Persist && !p.hasItem:
		return pubsubError(stanza.ErrBadRequest, "item-required")
	}
	return nil
}

// storeBound tells the owner which bound was reached.
func storeBound(err error) error {
	e := *stanza.ErrResourceConstraint
	e.Type = stanza.ErrorCancel
	switch {
	case errors.Is(err, ErrTooManyNodes):
		e.Text = "This account has as many nodes as it may have."
		return pubsubError(&e, "max-nodes-exceeded")
	case errors.Is(err, ErrFull):
		e.Text = "This account has published as much as it may."
		return &e
	case errors.Is(err, ErrNotFound):
		return stanza.ErrItemNotFound
	}
	return err
}

// handleRetract removes items (XEP-0060 §7.2).
func (s *session) handleRetract(ctx context.Context, retract stream.Child) error {
	node, err := nodeOf(retract)
	if err != nil {
		return err
	}
	ids, err := itemIDs(retract)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return pubsubError(stanza.ErrBadRequest, "item-required")
	}
	attr, _ := retract.Attr("notify")
	tell, _ := stanza.ParseBool(attr)
	return s.server.retract(ctx, s.user, node, ids, tell)
}

// itemIDs reads the ids of <item/> elements.
func itemIDs(parent stream.Child) ([]string, error) {
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
		ids = append(ids, id)
	}
	return ids, nil
}

// retract removes items and tells of it, if the request or the node wants that
// (XEP-0060 §7.2.2).
func (srv *Server) retract(ctx context.Context, user, node string, ids []string, tell bool) error {
	release, err := srv.nodeLocks.lock(ctx, user)
	if err != nil {
		return err
	}
	defer release()
	n, err := srv.stores.Pubsub.Node(ctx, user, storedNode(node))
	if err != nil {
		return storeBound(err)
	}
	// The old list of bookmarks is one item: with it all go.
	all := node == nodeOldBookmarks && slices.Contains(ids, oldBookmarksItem)
	removed, err := srv.stores.Pubsub.RemoveItems(ctx, user, n.Name, ids, all)
	if err != nil {
		return storeBound(err)
	}
	if len(removed) == 0 {
		return stanza.ErrItemNotFound // §7.2.3.2
	}
	if !tell && !n.Config.NotifyRetract {
		return nil
	}
	srv.notify(ctx, user, n, retractEvent(n.Name, removed))
	if n.Name == nodeBookmarks {
		srv.notifyOldBookmarks(ctx, user, n)
	}
	return nil
}

// retrieve answers a request for items (XEP-0060 §6.5, S-71).
func (s *session) retrieve(ctx context.Context, owner string, pubsub, items stream.Child) ([]byte, error) {
	node, err := nodeOf(items)
	if err != nil {
		return nil, err
	}
	q, err := parseItemQuery(owner, node, pubsub, items)
	if err != nil {
		return nil, err
	}
	if err := s.server.readyAvatar(ctx, owner, node); err != nil {
		return nil, err
	}
	n, err := s.server.stores.Pubsub.Node(ctx, owner, storedNode(node))
	if err != nil {
		return nil, storeBound(err)
	}
	if err := s.server.reader(ctx, owner, s.bare).mayRead(n.Config); err != nil {
		return nil, err
	}
	page, err := s.server.itemPage(ctx, q)
	if err != nil {
		return nil, storeBound(err)
	}
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	return appendItems(nil, node, page, q), nil
}

func parseItemQuery(owner, node string, pubsub, items stream.Child) (ItemQuery, error) {
	q := ItemQuery{User: owner, Node: node, Max: maxNodeItems}
	var err error
	if q.IDs, err = itemIDs(items); err != nil {
		return q, err
	}
	if attr, ok := items.Attr("max_items"); ok {
		n, err := strconv.ParseUint(attr, 10, 31)
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
	dst = stanza.AppendAttr(append(dst, `<pubsub xmlns="`+nsPubsub+`"><items`...), "node", node)
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
		if used += len(page.Items[at].Payload); used <= size || k == 0 {
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

func appendItemTo(dst []byte, it PubsubItem, payload bool) []byte {
	dst = stanza.AppendAttr(append(dst, "<item"...), "id", it.ID)
	if !payload || len(it.Payload) == 0 {
		return append(dst, "/>"...)
	}
	return append(append(append(dst, '>'), it.Payload...), "</item>"...)
}
