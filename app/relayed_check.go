package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"foyer/app/auth"
	"foyer/app/remote"
	"foyer/internal/stream"
	"foyer/xmppgw/relay"
)

// ErrNoUpstreamPush: the external chat server lets the site in, and does not tell it of
// messages.
var ErrNoUpstreamPush = errors.New("it does not tell the site of messages, so that nobody is notified whose pages are closed; turn on cloud_notify in Prosody, mod_push in ejabberd (XEP-0357)")

// UpstreamClock is what the external chat server says of the time, and what this machine's
// clock said at that moment: the server judges the site's tokens by its own.
type UpstreamClock struct {
	Theirs, Ours time.Time
	Err          error // it does not tell; the times are nothing then
}

// CheckUpstream signs in to the external chat server, as the site itself does, and asks for its
// clock; one that takes nothing but people's own passwords is only looked at. clock is nil where
// there was nobody to ask as. The error says what to mend.
func CheckUpstream(ctx context.Context, cfg Config, service *auth.Service) (clock *UpstreamClock, err error) {
	r, err := newUpstreamCheck(cfg, service)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Shutdown(context.WithoutCancel(ctx)) }() // it has no streams to wait for
	if err := r.Check(ctx); err != nil || cfg.Login == LoginTyped {
		return nil, err
	}
	_, secret, err := service.Upstream(ctx, stream.Identity{User: auth.ServiceUser})
	if err != nil {
		return nil, err
	}
	session, err := r.SignIn(ctx, auth.ServiceUser, "", secret)
	var refused *relay.RefusedError
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("a token of the site does not sign in there; docs/SERVERS.md has the server's settings, and its clock has to agree with this machine's, since a token is good for a minute: %w", err)
	}
	if err != nil {
		return nil, err
	}
	err = remote.Use(remote.NewConn(session, nil), func(s *remote.Session) error {
		clock = askClock(ctx, s, cfg.Domain)
		offered, err := s.OffersPush(ctx)
		if err == nil && !offered {
			err = ErrNoUpstreamPush
		}
		return err
	})
	return clock, err
}

// newUpstreamCheck is a link to the external chat server for one look at it.
func newUpstreamCheck(cfg Config, service *auth.Service) (*relay.Relay, error) {
	upstream, err := relay.ParseUpstream(cfg.Upstream)
	if err != nil {
		return nil, err
	}
	roots, err := cfg.upstreamRoots()
	if err != nil {
		return nil, err
	}
	authority := upstreamAuthority{service, func(string) {}}
	return relay.New(relay.Config{Domain: cfg.Domain, Upstream: upstream, Roots: roots, Authority: authority, Logger: slog.New(slog.DiscardHandler), PassPasswords: cfg.Login == LoginTyped})
}

// How long a server may take that need not answer.
const clockPatience = 10 * time.Second

// askClock asks the server of a domain for its time. That it does not tell is no error of the
// check: RFC 6120 asks nobody for XEP-0202.
func askClock(ctx context.Context, s *remote.Session, domain string) *UpstreamClock {
	ctx, cancel := context.WithTimeout(ctx, clockPatience)
	defer cancel()
	var c UpstreamClock
	c.Theirs, c.Ours, c.Err = s.Time(ctx, domain)
	return &c
}
