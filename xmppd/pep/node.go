package pep

import (
	"context"
	"slices"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// The nodes of an account: create, configure, delete, purge, and who may read
// (XEP-0060 §4.5, §8; XEP-0163 §5).

var (
	errPresenceRequired = pubsubError(stanza.ErrNotAuthorized, "presence-subscription-required")
	errNotInGroup       = pubsubError(stanza.ErrNotAuthorized, "not-in-roster-group")
	errClosedNode       = pubsubError(stanza.ErrNotAllowed, "closed-node")
)

// reader is somebody who asks for an account's nodes.
type reader struct {
	jid     string // bare
	own     bool   // the account itself
	contact func() (xmppd.Contact, error)
}

func (s *Service) reader(ctx context.Context, owner, jid string) reader {
	return reader{jid: jid, own: jid == s.bare(owner), contact: sync.OnceValues(func() (xmppd.Contact, error) {
		return s.server.ContactOf(ctx, owner, jid)
	})}
}

// seesPresence reports whether a contact sees the roster owner's presence (RFC 6121
// §2.1.2.5).
func seesPresence(c xmppd.Contact) bool {
	return c.Subscription == xmppd.SubscriptionFrom || c.Subscription == xmppd.SubscriptionBoth
}

// mayRead applies a node's access model (XEP-0060 §6.5.9, S-69).
func (r reader) mayRead(c NodeConfig) error {
	if r.own || c.Access == AccessOpen {
		return nil
	}
	if c.Access == AccessWhitelist {
		if slices.Contains(c.Members, r.jid) {
			return nil
		}
		return errClosedNode
	}
	contact, err := r.contact()
	switch {
	case err != nil:
		return err
	case !seesPresence(contact):
		return errPresenceRequired
	case c.Access == AccessRoster && !c.hasGroupOf(contact):
		return errNotInGroup
	}
	return nil
}

// tells reports whether a contact is told of a node's events. Subscriptions come
// with presence (XEP-0163 §4), whatever the access model.
func (c NodeConfig) tells(contact xmppd.Contact) bool {
	if !seesPresence(contact) {
		return false
	}
	switch c.Access {
	case AccessRoster:
		return c.hasGroupOf(contact)
	case AccessWhitelist:
		return slices.Contains(c.Members, contact.JID)
	}
	return true
}

func (c NodeConfig) hasGroupOf(contact xmppd.Contact) bool {
	return slices.ContainsFunc(contact.Groups, func(g string) bool { return slices.Contains(c.Groups, g) })
}

// create creates a node (XEP-0060 §8.1).
func (s *Service) create(ctx context.Context, user string, pubsub, create stream.Child) error {
	if attr, ok := create.Attr("node"); !ok || attr == "" {
		return pubsubError(stanza.ErrNotAcceptable, "nodeid-required") // no instant nodes
	}
	node, err := nodeOf(create)
	if err != nil {
		return err
	}
	var submitted []submission
	if configure, ok := pubsub.Find(stanza.NSPubsub, "configure"); ok {
		if submitted, err = parseConfig(configure, formNodeConfig); err != nil {
			return err
		}
	}
	if node == nodeOldBookmarks {
		submitted = withoutMaxItems(submitted)
	}
	return s.updateNode(ctx, user, node, func(n *Node, exists bool) (bool, error) {
		if exists {
			return true, stanza.ErrConflict // §8.1.1
		}
		var err error
		n.Config, err = defaultConfig(node).apply(submitted)
		return true, err
	}, func(Node) {})
}

// updateNode changes a node, which need not exist, and then tells of it, as it is
// stored now. It holds the account's lock while it does both; the caller must not hold it.
func (s *Service) updateNode(ctx context.Context, user, node string, change func(n *Node, exists bool) (keep bool, err error), tell func(Node)) error {
	release, err := s.changing.Lock(ctx, user)
	if err != nil {
		return err
	}
	defer release()
	n, err := s.store.UpdateNode(ctx, user, storedNode(node), nil, change)
	if err != nil {
		return storeBound(err)
	}
	tell(n)
	return nil
}

// configuration answers with the form of a node (XEP-0060 §8.2.1, S-68).
func (s *Service) configuration(ctx context.Context, user string, configure stream.Child) ([]byte, error) {
	node, err := nodeOf(configure)
	if err != nil {
		return nil, err
	}
	n, err := s.store.Node(ctx, user, storedNode(node))
	if err != nil {
		return nil, storeBound(err)
	}
	dst := stanza.AppendAttr([]byte(`<pubsub xmlns="`+nsPubsubOwner+`"><configure`), "node", node)
	return append(append(append(dst, '>'), n.Config.form()...), `</configure></pubsub>`...), nil
}

// configure changes a node's configuration (XEP-0060 §8.2.4, S-68). A form that
// is cancelled changes nothing.
func (s *Service) configure(ctx context.Context, user string, configure stream.Child) error {
	node, err := nodeOf(configure)
	if err != nil {
		return err
	}
	form, ok := configure.Find(stanza.NSDataForms, "x")
	if !ok {
		return stanza.ErrBadRequest
	}
	if typ, _ := form.Attr("type"); typ == "cancel" {
		return nil
	}
	submitted, err := parseConfig(configure, formNodeConfig)
	if err != nil {
		return err
	}
	if node == nodeOldBookmarks {
		submitted = withoutMaxItems(submitted)
	}
	return s.changeNode(ctx, user, node, func(c NodeConfig) (NodeConfig, error) { return c.apply(submitted) })
}

// changeNode changes the configuration of a node that exists.
func (s *Service) changeNode(ctx context.Context, user, node string, change func(NodeConfig) (NodeConfig, error)) error {
	return s.updateNode(ctx, user, node, func(n *Node, exists bool) (bool, error) {
		if !exists {
			return false, stanza.ErrItemNotFound
		}
		var err error
		n.Config, err = change(n.Config)
		return true, err
	}, func(n Node) {
		if n.Config.NotifyConfig {
			s.notifyNode(ctx, user, n, "configuration")
		}
	})
}

// deleteNode deletes a node with its items (XEP-0060 §8.4).
func (s *Service) deleteNode(ctx context.Context, user string, del stream.Child) error {
	node, err := nodeOf(del)
	if err != nil {
		return err
	}
	var old Node
	return s.updateNode(ctx, user, node, func(n *Node, exists bool) (bool, error) {
		if !exists {
			return false, stanza.ErrItemNotFound
		}
		old = *n
		return false, nil
	}, func(Node) {
		if old.Config.NotifyDelete {
			s.notifyNode(ctx, user, old, "delete")
		}
	})
}

// purge removes all items of a node (XEP-0060 §8.5).
func (s *Service) purge(ctx context.Context, user string, purge stream.Child) error {
	node, err := nodeOf(purge)
	if err != nil {
		return err
	}
	release, err := s.changing.Lock(ctx, user)
	if err != nil {
		return err
	}
	defer release()
	n, err := s.store.Node(ctx, user, storedNode(node))
	if err != nil {
		return storeBound(err)
	}
	if !n.Config.Persist {
		return unsupported("persistent-items") // §8.5.3.3
	}
	if _, err := s.store.RemoveItems(ctx, user, n.Name, nil, true); err != nil {
		return storeBound(err)
	}
	if n.Config.NotifyRetract {
		s.notifyNode(ctx, user, n, "purge")
	}
	return nil
}

// relations answers which subscriptions and affiliations the asker has (XEP-0060
// §5.6, §5.7). Subscriptions come with presence and are not listed; the owner
// owns the nodes, others may be members.
func (s *Service) relations(ctx context.Context, r xmppd.AccountRequest, c stream.Child) ([]byte, error) {
	only, _ := c.Attr("node")
	dst := stanza.AppendAttr([]byte(`<pubsub xmlns="`+stanza.NSPubsub+`"><`+c.Name.Local), "node", only)
	dst = append(dst, '>')
	if c.Name.Local == "affiliations" {
		nodes, err := s.store.Nodes(ctx, r.Owner, r.Client.Bare(), nil)
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			affiliation := n.Config.affiliation(s.bare(r.Owner), r.Client.Bare())
			if affiliation == "none" || (only != "" && n.Name != only) {
				continue
			}
			dst = stanza.AppendAttr(append(dst, "<affiliation"...), "node", n.Name)
			dst = append(stanza.AppendAttr(dst, "affiliation", affiliation), "/>"...)
		}
	}
	return append(dst, `</`+c.Name.Local+`></pubsub>`...), nil
}

