package xmppd

import (
	"encoding/xml"
	"fmt"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The server's own capabilities (XEP-0115 §6.3): a client that knows the hash
// which comes with the features need not ask what the server can do.

// capsURI names this software, as caps want it: by a URI.
const capsURI = "urn:foyer"

// ownInfo is what the server is and can do.
func (srv *Server) ownInfo(node string) stanza.Info {
	return stanza.Info{
		Node:       node,
		Identities: []stanza.Identity{{Category: "server", Type: "im", Name: srv.cfg.Name}},
		Features:   slices.Concat(serverFeatures, srv.mounted.discovery.ServerFeatures),
	}
}

// hashOwnInfo computes the hash of what the server answers to disco#info.
func (srv *Server) hashOwnInfo() (string, error) {
	var info stanza.Capabilities
	if err := xml.Unmarshal(srv.ownInfo("").Payload(), &info); err != nil {
		return "", fmt.Errorf("xmppd: own capabilities: %w", err)
	}
	return info.Ver("sha-1") // the function that everybody knows (§5.1)
}

// capsElement is what comes with the features of a stream.
func (srv *Server) capsElement() []byte {
	dst := stanza.AppendAttr([]byte(`<c xmlns="`+stanza.NSCaps+`" hash="sha-1" node="`+capsURI+`"`), "ver", srv.ver)
	return append(dst, "/>"...)
}

// serverInfo answers disco#info, for the hash too (§6.2).
func (srv *Server) serverInfo(query stream.Child) ([]byte, error) {
	node, _ := query.Attr("node")
	if node != "" && node != capsURI+"#"+srv.ver {
		return nil, stanza.ErrItemNotFound
	}
	return srv.ownInfo(node).Payload(), nil
}
