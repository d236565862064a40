package app

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/internal/budget"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// signInPages sign people in and out, by a form, a redirect to a source's pages or a header, and
// have them confirm that it is still they. It knows who is behind a request (loadRequestSession).
type signInPages struct {
	*pages
	logouts       *budget.Rate // by providers
	failedReturns *budget.Rate // of browsers from sources, in vain
	rated         *budget.Rate // passwords for new accounts, by address
	signIns       *prometheus.CounterVec

	// renderSettings is settingsPages.renderSettings: what leads nowhere is said there to
	// somebody who is signed in.
	renderSettings func(c *fiber.Ctx, status int, data SettingsPage) error
}

// chatRoutes are those that stand before the forms' token: others than our pages ask.
func (s *signInPages) chatRoutes(web fiber.Router) {
	web.Post("/signin/with/:name/logout", s.logOutByProvider) // from the provider itself: no browser, and no form of ours
	web.Post("/signin/with/:name/start", s.startAtProvider)   // from one of its pages
}

func (s *signInPages) routes(web fiber.Router) {
	web.Get("/signup", s.showSignUp)
	web.Post("/signup", s.signUp)
	web.Get("/signin", s.showSignIn)
	web.Post("/signin", s.signIn)
	web.Get("/signin/name", s.showChooseName)
	web.Post("/signin/name", s.chooseName)
	web.Get("/signin/with/:name", notByHead("GET"), s.signInWith)
	web.Get("/signin/with/:name/back", notByHead("GET"), s.backFrom)
	web.Get("/signin/with/:name/start", notByHead("GET, POST"), s.startAtProvider)
	web.Post(signOutPath, s.signOut)
	web.Post("/settings/confirm", s.requireMember, s.startConfirmation)
}

// showSignIn: GET /signin
func (s *signInPages) showSignIn(c *fiber.Ctx) error {
	next := localPath(c.Query("next"))
	if viewer(c) != nil { // as when they signed in in another tab meanwhile
		return c.Redirect(next, http.StatusSeeOther)
	}
	return s.renderSignIn(c, http.StatusOK, SignInForm{Next: next})
}

func (s *signInPages) renderSignIn(c *fiber.Ctx, status int, form SignInForm) error {
	for _, source := range s.auth.Sources() {
		switch source.Method() {
		case auth.ByRedirect:
			form.Options = append(form.Options, SignInOption{source.Label(), "/signin/with/" + source.Name()})
		case auth.ByHeader:
			if s.hasHeader(c, source) {
				form.Options = append(form.Options, SignInOption{source.Label(), "/signin/with/" + source.Name()})
			}
		case auth.ByForm:
			form.Directory = source.Label()
		}
	}
	if site, ok := s.passkeySite(); ok {
		form.Passkeys = site.ID
	}
	form.Folded = len(form.Options) > 0 && form.Directory == "" && s.cfg.LocalAccounts == auth.LocalAdmins && form.Username == ""
	p := s.page(c, "signin", "Sign in")
	p.Data = form
	return s.render(c.Status(status), "signin", p)
}

// signIn: POST /signin
func (s *signInPages) signIn(c *fiber.Ctx) error {
	form := SignInForm{
		Username: strings.TrimSpace(c.FormValue("username")),
		Next:     localPath(c.FormValue("next")),
		Trusted:  c.FormValue("trusted") != "",
	}
	device := s.device(c, form.Trusted)
	field := func(name string) string { return c.FormValue(name) }
	in, err := s.auth.SignInByForm(c.UserContext(), auth.Answer{Form: field, From: device.Client}, device)
	s.countSignIn("form", err)
	if choose, ok := errors.AsType[*auth.ChooseNameError](err); ok {
		return s.askName(c, choose, form.Next, form.Trusted)
	}
	if err != nil {
		status, err := refusal(c, &form.formErrors, err)
		if err != nil {
			return err
		}
		return s.renderSignIn(c, status, form)
	}
	if err := s.keepSignedIn(c, in, form.Trusted, c.FormValue("password")); err != nil {
		return err
	}
	return c.Redirect(form.Next, http.StatusSeeOther)
}

// refusal notes in a form why nobody was signed in, and returns the status to show the
// form with. What is not the visitor's to mend is an error.
func refusal(c *fiber.Ctx, form *formErrors, err error) (status int, _ error) {
	var throttled *auth.ThrottledError
	var refused auth.Refusal
	switch {
	case errors.As(err, &throttled):
		tooMany(c, form, throttled.Wait)
		return http.StatusTooManyRequests, nil
	case errors.Is(err, auth.ErrUnreachable):
		form.fail("", "The sign-in service is not responding. Please try again in a moment.")
		return http.StatusServiceUnavailable, nil
	case errors.Is(err, auth.ErrNoAccount):
		form.fail("", "You have no account here yet. Ask the people who run this site for one.")
		return http.StatusForbidden, nil
	case errors.Is(err, auth.ErrBlocked):
		form.fail("", "Your account here is blocked. Contact the people who run this site.")
		return http.StatusForbidden, nil
	case errors.Is(err, auth.ErrBusy):
		return 0, errBusy
	case errors.Is(err, auth.ErrInvalidCredentials):
		form.fail("", "That user name and password do not match. Check both and try again.")
	case errors.Is(err, auth.ErrUsernameTaken):
		form.fail("username", err.Error())
	case errors.As(err, &refused):
		form.fail("", refused.Error())
	default:
		return 0, err
	}
	return http.StatusUnprocessableEntity, nil
}

