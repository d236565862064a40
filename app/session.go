package app

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/models"
	"foyer/token"

	"github.com/gofiber/fiber/v2"
)

// requestSession is who is behind a request, with the site session.
type requestSession struct {
	account models.Account
	session models.Session
	secret  string // of the cookie
}

const requestSessionKey = "visit"

// sessionResolvedKey marks a request whose owner, if it has one, is known: neither was it refused before, nor
// did the database not answer.
const sessionResolvedKey = "looked"

// viewer returns who is behind the request; nil for visitors.
func viewer(c *fiber.Ctx) *requestSession {
	v, _ := c.Locals(requestSessionKey).(*requestSession)
	return v
}

// cookieName is __Host-: no other host, path or plain http can set it. Browsers
// refuse that prefix without https.
func (s *site) cookieName() string {
	if s.secure() {
		return "__Host-foyer"
	}
	return "foyer"
}

func (s *site) formCookieName() string { return s.cookieName() + "-form" }

// deviceCookieName is the cookie by which a browser is known at later sign-ins. It
// outlives them, and opens nothing.
func (s *site) deviceCookieName() string { return s.cookieName() + "-device" }

// secure reports whether people reach the site over https.
func (s *site) secure() bool { return strings.HasPrefix(s.BaseURL(), "https:") }

func (s *site) cookie(name, value string) *fiber.Cookie {
	return &fiber.Cookie{Name: name, Value: value, Path: "/", HTTPOnly: true, Secure: s.secure(), SameSite: fiber.CookieSameSiteLaxMode}
}

func (s *site) dropCookie(c *fiber.Ctx, name string) {
	gone := s.cookie(name, "")
	gone.Expires = time.Unix(1, 0)
	c.Cookie(gone)
}

// loadRequestSession finds out who is behind every request to a page.
func (s *signInPages) loadRequestSession(c *fiber.Ctx) error {
	c.Set("Cache-Control", "no-store") // a visitor's page, too, has a form's token of that one browser
	secret := readCookie(c, s.cookieName())
	if secret == "" {
		c.Locals(sessionResolvedKey, true)
		return s.signInByHeader(c)
	}
	session, account, err := s.auth.Session(c.UserContext(), secret)
	switch {
	case errors.Is(err, auth.ErrGone):
		// The cookie stays: a request that was on its way while somebody signed in
		// would take the new one with it. A dead one opens nothing.
		c.Locals(sessionResolvedKey, true)
		return s.signInByHeader(c)
	case err != nil:
		return &Error{Code: Unavailable, Public: errDatabaseUnreachable.Public, Err: err}
	}
	s.auth.Touch(c.UserContext(), session)
	c.Locals(requestSessionKey, &requestSession{account, session, secret})
	return c.Next()
}

// requireMember lets only members on.
func (s *pages) requireMember(c *fiber.Ctx) error {
	if viewer(c) != nil {
		return c.Next()
	}
	if c.Method() != fiber.MethodGet {
		return c.Redirect("/signin", http.StatusSeeOther)
	}
	return c.Redirect("/signin?next="+escapePath(c.OriginalURL()), http.StatusSeeOther)
}

// keepSignedIn gives the browser the cookie of a session that has begun. The one
// that it had before is ended. password is what was typed; empty: nothing.
func (s *signInPages) keepSignedIn(c *fiber.Ctx, in auth.SignedIn, isTrusted bool, password string) error {
	if old := viewer(c); old != nil {
		if err := s.auth.EndSession(c.UserContext(), old.account, old.session.ID); err != nil {
			return err
		}
	}
	if password != "" {
		if err := s.keepPassword(c, in.Secret, password); err != nil {
			return err
		}
	}
	cookie := s.cookie(s.cookieName(), in.Secret)
	if isTrusted {
		cookie.Expires = in.Expires
	}
	c.Cookie(cookie)
	device := s.cookie(s.deviceCookieName(), in.Device)
	device.Expires = in.DeviceExpires
	c.Cookie(device)
	s.dropCookie(c, s.formCookieName())
	return nil
}

// keepPassword keeps the password that was typed for a session, where the chat needs it.
func (s *signInPages) keepPassword(c *fiber.Ctx, secret, password string) error {
	if s.cfg.Login != LoginTyped {
		return nil
	}
	return s.auth.StorePassword(c.UserContext(), secret, password)
}

// client is who is behind a request, as far as it is known before signing in.
func (s *site) client(c *fiber.Ctx) auth.Client {
	return auth.Client{Address: s.address(c), Device: readCookie(c, s.deviceCookieName())}
}

// device is where somebody signs in.
func (s *site) device(c *fiber.Ctx, isTrusted bool) auth.Device {
	return auth.Device{Client: s.client(c), UserAgent: c.Get("User-Agent"), Trusted: isTrusted}
}

