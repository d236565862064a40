package xmppd

import (
	"context"
	"crypto/rand"
	"errors"

	"foyer/internal/stanza"
)

// Notifications (XEP-0163 §4, §7.1): a headline to every resource whose
// capabilities ask for the node (caps.go) and that may have it: the owner's own,
// and those of contacts who see the owner's presence.

// Bounds of what is sent unasked when somebody comes online.
const (
	lastItemBytes = 8 << 10 // payloads that are larger can be asked for
	lastItemUsers = 100     // accounts whose nodes are read at once
)

// notify sends an event to its audience. What is wrong by now is logged: the
// change is stored.
func (srv *Server) notify(ctx context.Context, user string, n PubsubNode, event []byte) {
	audience, err := srv.audience(ctx, user, n)
	if err != nil && !errors.Is(err, context.Canceled) {
		srv.log.Error("contacts were not told of a node's change", "user", user, "node", n.Name, "err", err)
	}
	id := rand.Text()
	for _, s := range audience {
		s.deliver(headline(user+"@"+srv.domain, s.full, id, event, nil))
	}
}

// audience returns the resources that hear of a node.
func (srv *Server) audience(ctx context.Context, user string, n PubsubNode) ([]*session, error) {
	out := srv.lookup(user).wanting(n.Name)
	if n.Config.Access == AccessWhitelist && len(n.Config.Members) == 0 {
		return out, nil
	}
	r, err := srv.rosterOf(ctx, user)
	if err != nil {
		return out, err
	}
	tell := func(c Contact, a *account) {
		if a == nil || !n.Config.tells(c) {
			return
		}
		// XEP-0163 §4.3.3: nothing to those who are blocked (S-52).
		if found := a.wanting(n.Name); len(found) > 0 && !srv.eitherBlocks(ctx, user, a.user) {
			out = append(out, found...)
		}
	}
	for c := range r.contacts() {
		if a, err := stanza.ParseAddress(c.JID); err == nil && a.Domain == srv.domain && !c.Site {
			tell(c, srv.lookup(a.User))
		}
	}
	for _, a := range srv.followers.shownTo(user, user+"@"+srv.domain) {
		c, _ := r.find(a.bare)
		c.JID, c.Subscription = a.bare, SubscriptionBoth
		tell(c, a)
	}
	return out, nil
}

// wanting returns the available resources that ask for a node's events.
func (a *account) wanting(node string) []*session {
	var out []*session
	for _, s := range a.all() {
		if s.wants(node) {
			out = append(out, s)
		}
	}
	return out
}

// headline is one notification. The event was serialised once, whatever the
// number of recipients.
func headline(from, to, id string, event, delay []byte) []byte {
	dst := make([]byte, 0, 160+len(event)+len(delay))
	dst = stanza.AppendAttr(append(dst, `<message xmlns="jabber:client" type="headline"`...), "id", id)
	dst = append(stanza.AppendAttr(stanza.AppendAttr(dst, "from", from), "to", to), '>')
	return append(append(append(dst, event...), delay...), "</message>"...)
}

// itemsEvent tells of items (XEP-0060 §7.1.2.1, §7.1.2.2).
func itemsEvent(n PubsubNode, items ...PubsubItem) []byte {
	dst := stanza.AppendAttr([]byte(`<event xmlns="`+nsPubsubEvent+`"><items`), "node", n.Name)
	dst = append(dst, '>')
	for _, it := range items {
		dst = appendItemTo(dst, it, n.Config.Payloads)
	}
	return append(dst, "</items></event>"...)
}

// retractEvent tells of items that are gone (XEP-0060 §7.2.2.1).
func retractEvent(node string, ids []string) []byte {
	dst := stanza.AppendAttr([]byte(`<event xmlns="`+nsPubsubEvent+`"><items`), "node", node)
	dst = append(dst, '>')
	for _, id := range ids {
		dst = append(stanza.AppendAttr(append(dst, "<retract"...), "id", id), "/>"...)
	}
	return append(dst, "</items></event>"...)
}

