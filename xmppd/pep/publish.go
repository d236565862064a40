package pep

import (
	"context"
	"crypto/rand"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Publishing (XEP-0060 §7.1).

// Bounds of what an account publishes. Those of the number of nodes and of all
// bytes are the store's.
const (
	maxItemBytes = 192 << 10 // one payload; a picture fits in
	maxNodeName  = 1023      // bytes
	maxItemID    = 1023      // bytes
)

// publication is what somebody publishes to a node: one item, or only that
// something happened.
type publication struct {
	node    string
	item    Item
	hasItem bool
	old     []string // other ids under which the item may be kept, which it takes the place of
	options []submission
}

// items are what is published: one, or none.
func (p publication) items() []Item {
	if !p.hasItem {
		return nil
	}
	return []Item{p.item}
}

// changes are the items as UpdateNode takes them.
func (p publication) changes() []Item {
	items := p.items()
	for _, id := range p.old {
		items = append(items, Item{ID: id, Gone: true})
	}
	return items
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
		if p.hasItem || item.Name != (stream.Name{Space: stanza.NSPubsub, Local: "item"}) {
			return p, stanza.ErrBadRequest
		}
		if p.item, err = parseItem(item); err != nil {
			return p, err
		}
		ids := keptIDs(node, p.item.ID)
		p.item.ID, p.old = ids[0], ids[1:]
		p.hasItem = true
	}
	if options, ok := pubsub.Find(stanza.NSPubsub, "publish-options"); ok {
		p.options, err = parseConfig(options, formPublishOptions)
	}
	return p, err
}

func parseItem(item stream.Child) (Item, error) {
	id, _ := item.Attr("id")
	if id == "" {
		id = rand.Text()
	}
	it := Item{ID: id, Payload: []byte{}}
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
func (it Item) payload(space, local string) (stream.Child, bool) {
	el, err := stream.Parse([]byte(`<item>`+string(it.Payload)+`</item>`), stream.Limits{Bytes: len(it.Payload) + 16})
	if err != nil {
		return stream.Child{}, false
	}
	return el.Find(space, local)
}

func (s *Service) answerPublish(ctx context.Context, user string, pubsub, publish stream.Child) ([]byte, error) {
	p, err := parsePublish(pubsub, publish)
	if err != nil {
		return nil, err
	}
	if err := s.spendPublication(ctx, user, p); err != nil {
		return nil, err
	}
	if err := s.publish(ctx, user, p); err != nil {
		return nil, err
	}
	dst := append(stanza.AppendAttr([]byte(`<pubsub xmlns="`+stanza.NSPubsub+`"><publish`), "node", p.node), '>')
	for _, it := range p.items() {
		dst = appendItemTo(dst, it, false)
	}
	return append(dst, `</publish></pubsub>`...), nil
}

// spendPublication charges the account with the events that a publication causes, as
// far as the node is as nodes are.
func (s *Service) spendPublication(ctx context.Context, user string, p publication) error {
	audience, err := s.audience(ctx, user, Node{Name: p.node, Config: defaultConfig(p.node)})
	if err != nil {
		return err
	}
	return s.server.SpendFanOut(ctx, user, len(p.item.Payload), len(audience))
}

// spendChange charges the account with the event that another change of a node causes: that
// it was configured, purged or deleted, or that items are gone.
func (s *Service) spendChange(ctx context.Context, user string, change stream.Child) error {
	node, _ := change.Attr("node")
	size := len(node)
	switch change.Name.Local {
	case "publish": // charged when it was read
		return nil
	case "retract":
		size = len(change.Raw()) // the event names the items, too
	}
	audience, err := s.audience(ctx, user, Node{Name: node, Config: defaultConfig(node)})
	if err != nil {
		return err
	}
	return s.server.SpendFanOut(ctx, user, size, len(audience))
}

// publish stores an item and tells who asked for the node (XEP-0060 §7.1.2).
func (s *Service) publish(ctx context.Context, user string, p publication) error {
	picture, err := s.publishInTurn(ctx, user, p)
	if picture {
		s.server.AccountChanged(ctx, user)
	}
	return err
}

// publishInTurn reports whether the profile's picture changed by it, also with an error.
func (s *Service) publishInTurn(ctx context.Context, user string, p publication) (picture bool, err error) {
	release, err := s.changing.Lock(ctx, user)
	if err != nil {
		return false, err
	}
	defer release()
	if isWellKnown(p.node) { // its items have a form, whatever the configuration
		if err := p.complete(); err != nil {
			return false, err
		}
	}
	var adopted photoChange
	switch p.node {
	case nodeOldBookmarks:
		return false, s.publishOldBookmarksLocked(ctx, user, p)
	case NodeBookmarks:
		err = checkBookmark(p.item)
	case NodeDisplayed:
		err = checkDisplayed(p.item)
		p.item.Unless = s.isOlderMarker(user, p.item)
	case nodeNick, nodeVCard4:
		err = checkNames(p.node, &p.item)
	case nodeAvatarMetadata:
		adopted, err = s.syncAvatarToProfileLocked(ctx, user, p)
	}
	if err != nil {
		return false, err
	}
	n, err := s.store.UpdateNode(ctx, user, p.node, p.changes(), p.admit)
	if stands, ok := errors.AsType[*SupersededError](err); ok { // which who published learns as everybody does
		s.notify(ctx, user, n, itemsEvent(n, stands.Item))
		return false, nil
	}
	if err != nil {
		return adopted.made && !s.revertProfilePhotoLocked(ctx, user, adopted), storeBound(err)
	}
	s.notify(ctx, user, n, itemsEvent(n, p.items()...))
	switch p.node {
	case NodeBookmarks:
		s.notifyOldBookmarks(ctx, user, n)
	case nodeAvatarData:
		return s.syncAvatarDataLocked(ctx, user, n, p.item)
	}
	return adopted.made, nil
}

// isWellKnown reports whether the server reads what is published to a node.
func isWellKnown(node string) bool {
	switch node {
	case NodeBookmarks, nodeOldBookmarks, NodeDisplayed, nodeNick, nodeVCard4, nodeAvatarMetadata:
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
func (p publication) admit(n *Node, exists bool) (keep bool, err error) {
	ready, err := p.ready(n, exists)
	if err == nil {
		err = ready.takes(p)
	}
	n.Config = ready
	return true, err
}

// ready is a node's configuration if it is, or is made, as the options want it.
func (p publication) ready(n *Node, exists bool) (NodeConfig, error) {
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
	case errors.Is(err, xmppd.ErrNotFound):
		return stanza.ErrItemNotFound
	}
	return err
}
