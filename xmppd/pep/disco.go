package pep

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/xmppd"
)

// Discovery of the nodes of an account (XEP-0060 §5.2–5.4, XEP-0163 §6.1).

// Discovery implements xmppd.AccountService. An account is a place to publish
// (XEP-0163 §3), with the features of XEP-0060 §9.1 and §10 (S-46).
func (s *Service) Discovery() xmppd.AccountDiscovery {
	features := []string{stanza.NSPubsub, nsPubsubOwner}
	for _, f := range []string{
		"access-open", "access-presence", "access-roster", "access-whitelist", "auto-create", "auto-subscribe",
		"config-node", "config-node-max", "create-and-configure", "create-nodes", "delete-items", "delete-nodes",
		"filtered-notifications", "item-ids", "last-published", "member-affiliation", "meta-data",
		"modify-affiliations", "multi-items", "persistent-items", "presence-notifications", "presence-subscribe",
		"publish", "publish-options", "pubsub-on-a-jid", "purge-nodes", "retract-items", "retrieve-affiliations", "retrieve-default",
		"retrieve-items", "rsm",
	} {
		features = append(features, stanza.NSPubsub+"#"+f)
	}
	return xmppd.AccountDiscovery{
		Identities:     []stanza.Identity{{Category: "pubsub", Type: "pep"}},
		Features:       append(append(features, bookmarkFeatures()...), nsVCardConversion, featureAssist),
		ServerFeatures: []string{formPublishOptions}, // XEP-0223 §5 looks for it here
	}
}

// NodeInfo implements xmppd.AccountService (XEP-0060 §5.3, §5.4).
func (s *Service) NodeInfo(ctx context.Context, c xmppd.Client, owner, node string) ([]byte, error) {
	n, err := s.store.Node(ctx, owner, storedNode(node))
	if err != nil {
		return nil, storeBound(err)
	}
	if err := s.reader(ctx, owner, c.Bare()).mayRead(n.Config); err != nil {
		return nil, err
	}
	return stanza.Info{
		Node:       node,
		Identities: []stanza.Identity{{Category: "pubsub", Type: "leaf"}},
		Features:   []string{stanza.NSPubsub},
		Forms:      [][]byte{n.Config.metadata()},
	}.Payload(), nil
}

// Nodes implements xmppd.AccountService: those that the client may read (XEP-0060
// §5.2, S-47).
func (s *Service) Nodes(ctx context.Context, c xmppd.Client, owner string) ([]stanza.Item, error) {
	if owner != c.User() {
		err := s.checkOwner(ctx, owner)
		if errors.Is(err, stanza.ErrServiceUnavailable) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	r := s.reader(ctx, owner, c.Bare())
	var groups []string
	if !r.own {
		contact, err := r.contact()
		if err != nil {
			return nil, err
		}
		groups = contact.Groups
	}
	nodes, err := s.store.Nodes(ctx, owner, r.jid, groups)
	if err != nil {
		return nil, err
	}
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
		items = append(items, stanza.Item{JID: s.bare(owner), Node: n.Name, Name: n.Config.Title})
	}
	return items, nil
}
