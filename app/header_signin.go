package app

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"foyer/app/auth"

	"github.com/gofiber/fiber/v2"
)

// People whom a proxy in front has proved (HEADER_SIGNIN). The proxy tells it with every
// request, and so each request is checked: the session's cookie alone is not enough for a
// session that began so.

func (c Config) headerSettings() auth.HeaderSettings {
	return auth.HeaderSettings{
		Label: c.HeaderLabel, User: c.HeaderSignIn, Name: c.HeaderName, Groups: c.HeaderGroups,
		AdminGroups: settingGroups(c.HeaderAdminGroups), SignOutURL: c.HeaderSignOut,
	}
}

// headerProofs are the headers that prove who somebody is, besides cookies.
func (c Config) headerProofs() []string {
	if c.HeaderSignIn == "" {
		return nil
	}
	return []string{c.HeaderSignIn}
}

// settingGroups reads names of groups separated by commas; nil: none is named.
func settingGroups(value string) []string {
	var groups []string
	for _, group := range strings.Split(value, ",") {
		if group = strings.TrimSpace(group); group != "" {
			groups = append(groups, group)
		}
	}
	return groups
}

// checkHeader checks the settings of header sign-on.
func (c Config) checkHeader(check func(bool, string, ...any)) {
	if c.HeaderSignIn == "" {
		return
	}
	proxies, err := parseProxies(c.TrustedProxies)
	check(err != nil || len(proxies) > 0, "HEADER_SIGNIN is believed from TRUSTED_PROXIES alone, and there are none; name the proxy's address, such as 127.0.0.1")
	for _, p := range proxies {
		check(p.Bits() > 0, "TRUSTED_PROXIES=%s is everybody: with HEADER_SIGNIN anybody could be anybody; name the proxy's address", p)
	}
	for setting, name := range map[string]string{"HEADER_SIGNIN": c.HeaderSignIn, "HEADER_SIGNIN_NAME": c.HeaderName, "HEADER_SIGNIN_GROUPS": c.HeaderGroups} {
		check(name == "" || regexp.MustCompile(`^[A-Za-z0-9-]+$`).MatchString(name), "%s=%q must be a header's name, of letters, digits and hyphens, such as X-Forwarded-User", setting, name)
		check(!strings.EqualFold(name, "Cookie") && !strings.EqualFold(name, "X-Forwarded-For"), "%s=%s is a header with another meaning", setting, name)
	}
	check(c.HeaderAdminGroups == "" || c.HeaderGroups != "", "HEADER_SIGNIN_ADMIN_GROUPS needs HEADER_SIGNIN_GROUPS, the header with the groups")
	check(c.HeaderSignOut == "" || strings.HasPrefix(c.HeaderSignOut, "/") || strings.HasPrefix(c.HeaderSignOut, "https://"), "HEADER_SIGNOUT_URL=%q must begin with / or https://", c.HeaderSignOut)
}

// headerAnswer is what the headers of a request say.
func (s *signInPages) headerAnswer(c *fiber.Ctx) auth.Answer {
	a := s.headersOf(func(name string) string {
		return string(bytes.Join(c.Request().Header.PeekAll(name), []byte(","))) // RFC 9110 §5.3
	}, c.Context().RemoteIP().String())
	a.From = s.client(c)
	return a
}

// headersOf is what the headers of a request say, of which get returns each, several lines
// of it as one list. From all but trusted proxies they say nothing, whatever they are.
func (s *site) headersOf(get func(name string) string, peer string) auth.Answer {
	a := auth.Answer{Form: func(string) string { return "" }}
	if trusted(s.proxies, peer) {
		a.Header = get
	}
	return a
}

// hasHeader reports whether the request names somebody.
func (s *signInPages) hasHeader(c *fiber.Ctx, source auth.Source) bool {
	_, err := source.Finish(c.UserContext(), s.headerAnswer(c))
	return err == nil
}

// checkHeader guards every page, and FromRequest every stream: a request whose header names another person
// than the session has ends the session, and one without a header has none that began by it.
func (s *signInPages) checkHeader(c *fiber.Ctx) error {
	source, secret := s.auth.HeaderSource(), readCookie(c, s.cookieName())
	if source == nil || secret == "" {
		return c.Next()
	}
	session, account, err := s.auth.Session(c.UserContext(), secret)
	if errors.Is(err, auth.ErrGone) {
		return c.Next()
	}
	if err == nil {
		err = s.auth.Vouched(c.UserContext(), source, s.headerAnswer(c), session, account)
	}
	switch {
	case errors.Is(err, auth.ErrGone), errors.Is(err, auth.ErrInvalidCredentials):
		c.Request().Header.DelAllCookies() // it is nobody's request, for all that come after
		return c.Next()
	case err != nil:
		return headerError(err)
	}
	return c.Next()
}

// headerError is a header that says what cannot be: the proxy is set up wrong, and nobody is
// let in on the strength of that.
func headerError(err error) error {
	if refused, ok := errors.AsType[auth.Refusal](err); ok {
		return &Error{Code: Invalid, Public: refused.Error(), Err: err}
	}
	return &Error{Code: Unavailable, Public: errDatabaseUnreachable.Public, Err: err}
}

// headerPauseCookieName is the cookie of a browser in which somebody signed out, while the
// proxy knows them still: they sign in again by a click.
func (s *signInPages) headerPauseCookieName() string { return s.cookieName() + "-out" }

func (s *signInPages) pauseHeader(c *fiber.Ctx) {
	if s.auth.HeaderSource() != nil {
		c.Cookie(s.cookie(s.headerPauseCookieName(), "1"))
	}
}

// resumeHeader: GET /signin/with/header
func (s *signInPages) resumeHeader(c *fiber.Ctx) error {
	s.dropCookie(c, s.headerPauseCookieName())
	return c.Redirect(localPath(c.Query("next")), http.StatusSeeOther)
}

// signInByHeader goes on with a request that has no session: where the proxy names somebody,
// one begins, at a page that is asked for.
func (s *signInPages) signInByHeader(c *fiber.Ctx) error {
	source := s.auth.HeaderSource()
	if source == nil || c.Method() != fiber.MethodGet || strings.HasPrefix(c.Path(), "/signin") || strings.HasPrefix(c.Path(), "/xmpp/") || readCookie(c, s.headerPauseCookieName()) != "" {
		return c.Next()
	}
	answer := s.headerAnswer(c)
	in, err := s.auth.SignIn(c.UserContext(), source, answer, s.device(c, false))
	s.countSignIn(source.Name(), err)
	var choose *auth.ChooseNameError
	switch {
	case errors.As(err, &choose):
		return s.askName(c, choose, c.OriginalURL(), false)
	case errors.Is(err, auth.ErrInvalidCredentials):
		return c.Next()
	case errors.Is(err, auth.ErrNoAccount), errors.Is(err, auth.ErrBlocked):
		var form formErrors
		if _, err := refusal(c, &form, err); err != nil {
			return err
		}
		return &Error{Code: Forbidden, Public: form.Errors[""], Err: err}
	case err != nil:
		return headerError(err)
	}
	if err := s.keepSignedIn(c, in, false, ""); err != nil {
		return err
	}
	session, account, err := s.auth.Session(c.UserContext(), in.Secret)
	if err != nil {
		return c.Next() // it was ended at once
	}
	c.Locals(requestSessionKey, &requestSession{account, session, in.Secret})
	return c.Next()
}