// notifyNode tells what became of a node, under each of its names.
func (srv *Server) notifyNode(ctx context.Context, user string, n PubsubNode, what string) {
	srv.notify(ctx, user, n, nodeEvent(what, n.Name))
	if n.Name == nodeBookmarks {
		n.Name = nodeOldBookmarks
		srv.notify(ctx, user, n, nodeEvent(what, n.Name))
	}
}

// nodeEvent tells that a node was deleted, purged or configured (XEP-0060
// §8.2.6, §8.4.2, §8.5.2).
func nodeEvent(what, node string) []byte {
	dst := stanza.AppendAttr([]byte(`<event xmlns="`+nsPubsubEvent+`"><`+what), "node", node)
	return append(dst, "/></event>"...)
}

// sendLastItems sends a resource that came online, or that asks for more than
// before, the last item of the nodes it asks for: its account's and those of
// everybody whose presence it sees (XEP-0163 §4.3, S-70).
func (s *session) sendLastItems(ctx context.Context, nodes []string) error {
	if len(nodes) == 0 {
		return nil // most clients of a crowd: no roster is read
	}
	r, err := s.server.rosterOf(ctx, s.user)
	if err != nil {
		return err
	}
	users := []string{s.user}
	for c := range r.contacts() {
		if a, err := stanza.ParseAddress(c.JID); err == nil && c.hasTo() && (c.Listed || !c.Site) && a.Domain == s.server.domain {
			users = append(users, a.User)
		}
	}
	for len(users) > 0 {
		n := min(len(users), lastItemUsers)
		if err := s.Ready(ctx); err != nil {
			return err
		}
		batch, cancel := s.server.renewed(ctx)
		err := s.sendLastItemsOf(batch, users[:n], nodes)
		cancel()
		if err != nil {
			return err
		}
		users = users[n:]
	}
	return nil
}

// sendLastItemsOf sends the last items of some accounts' nodes.
func (s *session) sendLastItemsOf(ctx context.Context, users, nodes []string) error {
	if len(nodes) == 0 {
		return nil
	}
	last, err := s.server.stores.Pubsub.LastItems(ctx, users, nodes, s.addresses(), lastItemBytes)
	if err != nil {
		return err
	}
	mine, err := s.server.blocksOf(ctx, s.user)
	if err != nil {
		return err
	}
	for i, l := range last {
		owner := stanza.Address{User: l.User, Domain: s.server.domain}
		if l.Node.Config.SendLast == SendNever || mine.matches(owner) || !s.mayHaveLast(ctx, l) {
			continue
		}
		if i%lastItemUsers == 0 {
			if err := s.readyWithin(ctx); err != nil {
				return err
			}
		}
		s.deliver(headline(owner.Bare(), s.full, "", itemsEvent(l.Node, l.Item), stanza.Delay(owner.Bare(), l.Item.Published)))
	}
	return nil
}

// mayHaveLast reports whether the session, which sees the owner's presence, may
// have the node's last item.
func (s *session) mayHaveLast(ctx context.Context, l LastItem) bool {
	switch l.Node.Config.Access {
	case AccessOpen, AccessPresence:
		return true
	}
	return s.server.reader(ctx, l.User, s.bare).mayRead(l.Node.Config) == nil
}

// addresses are those by which somebody may block the session (XEP-0191 §3.2).
func (s *session) addresses() []string {
	d := s.server.domain
	return []string{s.full, s.bare, stanza.Address{User: "", Domain: d, Resource: s.resource}.String(), d}
}

// lastItemsTo sends a contact who may see user's presence from now on what it
// asks for (XEP-0163 §4.3.1).
func (srv *Server) lastItemsTo(ctx context.Context, user, contact string) {
	a, err := stanza.ParseAddress(contact)
	if err != nil || a.Domain != srv.domain {
		return
	}
	for _, s := range srv.lookup(a.User).available() {
		if err := s.sendLastItemsOf(ctx, []string{user}, s.wantedNodes()); err != nil {
			s.log.Error("a new contact's last items were not sent", "err", err)
		}
	}
}
