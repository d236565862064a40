package app

import (
	"errors"
	"net/http"

	"foyer/app/auth"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// wayPages add and remove the ways to sign in to an account, besides its password; its owner
// does so.
type wayPages struct {
	*pages
	signIn   *signInPages
	settings *settingsPages
}

func (s *wayPages) routes(web fiber.Router) {
	web.Get("/settings/ways/add/:name", s.requireMember, s.showAddWay)
	web.Post("/settings/ways/add/:name", s.requireMember, s.addWay)
	web.Get("/settings/ways/join", s.requireMember, s.showLinkWay)
	web.Post("/settings/ways/join", s.requireMember, s.linkWay)
	web.Get("/settings/ways/:id/remove", s.requireMember, s.showRemoveWay)
	web.Post("/settings/ways/:id/remove", s.requireMember, s.removeWay)
}

// waySource is the source that an address names, if somebody can be linked to it.
func (s *wayPages) waySource(c *fiber.Ctx) (auth.Source, error) {
	source, ok := s.auth.Source(c.Params("name"))
	if !ok || source.Method() == auth.ByHeader {
		return nil, errNoSource
	}
	return source, nil
}

// showAddWay: GET /settings/ways/add/:name
func (s *wayPages) showAddWay(c *fiber.Ctx) error {
	source, err := s.waySource(c)
	if err != nil {
		return err
	}
	return s.renderAddWay(c, http.StatusOK, source, WayForm{})
}

func (s *wayPages) renderAddWay(c *fiber.Ctx, status int, source auth.Source, form WayForm) error {
	form.Action, form.Label, form.Typed = "/settings/ways/add/"+source.Name(), source.Label(), source.Method() == auth.ByForm
	return s.renderWay(c, status, "add-way", "Add a way to sign in", form)
}

func (s *wayPages) renderWay(c *fiber.Ctx, status int, name, title string, form WayForm) error {
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

// addWay: POST /settings/ways/add/:name — to the source's own pages, or by what was typed.
func (s *wayPages) addWay(c *fiber.Ctx) error {
	v := viewer(c)
	source, err := s.waySource(c)
	if err != nil {
		return err
	}
	form := WayForm{Username: c.FormValue("username")}
	if _, err := s.signIn.confirm(c, &form.formErrors); err != nil {
		return err
	}
	if len(form.Errors) > 0 {
		return s.renderAddWay(c, http.StatusUnprocessableEntity, source, form)
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
	return s.renderAddWay(c, http.StatusUnprocessableEntity, source, form)
}

// linking keeps whom a source proved, and asks whether that is right; or it returns a
// sentence for the person.
func (s *signInPages) linking(c *fiber.Ctx, source auth.Source, answer auth.Answer) (sentence string, _ error) {
	v := viewer(c)
	secret, expires, err := s.auth.ProveToLink(c.UserContext(), source, answer, v.account, v.session)
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

// showLinkWay: GET /settings/ways/join
func (s *wayPages) showLinkWay(c *fiber.Ctx) error {
	person, err := s.auth.PendingLink(c.UserContext(), s.pendingSecret(c), viewer(c).session)
	if errors.Is(err, auth.ErrGone) {
		return c.Redirect("/settings#ways", http.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	p := s.page(c, "join-way", "Add a way to sign in")
	p.Data = WayForm{Of: c.FormValue("of"), Label: person.Label, Login: person.Login, Name: person.Name}
	return s.render(c, "join-way", p)
}

// linkWay: POST /settings/ways/join
func (s *wayPages) linkWay(c *fiber.Ctx) error {
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
	var data SettingsPage
	data.Ways.fail("", sentence)
	return s.settings.renderSettings(c, http.StatusUnprocessableEntity, data)
}

// way returns the identity that an address names, of the viewer's.
func (s *wayPages) way(c *fiber.Ctx) (auth.LinkedWay, error) {
	ways, _, err := s.auth.LinkedWays(c.UserContext(), viewer(c).account)
	for _, w := range ways {
		if w.ID == c.Params("id") {
			return w, err
		}
	}
	if err == nil {
		err = &Error{Code: NotFound, Public: "That is not one of your ways to sign in."}
	}
	return auth.LinkedWay{}, err
}

// showRemoveWay: GET /settings/ways/:id/remove
func (s *wayPages) showRemoveWay(c *fiber.Ctx) error {
	w, err := s.way(c)
	if err != nil {
		return err
	}
	return s.renderRemoveWay(c, http.StatusOK, w, WayForm{})
}

func (s *wayPages) renderRemoveWay(c *fiber.Ctx, status int, w auth.LinkedWay, form WayForm) error {
	form.Action, form.Label, form.Login = "/settings/ways/"+w.ID+"/remove", w.Label, w.Login
	return s.renderWay(c, status, "remove-way", "Remove a way to sign in", form)
}

// removeWay: POST /settings/ways/:id/remove
func (s *wayPages) removeWay(c *fiber.Ctx) error {
	v := viewer(c)
	w, err := s.way(c)
	if err != nil {
		return err
	}
	var form WayForm
	if _, err := s.signIn.confirm(c, &form.formErrors); err != nil {
		return err
	}
	if len(form.Errors) == 0 {
		err = s.auth.Unlink(c.UserContext(), v.account, v.session.ID, w.ID)
		switch {
		case errors.Is(err, auth.ErrLastWay):
			form.fail("", "That is your last way to sign in. Add another one first.")
		case err != nil && !errors.Is(err, models.ErrNotFound):
			return err
		default:
			return s.done(c, "wayremoved", "ways")
		}
	}
	return s.renderRemoveWay(c, http.StatusUnprocessableEntity, w, form)
}
