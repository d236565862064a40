package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Discovery of the nodes of an account (XEP-0060 §5.2–5.4, XEP-0163 §6.1).

// pubsubFeatures are those of an account's bare JID (XEP-0060 §10, S-46).
func pubsubFeatures() []string {
	features := []string{nsPubsub, nsPubsubOwner}
	for _, f := range []string{
		"access-open", "access-presence", "access-roster", "access-whitelist", "auto-create", "auto-subscribe",
		"config-node", "config-node-max", "create-and-configure", "create-nodes", "delete-items", "delete-nodes",
		"filtered-notifications", "item-ids", "last-published", "member-affiliation", "meta-data",
		"modify-affiliations", "multi-items", "persistent-items", "presence-notifications", "presence-subscribe",
		"publish", "publish-options", "purge-nodes", "retract-items", "retrieve-affiliations", "retrieve-default",
		"retrieve-items", "rsm",
	} {
		features = append(features, nsPubsub+"#"+f)
	}
	return append(append(features, bookmarkFeatures()...), nsVCardConversion)
}

// nodeInfo answers disco#info about a node (XEP-0060 §5.3, §5.4).
func (s *session) nodeInfo(ctx context.Context, owner, node string) ([]byte, error) {
	n, err := s.server.stores.Pubsub.Node(ctx, owner, storedNode(node))
	if err != nil {
		return nil, storeBound(err)
	}
	if err := s.server.reader(ctx, owner, s.bare).mayRead(n.Config); err != nil {
		return nil, err
	}
	return stanza.Info{
		Node:       node,
		Identities: []stanza.Identity{{Category: "pubsub", Type: "leaf"}},
		Features:   []string{nsPubsub},
		Forms:      [][]byte{n.Config.metadata()},
	}.Payload(), nil
}

// handleNodes lists an account's nodes, those that the asker may read; nothing
// of an account that does not exist (XEP-0060 §5.2, XEP-0030 §8, S-47). Beneath
// a node nothing is listed.
func handleNodes(ctx context.Context, s *session, iq *stream.Element, query stream.Child) ([]byte, error) {
	beneath, _ := query.Attr("node")
	owner, err := s.ownerOf(ctx, iq)
	if errors.Is(err, stanza.ErrServiceUnavailable) || beneath != "" {
		return stanza.ItemsPayload(beneath, nil), nil
	}
	if err != nil {
		return nil, err
	}
	nodes, err := s.server.stores.Pubsub.Nodes(ctx, owner)
	if err != nil {
		return nil, err
	}
	r := s.server.reader(ctx, owner, s.bare)
	var items []stanza.Item
	for _, n := range nodes {
		err := r.mayRead(n.Config)
		var refused *stanza.Error
		if errors.As(err, &refused) {
			continue
		}
		if err != nil {
			return nil, err
		}
		items = append(items, stanza.Item{JID: owner + "@" + s.server.domain, Node: n.Name, Name: n.Config.Title})
	}
	return stanza.ItemsPayload("", items), nil
}