// formSecretKey is where a request keeps the cookie that it made.
const formSecretKey = "form secret"

// secretOf is what the form's token is bound to: the session's secret, or for
// visitors that of a cookie made for the purpose.
func (s *pages) secretOf(c *fiber.Ctx) string {
	if v := viewer(c); v != nil {
		return v.secret
	}
	if made, ok := c.Locals(formSecretKey).(string); ok {
		return made
	}
	return readCookie(c, s.formCookieName())
}

// csrfToken returns the token for the forms of this page.
func (s *pages) csrfToken(c *fiber.Ctx) string {
	secret := s.secretOf(c)
	if secret == "" {
		secret, _ = token.New()
		c.Cookie(s.cookie(s.formCookieName(), secret))
		c.Locals(formSecretKey, secret)
	}
	return s.auth.FormToken(secret)
}

const signOutPath = "/signout"

// protectForms refuses a POST that is not from one of our own pages: by what the
// browser says of its origin, and by the form's token.
func (s *pages) protectForms(c *fiber.Ctx) error {
	if c.Method() != fiber.MethodPost {
		return c.Next()
	}
	if site := c.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return &Error{Code: Forbidden, Public: "That came from another site."}
	}
	if origin := c.Get("Origin"); origin != "" && !s.isOrigin(origin) {
		return &Error{Code: Forbidden, Public: "That came from another site."}
	}
	if !s.auth.ValidFormToken(c.FormValue("csrf"), s.secretOf(c)) {
		if c.Path() == signOutPath && viewer(c) == nil {
			if s.auth.ValidFormToken(c.FormValue("csrf"), readCookie(c, s.cookieName())) {
				return c.Next() // a second click, sent before the answer to the first took the cookie away
			}
			s.flash(c, "signedout")
			return c.Redirect("/", fiber.StatusSeeOther) // twice, or in another tab meanwhile: it is done
		}
		return errExpired
	}
	return c.Next()
}

// Flash messages travel in a cookie that the next page takes. What they are about stands
// behind their name; after a slash, the section of the page in which it is said, or for a deleted account its address.

var flashes = map[string]Flash{
	"roomdeleted":   {Kind: "ok", Text: "The room has been deleted."},
	"asked":         {Kind: "ok", Text: "Your request has been sent."},
	"accepted":      {Kind: "ok", Text: "You are contacts now."},
	"declined":      {Kind: "ok", Text: "The request has been declined."},
	"norequest":     {Kind: "ok", Text: "That request has already been answered or withdrawn."},
	"invited":       {Kind: "ok", Text: "The invitation has been sent."},
	"profile":       {Kind: "ok", Text: "Your profile has been saved."},
	"notifications": {Kind: "ok", Text: "Your notification settings have been saved."},
	"picture":       {Kind: "ok", Text: "Your picture has been saved."},
	"nopicture":     {Kind: "ok", Text: "Your picture has been removed."},
	"password":      {Kind: "ok", Text: "Your password has been changed. Other devices and apps have been signed out."},
	"wayadded":      {Kind: "ok", Text: "You can now sign in that way."},
	"wayremoved":    {Kind: "ok", Text: "That way to sign in has been removed. Devices and apps that used it have been signed out."},
	"confirmed":     {Kind: "ok", Text: "Confirmed. Please continue within five minutes."},
	"ended":         {Kind: "ok", Text: "That device has been signed out."},
	"others":        {Kind: "ok", Text: "All other devices have been signed out."},
	"revoked":       {Kind: "ok", Text: "That password has been revoked. The app that used it has been signed out."},
	"filedeleted":   {Kind: "ok", Text: "The file has been deleted."},
	"filesdeleted":  {Kind: "ok", Text: "All your files have been deleted."},
	"passkeyadded":  {Kind: "ok", Text: "The passkey has been added. You can sign in with it now."},
	"passkeygone":   {Kind: "ok", Text: "The passkey has been removed. Other devices that were signed in with it have been signed out."},
	"signedout":     {Kind: "ok", Text: "You are signed out."},
	"deleted":       {Kind: "ok", Text: "Your account has been deleted."},
}

func (s *site) flash(c *fiber.Ctx, name string) {
	c.Cookie(s.cookie(s.cookieName()+"-note", name))
}

// takeFlash is what the page says once. An answer without a page leaves it for the next one.
func (s *site) takeFlash(c *fiber.Ctx) *Flash {
	cookie := s.cookieName() + "-note"
	value := readCookie(c, cookie)
	if value == "" || c.Method() == fiber.MethodHead {
		return nil
	}
	s.dropCookie(c, cookie)
	name, about, _ := strings.Cut(value, "/")
	f, ok := flashes[name]
	if !ok {
		return nil
	}
	if name != "deleted" {
		f.Section = about
	} else if gone, err := url.PathUnescape(about); err == nil {
		f.Gone = gone
	}
	return &f
}
