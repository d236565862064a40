package app

import (
	"context"
	"errors"
	"strings"

	"foyer/app/auth"
	"foyer/internal/stream"
	"foyer/xmppgw"
)

// newGateway makes the gateway to the chat server.
func (s *Server) newGateway() (*xmppgw.Gateway, error) {
	login := s.cfg.Login
	return xmppgw.New(xmppgw.Config{
		Domain: s.cfg.Domain, Auth: s, Server: s.chat, Logger: s.log, BaseURL: s.BaseURL, Origin: s.trust,
		Proofs: s.cfg.headerProofs(),
		Address: func(h xmppgw.Header, peer string) string {
			return clientAddress(s.proxies, peer, h.Get("X-Forwarded-For"))
		},
		Secure:     func(h xmppgw.Header, peer string) bool { return secure(s.proxies, peer, h.Get("X-Forwarded-Proto")) },
		PerAddress: s.cfg.StreamsPerAddress, PerUser: s.cfg.StreamsPerAccount, Recorder: s.limits,
		CreateRate: s.cfg.NewStreamsPerAddress, CreateBurst: streamBurst(s.cfg.NewStreamsPerAddress), Refusals: s.refusals.Refusals,
		Mode: string(login), SeeOther: s.cfg.SeeOther, Compress: s.cfg.BOSHCompression,
		External: login == LoginSession || login == LoginPrebind,
		Password: login == LoginToken || login == LoginSigned || login == LoginPassword || login == LoginTyped,
		// what is kept of the site's own passwords is not for SCRAM, and a directory's are not here.
		NoSCRAM: login == LoginPassword || login == LoginTyped || s.cfg.LDAP.native(),
	})
}

// FromRequest implements xmppgw.Authenticator: the site session behind a WebSocket or BOSH
// request, and with HEADER_SIGNIN whether the proxy's header stands behind that. The gateway
// itself reads what comes later on a BOSH client's connection, which passes no handler of the
// site's.
func (s *Server) FromRequest(ctx context.Context, h xmppgw.Header, peer string) (stream.Identity, error) {
	secret := cookieValue(h.Get("Cookie"), s.cookieName())
	if secret == "" {
		return stream.Identity{}, xmppgw.ErrNoSession
	}
	session, account, err := s.auth.Session(ctx, secret)
	if source := s.auth.HeaderSource(); err == nil && source != nil {
		err = s.auth.Vouched(ctx, source, s.headersOf(h.Get, peer), session, account)
	}
	if errors.Is(err, auth.ErrGone) || errors.Is(err, auth.ErrInvalidCredentials) {
		return stream.Identity{}, xmppgw.ErrNoSession
	}
	return auth.ChatIdentity(account, session), err
}

// streamBurst is how many streams one address may open at once, of how many it may a second;
// never none, which the gateway takes for its default.
func streamBurst(perSecond float64) int { return max(int(30*perSecond), 1) }

// checkSeeOther: people of a site with TLS are not sent to one without (RFC 7395
// §3.6.1).
func (c Config) checkSeeOther(check func(bool, string, ...any)) {
	if c.SeeOther == "" {
		return
	}
	origin, err := normalOrigin(c.SeeOther)
	isSite := err == nil && (strings.HasPrefix(origin, "https:") || strings.HasPrefix(origin, "http:"))
	check(isSite, "XMPP_SEE_OTHER=%q must be the URL of a site, such as https://new.example", c.SeeOther)
	check(!isSite || strings.HasPrefix(origin, "https:") || !strings.HasPrefix(c.BaseURL, "https:"),
		"XMPP_SEE_OTHER=%q must begin with https, as BASE_URL does", c.SeeOther)
	check(err != nil || origin != c.BaseURL, "XMPP_SEE_OTHER=%q is this site, so that people would be sent around in circles; name the other one", c.SeeOther)
}
