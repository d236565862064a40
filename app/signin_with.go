package app

import (
	"errors"
	"net/http"

	"foyer/app/auth"
	"foyer/internal/budget"

	"github.com/gofiber/fiber/v2"
)

// The way to a source's own pages, and back. The cookie of a redirect is SameSite=Lax: the source
// sends the browser back by a link (GET), with which browsers send such cookies; an answer that
// another site posts would come without it, and is not taken (RFC 9700 §4.7). It need not be
// SameSite=None, and so never is.

var errNoSource = &Error{Code: NotFound, Public: "This site has no such way to sign in."}

// redirectSource is the source that an address names, if it has pages of its own.
func (s *signInPages) redirectSource(c *fiber.Ctx) (auth.Source, error) {
	source, ok := s.auth.Source(c.Params("name"))
	if !ok || source.Method() != auth.ByRedirect {
		return nil, errNoSource
	}
	return source, nil
}

// signInWith: GET /signin/with/:name — a link of the sign-in page, or of the source.
func (s *signInPages) signInWith(c *fiber.Ctx) error {
	if source := s.auth.HeaderSource(); source != nil && c.Params("name") == source.Name() {
		return s.resumeHeader(c)
	}
	source, err := s.redirectSource(c)
	if err != nil {
		return err
	}
	next := localPath(c.Query("next"))
	if viewer(c) != nil {
		return c.Redirect(next, http.StatusSeeOther)
	}
	record := auth.RedirectRecord{Purpose: auth.ToSignIn, Next: next, Trusted: c.Query("trusted") != ""}
	return s.startRedirect(c, source, record, c.Query("login_hint"))
}

// How often one address may come back from a source in vain. The source is asked with whatever
// a stranger brings, and the bound is for its sake; who is proved costs nothing, however
// many they are behind one address.
const (
	failedReturnsPerSecond = 20
	failedReturnsBurst     = 2000
)

func newFailedReturns(recorder budget.Recorder) *budget.Rate {
	return budget.NewRate(budget.Limit{Name: "failed sign-ins by providers from one address"}, failedReturnsPerSecond, failedReturnsBurst, recorder)
}

// chargeReturn counts a return in vain against the address.
func (s *signInPages) chargeReturn(c *fiber.Ctx) {
	s.failedReturns.Charge(budget.Network(s.address(c)), 1)
}

// startRedirect sends the browser to a source.
func (s *signInPages) startRedirect(c *fiber.Ctx, source auth.Source, record auth.RedirectRecord, hint string) error {
	b := auth.RedirectRequest{Callback: s.redirectCallback(source), Fresh: record.Fresh, Hint: hint, Query: func(name string) string { return c.Query(name) }}
	redirect, err := source.Start(c.UserContext(), b)
	if err != nil {
		s.log.Warn("signing in at a source did not begin", "source", source.Name(), "err", err)
		if refused, ok := errors.AsType[auth.Refusal](err); ok {
			return s.renderSignInFailure(c, source, record, http.StatusUnprocessableEntity, refused.Error())
		}
		return s.renderSignInFailure(c, source, record, http.StatusServiceUnavailable, source.Label()+" is not responding. Please try again in a moment.")
	}
	record.Source, record.State = source.Name(), redirect.State
	if err := s.keepRedirect(c, record, redirect.AnswerState); err != nil {
		return err
	}
	return s.leave(c, source.Label(), redirect.URL)
}

// redirectCallback is where a source sends the browser back to; operators write it into its
// settings.
func (s *site) redirectCallback(source auth.Source) string {
	return s.BaseURL() + "/signin/with/" + source.Name() + "/back"
}

// leave sends the browser to another site. After a form that is a page: the content security
// policy keeps forms from leading elsewhere, and browsers count redirects in.
func (s *signInPages) leave(c *fiber.Ctx, label, url string) error {
	if c.Method() == fiber.MethodGet {
		return c.Redirect(url, http.StatusSeeOther)
	}
	c.Set("Refresh", "0; url="+url)
	p := s.page(c, "leave", "Continue to "+label)
	p.Data = RedirectPage{Label: label, URL: url}
	return s.render(c, "leave", p)
}

