package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
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
	// JID. An IQ get or set must be answered, by Client.Deliver or by returning
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

// Client is one bound resource as a Service sees it. It stays the same through
// resumptions (XEP-0198 §5) and may be kept until Gone. It is safe for
// concurrent use.
type Client interface {
	JID() string  // full
	Bare() string // the account's
	User() string // the account's localpart

	// Deliver queues one stanza and never blocks. The bytes must not be modified
	// afterwards, and may be shared between clients.
	Deliver(stanza []byte)

	// SendSentCarbons tells the account's other clients, as carbon copies, what this one
	// sent through a service to one person (XEP-0280 §6.1): m is from the client,
	// and id is its id in the account's archive, zero when it is in none.
	SendSentCarbons(m *stream.Element, id uuid.UUID)

	// Ready waits until the client's queue has room for a burst, for as long as
	// the client takes to read: the time that a stanza has does not count. It is
	// for the goroutine that serves the client. The error tells that the client's
	// stream is gone: what is sent to it is kept, if it can come back.
	Ready(ctx context.Context) error

	// ReadyWithin is Ready for other goroutines: they wait no longer than ctx.
	ReadyWithin(ctx context.Context) error

	// Request sends the client an IQ get in the server's name. answered is called, on
	// the goroutine that serves the client, with the result or the error; it is not
	// called if none comes in time. Of too many requests the oldest is forgotten.
	Request(payload []byte, answered func(ctx context.Context, iq *stream.Element))
}

var _ Client = (*session)(nil)

// JID implements Client.
func (s *session) JID() string { return s.full }

// Bare implements Client.
func (s *session) Bare() string { return s.bare }

// User implements Client.
func (s *session) User() string { return s.user }

// Deliver implements Client.
func (s *session) Deliver(stanza []byte) { s.deliver(stanza) }

// SendSentCarbons implements Client.
func (s *session) SendSentCarbons(m *stream.Element, id uuid.UUID) {
	if isCarbonEligible(m) {
		s.sendSentCarbons(m, id)
	}
}

// Ready implements Client. A client whose stream is lost is ready: what is sent
// to it is kept. Whatever ends the session, or moves it to another stream, closes
// the stream first, which ends the wait.
func (s *session) Ready(ctx context.Context) error { return s.ReadyWithin(context.WithoutCancel(ctx)) }

// ReadyWithin implements Client.
func (s *session) ReadyWithin(ctx context.Context) error {
	if st := s.currentStream(); st != nil {
		return st.Ready(ctx)
	}
	return nil
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

// Send delivers a stanza of a service to an account or one of its resources
// (RFC 6121 §8.5); from and to must be set. A message for somebody who is away
// waits, and is archived for the recipient, as any other would be. Somebody who
// blocks the sender gets nothing, and that is no error. Errors: a *stanza.Error
// when the stanza has nowhere to go, else the store's.
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

func (srv *Server) sendMessage(ctx context.Context, m *stream.Element, to stanza.Address) error {
	if _, err := srv.stores.Accounts.Account(ctx, to.User); err != nil {
		if errors.Is(err, ErrNotFound) {
			return stanza.ErrServiceUnavailable
		}
		return err
	}
	r, err := srv.routeMessage(m, to)
	if err != nil || r.drop {
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

// Domain is the domain of the accounts.
func (srv *Server) Domain() string { return srv.domain }
