package app

import (
	"context"
	"fmt"
	"net"
	"slices"

	"foyer/app/auth"
	"foyer/app/extauth"
)

// The listeners at which other chat servers ask whether a login is good (package extauth).
// There are none unless the settings say where.

// authListener is one that is open.
type authListener struct {
	setting  string
	listener net.Listener
	serve    func(context.Context, net.Listener) error
}

// checkAuthListeners checks the settings of the listeners.
func (c Config) checkAuthListeners(check func(bool, string, ...any)) {
	for setting, addr := range map[string]string{"XMPP_AUTH_DOVECOT": c.AuthDovecot, "XMPP_AUTH_HTTP": c.AuthHTTP} {
		if addr == "" {
			continue
		}
		err := extauth.CheckAddress(addr)
		check(err == nil, "%s=%q %v", setting, addr, err)
	}
	check(c.AuthDovecot == "" || c.AuthDovecot != c.AuthHTTP, "XMPP_AUTH_DOVECOT and XMPP_AUTH_HTTP need two addresses; they are both %s", c.AuthHTTP)
	check(c.AuthHTTP == "" || extauth.IsUnix(c.AuthHTTP) || c.AuthSecret != "", "XMPP_AUTH_SECRET is empty: a server that asks at XMPP_AUTH_HTTP=%s has to know one, since every program of this machine gets there; set it, or use a unix socket", c.AuthHTTP)
	check(c.AuthSecret == "" || len(c.AuthSecret) >= minAuthSecret, "XMPP_AUTH_SECRET must be at least %d characters; `openssl rand -hex 32` makes a good one", minAuthSecret)
	for _, way := range c.authAccept() {
		oneOf(check, "XMPP_AUTH_ACCEPT", way, acceptToken, acceptAppPassword, acceptPassword)
	}
}

// minAuthSecret is the minimum length of XMPP_AUTH_SECRET, in bytes.
const minAuthSecret = 16

// What XMPP_AUTH_ACCEPT names.
const (
	acceptToken       = "token"
	acceptAppPassword = "app-password"
	acceptPassword    = "password"
)

// authAccept is what other chat servers take as a password.
func (c Config) authAccept() []string {
	if c.AuthAccept == "" && (c.Login == LoginPassword || c.Login == LoginTyped) {
		return []string{acceptToken, acceptAppPassword, acceptPassword}
	}
	if c.AuthAccept == "" {
		return []string{acceptToken, acceptAppPassword}
	}
	return settingList(c.AuthAccept)
}

// apps reports whether apps can sign in: at this site's own ports, or at another server
// that takes their passwords. One that asks by `foyer extauth` has no setting of its own:
// then XMPP_AUTH_ACCEPT says so.
func (c Config) apps() bool {
	asks := c.AuthDovecot != "" || c.AuthHTTP != "" || c.AuthAccept != ""
	return c.Native() || (asks && slices.Contains(c.authAccept(), acceptAppPassword))
}

func (c Config) accepted() auth.Accepted {
	list := c.authAccept()
	tokens := slices.Contains(list, acceptToken)
	return auth.Accepted{
		Tokens: tokens, SignedTokens: tokens,
		AppPasswords: slices.Contains(list, acceptAppPassword), Passwords: slices.Contains(list, acceptPassword),
	}
}

// listenAuth opens the listeners.
func (s *Server) listenAuth() error {
	for _, d := range []struct {
		setting, addr string
		serve         func(context.Context, net.Listener) error
	}{
		{"XMPP_AUTH_DOVECOT", s.cfg.AuthDovecot, extauth.NewDovecot(s.auth.DelegatedAuth, s.cfg.Domain, s.log).Serve},
		{"XMPP_AUTH_HTTP", s.cfg.AuthHTTP, extauth.NewHTTP(s.auth.DelegatedAuth, s.cfg.Domain, s.cfg.AuthSecret, s.log).Serve},
	} {
		if d.addr == "" {
			continue
		}
		l, err := extauth.Listen(d.addr, s.cfg.AuthGroup)
		if err != nil {
			s.closeAuth()
			return fmt.Errorf("cannot listen on %s; stop what uses it, or change %s (and XMPP_AUTH_GROUP): %w", d.addr, d.setting, err)
		}
		s.authListeners = append(s.authListeners, authListener{d.setting, l, d.serve})
	}
	return nil
}

// closeAuth closes what listenAuth opened, when the site does not serve after all.
func (s *Server) closeAuth() {
	for _, d := range s.authListeners {
		d.listener.Close()
	}
}

// serveAuth serves one listener until ctx ends.
func (s *Server) serveAuth(ctx context.Context, d authListener) {
	s.log.Info("chat servers may ask", "at", d.listener.Addr().String(), "setting", d.setting)
	if err := d.serve(ctx, d.listener); err != nil {
		s.log.Error("chat servers cannot ask any more", "setting", d.setting, "err", err)
	}
}

var _ extauth.Site = (*auth.DelegatedAuth)(nil)