var errBusy = &Error{Code: Unavailable, Public: "Many people are signing in right now. Please try again in a moment."}

// tooMany says how long to wait.
func tooMany(c *fiber.Ctx, form *formErrors, wait time.Duration) {
	minutes := int(wait.Minutes()) + 1
	form.fail("", "Too many attempts. Please wait "+plural(minutes, "minute")+" and try again.")
	c.Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
}

// localPath keeps a redirect within the site.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(next, "/signin") {
		return "/"
	}
	return next
}

func escapePath(path string) string { return url.QueryEscape(localPath(path)) }

// signOut: POST /signout
func (s *signInPages) signOut(c *fiber.Ctx) error {
	onward := s.signOutElsewhere(c) // of a second click as well: the browser shows its answer, and not the first one's
	if v := viewer(c); v != nil {
		if err := s.auth.SignOut(c.UserContext(), v.account, v.session.ID); err != nil {
			return err
		}
	}
	s.dropCookie(c, s.cookieName())
	// the one who uses the browser next finds no page in its cache.
	c.Set("Clear-Site-Data", `"cache"`)
	s.flash(c, "signedout")
	if onward.Label != "" {
		c.Locals(requestSessionKey, nil) // the page is a visitor's
		return s.leave(c, onward.Label, onward.Path)
	}
	s.pauseHeader(c)
	return c.Redirect(onward.Path, http.StatusSeeOther)
}

// signOutElsewhere is where somebody is signed out besides, if it can be: nothing of it keeps
// anybody signed in here.
func (s *signInPages) signOutElsewhere(c *fiber.Ctx) SignInOption {
	secret := readCookie(c, s.cookieName())
	if secret == "" {
		return SignInOption{Path: "/"}
	}
	source, url, err := s.auth.SignOutAt(c.UserContext(), secret, s.BaseURL()+"/")
	if err != nil {
		user := ""
		if v := viewer(c); v != nil {
			user = v.account.Username
		}
		s.log.Warn("somebody is not signed out at the source they came from", "user", user, "err", err)
	}
	if url == "" {
		return SignInOption{Path: "/"}
	}
	return SignInOption{source.Label(), url}
}

// showSignUp: GET /signup
func (s *signInPages) showSignUp(c *fiber.Ctx) error {
	if !s.cfg.localSignup() {
		return &Error{Code: NotFound, Public: "Only the people who run this site can create accounts."}
	}
	if viewer(c) != nil {
		return c.Redirect("/", http.StatusSeeOther)
	}
	return s.renderSignUp(c, http.StatusOK, SignUpForm{})
}

// How many passwords are rated for new accounts of one address: a second, and at
// once. Rating one takes some milliseconds of a processor, and nothing else bounds
// those that are refused.
const (
	ratedPerSecond = 5
	ratedBurst     = 100
)

func newRated(recorder budget.Recorder) *budget.Rate {
	return budget.NewRate(budget.Limit{Name: "passwords tried for new accounts from one address"}, ratedPerSecond, ratedBurst, recorder)
}

// signUp: POST /signup
func (s *signInPages) signUp(c *fiber.Ctx) error {
	if !s.cfg.localSignup() {
		return &Error{Code: NotFound, Public: "Only the people who run this site can create accounts."}
	}
	form := SignUpForm{Username: c.FormValue("username"), Name: c.FormValue("name"), Trusted: c.FormValue("trusted") != ""}
	if !s.rated.Allow(budget.Network(s.client(c).Address), 1) {
		tooMany(c, &form.formErrors, 0)
		return s.renderSignUp(c, http.StatusTooManyRequests, form)
	}
	account := s.newAccount(&form, c.FormValue("password"))
	if len(form.Errors) > 0 {
		return s.renderSignUp(c, http.StatusUnprocessableEntity, form)
	}
	in, err := s.auth.SignUp(c.UserContext(), account, s.device(c, form.Trusted))
	if err != nil {
		status, err := refusal(c, &form.formErrors, err)
		if err != nil {
			return err
		}
		return s.renderSignUp(c, status, form)
	}
	if err := s.keepSignedIn(c, in, form.Trusted, c.FormValue("password")); err != nil {
		return err
	}
	return c.Redirect("/", http.StatusSeeOther)
}

func (s *signInPages) renderSignUp(c *fiber.Ctx, status int, form SignUpForm) error {
	p := s.page(c, "signup", "Create an account")
	p.Data = form
	return s.render(c.Status(status), "signup", p)
}

// newAccount is the account that the form asks for; what is wrong with it is
// noted in the form.
func (s *signInPages) newAccount(f *SignUpForm, password string) auth.NewAccount {
	username, err := auth.PrepareUsername(f.Username)
	if err != nil {
		f.fail("username", err.Error())
	} else if err := s.auth.CheckAvailable(username); err != nil {
		f.fail("username", err.Error())
	}
	name, err := auth.PrepareName(f.Name, strings.TrimSpace(f.Username))
	if err != nil {
		f.fail("name", err.Error())
	}
	if err := s.auth.CheckPasswordStrength(password, username, name); err != nil {
		f.fail("password", err.Error())
	}
	return auth.NewAccount{Username: username, Name: name, Password: password}
}
