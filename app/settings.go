package app

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"foyer/app/auth"
	"foyer/app/pictures"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// settingsPages are the page of one's account, and what its forms do.
type settingsPages struct {
	*pages
	accounts *models.Accounts
	sessions *models.Sessions
	tokens   *models.Tokens
	notified *models.Notifications
	signIn   *signInPages
	notices  *notifications
	files    *filePages
	pictures *pictures.Decoder

	tell          func(context.Context, models.Event)
	nativeServers func() []NativeServer // where apps connect
}

func (s *settingsPages) routes(web fiber.Router) {
	web.Get("/settings", s.requireMember, s.showSettings)
	web.Post("/settings/profile", s.requireMember, s.saveProfile)
	web.Post("/settings/picture", s.requireMember, s.savePicture)
	web.Post("/settings/picture/remove", s.requireMember, s.removePicture)
	web.Post("/settings/notifications", s.requireMember, s.saveNotifications)
	web.Post("/settings/password", s.requireMember, s.savePassword)
	web.Post("/settings/sessions/others/end", s.requireMember, s.endOtherSessions)
	web.Post("/settings/sessions/:id/end", s.requireMember, s.endOneSession)
	web.Get("/settings/apps", s.requireMember, s.showAppPassword)
	web.Post("/settings/apps", s.requireMember, s.createAppPassword)
	web.Post("/settings/apps/:id/revoke", s.requireMember, s.revokeAppPassword)
	web.Post("/settings/delete", s.requireMember, s.deleteAccount)
}

// showSettings: GET /settings
func (s *settingsPages) showSettings(c *fiber.Ctx) error {
	return s.renderSettings(c, http.StatusOK, SettingsPage{})
}

// renderSettings fills in what the form at hand does not bring.
func (s *settingsPages) renderSettings(c *fiber.Ctx, status int, data SettingsPage) error {
	v := viewer(c)
	if data.Profile.Name == "" && len(data.Profile.Errors) == 0 {
		data.Profile.Name = v.account.Name
	}
	sessions, err := s.sessions.Of(c.UserContext(), v.account.ID)
	if err != nil {
		return err
	}
	for _, ses := range sessions {
		data.Sessions = append(data.Sessions, SessionRow{
			ID: ses.ID, Device: sessionName(ses), Address: ses.Address, Created: ses.CreatedAt, LastUsed: ses.SeenAt,
			Current: ses.ID == v.session.ID, Trusted: ses.Trusted,
		})
	}
	if data.Apps, err = s.appRows(c.UserContext(), v.account); err != nil {
		return err
	}
	if err := s.fillIdentities(c, &data); err != nil {
		return err
	}
	data.sayConfirmAgain()
	if err := s.fillPasskeys(c, &data); err != nil {
		return err
	}
	if err := s.notices.fillNotifications(c, &data.Notifications); err != nil {
		return err
	}
	data.Native = s.cfg.apps()
	if data.Files, err = s.files.fileUsage(c.UserContext(), v.account); err != nil {
		return err
	}
	p := s.page(c, "settings", "Settings")
	if data.Notice == nil {
		data.Notice, p.Flash = p.Flash, nil
	}
	if n := data.Notice; n != nil && !data.Shows(n.Section) {
		data.Notice, p.Flash = nil, n
	}
	p.Data = data
	return s.render(c.Status(status), "settings", p)
}

// fillIdentities says how somebody signs in, and how they confirm something serious.
func (s *settingsPages) fillIdentities(c *fiber.Ctx, data *SettingsPage) error {
	v := viewer(c)
	data.HasPassword, data.MayHavePassword = v.account.PasswordHash != "", s.auth.MayHavePassword(v.account)
	how, err := s.auth.HowToConfirm(c.UserContext(), v.account, v.session)
	if err != nil {
		return err
	}
	data.Confirm = confirmRow(how)
	identities, others, err := s.auth.LinkedIdentities(c.UserContext(), v.account)
	data.Identities.List = identities
	for _, source := range others {
		data.Identities.Others = append(data.Identities.Others, SignInOption{source.Label(), "/settings/ways/add/" + source.Name()})
	}
	return err
}

// done leads back to a section of the settings, which says what was done.
func (s *pages) done(c *fiber.Ctx, flash, section string) error {
	s.flash(c, flash+"/"+section)
	return c.Redirect("/settings#"+section, http.StatusSeeOther)
}

