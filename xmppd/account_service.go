package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// AccountService is a part of the server that answers at the addresses of accounts,
// such as personal eventing (XEP-0163); a Service has a separate address. It may
// be a PresenceWatcher, a ProfileWatcher, a PrivateView and a DisplayedKeeper as well. Methods are
// called from many goroutines: for one client in order, on the goroutine that serves
// it.
type AccountService interface {
	// Payloads are the payloads of the IQs that it answers.
	Payloads() []stream.Name

	// Answer answers an IQ. It returns the result's payload, nil for an empty one; a
	// *stanza.Error is sent to the client as it is, any other error as
	// internal-server-error.
	Answer(ctx context.Context, r AccountRequest) ([]byte, error)

	// Discovery is what accounts and the server can do by it (XEP-0030). It does not
	// change.
	Discovery() AccountDiscovery

	// NodeInfo answers disco#info about one of an account's nodes, with the payload;
	// item-not-found when there is none of that name.
	NodeInfo(ctx context.Context, c Client, owner, node string) ([]byte, error)

	// Nodes lists the nodes of an account that the client may know of: none if there
	// is no such account (XEP-0030 §8).
	Nodes(ctx context.Context, c Client, owner string) ([]stanza.Item, error)
}

// AccountRequest is an IQ get or set that a client sent to the bare address of an
// account, or to none, which means its own.
type AccountRequest struct {
	Client  Client
	Owner   string // the account's localpart; there may be no such account
	Type    string // get or set
	Payload stream.Child
}

// AccountDiscovery is what an AccountService adds to service discovery.
type AccountDiscovery struct {
	Identities     []stanza.Identity // of accounts
	Features       []string          // of accounts
	ServerFeatures []string          // of the domain
}

// PresenceWatcher is an AccountService that follows who is available.
type PresenceWatcher interface {
	// Available is told of each presence that a client broadcasts, with the client's
	// full JID as its from, after those who see it have got it (RFC 6121 §4.2, §4.4).
	Available(ctx context.Context, c Client, presence *stream.Element)

	// Unavailable tells that a client is no longer available (RFC 6121 §4.5). It is
	// called for every client, possibly again when its session ends.
	Unavailable(c Client)

	// Granted tells that a contact may see an account's presence from now on; both
	// are localparts (RFC 6121 §3.1.5).
	Granted(ctx context.Context, owner, contact string)
}

// ProfileWatcher is an AccountService that wants to know of new accounts, and of
// changes of names and pictures.
type ProfileWatcher interface {
	ProfileChanged(ctx context.Context, a Account)
}

// PrivateView is an AccountService that keeps what is in one element of private XML
// (XEP-0049), or a part of it, in its own way.
type PrivateView interface {
	// PrivateName is the element's name.
	PrivateName() stream.Name

	// ReadPrivate makes of what is stored what the client gets.
	ReadPrivate(ctx context.Context, user string, stored []byte) ([]byte, error)

	// WritePrivate takes what it keeps out of the element that a client sends, and
	// returns what is to be stored.
	WritePrivate(ctx context.Context, user string, sent stream.Child) ([]byte, error)
}

// accountServices is what is mounted on the accounts.
type accountServices struct {
	all       []AccountService
	discovery AccountDiscovery
	presence  []PresenceWatcher
	profiles  []ProfileWatcher
	private   map[stream.Name]PrivateView
	displayed DisplayedKeeper // nil: nobody is
}

// MountOnAccounts adds a service. It must be called before the first Serve.
func (srv *Server) MountOnAccounts(svc AccountService) error {
	m := &srv.mounted
	d := svc.Discovery()
	m.all = append(m.all, svc)
	m.discovery.Identities = append(m.discovery.Identities, d.Identities...)
	m.discovery.Features = append(m.discovery.Features, d.Features...)
	m.discovery.ServerFeatures = append(m.discovery.ServerFeatures, d.ServerFeatures...)
	if w, ok := svc.(PresenceWatcher); ok {
		m.presence = append(m.presence, w)
	}
	if w, ok := svc.(ProfileWatcher); ok {
		m.profiles = append(m.profiles, w)
	}
	if v, ok := svc.(PrivateView); ok {
		m.private[v.PrivateName()] = v
	}
	if k, ok := svc.(DisplayedKeeper); ok {
		m.displayed = k
	}
	for _, name := range svc.Payloads() {
		for _, key := range []iqKey{{toSelf, "get", name}, {toSelf, "set", name}, {toAccount, "get", name}, {toAccount, "set", name}} {
			srv.iqs[key] = answerBy(svc)
		}
	}
	var err error
	srv.ver, err = srv.hashOwnInfo() // the server can do more now
	return err
}

// answerBy passes an IQ on to a service.
func answerBy(svc AccountService) iqHandler {
	return func(ctx context.Context, s *session, iq *stream.Element, payload stream.Child) ([]byte, error) {
		owner, err := s.ownerOf(iq)
		if err != nil {
			return nil, err
		}
		return svc.Answer(ctx, AccountRequest{Client: s, Owner: owner, Type: iq.Type, Payload: payload})
	}
}

// ownerOf returns the account that an IQ is for; without a to the client's own (RFC
// 6120 §10.3.3).
func (s *session) ownerOf(iq *stream.Element) (string, error) {
	if iq.To == "" {
		return s.user, nil
	}
	to, err := stanza.ParseAddress(iq.To)
	return to.User, err
}

// nodeInfo answers disco#info about a node of an account.
func (s *session) nodeInfo(ctx context.Context, owner, node string) ([]byte, error) {
	for _, svc := range s.server.mounted.all {
		info, err := svc.NodeInfo(ctx, s, owner, node)
		if !errors.Is(err, stanza.ErrItemNotFound) {
			return info, err
		}
	}
	return nil, stanza.ErrItemNotFound
}

// handleNodes lists the nodes of an account; beneath a node nothing is listed.
func handleNodes(ctx context.Context, s *session, iq *stream.Element, query stream.Child) ([]byte, error) {
	if beneath, _ := query.Attr("node"); beneath != "" {
		return stanza.ItemsPayload(beneath, nil), nil
	}
	owner, err := s.ownerOf(iq)
	if err != nil {
		return nil, err
	}
	var all []stanza.Item
	for _, svc := range s.server.mounted.all {
		items, err := svc.Nodes(ctx, s, owner)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return stanza.ItemsPayload("", all), nil
}

// presenceGranted tells that a contact, a bare JID, may see user's presence from now on.
func (srv *Server) presenceGranted(ctx context.Context, user, contact string) {
	a, err := stanza.ParseAddress(contact)
	if err != nil || a.Domain != srv.domain {
		return
	}
	for _, w := range srv.mounted.presence {
		w.Granted(ctx, user, a.User)
	}
}
