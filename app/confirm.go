package app

import (
	"errors"
	"net/http"

	"foyer/app/auth"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// Somebody who is signed in confirms something serious: by a password in the same form, or by
// a redirect to where they come from, after which the form goes without one for some minutes.

// confirm checks that it is still the one who signed in, and returns the account as it was
// then; what is wrong is noted in the form.
func (s *signInPages) confirm(c *fiber.Ctx, form *formErrors) (models.Account, error) {
	v := viewer(c)
	account, err := s.auth.Confirm(c.UserContext(), v.account, v.session, c.FormValue("current"), s.client(c))
	return account, notConfirmed(form, err)
}

// notConfirmed notes in a form why somebody did not confirm. What is not theirs to mend is an error.
func notConfirmed(form *formErrors, err error) error {
	var throttled *auth.ThrottledError
	var refused auth.Refusal
	switch {
	case errors.As(err, &throttled):
		form.fail("current", "Too many attempts. Please wait a while and try again.")
	case errors.As(err, &refused):
		form.fail("current", refused.Error())
	case errors.Is(err, auth.ErrInvalidCredentials):
		form.fail("current", "That is not your password.")
	case errors.Is(err, auth.ErrBusy):
		return errBusy
	case errors.Is(err, auth.ErrUnreachable):
		return errSourceUnreachable
	default:
		return err
	}
	return nil
}

// confirmRow is how somebody confirms something serious, for a page.
func confirmRow(how auth.Confirmation) ConfirmRow {
	row := ConfirmRow{Typed: how.Typed, Fresh: how.Fresh}
	if how.Source != nil {
		row.Label = how.Source.Label()
	}
	return row
}

var errSourceUnreachable = &Error{Code: Unavailable, Public: "The service that checks your password is not responding. Please try again in a moment."}

// startConfirmation: POST /settings/confirm — by a redirect.
func (s *signInPages) startConfirmation(c *fiber.Ctx) error {
	v := viewer(c)
	how, err := s.auth.HowToConfirm(c.UserContext(), v.account, v.session)
	if err != nil {
		return err
	}
	if how.Source == nil {
		return c.Redirect(localPath(c.FormValue("next")), http.StatusSeeOther)
	}
	record := auth.RedirectRecord{Purpose: auth.ToConfirm, Session: v.session.ID, Fresh: true, Next: localPath(c.FormValue("next"))}
	return s.startRedirect(c, how.Source, record, "")
}

// afterConfirmation goes back to where the redirect began.
func (s *signInPages) afterConfirmation(c *fiber.Ctx, source auth.Source, record auth.RedirectRecord, err error) error {
	switch {
	case err == nil:
		s.flash(c, "confirmed/"+settingsSection(record.Next))
		return c.Redirect(localPath(record.Next), http.StatusSeeOther)
	case errors.Is(err, auth.ErrInvalidCredentials), errors.Is(err, auth.ErrGone):
		return s.renderSignInFailure(c, source, record, http.StatusUnprocessableEntity, "That was somebody else. Sign in at "+source.Label()+" as the person whose account this is.")
	}
	var form formErrors
	status, err := refusal(c, &form, err)
	if err != nil {
		return err
	}
	return s.renderSignInFailure(c, source, record, status, form.Errors[""])
}