// saveProfile: POST /settings/profile
func (s *settingsPages) saveProfile(c *fiber.Ctx) error {
	v := viewer(c)
	form := ProfileForm{Name: c.FormValue("name")}
	name, err := auth.PrepareName(form.Name, v.account.Username)
	if err != nil {
		form.fail("name", err.Error())
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Profile: form})
	}
	if err := s.accounts.SetName(c.UserContext(), v.account.ID, name); err != nil {
		return err
	}
	s.tell(c.UserContext(), models.Event{Kind: models.EventChanged, User: v.account.Username})
	return s.done(c, "profile", "profile")
}

// savePicture: POST /settings/picture
func (s *settingsPages) savePicture(c *fiber.Ctx) error {
	v := viewer(c)
	data, mediaType, err := s.uploadedPicture(c)
	var bad *Error
	if errors.As(err, &bad) && bad.Code == Invalid {
		var form PictureForm
		form.fail("picture", bad.Public)
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Picture: form})
	}
	if err != nil {
		return err
	}
	return s.setPicture(c, v, data, mediaType, "picture")
}

// removePicture: POST /settings/picture/remove
func (s *settingsPages) removePicture(c *fiber.Ctx) error {
	return s.setPicture(c, viewer(c), nil, "", "nopicture")
}

func (s *settingsPages) setPicture(c *fiber.Ctx, v *requestSession, data []byte, mediaType, flash string) error {
	if _, err := s.accounts.SetAvatar(c.UserContext(), v.account.ID, data, mediaType); err != nil {
		return err
	}
	s.tell(c.UserContext(), models.Event{Kind: models.EventChanged, User: v.account.Username})
	return s.done(c, flash, "picture")
}

// errChangedMeanwhile: what was confirmed is not so any more.
var errChangedMeanwhile = &Error{Code: Conflict, Public: "Your password was changed, or you were signed out, from somewhere else. Sign in and try again."}

// savePassword: POST /settings/password
func (s *settingsPages) savePassword(c *fiber.Ctx) error {
	v := viewer(c)
	var form PasswordForm
	account, err := s.signIn.confirm(c, &form.formErrors)
	if err != nil {
		return err
	}
	if !s.auth.MayHavePassword(v.account) {
		return &Error{Code: NotFound, Public: "You sign in another way, so you have no password here."}
	}
	password := c.FormValue("password")
	if err := s.auth.CheckPasswordStrength(password, v.account.Username, v.account.Name); len(form.Errors) == 0 && err != nil {
		form.fail("password", err.Error())
	}
	if len(form.Errors) > 0 {
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Password: form})
	}
	err = s.auth.ChangePassword(c.UserContext(), account, password, v.session.ID, s.client(c))
	if errors.Is(err, auth.ErrGone) {
		return errChangedMeanwhile
	}
	if err == nil {
		err = s.signIn.keepPassword(c, readCookie(c, s.cookieName()), password)
	}
	if err != nil {
		return err
	}
	return s.done(c, "password", "password")
}

// endOtherSessions: POST /settings/sessions/others/end
func (s *settingsPages) endOtherSessions(c *fiber.Ctx) error {
	v := viewer(c)
	if err := s.auth.EndOtherSessions(c.UserContext(), v.account, v.session.ID); err != nil {
		return err
	}
	return s.done(c, "others", "devices")
}

// endOneSession: POST /settings/sessions/:id/end
func (s *settingsPages) endOneSession(c *fiber.Ctx) error {
	v := viewer(c)
	if err := s.auth.EndSession(c.UserContext(), v.account, c.Params("id")); err != nil {
		return err
	}
	return s.done(c, "ended", "devices")
}

// deleteAccount: POST /settings/delete
func (s *settingsPages) deleteAccount(c *fiber.Ctx) error {
	v := viewer(c)
	form := DeleteForm{Confirm: c.FormValue("confirm")}
	if name, err := auth.PrepareUsername(form.Confirm); err != nil || name != v.account.Username {
		form.fail("confirm", "Type your user name, "+v.account.Username+", to confirm.")
	}
	account, err := s.signIn.confirm(c, &form.formErrors)
	if err != nil {
		return err
	}
	if len(form.Errors) > 0 {
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Delete: form})
	}
	err = s.auth.DeleteAccount(c.UserContext(), account)
	if errors.Is(err, auth.ErrGone) {
		return errChangedMeanwhile
	}
	if err != nil {
		return err
	}
	s.dropCookie(c, s.cookieName())
	c.Set("Clear-Site-Data", `"cache", "storage"`)
	s.flash(c, "deleted/"+url.PathEscape(v.account.Username+"@"+s.cfg.Domain))
	return c.Redirect("/", http.StatusSeeOther)
}
