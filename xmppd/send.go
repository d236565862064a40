package xmppd

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// Send delivers a stanza of a service to an account or one of its resources
// (RFC 6121 §8.5); from and to must be set. A message for somebody who is away
// waits, and is archived for the recipient, as any other would be. Somebody who
// blocks the sender gets nothing, and that is no error. Errors: a *stanza.Error
// when the stanza has nowhere to go, or nothing keeps it; else the store's.
func (srv *Server) Send(ctx context.Context, el *stream.Element) error {
	to, err := stanza.ParseAddress(el.To)
	if err != nil {
		return err
	}
	if to.Domain != srv.domain {
		return stanza.ErrRemoteServerNotFound
	}
	if blocked, err := srv.blocklists.blocks(ctx, to.User, el.From); err != nil || blocked {
		return err
	}
	if el.Name.Local == "message" {
		return srv.sendMessage(ctx, el, to)
	}
	if to.Resource == "" {
		if el.Name.Local != "presence" {
			return stanza.ErrServiceUnavailable // S-29
		}
		for _, s := range srv.registry.lookup(to.User).available() {
			s.deliver(el.Raw)
		}
		return nil
	}
	s := srv.registry.session(to)
	if s == nil {
		return stanza.ErrServiceUnavailable
	}
	s.deliver(el.Raw)
	return nil
}

// sendMessage is handleMessage for a service: its messages need no stamp, and are not sent
// again.
func (srv *Server) sendMessage(ctx context.Context, m *stream.Element, to stanza.Address) error {
	if err := srv.checkRecipient(ctx, to.User); err != nil {
		return err
	}
	r, err := srv.routeMessage(m, to)
	if err != nil || r.drop && !archive.ShouldArchive(m) {
		return err
	}
	from, err := stanza.ParseAddress(m.From)
	if err != nil {
		return err
	}
	d := &delivery{message: m, from: from, to: to, route: r}
	if err := srv.archiveMessage(ctx, d); err != nil {
		return err
	}
	return srv.deliverMessage(ctx, d)
}
