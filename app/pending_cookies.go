package app

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Somebody whom a source has proved, and who has still to choose a user name or to say yes to a link, has a cookie for
// that one answer. The page's address and its form name it: what is answered in one tab is not about whom another
// tab has proved meanwhile.

// maxPending answers are pending in one browser; the oldest goes for a new one. Each costs a request less than 128 bytes.
const maxPending = 4

func (s *site) pendingCookiePrefix() string { return s.cookieName() + "-pending-" }

// keepPending keeps the secret of a pending answer with the browser, and returns what names it.
func (s *site) keepPending(c *fiber.Ctx, secret string, expires time.Time) (of string) {
	s.makeRoom(c, s.pendingCookiePrefix(), maxPending)
	of = cookieKey(secret)
	cookie := s.cookie(s.pendingCookiePrefix()+of, datedCookie(secret))
	cookie.Expires = expires
	c.Cookie(cookie)
	return of
}

// pendingCookie is the name of the cookie of the answer that a request is about; empty: none.
func (s *site) pendingCookie(c *fiber.Ctx) string {
	name := s.pendingCookiePrefix() + c.FormValue("of")
	if !isKeyed(s.pendingCookiePrefix(), name) {
		return ""
	}
	return name
}

// pendingSecret is the secret of the answer that a request is about; empty: there is none.
func (s *site) pendingSecret(c *fiber.Ctx) string {
	name := s.pendingCookie(c)
	if name == "" {
		return ""
	}
	_, secret, _ := strings.Cut(readCookie(c, name), ".")
	return secret
}

func (s *site) dropPending(c *fiber.Ctx) {
	if name := s.pendingCookie(c); name != "" {
		s.dropCookie(c, name)
	}
}
