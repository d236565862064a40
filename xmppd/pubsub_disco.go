package xmppd

import (
	"context"
	"errors"

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
	dst := AppendAttr([]byte(`<query xmlns="`+nsDiscoInfo+`"`), "node", node)
	dst = append(dst, `><identity category="pubsub" type="leaf"/><feature var="`+nsPubsub+`"/>`...)
	return append(n.Config.appendMetadata(dst), "</query>"...), nil
}

// handleNodes lists an account's nodes, those that the asker may read; nothing
// of an account that does not exist (XEP-0060 §5.2, XEP-0030 §8, S-47). Beneath
// a node nothing is listed.
func handleNodes(ctx context.Context, s *session, iq *stream.Element, query stream.Child) ([]byte, error) {
	beneath, _ := query.Attr("node")
	dst := append(AppendAttr([]byte(`<query xmlns="`+nsDiscoItems+`"`), "node", beneath), '>')
	owner, err := s.ownerOf(ctx, iq)
	if errors.Is(err, ErrServiceUnavailable) || beneath != "" {
		return append(dst, "</query>"...), nil
	}
	if err != nil {
		return nil, err
	}
	nodes, err := s.server.stores.Pubsub.Nodes(ctx, owner)
	if err != nil {
		return nil, err
	}
	r := s.server.reader(ctx, owner, s.bare)
	for _, n := range nodes {
		err := r.mayRead(n.Config)
		var refused *StanzaError
		if errors.As(err, &refused) {
			continue
		}
		if err != nil {
			return nil, err
		}
		dst = AppendAttr(append(dst, "<item"...), "jid", owner+"@"+s.server.domain)
		dst = append(AppendAttr(AppendAttr(dst, "node", n.Name), "name", n.Config.Title), "/>"...)
	}
	return append(dst, "</query>"...), nil
}
