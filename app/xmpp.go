package app

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"foyer/internal/stream"
	"foyer/models"
	"foyer/token"
	"foyer/xmppd"
	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2"
)

// sameOrigin guards /xmpp/*: only this site's own pages may ask. The answers are
// JSON, never a redirect, which Converse would try to read.
func (s *Server) sameOrigin(c *fiber.Ctx) error {
	c.Set("Cache-Control", "no-store")
	if site := c.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return &Error{Code: Forbidden, Public: "This is for the pages of this site only."}
	}
	if origin := c.Get("Origin"); origin != "" && !s.isOrigin(origin) {
		return &Error{Code: Forbidden, Public: "This is for the pages of this site only."}
	}
	if referer := c.Get("Referer"); referer != "" {
		u, err := url.Parse(referer)
		if err != nil || !s.isOrigin(u.Scheme+"://"+u.Host) {
			return &Error{Code: Forbidden, Public: "This is for the pages of this site only."}
		}
	}
	return c.Next()
}

var errNotSignedIn = &Error{Code: Unauthorized, Public: "You are not signed in."}

// me: GET /xmpp/me — who is signed in, so that a page can tell "signed out" from
// "the server is away".
func (s *Server) me(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	return c.JSON(fiber.Map{"user": v.account.Username})
}

// Credentials and prebound sessions that one person may ask for in a minute.
const askedPerMinute = 60

func (s *Server) capAsking(c *fiber.Ctx, v *visit) error {
	wait, err := s.db.Attempt(c.UserContext(), "chat:"+v.account.Username, askedPerMinute, time.Minute)
	if err != nil {
		return err
	}
	if wait > 0 {
		return &Error{Code: TooMany, Public: "Too many attempts. Please wait a minute."}
	}
	return nil
}

// credentials: GET /xmpp/credentials — {jid, password} for Converse; the
// password is a token that works once and for a minute.
func (s *Server) credentials(c *fiber.Ctx) error {
	if s.cfg.Login != LoginToken && s.cfg.Login != LoginSigned {
		return &Error{Code: NotFound, Public: "This site does not sign in to the chat with tokens (XMPP_LOGIN is " + string(s.cfg.Login) + ")."}
	}
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	if err := s.capAsking(c, v); err != nil {
		return err
	}
	jid := v.account.Username + "@" + s.cfg.Domain
	var password string
	var err error
	if s.cfg.Login == LoginSigned {
		password, err = s.signer.Sign(jid, v.session.ID, time.Now())
	} else {
		var hash []byte
		password, hash = token.New()
		err = s.db.SaveToken(c.UserContext(), hash, v.account.ID, v.session.ID, time.Now().Add(token.Lifetime))
	}
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"jid": jid, "password": password})
}

// prebind: GET or POST /xmpp/prebind — {jid, sid, rid} of a BOSH session that is
// signed in.
func (s *Server) prebind(c *fiber.Ctx) error {
	if s.cfg.Login != LoginPrebind {
		return &Error{Code: NotFound, Public: "This site does not prebind (XMPP_LOGIN is " + string(s.cfg.Login) + ")."}
	}
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	if err := s.capAsking(c, v); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), 10*time.Second)
	defer cancel()
	session, err := s.gateway.Prebind(ctx, identity(v.account, v.session), s.address(c))
	if err != nil {
		return &Error{Code: Unavailable, Public: "The chat is not available just now.", Err: err}
	}
	return c.JSON(session)
}

func identity(a models.Account, s models.Session) stream.Identity {
	return stream.Identity{User: a.Username, Session: s.ID, Expires: s.ExpiresAt}
}

// FromRequest implements xmppgw.Authenticator: the site session behind a
// WebSocket or BOSH request.
func (s *Server) FromRequest(ctx context.Context, h xmppgw.Header) (stream.Identity, error) {
	cookies, err := http.ParseCookie(h.Get("Cookie"))
	if err != nil {
		return stream.Identity{}, xmppgw.ErrNoSession
	}
	for _, c := range cookies {
		if c.Name != s.cookieName() {
			continue
		}
		session, account, err := s.db.SessionBySecret(ctx, token.Hash(c.Value))
		if errors.Is(err, models.ErrNotFound) {
			return stream.Identity{}, xmppgw.ErrNoSession
		}
		return identity(account, session), err
	}
	return stream.Identity{}, xmppgw.ErrNoSession
}

// Current implements xmppd.Authority.
func (s *Server) Current(ctx context.Context, id stream.Identity) error {
	err := s.db.SessionCurrent(ctx, id.Session, id.User)
	if errors.Is(err, models.ErrNotFound) {
		return xmppd.ErrNotAuthorized
	}
	return err
}

// Password implements xmppd.Authority: temporary tokens and app passwords
// always, signed tokens and the account's password where the site's mode has
// them.
func (s *Server) Password(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error) {
	owner, session, err := s.db.ConsumeToken(ctx, token.Hash(password))
	switch {
	case err == nil && owner == user:
		return stream.Identity{User: user, Session: session}, nil
	case err == nil:
		return stream.Identity{}, xmppd.ErrNotAuthorized
	case !errors.Is(err, models.ErrNotFound):
		return stream.Identity{}, err
	}
	if id, err := s.appPassword(ctx, user, password); !errors.Is(err, xmppd.ErrNotAuthorized) {
		return id, err
	}
	switch s.cfg.Login {
	case LoginSigned:
		return s.signedPassword(ctx, user, password)
	case LoginPassword:
		return s.accountPassword(ctx, user, password, peer)
	}
	return stream.Identity{}, xmppd.ErrNotAuthorized
}

// signedPassword checks a signed token, which is good once.
func (s *Server) signedPassword(ctx context.Context, user, password string) (stream.Identity, error) {
	claims, err := s.signer.Verify(password)
	if errors.Is(err, token.ErrExpired) && claims.JID == user+"@"+s.cfg.Domain {
		return stream.Identity{}, xmppd.ErrExpired
	}
	if err != nil || claims.JID != user+"@"+s.cfg.Domain {
		return stream.Identity{}, xmppd.ErrNotAuthorized
	}
	err = s.db.UseTokenID(ctx, claims.ID, claims.ExpiresAt.Time)
	if errors.Is(err, models.ErrTaken) {
		err = xmppd.ErrNotAuthorized
	}
	return stream.Identity{User: user, Session: claims.Session}, err
}

// accountPassword checks what a person typed, within the bounds of signing in
// to the site.
func (s *Server) accountPassword(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error) {
	for key, limit := range map[string]int{"signin:address:" + peer.Addr: attemptsPerAddress, "signin:account:" + user: attemptsPerAccount} {
		wait, err := s.db.Attempt(ctx, key, limit, attemptWindow)
		if err != nil {
			return stream.Identity{}, err
		}
		if wait > 0 {
			return stream.Identity{}, xmppd.ErrNotAuthorized
		}
	}
	account, err := s.checkPassword(ctx, user, password)
	if errors.Is(err, errWrongPassword) {
		return stream.Identity{}, xmppd.ErrNotAuthorized
	}
	if err != nil {
		return stream.Identity{}, err
	}
	// A page of the site is signed in there too: signing out ends both.
	id := stream.Identity{User: account.Username}
	if peer.Identity.User == account.Username {
		id.Session, id.Expires = peer.Identity.Session, peer.Identity.Expires
	}
	return id, s.db.ResetAttempts(ctx, "signin:account:"+user)
}
