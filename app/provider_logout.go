package app

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"net/url"

	"foyer/app/auth"
	"foyer/internal/budget"

	"github.com/gofiber/fiber/v2"
)

// What an identity provider does here by itself: it says that somebody is out, or has one of its
// pages begin a sign-in.

// How often one address may say that somebody is out. A provider that ends many sessions at once
// says it of each.
const (
	logoutsPerSecond = 50
	logoutsBurst     = 2000
)

func newLogouts(recorder budget.Recorder) *budget.Rate {
	return budget.NewRate(budget.Limit{Name: "logout tokens of one address"}, logoutsPerSecond, logoutsBurst, recorder)
}

// logOutByProvider: POST /signin/with/:name/logout (OpenID Connect Back-Channel Logout 1.0 §2.5)
func (s *signInPages) logOutByProvider(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store") // §2.8
	source, ok := s.auth.Source(c.Params("name"))
	receiver, receives := source.(auth.LogoutReceiver)
	if !ok || !receives {
		return logoutRefused(c, http.StatusNotFound, "there is no such provider here")
	}
	if !s.logouts.Allow(budget.Network(s.address(c)), 1) {
		c.Set(fiber.HeaderRetryAfter, "1")
		return logoutRefused(c, http.StatusTooManyRequests, "too many logout tokens")
	}
	token, ok := logoutToken(c)
	if !ok {
		return logoutRefused(c, http.StatusBadRequest, "one logout_token is expected, in a form")
	}
	logout, err := receiver.Logout(c.UserContext(), token)
	if err == nil {
		err = s.auth.LogOut(c.UserContext(), source, logout)
	}
	var refused auth.Refusal
	switch {
	case err == nil:
		return c.SendStatus(http.StatusOK)
	case errors.Is(err, auth.ErrUsed):
		return logoutRefused(c, http.StatusBadRequest, "the logout token was used before")
	case errors.As(err, &refused):
		return logoutRefused(c, http.StatusBadRequest, "the logout token is not valid; the log of the site says why")
	}
	// §2.8 has 400 for a logout that failed, too: providers know no other answer.
	s.log.Error("somebody whom the identity provider signed out is still signed in", "source", source.Name(), "err", err)
	return logoutRefused(c, http.StatusBadRequest, "the logout failed; it may be tried again")
}

// logoutToken is the token of a request, which is a form with one (§2.5). An address is no place for it.
func logoutToken(c *fiber.Ctx) (string, bool) {
	kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	tokens := c.Request().PostArgs().PeekMulti("logout_token")
	if err != nil || kind != fiber.MIMEApplicationForm || len(tokens) != 1 {
		return "", false
	}
	return string(bytes.Clone(tokens[0])), true
}

func logoutRefused(c *fiber.Ctx, status int, why string) error {
	return c.Status(status).JSON(fiber.Map{"error": "invalid_request", "error_description": why})
}

// startAtProvider: GET or POST /signin/with/:name/start — a page of the provider's, or of somebody who says so, begins a sign-in
// (OpenID Connect Core 1.0 §4). Nothing that it brings signs anybody in: it begins a redirect like the link of the sign-in
// page, and leads to a page of this site.
func (s *signInPages) startAtProvider(c *fiber.Ctx) error {
	source, err := s.redirectSource(c)
	if err != nil {
		return err
	}
	if c.Method() == fiber.MethodPost { // the same, in an address, so that cookies of this site come with it
		query := url.Values{}
		for _, name := range []string{"iss", "login_hint", "target_link_uri"} {
			query.Set(name, string(c.Request().PostArgs().Peek(name)))
		}
		return c.Redirect("/signin/with/"+source.Name()+"/start?"+query.Encode(), http.StatusSeeOther)
	}
	next := s.localTarget(c.Query("target_link_uri"))
	if viewer(c) != nil {
		return c.Redirect(next, http.StatusSeeOther)
	}
	record := auth.RedirectRecord{Purpose: auth.ToSignIn, Next: next}
	if c.Query("iss") == "" {
		return s.renderSignInFailure(c, source, record, http.StatusUnprocessableEntity, "That link does not say which sign-in it starts. Please start here.")
	}
	return s.startRedirect(c, source, record, c.Query("login_hint"))
}

// localTarget keeps a target within the site: an address of it becomes a path, and any other "/".
func (s *site) localTarget(target string) string {
	u, err := url.Parse(target)
	if err == nil && u.Host != "" && u.User == nil && s.isOrigin(u.Scheme+"://"+u.Host) {
		target = u.RequestURI()
	}
	return localPath(target)
}
