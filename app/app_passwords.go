package app

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd"

	"github.com/gofiber/fiber/v2"
)

// App passwords are what apps on people's devices sign in to the chat with: made
// by the site, one for each app, shown once (decision 7).

// scramIterations is the least that RFC 7677 §4 allows: a password of 100 random
// bits is no easier to guess for it.
const scramIterations = 4096

// The characters of an app password: 32, none to be taken for another.
const appPasswordLetters = "abcdefghijkmnpqrstuvwxyz23456789"

// newAppPassword returns 20 characters in groups of four, 100 random bits.
func newAppPassword() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(appPasswordLetters[r%32])
	}
	return b.String()
}

// isAppPassword reports whether a password has the form of one; what has not
// need not be tried.
func isAppPassword(password string) bool {
	return len(password) == 24 && strings.Count(password, "-") == 4
}

// scramSalt is an account's salt, whether or not there is such an account: it
// tells nothing (S-17).
func (s *Server) scramSalt(user string) []byte {
	m := hmac.New(sha256.New, s.saltKey)
	m.Write([]byte(user))
	return m.Sum(nil)[:16]
}

// SCRAM implements xmppd.Authority.
func (s *Server) SCRAM(ctx context.Context, user string, hash xmppd.SCRAMHash) (xmppd.SCRAMCredentials, error) {
	c := xmppd.SCRAMCredentials{Salt: s.scramSalt(user), Iterations: scramIterations}
	list, err := s.db.AppPasswordKeys(ctx, user, string(hash))
	if err != nil {
		return c, err
	}
	for _, p := range list {
		c.Salt, c.Iterations = p.Salt, p.Iterations
		c.Keys = append(c.Keys, xmppd.SCRAMKey{
			Identity:  stream.Identity{User: user, Session: p.ID},
			StoredKey: p.Keys[0].StoredKey, ServerKey: p.Keys[0].ServerKey,
		})
	}
	return c, nil
}

// SignedIn implements xmppd.Authority.
func (s *Server) SignedIn(ctx context.Context, id stream.Identity) error {
	blocked, err := s.db.UseAppPassword(ctx, id.Session)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return xmppd.ErrNotAuthorized
	case err == nil && blocked:
		return xmppd.ErrDisabled
	}
	return err
}

// appPassword checks an app password that came in clear, in the same time
// whether or not the account has any.
func (s *Server) appPassword(ctx context.Context, user, password string) (stream.Identity, error) {
	if !isAppPassword(password) {
		return stream.Identity{}, xmppd.ErrNotAuthorized
	}
	c, err := s.SCRAM(ctx, user, xmppd.SHA256)
	if err != nil {
		return stream.Identity{}, err
	}
	stored, _, err := xmppd.DeriveSCRAM(xmppd.SHA256, password, c.Salt, c.Iterations)
	if err != nil {
		return stream.Identity{}, err
	}
	for _, k := range c.Keys {
		if subtle.ConstantTimeCompare(stored, k.StoredKey) == 1 {
			return k.Identity, s.SignedIn(ctx, k.Identity)
		}
	}
	return stream.Identity{}, xmppd.ErrNotAuthorized
}

// maxAppName is the longest name of an app password, in characters.
const maxAppName = 60

// createAppPassword: POST /settings/apps — the only answer that ever shows the
// password.
func (s *Server) createAppPassword(c *fiber.Ctx) error {
	if !s.cfg.Native() {
		return &Error{Code: NotFound, Public: "Apps cannot connect to this site."}
	}
	v := viewer(c)
	form := Form{Name: strings.Join(strings.Fields(c.FormValue("name")), " ")}
	if form.Name == "" || utf8.RuneCountInString(form.Name) > maxAppName || !utf8.ValidString(form.Name) {
		form.fail("name", "Say which app or device it is for, such as “Phone”.")
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{App: form})
	}
	password := newAppPassword()
	record, err := s.appPasswordRecord(v.account, form.Name, password)
	if err != nil {
		return err
	}
	err = s.db.CreateAppPassword(c.UserContext(), &record)
	if errors.Is(err, models.ErrTooMany) {
		form.fail("name", "You have "+plural(models.MaxAppPasswords, "app password")+", which is as many as there can be. Revoke one that you no longer use.")
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{App: form})
	}
	if err != nil {
		return err
	}
	p := s.page(c, "app-password", "App password")
	p.Data = AppPasswordPage{Name: record.Name, Password: password, Address: v.account.Username + "@" + s.cfg.Domain, Servers: s.nativeServers()}
	return s.render(c.Status(http.StatusCreated), "app-password", p)
}

func (s *Server) appPasswordRecord(a models.Account, name, password string) (models.AppPassword, error) {
	p := models.AppPassword{AccountID: a.ID, Name: name, Salt: s.scramSalt(a.Username), Iterations: scramIterations}
	for _, hash := range xmppd.SCRAMHashes() {
		stored, server, err := xmppd.DeriveSCRAM(hash, password, p.Salt, p.Iterations)
		if err != nil {
			return p, err
		}
		p.Keys = append(p.Keys, models.AppPasswordKey{Hash: string(hash), StoredKey: stored, ServerKey: server})
	}
	return p, nil
}

// showAppPassword: GET /settings/apps — where the browser is after creating one,
// when it is reloaded.
func (s *Server) showAppPassword(c *fiber.Ctx) error {
	return c.Redirect("/settings#apps", http.StatusSeeOther)
}

// revokeAppPassword: POST /settings/apps/:id/revoke
func (s *Server) revokeAppPassword(c *fiber.Ctx) error {
	v := viewer(c)
	err := s.db.RevokeAppPassword(c.UserContext(), v.account.ID, c.Params("id"))
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	s.ended(c.UserContext(), models.Event{Kind: models.EventEnded, User: v.account.Username, Session: c.Params("id")})
	return s.done(c, "revoked", "apps")
}

// revokeAppPasswords revokes all of an account's: its password has changed.
func (s *Server) revokeAppPasswords(ctx context.Context, a models.Account) error {
	ids, err := s.db.RevokeAppPasswords(ctx, a.ID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.ended(ctx, models.Event{Kind: models.EventEnded, User: a.Username, Session: id})
	}
	return nil
}

// appRows lists an account's app passwords for its settings.
func (s *Server) appRows(ctx context.Context, a models.Account) ([]AppRow, error) {
	list, err := s.db.AppPasswords(ctx, a.ID)
	rows := make([]AppRow, len(list))
	for i, p := range list {
		rows[i] = AppRow{ID: p.ID, Name: p.Name, Created: p.CreatedAt, Used: p.UsedAt}
	}
	return rows, err
}
