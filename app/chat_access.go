package app

import (
	"context"
	"errors"
	"net/url"
	"time"

	"foyer/app/auth"
	"foyer/models"
	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2"
)

// chatAccess lets the chat of a page in.
type chatAccess struct {
	*site
	auth     *auth.Service
	throttle *models.Throttle
	gateway  *xmppgw.Gateway
}

func (s *chatAccess) chatRoutes(xmpp fiber.Router) {
	xmpp.Get("/me", s.me)
	xmpp.Get("/credentials", notByHead("GET"), s.credentials)
	xmpp.Get("/prebind", notByHead("GET, POST"), s.prebind)
	xmpp.Post("/prebind", s.prebind)
}

var errOtherPages = &Error{Code: Forbidden, Public: "This is for the pages of this site only."}

// ownPages guards /xmpp/*: only this site's own pages may ask, and those of
// CHAT_ORIGINS that the cookie comes with. The answers are JSON, never a redirect,
// which Converse would try to read.
func (s *chatAccess) ownPages(c *fiber.Ctx) error {
	c.Set("Cache-Control", "no-store")
	origin := c.Get("Origin")
	switch c.Get("Sec-Fetch-Site") {
	case "", "same-origin":
	case "same-site":
		if origin == "" {
			return errOtherPages
		}
	default:
		return errOtherPages
	}
	if origin != "" && s.trust(origin) != xmppgw.TrustCookies {
		return errOtherPages
	}
	if referer := c.Get("Referer"); referer != "" {
		u, err := url.Parse(referer)
		if err != nil || s.trust(u.Scheme+"://"+u.Host) != xmppgw.TrustCookies {
			return errOtherPages
		}
	}
	return c.Next()
}

var errNotSignedIn = &Error{Code: Unauthorized, Public: "You are not signed in."}

// me: GET /xmpp/me — who is signed in, so that a page can tell "signed out" from
// "the server is away".
func (s *chatAccess) me(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	return c.JSON(fiber.Map{"user": v.account.Username})
}

// Credentials and prebound sessions that one person may ask for in a minute.
const askedPerMinute = 60

func (s *chatAccess) capAsking(c *fiber.Ctx, v *requestSession) error {
	wait, err := s.throttle.Attempt(c.UserContext(), "chat:"+v.account.Username, askedPerMinute, time.Minute)
	if err != nil {
		return err
	}
	if wait > 0 {
		return &Error{Code: TooMany, Public: "Too many attempts. Please wait a minute."}
	}
	return nil
}

// credentials: GET /xmpp/credentials — {jid, password} for Converse; the
// password is a token that works once and for a minute, or with XMPP_LOGIN=typed the
// real one.
func (s *chatAccess) credentials(c *fiber.Ctx) error {
	if s.cfg.Login != LoginToken && s.cfg.Login != LoginSigned && s.cfg.Login != LoginTyped {
		return &Error{Code: NotFound, Public: "This site does not sign in to the chat with tokens (XMPP_LOGIN is " + string(s.cfg.Login) + ")."}
	}
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	if err := s.capAsking(c, v); err != nil {
		return err
	}
	password, err := s.chatPassword(c, v)
	switch {
	case errors.Is(err, auth.ErrGone):
		return errNotSignedIn
	case errors.Is(err, auth.ErrNotStored):
		return &Error{Code: Conflict, Public: "To enter the chat, sign out and sign in again."}
	}
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"jid": v.account.Username + "@" + s.cfg.Domain, "password": password})
}

// chatPassword is what the page signs in to the chat with.
func (s *chatAccess) chatPassword(c *fiber.Ctx, v *requestSession) (string, error) {
	if s.cfg.Login == LoginTyped {
		// It opens more than the chat: no other origin gets it, those of CHAT_ORIGINS
		// included.
		if origin := c.Get("Origin"); c.Get("Sec-Fetch-Site") == "same-site" || (origin != "" && !s.isOrigin(origin)) {
			return "", errOtherPages
		}
		return s.auth.StoredPassword(c.UserContext(), v.session, readCookie(c, s.cookieName()))
	}
	return s.auth.ChatToken(c.UserContext(), v.account, v.session.ID)
}

// prebind: GET or POST /xmpp/prebind — {jid, sid, rid} of a BOSH session that is
// signed in.
func (s *chatAccess) prebind(c *fiber.Ctx) error {
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
	session, err := s.gateway.Prebind(ctx, auth.ChatIdentity(v.account, v.session), s.address(c))
	if err != nil {
		return &Error{Code: Unavailable, Public: "The chat is not available right now.", Err: err}
	}
	return c.JSON(session)
}
