package app

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// Attempts to sign in, within a quarter of an hour.
const (
	attemptsPerAccount = 10
	attemptsPerAddress = 60
	attemptWindow      = 15 * time.Minute
)

// showSignIn: GET /signin
func (s *Server) showSignIn(c *fiber.Ctx) error {
	if viewer(c) != nil {
		return c.Redirect("/", http.StatusSeeOther)
	}
	p := s.page(c, "signin", "Sign in")
	p.Data = Form{Next: localPath(c.Query("next"))}
	return s.render(c, "signin", p)
}

// signIn: POST /signin
func (s *Server) signIn(c *fiber.Ctx) error {
	form := Form{
		Username: strings.TrimSpace(c.FormValue("username")),
		Next:     localPath(c.FormValue("next")),
		Trusted:  c.FormValue("trusted") != "",
	}
	// The name as an address has it; whatever cannot be one belongs to nobody.
	name, err := auth.PrepareUsername(form.Username)
	if err != nil {
		name = ""
	}
	if wait, err := s.throttle(c, "signin", name); err != nil {
		return err
	} else if wait > 0 {
		return s.tooMany(c, "signin", "Sign in", form, wait)
	}
	account, err := s.checkPassword(c.UserContext(), name, c.FormValue("password"))
	if errors.Is(err, errWrongPassword) {
		form.fail("", "That user name and password do not match. Check both and try again.")
		p := s.page(c, "signin", "Sign in")
		p.Data = form
		return s.render(c.Status(http.StatusUnprocessableEntity), "signin", p)
	}
	if err != nil {
		return err
	}
	if err := s.db.ResetAttempts(c.UserContext(), "signin:account:"+name); err != nil {
		return err
	}
	if err := s.startSession(c, account, form.Trusted); err != nil {
		return err
	}
	return c.Redirect(form.Next, http.StatusSeeOther)
}

// throttle counts an attempt against the account, whether or not it exists, and
// against the address.
func (s *Server) throttle(c *fiber.Ctx, action, name string) (time.Duration, error) {
	byAddress, err := s.db.Attempt(c.UserContext(), action+":address:"+s.address(c), attemptsPerAddress, attemptWindow)
	if err != nil || name == "" {
		return byAddress, err
	}
	byAccount, err := s.db.Attempt(c.UserContext(), action+":account:"+name, attemptsPerAccount, attemptWindow)
	return max(byAddress, byAccount), err
}

// tooMany says how long to wait.
func (s *Server) tooMany(c *fiber.Ctx, template, title string, form Form, wait time.Duration) error {
	minutes := int(wait.Minutes()) + 1
	form.fail("", "Too many attempts. Please wait "+plural(minutes, "minute")+" and try again.")
	c.Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	p := s.page(c, template, title)
	p.Data = form
	return s.render(c.Status(http.StatusTooManyRequests), template, p)
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
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
func (s *Server) signOut(c *fiber.Ctx) error {
	if v := viewer(c); v != nil {
		if err := s.endSession(c.UserContext(), v.account, v.session.ID); err != nil {
			return err
		}
	}
	s.dropCookie(c, s.cookieName())
	s.flash(c, "signedout")
	return c.Redirect("/", http.StatusSeeOther)
}

// showSignUp: GET /signup
func (s *Server) showSignUp(c *fiber.Ctx) error {
	if !s.cfg.Signup {
		return &Error{Code: NotFound, Public: "New accounts are made by the people who run this site."}
	}
	if viewer(c) != nil {
		return c.Redirect("/", http.StatusSeeOther)
	}
	p := s.page(c, "signup", "Create an account")
	p.Data = Form{}
	return s.render(c, "signup", p)
}

// signUp: POST /signup
func (s *Server) signUp(c *fiber.Ctx) error {
	if !s.cfg.Signup {
		return &Error{Code: NotFound, Public: "New accounts are made by the people who run this site."}
	}
	form := Form{Username: c.FormValue("username"), Name: c.FormValue("name"), Trusted: c.FormValue("trusted") != ""}
	if wait, err := s.throttle(c, "signup", ""); err != nil {
		return err
	} else if wait > 0 {
		return s.tooMany(c, "signup", "Create an account", form, wait)
	}
	account, err := s.createAccount(c, &form, c.FormValue("password"))
	if err != nil {
		return err
	}
	if len(form.Errors) > 0 {
		p := s.page(c, "signup", "Create an account")
		p.Data = form
		return s.render(c.Status(http.StatusUnprocessableEntity), "signup", p)
	}
	if err := s.startSession(c, account, form.Trusted); err != nil {
		return err
	}
	return c.Redirect("/", http.StatusSeeOther)
}

// createAccount checks the form and creates the account; what is wrong is noted
// in the form.
func (s *Server) createAccount(c *fiber.Ctx, form *Form, password string) (models.Account, error) {
	username, err := auth.PrepareUsername(form.Username)
	if err != nil {
		form.fail("username", err.Error())
	} else if err := auth.CheckAvailable(username); err != nil {
		form.fail("username", err.Error())
	}
	name, err := auth.PrepareName(form.Name, strings.TrimSpace(form.Username))
	if err != nil {
		form.fail("name", err.Error())
	}
	if err := auth.CheckNew(password, username); err != nil {
		form.fail("password", err.Error())
	}
	if len(form.Errors) > 0 {
		return models.Account{}, nil
	}
	hash, err := s.passwords.Hash(c.UserContext(), password)
	if err != nil {
		return models.Account{}, err
	}
	account := models.Account{Username: username, Name: name, PasswordHash: hash}
	err = s.db.CreateAccount(c.UserContext(), &account)
	if errors.Is(err, models.ErrTaken) {
		form.fail("username", auth.ErrUnavailable.Error())
		return account, nil
	}
	if err == nil {
		s.changed(c.UserContext(), models.Event{Kind: models.EventChanged, User: username})
	}
	return account, err
}
