package uploads

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// What a file may do if somebody opens it as a page: show itself. It has no
// origin, so it is none of this site's pages.
const filePolicy = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"

// Mount serves the files' addresses. Bodies must come as streams.
func (s *Service) Mount(app fiber.Router) {
	r := app.Group(prefix+"/:secret/*", s.headers)
	r.Get("", s.get)
	r.Put("", s.put)
	r.All("", s.options)
}

// headers sets what every answer under /upload carries. Everybody who has the
// address may have the file, from a page of any site; cookies play no part (XEP-0363
// §9, S-99).
func (s *Service) headers(c *fiber.Ctx) error {
	c.Set("Content-Security-Policy", filePolicy)
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("X-Frame-Options", "DENY")
	c.Set("Referrer-Policy", "no-referrer")
	c.Set("Cross-Origin-Resource-Policy", s.shownBy())
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("X-Robots-Tag", "noindex, nofollow")
	c.Set("Cache-Control", "no-store")
	c.Set("Access-Control-Allow-Origin", "*")
	if strings.HasPrefix(s.cfg.BaseURL(), "https:") {
		c.Set("Strict-Transport-Security", "max-age=31536000")
	}
	err := c.Next()
	if err == nil {
		return nil
	}
	status, public := s.explain(err)
	if status >= http.StatusInternalServerError {
		s.failed.Error(s.log, strconv.Itoa(status), "a file was not served", "method", c.Method(), "err", err) // not the address, which is a secret
	}
	return c.Status(status).SendString(public + "\n")
}

// shownBy is whose pages may show a file in place (Fetch standard, CORP).
func (s *Service) shownBy() string {
	if s.cfg.Elsewhere {
		return "cross-origin"
	}
	return "same-origin"
}

func (s *Service) explain(err error) (status int, public string) {
	var e *Error
	if errors.As(err, &e) {
		return e.Status, e.Public
	}
	return s.cfg.Explain(err)
}

const allowedOnFiles = "PUT, GET, HEAD, OPTIONS"

// options: OPTIONS /upload/:secret/:name — and the refusal of every other
// method that files do not have (S-99).
func (s *Service) options(c *fiber.Ctx) error {
	c.Set("Allow", allowedOnFiles)
	if c.Method() != fiber.MethodOptions {
		return c.SendStatus(http.StatusMethodNotAllowed)
	}
	c.Set("Access-Control-Allow-Methods", allowedOnFiles)
	c.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	c.Set("Access-Control-Max-Age", "7200")
	return c.SendStatus(http.StatusNoContent)
}
