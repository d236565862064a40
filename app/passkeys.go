package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"foyer/app/auth"
	"foyer/app/auth/passkey"
	"foyer/internal/budget"
	"foyer/internal/names"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// passkeyPages sign people in by passkeys, and add and remove them. What a browser is asked is in the page, or fetched by
// its script; what it answers comes as a form, so that all that follows is as after any other way to sign in.
type passkeyPages struct {
	*pages
	signIn   *signInPages
	settings *settingsPages
	asked    *budget.Rate // challenges to sign in, by address
}

// How many challenges to sign in one address may ask for: a second, and at once. A sign-in page asks for one when it is
// opened, where the browser can offer passkeys in the field of the user name.
const (
	askedPerSecond = 20
	askedBurst     = 2000
)

func newAskedPasskeys(recorder budget.Recorder) *budget.Rate {
	return budget.NewRate(budget.Limit{Name: "sign-ins by passkeys that one address began"}, askedPerSecond, askedBurst, recorder)
}

// maxPasskeyName is the maximum length of a passkey's name, in characters.
const maxPasskeyName = 60

// signInRoutes are bounded by address.
func (s *passkeyPages) signInRoutes(web fiber.Router) {
	web.Get("/signin/passkey", func(c *fiber.Ctx) error { return c.Redirect("/signin", http.StatusSeeOther) }) // where the browser is after a refusal
	web.Post("/signin/passkey/start", s.startSignIn)
	web.Post("/signin/passkey", s.finishSignIn)
}

func (s *passkeyPages) routes(web fiber.Router) {
	back := func(c *fiber.Ctx) error { return c.Redirect("/settings#passkeys", http.StatusSeeOther) }
	web.Get("/settings/passkeys", s.requireMember, back)
	web.Post("/settings/passkeys", s.requireMember, s.startAdding)
	web.Get("/settings/passkeys/add", s.requireMember, back)
	web.Post("/settings/passkeys/add", s.requireMember, s.finishAdding)
	web.Get("/settings/passkeys/:id/remove", s.requireMember, s.showRemove)
	web.Post("/settings/passkeys/:id/remove", s.requireMember, s.remove)
}

var errNoPasskeysHere = &Error{Code: NotFound, Public: "This site takes no passkeys."}

// passkeySite is for whom passkeys are; ok is false where there are none: they are switched off, the site's address is
// no name, or the chat wants the password that was typed.
func (s *site) passkeySite() (site passkey.Site, ok bool) {
	site, err := s.cfg.PasskeySite(s.BaseURL())
	return site, err == nil
}

// Why a site takes no passkeys.
var (
	ErrPasskeysOff   = errors.New("PASSKEYS is false")
	ErrPasskeysTyped = errors.New("XMPP_LOGIN is typed: the chat needs the password that people type to sign in to the site")
)

// PasskeySite is for whom passkeys are, with the site's public URL. Errors: ErrPasskeysOff, ErrPasskeysTyped, passkey.ErrNoDomain.
func (c Config) PasskeySite(baseURL string) (passkey.Site, error) {
	switch {
	case !c.Passkeys:
		return passkey.Site{}, ErrPasskeysOff
	case c.Login == LoginTyped:
		return passkey.Site{}, ErrPasskeysTyped
	}
	return passkey.SiteAt(baseURL, c.SiteName)
}

// maxChallenges are open in one browser: a tab each. The oldest goes for a new one.
const maxChallenges = 4

func (s *site) passkeyCookiePrefix() string { return s.cookieName() + "-passkey-" }

// keepChallenge keeps with the browser what its answer is checked by, and returns what names that.
func (s *site) keepChallenge(c *fiber.Ctx, asked auth.PasskeyRequest) (of string) {
	s.makeRoom(c, s.passkeyCookiePrefix(), maxChallenges)
	of = cookieKey(asked.Sealed)
	cookie := s.cookie(s.passkeyCookiePrefix()+of, datedCookie(asked.Sealed))
	cookie.Expires = asked.Expires
	c.Cookie(cookie)
	return of
}

// takeChallenge returns what was kept for an answer, and lets go of it; empty: nothing was.
func (s *site) takeChallenge(c *fiber.Ctx) string {
	name := s.passkeyCookiePrefix() + c.FormValue("of")
	if !isKeyed(s.passkeyCookiePrefix(), name) {
		return ""
	}
	_, sealed, _ := strings.Cut(readCookie(c, name), ".")
	s.dropCookie(c, name)
	return sealed
}

// startSignIn: POST /signin/passkey/start — asked by the page's script.
func (s *passkeyPages) startSignIn(c *fiber.Ctx) error {
	site, ok := s.passkeySite()
	if !ok {
		return errNoPasskeysHere
	}
	if !s.asked.Allow(budget.Network(s.address(c)), 1) {
		return &Error{Code: TooMany, Public: "Many sign-ins were begun from your network just now. Please try again in a moment."}
	}
	asked, err := s.auth.Passkeys.BeginSignIn(site)
	if err != nil {
		return err
	}
	return c.JSON(struct {
		Of      string          `json:"of"`
		Options json.RawMessage `json:"options"`
	}{s.keepChallenge(c, asked), asked.Options})
}