// backFrom: GET /signin/with/:name/back — the source has sent the browser back.
func (s *signInPages) backFrom(c *fiber.Ctx) error {
	source, err := s.redirectSource(c)
	if err != nil {
		return err
	}
	if !s.failedReturns.Has(budget.Network(s.address(c)), 1) {
		return &Error{Code: TooMany, Public: "Many sign-ins from your network have failed recently. Please try again in a moment."}
	}
	record, err := s.takeRedirect(c, source)
	v := viewer(c)
	if err == nil && record.Purpose != auth.ToSignIn && (v == nil || v.session.ID != record.Session) {
		err = auth.ErrNoRedirect // it was begun in another session
	}
	if errors.Is(err, auth.ErrNoRedirect) {
		s.chargeReturn(c)
		return s.renderSignInFailure(c, source, record, http.StatusUnprocessableEntity, "That sign-in was started in another browser or window, or too long ago. Please start again here.")
	}
	if err != nil {
		return err
	}
	device := s.device(c, record.Trusted)
	answer := auth.Answer{
		Form: func(name string) string { return c.Query(name) }, State: record.State, Callback: s.redirectCallback(source), Fresh: record.Fresh, From: device.Client,
	}
	switch record.Purpose {
	case auth.ToLink:
		return s.afterLinkRedirect(c, source, record, answer)
	case auth.ToConfirm:
		err = s.auth.Confirmed(c.UserContext(), source, answer, v.account, v.session)
		if err != nil {
			s.chargeReturn(c)
		}
		return s.afterConfirmation(c, source, record, err)
	}
	in, err := s.auth.SignIn(c.UserContext(), source, answer, device)
	s.countSignIn(source.Name(), err)
	if _, proved := errors.AsType[*auth.ChooseNameError](err); err != nil && !proved {
		s.chargeReturn(c)
	}
	return s.afterRedirect(c, source, record, in, err)
}

// afterRedirect signs somebody in, lets them choose a name, or says why not.
func (s *signInPages) afterRedirect(c *fiber.Ctx, source auth.Source, record auth.RedirectRecord, in auth.SignedIn, err error) error {
	if choose, ok := errors.AsType[*auth.ChooseNameError](err); ok {
		return s.askName(c, choose, record.Next, record.Trusted)
	}
	if err != nil {
		var form formErrors
		status, err := refusal(c, &form, err)
		if err != nil {
			return err
		}
		return s.renderSignInFailure(c, source, record, status, form.Errors[""])
	}
	if err := s.keepSignedIn(c, in, record.Trusted, ""); err != nil {
		return err
	}
	return c.Redirect(localPath(record.Next), http.StatusSeeOther)
}

// renderSignInFailure shows why a redirect led nowhere: on the sign-in page, or to somebody who is
// signed in on that of the settings.
func (s *signInPages) renderSignInFailure(c *fiber.Ctx, source auth.Source, record auth.RedirectRecord, status int, sentence string) error {
	if viewer(c) != nil {
		section := settingsSection(record.Next)
		if record.Purpose == auth.ToLink {
			section = "ways"
		}
		return s.renderSettings(c, status, SettingsPage{Notice: &Flash{Kind: "error", Text: sentence, Section: section}})
	}
	form := SignInForm{Next: localPath(record.Next), Trusted: record.Trusted}
	form.fail("", sentence)
	return s.renderSignIn(c, status, form)
}

// askName sends somebody whom a source has proved to choose a user name.
func (s *signInPages) askName(c *fiber.Ctx, choose *auth.ChooseNameError, next string, trusted bool) error {
	path := "/signin/name?of=" + s.keepPending(c, choose.Secret, choose.Expires) + "&next=" + escapePath(next)
	if trusted {
		path += "&trusted=1"
	}
	return c.Redirect(path, http.StatusSeeOther)
}

// showChooseName: GET /signin/name
func (s *signInPages) showChooseName(c *fiber.Ctx) error {
	return s.renderChooseName(c, http.StatusOK, ChooseNameForm{Next: localPath(c.Query("next")), Trusted: c.Query("trusted") != ""})
}

func (s *signInPages) renderChooseName(c *fiber.Ctx, status int, form ChooseNameForm) error {
	person, err := s.auth.UsernameChoice(c.UserContext(), s.pendingSecret(c))
	if errors.Is(err, auth.ErrGone) {
		return c.Redirect("/signin", http.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	form.Of, form.Label, form.Login = c.FormValue("of"), person.Label, person.Login
	if form.Username == "" && len(form.Errors) == 0 {
		form.Username = person.Suggested
	}
	p := s.page(c, "choose-name", "Choose a user name")
	p.Data = form
	return s.render(c.Status(status), "choose-name", p)
}

// chooseName: POST /signin/name
func (s *signInPages) chooseName(c *fiber.Ctx) error {
	form := ChooseNameForm{Username: c.FormValue("username"), Next: localPath(c.FormValue("next")), Trusted: c.FormValue("trusted") != ""}
	username, err := auth.PrepareUsername(form.Username)
	if err == nil {
		err = s.auth.CheckAvailable(username)
	}
	if err != nil {
		form.fail("username", err.Error())
		return s.renderChooseName(c, http.StatusUnprocessableEntity, form)
	}
	in, err := s.auth.ChooseUsername(c.UserContext(), s.pendingSecret(c), username, s.device(c, form.Trusted))
	if errors.Is(err, auth.ErrGone) || errors.Is(err, auth.ErrInvalidCredentials) {
		return c.Redirect("/signin", http.StatusSeeOther)
	}
	if err != nil {
		status, err := refusal(c, &form.formErrors, err)
		if err != nil {
			return err
		}
		return s.renderChooseName(c, status, form)
	}
	s.dropPending(c)
	if err := s.keepSignedIn(c, in, form.Trusted, ""); err != nil {
		return err
	}
	return c.Redirect(form.Next, http.StatusSeeOther)
}
