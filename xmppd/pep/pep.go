// Package pep is personal eventing (XEP-0163): every account is a pubsub service
// (XEP-0060) whose owner is the only publisher, with capabilities (XEP-0115),
// pictures (XEP-0084) and bookmarks (XEP-0402). It is mounted on the accounts of an
// xmppd.Server. One file per capability.
//
// What changes is stored first, then told; the changes of one account are told in
// the order in which they were stored.
//
// Goroutines: none. Everything happens on the goroutine of the client that asked for
// it, or of the caller of ProfileChanged.
//
// Locks: an account's lock in Service.changing is held while its nodes change, until
// that is told; a method whose name ends in Locked is called with it, or with the
// lock of its receiver. clients.mu and capsCache.mu are innermost: nothing is asked
// and nothing is sent with either.
package pep

import (
	"context"
	"errors"
	"log/slog"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

const (
	nsPubsubOwner  = stanza.NSPubsub + "#owner"
	nsPubsubEvent  = stanza.NSPubsub + "#event"
	nsPubsubErrors = stanza.NSPubsub + "#errors"
)

// Config is what a Service needs.
type Config struct {
	Server   *xmppd.Server
	Store    Store
	Accounts xmppd.AccountStore
	VCards   xmppd.VCardStore // the site's profiles, whose picture is published
	Logger   *slog.Logger     // nil: nothing is logged
}

// Service is personal eventing for the accounts of a server. It is safe for
// concurrent use.
type Service struct {
	server   *xmppd.Server
	domain   string
	store    Store
	accounts xmppd.AccountStore
	vcards   xmppd.VCardStore
	log      *slog.Logger

	// By account: held while its nodes change, from storing a change to telling of it, so that everybody
	// hears of changes in the order in which they were stored.
	changing xmppd.KeyedLock

	clients clients
	caps    capsCache
}

var (
	_ xmppd.AccountService  = (*Service)(nil)
	_ xmppd.PresenceWatcher = (*Service)(nil)
	_ xmppd.ProfileWatcher  = (*Service)(nil)
	_ xmppd.PrivateView     = (*Service)(nil)
	_ xmppd.DisplayedKeeper = (*Service)(nil)
)

// New returns a Service; Server.MountOnAccounts makes it reachable.
func New(cfg Config) (*Service, error) {
	if cfg.Server == nil || cfg.Store == nil || cfg.Accounts == nil || cfg.VCards == nil {
		return nil, errors.New("pep: Config needs Server, Store, Accounts and VCards")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{
		server: cfg.Server, domain: cfg.Server.Domain(), store: cfg.Store,
		accounts: cfg.Accounts, vcards: cfg.VCards, log: cfg.Logger,
	}, nil
}

// bare returns an account's address.
func (s *Service) bare(user string) string { return user + "@" + s.domain }

// Payloads implements xmppd.AccountService.
func (s *Service) Payloads() []stream.Name {
	return []stream.Name{{Space: stanza.NSPubsub, Local: "pubsub"}, {Space: nsPubsubOwner, Local: "pubsub"}}
}

// Answer implements xmppd.AccountService. Only the owner changes a node (XEP-0060
// §7.1.3.1, S-66).
func (s *Service) Answer(ctx context.Context, r xmppd.AccountRequest) ([]byte, error) {
	own := r.Owner == r.Client.User()
	if !own {
		if err := s.checkOwner(ctx, r.Owner); err != nil {
			return nil, err
		}
	}
	c, err := firstOf(r.Payload)
	if err != nil {
		return nil, err
	}
	forOwner := r.Payload.Name.Space == nsPubsubOwner
	if own && r.Type == "set" {
		if err := s.spendChange(ctx, r.Owner, c); err != nil {
			return nil, err
		}
	}
	switch {
	case !forOwner && r.Type == "get":
		return s.answerGet(ctx, r, c)
	case !own:
		return nil, refuseForeign(c)
	case !forOwner:
		return s.answerSet(ctx, r.Owner, r.Payload, c)
	case r.Type == "get":
		return s.answerOwnerGet(ctx, r.Owner, c)
	}
	return nil, s.answerOwnerSet(ctx, r.Owner, c)
}

// checkOwner: an account that does not exist answers nothing (S-23).
func (s *Service) checkOwner(ctx context.Context, owner string) error {
	_, err := s.accounts.Account(ctx, owner)
	if errors.Is(err, xmppd.ErrNotFound) {
		return stanza.ErrServiceUnavailable
	}
	return err
}

// refuseForeign refuses to change another's nodes. Subscriptions come with presence
// (XEP-0163 §4).
func refuseForeign(c stream.Child) error {
	if c.Name.Local == "subscribe" || c.Name.Local == "unsubscribe" {
		return unsupported("subscribe")
	}
	return stanza.ErrForbidden
}

func (s *Service) answerGet(ctx context.Context, r xmppd.AccountRequest, c stream.Child) ([]byte, error) {
	switch c.Name.Local {
	case "items":
		return s.retrieve(ctx, r, c)
	case "subscriptions", "affiliations":
		return s.relations(ctx, r, c)
	case "default":
		return nil, unsupported("retrieve-default-sub")
	case "options":
		return nil, unsupported("subscription-options")
	}
	return nil, stanza.ErrBadRequest
}

func (s *Service) answerSet(ctx context.Context, user string, pubsub, c stream.Child) ([]byte, error) {
	switch c.Name.Local {
	case "publish":
		return s.answerPublish(ctx, user, pubsub, c)
	case "retract":
		return nil, s.answerRetract(ctx, user, c)
	case "create":
		return nil, s.create(ctx, user, pubsub, c)
	case "subscribe", "unsubscribe":
		return nil, unsupported("subscribe")
	case "options":
		return nil, unsupported("subscription-options")
	}
	return nil, stanza.ErrBadRequest
}

func (s *Service) answerOwnerGet(ctx context.Context, user string, c stream.Child) ([]byte, error) {
	switch c.Name.Local {
	case "default":
		dst := append([]byte(`<pubsub xmlns="`+nsPubsubOwner+`"><default>`), defaultConfig("").form()...)
		return append(dst, "</default></pubsub>"...), nil
	case "configure":
		return s.configuration(ctx, user, c)
	case "affiliations":
		return s.nodeAffiliations(ctx, user, c)
	case "subscriptions":
		return nil, unsupported("manage-subscriptions")
	}
	return nil, stanza.ErrBadRequest
}

func (s *Service) answerOwnerSet(ctx context.Context, user string, c stream.Child) error {
	switch c.Name.Local {
	case "configure":
		return s.configure(ctx, user, c)
	case "delete":
		return s.deleteNode(ctx, user, c)
	case "purge":
		return s.purge(ctx, user, c)
	case "affiliations":
		return s.setAffiliations(ctx, user, c)
	case "subscriptions":
		return unsupported("manage-subscriptions")
	}
	return stanza.ErrBadRequest
}

// pubsubError is a condition with an application-specific one (XEP-0060 §14).
func pubsubError(base *stanza.Error, condition string) *stanza.Error {
	e := *base
	e.Extra = `<` + condition + ` xmlns="` + nsPubsubErrors + `"/>`
	return &e
}

// unsupported names the feature that is missing (XEP-0060 §14).
func unsupported(feature string) *stanza.Error {
	e := *stanza.ErrFeatureNotImplemented
	e.Extra = `<unsupported xmlns="` + nsPubsubErrors + `" feature="` + feature + `"/>`
	return &e
}

// firstOf returns the first child of a request: what it is about.
func firstOf(pubsub stream.Child) (stream.Child, error) {
	for c := range pubsub.Children() {
		if c.Name.Space == pubsub.Name.Space {
			return c, nil
		}
	}
	return stream.Child{}, stanza.ErrBadRequest
}

// nodeOf returns the node that an element names.
func nodeOf(c stream.Child) (string, error) {
	node, _ := c.Attr("node")
	switch {
	case node == "":
		return "", pubsubError(stanza.ErrBadRequest, "nodeid-required")
	case len(node) > maxNodeName:
		return "", stanza.ErrNotAcceptable
	}
	return node, nil
}