// finishSignIn: POST /signin/passkey
func (s *passkeyPages) finishSignIn(c *fiber.Ctx) error {
	site, ok := s.passkeySite()
	if !ok {
		return errNoPasskeysHere
	}
	form := SignInForm{Next: localPath(c.FormValue("next")), Trusted: c.FormValue("trusted") != ""}
	in, err := s.auth.Passkeys.SignIn(c.UserContext(), site, s.takeChallenge(c), c.FormValue("answer"), s.device(c, form.Trusted))
	s.signIn.countSignIn("passkey", err)
	if err != nil {
		status, err := refusal(c, &form.formErrors, err)
		if err != nil {
			return err
		}
		return s.signIn.renderSignIn(c, status, form)
	}
	if err := s.signIn.keepSignedIn(c, in, form.Trusted, ""); err != nil {
		return err
	}
	return c.Redirect(form.Next, http.StatusSeeOther)
}

// fillPasskeys lists an account's passkeys for its settings.
func (s *settingsPages) fillPasskeys(c *fiber.Ctx, data *SettingsPage) error {
	site, ok := s.passkeySite()
	list, err := s.auth.Passkeys.Of(c.UserContext(), viewer(c).account)
	for _, p := range list {
		row := PasskeyRow{ID: p.ID, Name: p.Name, Synced: p.Synced, Created: p.CreatedAt, Used: p.UsedAt}
		if ok && p.Site != site.ID {
			row.Elsewhere = p.Site
		}
		data.Passkeys = append(data.Passkeys, row)
	}
	data.MayPasskeys = ok && data.Confirm.Typed
	if data.Passkey.Name == "" && data.Passkey.Errors["name"] == "" {
		data.Passkey.Name = deviceName(c.Get("User-Agent"))
	}
	return err
}

// startAdding: POST /settings/passkeys — the page after it asks the browser for a passkey.
func (s *passkeyPages) startAdding(c *fiber.Ctx) error {
	site, ok := s.passkeySite()
	if !ok {
		return errNoPasskeysHere
	}
	v := viewer(c)
	form := PasskeyForm{Name: names.Line(c.FormValue("name"))}
	again := func() error {
		return s.settings.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Passkey: form})
	}
	if form.Name == "" || utf8.RuneCountInString(form.Name) > maxPasskeyName || !utf8.ValidString(form.Name) {
		form.fail("name", "Say which device it is on, such as “Laptop”.")
		return again()
	}
	asked, err := s.auth.Passkeys.Begin(c.UserContext(), site, v.account, v.session, form.Name, c.FormValue("current"), s.client(c))
	switch {
	case errors.Is(err, auth.ErrNoPasskeys):
		return &Error{Code: Forbidden, Public: auth.ErrNoPasskeys.Error()}
	case errors.Is(err, models.ErrTooMany):
		form.fail("name", tooManyPasskeys)
		return again()
	case err != nil:
		if err := notConfirmed(&form.formErrors, err); err != nil {
			return err
		}
		return again()
	}
	form.Site, form.Options, form.Of = site.ID, string(asked.Options), s.keepChallenge(c, asked)
	p := s.page(c, "add-passkey", "Add a passkey")
	p.Data = form
	return s.render(c.Status(http.StatusCreated), "add-passkey", p)
}

var tooManyPasskeys = "You have " + plural(models.MaxPasskeys, "passkey") + ", which is as many as there can be. Remove one that you no longer use."

// finishAdding: POST /settings/passkeys/add
func (s *passkeyPages) finishAdding(c *fiber.Ctx) error {
	site, ok := s.passkeySite()
	if !ok {
		return errNoPasskeysHere
	}
	v := viewer(c)
	_, err := s.auth.Passkeys.Finish(c.UserContext(), site, s.takeChallenge(c), c.FormValue("answer"), v.account, v.session)
	notice := Flash{Kind: "error", Section: "passkeys"}
	switch refused, isRefusal := errors.AsType[auth.Refusal](err); {
	case err == nil:
		return s.done(c, "passkeyadded", "passkeys")
	case errors.Is(err, auth.ErrGone):
		return errChangedMeanwhile
	case errors.Is(err, models.ErrTooMany):
		notice.Text = tooManyPasskeys
	case isRefusal:
		notice.Text = refused.Error()
	default:
		return err
	}
	return s.settings.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Notice: &notice})
}

// passkey returns the passkey that an address names, of the viewer's.
func (s *passkeyPages) passkey(c *fiber.Ctx) (models.Passkey, error) {
	list, err := s.auth.Passkeys.Of(c.UserContext(), viewer(c).account)
	for _, p := range list {
		if p.ID == c.Params("id") {
			return p, err
		}
	}
	if err == nil {
		err = &Error{Code: NotFound, Public: "That is not one of your passkeys."}
	}
	return models.Passkey{}, err
}

// showRemove: GET /settings/passkeys/:id/remove
func (s *passkeyPages) showRemove(c *fiber.Ctx) error {
	kept, err := s.passkey(c)
	if err != nil {
		return err
	}
	p := s.page(c, "remove-passkey", "Remove a passkey")
	p.Data = PasskeyForm{Name: kept.Name, Action: c.Path()}
	return s.render(c, "remove-passkey", p)
}

// remove: POST /settings/passkeys/:id/remove — without a password: a device that was lost may be the only one on
// which nobody has to type it.
func (s *passkeyPages) remove(c *fiber.Ctx) error {
	v := viewer(c)
	err := s.auth.Passkeys.Remove(c.UserContext(), v.account, v.session.ID, c.Params("id"))
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	return s.done(c, "passkeygone", "passkeys")
}
