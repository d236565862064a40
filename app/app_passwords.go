package app

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"foyer/app/auth"
	"foyer/internal/names"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// maxAppName is the maximum length of an app password's name, in characters.
const maxAppName = 60

// createAppPassword: POST /settings/apps — the only answer that ever shows the
// password.
func (s *settingsPages) createAppPassword(c *fiber.Ctx) error {
	if !s.cfg.apps() {
		return &Error{Code: NotFound, Public: "Apps cannot connect to this site."}
	}
	v := viewer(c)
	form := AppForm{Name: names.Line(c.FormValue("name"))}
	if form.Name == "" || utf8.RuneCountInString(form.Name) > maxAppName || !utf8.ValidString(form.Name) {
		form.fail("name", "Say which app or device it is for, such as “Phone”.")
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{App: form})
	}
	password, err := s.auth.AppPasswords.Create(c.UserContext(), v.account, v.session.ID, form.Name)
	if errors.Is(err, auth.ErrGone) {
		return errChangedMeanwhile
	}
	if errors.Is(err, models.ErrTooMany) {
		form.fail("name", "You have "+plural(models.MaxAppPasswords, "app password")+", which is as many as there can be. Revoke one that you no longer use.")
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{App: form})
	}
	if err != nil {
		return err
	}
	p := s.page(c, "app-password", "App password")
	p.Data = AppPasswordPage{Name: form.Name, Password: password, Address: v.account.Username + "@" + s.cfg.Domain, Servers: s.nativeServers()}
	return s.render(c.Status(http.StatusCreated), "app-password", p)
}

// showAppPassword: GET /settings/apps — where the browser is after creating one,
// when it is reloaded.
func (s *settingsPages) showAppPassword(c *fiber.Ctx) error {
	return c.Redirect("/settings#apps", http.StatusSeeOther)
}

// revokeAppPassword: POST /settings/apps/:id/revoke
func (s *settingsPages) revokeAppPassword(c *fiber.Ctx) error {
	v := viewer(c)
	if err := s.auth.AppPasswords.Revoke(c.UserContext(), v.account, c.Params("id")); err != nil {
		return err
	}
	return s.done(c, "revoked", "apps")
}

// appRows lists an account's app passwords for its settings.
func (s *settingsPages) appRows(ctx context.Context, a models.Account) ([]AppRow, error) {
	list, err := s.tokens.AppPasswords(ctx, a.ID)
	rows := make([]AppRow, len(list))
	for i, p := range list {
		rows[i] = AppRow{ID: p.ID, Name: p.Name, Created: p.CreatedAt, Used: p.UsedAt}
	}
	return rows, err
}
