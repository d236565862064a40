package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// Service is a part of the server with a separate address, such as group
// chat at conference.DOMAIN. Its methods are called from many goroutines: for
// one client in order, on the goroutine that serves it.
type Service interface {
	// Domain is its address, prepared; Name is what people see in lists.
	Domain() string
	Name() string

	// Handle handles a stanza that a client sent to the service, or to an address
	// at its domain: to is its prepared to, and from is set to the client's full
	// JID. An IQ get or set must be answered, by Server.Answer or by returning
	// an error; a *stanza.Error is sent to the client as it is, any other error as
	// internal-server-error.
	Handle(ctx context.Context, c Client, el *stream.Element, to stanza.Address) error

	// Gone tells that a client is no longer available (RFC 6121 §4.5.2). It is
	// called for every client, whether it ever wrote to the service or not, and
	// possibly again when its session ends; presence is the stanza to show, with
	// the client's full JID as its from.
	Gone(ctx context.Context, c Client, presence *stream.Element)
}

// AccountWatcher is a Service that wants to know of accounts that are deleted or
// blocked. It is told after their sessions ended.
type AccountWatcher interface {
	AccountRemoved(ctx context.Context, user string)
}

// ChangeWatcher is a Service that wants to know of accounts that changed, such as who runs the site.
type ChangeWatcher interface {
	AccountChanged(ctx context.Context, user string)
}

// BlockWatcher is a Service that wants to know when an account blocks, or unblocks, addresses
// at its domain (XEP-0191 §3.3, §3.4). It is told for each of the account's clients, after
// Server.BlockedAt answers with the new list and before any client is told of it.
type BlockWatcher interface {
	BlocksChanged(ctx context.Context, c Client)
}

// Mount adds a service. It must be called before the first Serve.
func (srv *Server) Mount(svc Service) { srv.services = append(srv.services, svc) }

// service returns the service at a domain, or nil.
func (srv *Server) service(domain string) Service {
	for _, svc := range srv.services {
		if svc.Domain() == domain {
			return svc
		}
	}
	return nil
}

// toService passes a stanza to the service it is for. It reports false when
// there is none at that domain.
func (s *session) toService(ctx context.Context, el *stream.Element, to stanza.Address) (bool, error) {
	svc := s.server.service(to.Domain)
	if svc == nil {
		return false, nil
	}
	if el.Type != "error" && el.Type != "unavailable" {
		if err := s.checkBlocked(ctx, to); err != nil {
			return true, err
		}
	}
	stamped, err := el.Edit().Set("from", s.full).SetLang(s.lang()).Element()
	if err != nil {
		return true, err
	}
	return true, svc.Handle(ctx, s, stamped, to)
}

// leaveServices tells the services that the session is no longer available.
func (s *session) leaveServices(ctx context.Context, raw []byte) {
	if len(s.server.services) == 0 {
		return
	}
	presence, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	if err != nil {
		s.log().Error("services were not told who left", "err", err)
		return
	}
	for _, svc := range s.server.services {
		svc.Gone(ctx, s, presence)
	}
}

// presenceToService sends directed presence to a service, with the picture's
// hash as in any other (XEP-0398 §4). The service tracks it itself.
func (s *session) presenceToService(ctx context.Context, p *stream.Element, to stanza.Address) error {
	own := p
	if p.Type == "" && s.server.service(to.Domain) != nil {
		var err error
		if own, err = s.stamp(ctx, p); err != nil {
			return err
		}
	}
	there, err := s.toService(ctx, own, to)
	if !there {
		return stanza.ErrRemoteServerNotFound
	}
	return err
}

// Archive is the archives of accounts and of services.
func (srv *Server) Archive() *archive.Archive { return srv.archive }

// VCardOf returns an account's vCard as a payload (XEP-0054 §3.3);
// service-unavailable when there is none.
func (srv *Server) VCardOf(ctx context.Context, user string) ([]byte, error) {
	raw, err := srv.vcard(ctx, user)
	if errors.Is(err, ErrNotFound) {
		return nil, stanza.ErrServiceUnavailable
	}
	return raw, err
}

// Blocks reports whether an account has blocked a JID (XEP-0191 §3).
func (srv *Server) Blocks(ctx context.Context, user, jid string) (bool, error) {
	return srv.blocklists.blocks(ctx, user, jid)
}

// Blocked is what an account blocks at a service. The zero value is nothing; it is immutable, and
// of two that differ one was read after a change.
type Blocked struct{ list *blocklist }

// Has reports whether an address is blocked (XEP-0191 §3.2).
func (b Blocked) Has(a stanza.Address) bool { return b.list != nil && b.list.matches(a) }

// BlockedAt returns what an account blocks at a domain. It asks the store only for an account
// whose list is not in memory; errors are the store's.
func (srv *Server) BlockedAt(ctx context.Context, user, domain string) (Blocked, error) {
	list, err := srv.blocklists.of(ctx, user)
	if err != nil {
		return Blocked{}, err
	}
	for jid := range list.jids {
		if a, err := stanza.ParseAddress(jid); err == nil && a.Domain == domain {
			return Blocked{list}, nil
		}
	}
	return Blocked{}, nil
}

// Domain is the domain of the accounts.
func (srv *Server) Domain() string { return srv.domain }
