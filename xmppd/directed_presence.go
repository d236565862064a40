package xmppd

import (
	"context"
	"iter"
	"maps"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Directed presence (RFC 6121 §4.6): a client shows itself to one address that it
// names. The session remembers to whom, and tells them when it leaves.

// Bounds of the addresses that one session shows itself to.
const (
	maxDirected      = 1000
	maxDirectedBytes = 64 << 10
)

// direct sends presence to one entity and remembers it (RFC 6121 §4.6, S-43).
func (s *session) direct(ctx context.Context, p *stream.Element, to stanza.Address) error {
	if to.User == "" {
		return nil // the server itself has no use for presence
	}
	jid := to.String()
	s.mu.Lock()
	_, known := s.directed[jid]
	if p.Type == "unavailable" {
		delete(s.directed, jid)
	} else if !known && (len(s.directed) >= maxDirected || length(maps.Keys(s.directed))+len(jid) > maxDirectedBytes) {
		s.mu.Unlock()
		return stanza.ErrResourceConstraint
	} else {
		if s.directed == nil {
			s.directed = make(map[string]struct{})
		}
		s.directed[jid] = struct{}{}
	}
	s.mu.Unlock()
	own, err := s.stampDirected(ctx, p)
	if err != nil {
		return err
	}
	s.server.deliverDirected(ctx, s.full, to, own)
	return nil
}

// length is how many bytes some texts have together.
func length(texts iter.Seq[string]) (n int) {
	for t := range texts {
		n += len(t)
	}
	return n
}

func (s *session) stampDirected(ctx context.Context, p *stream.Element) ([]byte, error) {
	if p.Type == "unavailable" {
		return p.Edit().Set("from", s.full).SetLang(s.lang()).Bytes(), nil
	}
	own, err := s.stamp(ctx, p)
	if err != nil {
		return nil, err
	}
	return own.Raw, nil
}

// deliverDirected delivers to a full JID, or to all available resources of a
// bare one (RFC 6121 §8.5.2.1.2, §8.5.3.1).
func (srv *Server) deliverDirected(ctx context.Context, from string, to stanza.Address, raw []byte) {
	if user := localpart(from); user != to.User && srv.EitherBlocks(ctx, user, to.User) {
		return
	}
	sessions := srv.registry.lookup(to.User).available()
	if to.Resource != "" {
		sessions = nil
		if o := srv.registry.session(to); o != nil {
			sessions = []*session{o}
		}
	}
	for _, o := range sessions {
		if !srv.blocklists.clientBlocked(ctx, from, o) {
			o.deliver(raw)
		}
	}
}
