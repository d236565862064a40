package pep

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Notifications (XEP-0163 §4, §7.1): a headline to every client whose
// capabilities ask for the node (caps.go) and that may have it: the owner's own,
// and those of contacts who see the owner's presence.

// Bounds of what is sent unasked when somebody comes online.
const (
	lastItemBytes = 8 << 10 // payloads that are larger can be asked for
	lastItemUsers = 100     // accounts whose nodes are read at once
)

// notify sends an event to its audience. What is wrong by now is logged: the
// change is stored.
func (s *Service) notify(ctx context.Context, user string, n Node, event []byte) {
	audience, err := s.audience(ctx, user, n)
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.Error("contacts were not told of a node's change", "user", user, "node", n.Name, "err", err)
	}
	id := rand.Text()
	for _, c := range audience {
		c.Deliver(headline(s.bare(user), c.JID(), id, event, nil))
	}
}

// audience returns the clients that hear of a node.
func (s *Service) audience(ctx context.Context, user string, n Node) ([]xmppd.Client, error) {
	out := s.clients.wanting(user, n.Name)
	if n.Config.Access == AccessWhitelist && len(n.Config.Members) == 0 {
		return out, nil
	}
	followers, err := s.server.Followers(ctx, user)
	if err != nil {
		return out, err
	}
	for follower, contact := range followers {
		if !n.Config.tells(contact) {
			continue
		}
		// XEP-0163 §4.3.3: nothing to those who are blocked (S-52).
		if found := s.clients.wanting(follower, n.Name); len(found) > 0 && !s.server.EitherBlocks(ctx, user, follower) {
			out = append(out, found...)
		}
	}
	return out, nil
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
func itemsEvent(n Node, items ...Item) []byte {
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
func (s *Service) notifyNode(ctx context.Context, user string, n Node, what string) {
	s.notify(ctx, user, n, nodeEvent(what, n.Name))
	if n.Name == NodeBookmarks {
		n.Name = nodeOldBookmarks
		s.notify(ctx, user, n, nodeEvent(what, n.Name))
	}
}

// nodeEvent tells that a node was deleted, purged or configured (XEP-0060
// §8.2.6, §8.4.2, §8.5.2).
func nodeEvent(what, node string) []byte {
	dst := stanza.AppendAttr([]byte(`<event xmlns="`+nsPubsubEvent+`"><`+what), "node", node)
	return append(dst, "/></event>"...)
}

// sendLastItems sends a client that came online, or that asks for more than before,
// the last item of the nodes it asks for: its account's and those of everybody whose
// presence it sees (XEP-0163 §4.3, S-70).
func (s *Service) sendLastItems(ctx context.Context, c xmppd.Client, nodes []string) error {
	if len(nodes) == 0 {
		return nil // most clients of a crowd: no roster is read
	}
	followed, err := s.server.Followed(ctx, c.User())
	if err != nil {
		return err
	}
	for users := range slices.Chunk(append([]string{c.User()}, followed...), lastItemUsers) {
		if err := c.Ready(ctx); err != nil {
			return err
		}
		batch, cancel := s.server.Renewed(ctx)
		err := s.sendLastItemsOf(batch, c, users, nodes)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// sendLastItemsOf sends the last items of some accounts' nodes.
func (s *Service) sendLastItemsOf(ctx context.Context, c xmppd.Client, users, nodes []string) error {
	if len(nodes) == 0 {
		return nil
	}
	last, err := s.store.LastItems(ctx, users, nodes, s.addressesOf(c), lastItemBytes)
	if err != nil {
		return err
	}
	blocked, err := s.server.Blocked(ctx, c.User())
	if err != nil {
		return err
	}
	for i, l := range last {
		owner := stanza.Address{User: l.User, Domain: s.domain}
		if l.Node.Config.SendLast == SendNever || blocked(owner) || !s.mayHaveLast(ctx, c, l) {
			continue
		}
		if i%lastItemUsers == 0 {
			if err := c.ReadyWithin(ctx); err != nil {
				return err
			}
		}
		c.Deliver(headline(owner.Bare(), c.JID(), "", itemsEvent(l.Node, l.Item), stanza.Delay(owner.Bare(), l.Item.Published)))
	}
	return nil
}

// mayHaveLast reports whether a client, which sees the owner's presence, may have the
// node's last item.
func (s *Service) mayHaveLast(ctx context.Context, c xmppd.Client, l LastItem) bool {
	switch l.Node.Config.Access {
	case AccessOpen, AccessPresence:
		return true
	}
	return s.reader(ctx, l.User, c.Bare()).mayRead(l.Node.Config) == nil
}

// addressesOf are those by which somebody may block a client (XEP-0191 §3.2).
func (s *Service) addressesOf(c xmppd.Client) []string {
	resource := strings.TrimPrefix(c.JID(), c.Bare()+"/")
	return []string{c.JID(), c.Bare(), s.domain + "/" + resource, s.domain}
}

// Granted implements xmppd.PresenceWatcher: the contact gets what it asks for (XEP-0163
// §4.3.1).
func (s *Service) Granted(ctx context.Context, owner, contact string) {
	for _, l := range s.clients.of(contact) {
		s.unsent(contact, s.sendLastItemsOf(ctx, l.client, []string{owner}, l.wanted))
	}
}

// unsent logs why an account's client was not sent last items, if err is not nil: that its stream
// has ended is nobody's fault.
func (s *Service) unsent(user string, err error) {
	switch {
	case err == nil:
	case stream.IsEnd(err):
		s.log.Debug("the last items of nodes were not sent: the client has gone", "user", user, "err", err)
	default:
		s.log.Error("the last items of nodes were not sent", "user", user, "err", err)
	}
}
