package app

import (
	"errors"
	"net/http"

	"foyer/app/auth"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// identityPages add and remove the ways to sign in to an account, besides its password; its owner
// does so.
type identityPages struct {
	*pages
	signIn   *signInPages
	settings *settingsPages
}

func (s *identityPages) routes(web fiber.Router) {
	web.Get("/settings/ways/add/:name", s.requireMember, s.showAddIdentity)
	web.Post("/settings/ways/add/:name", s.requireMember, s.addIdentity)
	web.Get("/settings/ways/join", s.requireMember, s.showLinkIdentity)
	web.Post("/settings/ways/join", s.requireMember, s.linkIdentity)
	web.Get("/settings/ways/:id/remove", s.requireMember, s.showRemoveIdentity)
	web.Post("/settings/ways/:id/remove", s.requireMember, s.removeIdentity)
}

// identitySource is the source that an address names, if somebody can be linked to it.
func (s *identityPages) identitySource(c *fiber.Ctx) (auth.Source, error) {
	source, ok := s.auth.Source(c.Params("name"))
	if !ok || source.Method() == auth.ByHeader {
		return nil, errNoSource
	}
	return source, nil
}

// showAddIdentity: GET /settings/ways/add/:name
func (s *identityPages) showAddIdentity(c *fiber.Ctx) error {
	source, err := s.identitySource(c)
	if err != nil {
		return err
	}
	return s.renderAddIdentity(c, http.StatusOK, source, IdentityForm{})
}

func (s *identityPages) renderAddIdentity(c *fiber.Ctx, status int, source auth.Source, form IdentityForm) error {
	form.Action, form.Label, form.Typed = "/settings/ways/add/"+source.Name(), source.Label(), source.Method() == auth.ByForm
	return s.renderIdentity(c, status, "add-way", "Add a way to sign in", form)
}

func (s *identityPages) renderIdentity(c *fiber.Ctx, status int, name, title string, form IdentityForm) error {
	v := viewer(c)
	how, err := s.auth.HowToConfirm(c.UserContext(), v.account, v.session)
	if err != nil {
		return err
	}
	form.Confirm = confirmRow(how)
	p := s.page(c, name, title)
	p.Data = form
	return s.render(c.Status(status), name, p)
}

// addIdentity: POST /settings/ways/add/:name — to the source's own pages, or by what was typed.
func (s *identityPages) addIdentity(c *fiber.Ctx) error {
	v := viewer(c)
	source, err := s.identitySource(c)
	if err != nil {
		return err
	}
	form := IdentityForm{Username: c.FormValue("username")}
	if _, err := s.signIn.confirm(c, &form.formErrors); err != nil {
		return err
	}
	if len(form.Errors) > 0 {
		return s.renderAddIdentity(c, http.StatusUnprocessableEntity, source, form)
	}
	if source.Method() == auth.ByRedirect {
		return s.signIn.startRedirect(c, source, auth.RedirectRecord{Purpose: auth.ToLink, Session: v.session.ID, Fresh: true, Next: "/settings"}, "")
	}
	answer := auth.Answer{Form: func(name string) string { return c.FormValue(name) }, From: s.client(c)}
	if sentence, err := s.signIn.linking(c, source, answer); err != nil || sentence == "" {
		return err
	} else {
		form.fail("", sentence)
	}
	return s.renderAddIdentity(c, http.StatusUnprocessableEntity, source, form)
}

// linking keeps whom a source proved, and asks whether that is right; or it returns a
// sentence for the person.
func (s *signInPages) linking(c *fiber.Ctx, source auth.Source, answer auth.Answer) (sentence string, _ error) {
	v := viewer(c)
	secret, expires, err := s.auth.AuthenticateToLink(c.UserContext(), source, answer, v.account, v.session)
	if errors.Is(err, auth.ErrLinked) {
		return linkedElsewhere, nil
	}
	if err != nil {
		var form formErrors
		_, err := refusal(c, &form, err)
		return form.Errors[""], err
	}
	return "", c.Redirect("/settings/ways/join?of="+s.keepPending(c, secret, expires), http.StatusSeeOther)
}

const linkedElsewhere = "That is already linked to another account here. Remove it there first."

// afterLinkRedirect goes on when the source has sent the browser back.
func (s *signInPages) afterLinkRedirect(c *fiber.Ctx, source auth.Source, record auth.RedirectRecord, answer auth.Answer) error {
	sentence, err := s.linking(c, source, answer)
	if err != nil || sentence != "" {
		s.chargeReturn(c)
	}
	if err != nil || sentence == "" {
		return err
	}
	return s.renderSignInFailure(c, source, record, http.StatusUnprocessableEntity, sentence)
}

// showLinkIdentity: GET /settings/ways/join
func (s *identityPages) showLinkIdentity(c *fiber.Ctx) error {
	person, err := s.auth.PendingLink(c.UserContext(), s.pendingSecret(c), viewer(c).session)
	if errors.Is(err, auth.ErrGone) {
		return c.Redirect("/settings#ways", http.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	p := s.page(c, "join-way", "Add a way to sign in")
	p.Data = IdentityForm{Of: c.FormValue("of"), Label: person.Label, Login: person.Login, Name: person.Name}
	return s.render(c, "join-way", p)
}

// linkIdentity: POST /settings/ways/join
func (s *identityPages) linkIdentity(c *fiber.Ctx) error {
	v := viewer(c)
	err := s.auth.Link(c.UserContext(), s.pendingSecret(c), v.account, v.session)
	s.dropPending(c)
	var sentence string
	switch {
	case errors.Is(err, auth.ErrGone):
		sentence = "That took too long. Please start again here."
	case errors.Is(err, auth.ErrLinked):
		sentence = linkedElsewhere
	case errors.Is(err, models.ErrTooMany):
		sentence = "You have reached the limit of ways to sign in. Remove one first."
	case err != nil:
		return err
	default:
		return s.done(c, "wayadded", "ways")
	}
	return s.settings.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Notice: &Flash{Kind: "error", Text: sentence, Section: "ways"}})
}

// identity returns the identity that an address names, of the viewer's.
func (s *identityPages) identity(c *fiber.Ctx) (auth.LinkedIdentity, error) {
	identities, _, err := s.auth.LinkedIdentities(c.UserContext(), viewer(c).account)
	for _, w := range identities {
		if w.ID == c.Params("id") {
			return w, err
		}
	}
	if err == nil {
		err = &Error{Code: NotFound, Public: "That is not one of your ways to sign in."}
	}
	return auth.LinkedIdentity{}, err
}

// showRemoveIdentity: GET /settings/ways/:id/remove
func (s *identityPages) showRemoveIdentity(c *fiber.Ctx) error {
	w, err := s.identity(c)
	if err != nil {
		return err
	}
	return s.renderRemoveIdentity(c, http.StatusOK, w, IdentityForm{})
}

func (s *identityPages) renderRemoveIdentity(c *fiber.Ctx, status int, w auth.LinkedIdentity, form IdentityForm) error {
	form.Action, form.Label, form.Login = "/settings/ways/"+w.ID+"/remove", w.Label, w.Login
	return s.renderIdentity(c, status, "remove-way", "Remove a way to sign in", form)
}

// removeIdentity: POST /settings/ways/:id/remove
func (s *identityPages) removeIdentity(c *fiber.Ctx) error {
	v := viewer(c)
	w, err := s.identity(c)
	if err != nil {
		return err
	}
	var form IdentityForm
	if _, err := s.signIn.confirm(c, &form.formErrors); err != nil {
		return err
	}
	if len(form.Errors) == 0 {
		err = s.auth.Unlink(c.UserContext(), v.account, v.session.ID, w.ID)
		switch {
		case errors.Is(err, auth.ErrLastSignInMethod):
			form.fail("", "That is your last way to sign in. Add another one first.")
		case err != nil && !errors.Is(err, models.ErrNotFound):
			return err
		default:
			return s.done(c, "wayremoved", "ways")
		}
	}
	return s.renderRemoveIdentity(c, http.StatusUnprocessableEntity, w, form)
}
