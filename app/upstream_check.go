package app

import (
	"context"
	"fmt"
	"log/slog"

	"foyer/app/auth"
	"foyer/internal/stream"
	"foyer/xmppgw/relay"
)

// CheckUpstream signs in to the external chat server, as the site itself does. The
// error says what to mend.
func CheckUpstream(ctx context.Context, cfg Config, service *auth.Service) error {
	upstream, err := relay.ParseUpstream(cfg.Upstream)
	if err != nil {
		return err
	}
	roots, err := cfg.upstreamRoots()
	if err != nil {
		return err
	}
	authority := upstreamAuthority{service, func(string) {}}
	r, err := relay.New(relay.Config{Domain: cfg.Domain, Upstream: upstream, Roots: roots, Authority: authority, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { _ = r.Shutdown(context.WithoutCancel(ctx)) }() // it has no streams to wait for
	if err := r.Check(ctx); err != nil {
		return err
	}
	_, secret, err := service.Upstream(ctx, stream.Identity{User: auth.ServiceUser})
	if err != nil {
		return err
	}
	session, err := r.SignIn(ctx, auth.ServiceUser, secret, "")
	if err != nil {
		return fmt.Errorf("a token of the site does not sign in there; docs/SERVERS.md has the server's settings: %w", err)
	}
	_ = session.Close()
	return session.Conn().Close()
}