func (c NodeConfig) affiliation(owner, jid string) string {
	switch {
	case jid == owner:
		return "owner"
	case slices.Contains(c.Members, jid):
		return "member"
	}
	return "none"
}

// nodeAffiliations lists who has to do with a node (XEP-0060 §8.9.1).
func (s *Service) nodeAffiliations(ctx context.Context, user string, c stream.Child) ([]byte, error) {
	node, err := nodeOf(c)
	if err != nil {
		return nil, err
	}
	n, err := s.store.Node(ctx, user, storedNode(node))
	if err != nil {
		return nil, storeBound(err)
	}
	dst := stanza.AppendAttr([]byte(`<pubsub xmlns="`+nsPubsubOwner+`"><affiliations`), "node", node)
	dst = append(dst, '>')
	for _, jid := range append([]string{s.bare(user)}, n.Config.Members...) {
		dst = stanza.AppendAttr(append(dst, "<affiliation"...), "jid", jid)
		dst = append(stanza.AppendAttr(dst, "affiliation", n.Config.affiliation(s.bare(user), jid)), "/>"...)
	}
	return append(dst, `</affiliations></pubsub>`...), nil
}

// setAffiliations changes who is a member, and so on the whitelist (XEP-0060
// §8.9.2). There are no other publishers and no other owners.
func (s *Service) setAffiliations(ctx context.Context, user string, c stream.Child) error {
	node, err := nodeOf(c)
	if err != nil {
		return err
	}
	wanted := make(map[string]bool)
	for a := range c.Children() {
		if _, named := a.Attr("affiliation"); !named {
			continue // it stays as it is
		}
		jid, member, err := parseAffiliation(s.bare(user), a)
		if err != nil {
			return err
		}
		wanted[jid] = member
	}
	return s.changeNode(ctx, user, node, func(config NodeConfig) (NodeConfig, error) {
		config = config.clone()
		for jid, member := range wanted {
			config.Members = slices.DeleteFunc(config.Members, func(m string) bool { return m == jid })
			if member {
				config.Members = append(config.Members, jid)
			}
		}
		slices.Sort(config.Members)
		if len(config.Members) > maxNodeMembers {
			return config, stanza.ErrResourceConstraint
		}
		return config, config.fits()
	})
}

func parseAffiliation(owner string, a stream.Child) (jid string, member bool, err error) {
	attr, _ := a.Attr("jid")
	address, err := stanza.ParseAddress(attr)
	if err != nil {
		return "", false, err
	}
	affiliation, _ := a.Attr("affiliation")
	switch {
	case address.Bare() == owner:
		return "", false, stanza.ErrNotAcceptable // the owner stays
	case affiliation == "member":
		return address.Bare(), true, nil
	case affiliation == "none":
		return address.Bare(), false, nil
	case affiliation == "outcast", affiliation == "publisher", affiliation == "publish-only":
		return "", false, unsupported(affiliation + "-affiliation") // §8.9.2.3
	}
	return "", false, stanza.ErrNotAcceptable
}
