package pep

import (
	"context"
	"slices"
	"strings"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Entity capabilities (XEP-0115): which nodes a client asks to be told of. Its
// presence names a hash of its features; the server asks for the features behind
// a hash it does not know.

// Limits on what clients' capabilities may take up.
const (
	maxCaps        = 1000 // hashes that are known for everybody
	maxWantedNodes = 50   // of one client
	maxWantedBytes = 8 << 10
	maxCapsAttr    = 1023 // bytes
)

// caps is what presence says of a client's capabilities (XEP-0115 §4).
type caps struct{ node, hash, ver string }

// capsOf reads them; zero when there are none to be used.
func capsOf(p *stream.Element) caps {
	c, ok := p.Find(stanza.NSCaps, "c")
	if !ok {
		return caps{}
	}
	var out caps
	out.node, _ = c.Attr("node")
	out.hash, _ = c.Attr("hash")
	out.ver, _ = c.Attr("ver")
	if out.node == "" || out.ver == "" || len(out.node)+len(out.hash)+len(out.ver) > maxCapsAttr {
		return caps{}
	}
	return out
}

// wanted is the nodes a client asks to be told of, sorted. It is immutable.
type wanted []string

// wantedOf picks them from the features (XEP-0163 §4.3.2).
func wantedOf(features []string) wanted {
	var w wanted
	size := 0
	for _, f := range features {
		node, ok := strings.CutSuffix(f, "+notify")
		if !ok || len(w) >= maxWantedNodes || len(node) > maxNodeName || size+len(node) > maxWantedBytes {
			continue
		}
		w = append(w, node)
		size += len(node)
		if node == nodeOldBookmarks {
			// T: Converse 14 asks for the old node, but reads what comes of the new.
			w = append(w, NodeBookmarks)
		}
	}
	slices.Sort(w)
	return slices.Compact(w)
}

func (w wanted) has(node string) bool {
	_, ok := slices.BinarySearch(w, node)
	return ok
}

// without returns what is in w and not in old.
func (w wanted) without(old wanted) wanted {
	return slices.DeleteFunc(slices.Clone(w), old.has)
}

// Available implements xmppd.PresenceWatcher. A client whose capabilities ask for more
// nodes than before is sent their last items; with initial presence those of all.
func (s *Service) Available(ctx context.Context, c xmppd.Client, presence *stream.Element) {
	said := capsOf(presence)
	if !s.clients.setCaps(c, said) {
		return
	}
	if w, ok := s.caps.get(said); ok || said == (caps{}) {
		s.setWanted(ctx, c, said, w)
		return
	}
	query := stanza.AppendAttr([]byte(`<query xmlns="`+stanza.NSDiscoInfo+`"`), "node", said.node+"#"+said.ver)
	c.Request(append(query, "/>"...), func(ctx context.Context, iq *stream.Element) { s.capsAnswered(ctx, c, said, iq) })
}

// Unavailable implements xmppd.PresenceWatcher.
func (s *Service) Unavailable(c xmppd.Client) { s.clients.remove(c) }

// setWanted notes what the client asks for, unless its capabilities changed
// meanwhile, and sends it what is new to it. Its presence stands, whatever
// becomes of that.
func (s *Service) setWanted(ctx context.Context, c xmppd.Client, said caps, w wanted) {
	added := s.clients.setWanted(c, said, w)
	s.unsent(c.User(), s.sendLastItems(ctx, c, added))
}

// capsAnswered reads the features behind a hash. Those that have that hash are
// good for everybody who sends it; others for this client alone (XEP-0115 §5.4,
// S-48).
func (s *Service) capsAnswered(ctx context.Context, c xmppd.Client, said caps, iq *stream.Element) {
	query, ok := iq.Find(stanza.NSDiscoInfo, "query")
	if !ok || iq.Type != "result" {
		return
	}
	var info stanza.Capabilities
	if err := query.Decode(&info); err != nil {
		return
	}
	w := wantedOf(info.Names())
	if info.Verify(said.hash, said.ver) == nil {
		s.caps.put(said, w)
	}
	s.setWanted(ctx, c, said, w)
}

// capsCache is the hashes that are known for everybody. Its zero value is ready.
type capsCache struct {
	mu    sync.Mutex
	known map[caps]wanted // with an empty node: the hash stands for itself
}

func (cc *capsCache) get(c caps) (wanted, bool) {
	c.node = ""
	cc.mu.Lock()
	defer cc.mu.Unlock()
	w, ok := cc.known[c]
	return w, ok
}

func (cc *capsCache) put(c caps, w wanted) {
	c.node = ""
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.known == nil {
		cc.known = make(map[caps]wanted)
	}
	if len(cc.known) >= maxCaps {
		for k := range cc.known { // any: a client that sends it is asked again
			delete(cc.known, k)
			break
		}
	}
	cc.known[c] = w
}
