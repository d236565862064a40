package app

import (
	"crypto/rand"
	"net/http"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// contentPolicy lets pages use what this site serves and nothing else. Converse
// needs style attributes, and WebAssembly for OMEMO. Turbo brings a style element of its
// own, and marks it with the nonce. Files may be on another chat server (UPLOAD_ORIGINS).
const contentPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
	"style-src-elem 'self' 'nonce-{nonce}'; " +
	"style-src-attr 'unsafe-inline'; img-src 'self' data: blob:{files}; font-src 'self'; connect-src 'self'{files}; media-src 'self' blob:{files}; " +
	"worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const nonceKey = "nonce"

// newContentPolicy lets pages use files of these origins as well.
func newContentPolicy(files Origins) string {
	var list strings.Builder
	for _, origin := range files {
		list.WriteString(" " + origin)
	}
	return strings.ReplaceAll(contentPolicy, "{files}", list.String())
}

// fileHeaders sets what a file of static/ carries: what could be a document or a worker
// is kept to the same rules as pages.
func (s *middleware) fileHeaders(c *fiber.Ctx) error {
	if ext := path.Ext(c.Path()); ext != ".css" && ext != ".wasm" && ext != ".ttf" && ext != ".png" {
		return s.secureHeaders(c)
	}
	s.everyHeader(c)
	return c.Next()
}

// everyHeader sets what every answer carries, whatever it is.
func (s *middleware) everyHeader(c *fiber.Ctx) {
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	if s.secure() {
		c.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// secureHeaders sets what pages carry, and everything else that a browser could show.
func (s *middleware) secureHeaders(c *fiber.Ctx) error {
	s.setSecureHeaders(c)
	return c.Next()
}

func (s *middleware) setSecureHeaders(c *fiber.Ctx) {
	nonce := rand.Text()
	c.Locals(nonceKey, nonce)
	c.Set("Content-Security-Policy", strings.Replace(s.policy, "{nonce}", nonce, 1))
	c.Set("X-Frame-Options", "DENY")
	c.Set("Referrer-Policy", "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	s.everyHeader(c)
}

// notByHead refuses HEAD, which routes take together with GET, where answering does something: it
// opens a session, makes a token, begins or ends a sign-in (RFC 9110 §9.2.1, §9.3.2). methods are
// those that the address has (§15.5.6).
func notByHead(methods string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if c.Method() != fiber.MethodHead {
			return c.Next()
		}
		c.Set(fiber.HeaderAllow, methods)
		return c.SendStatus(http.StatusMethodNotAllowed)
	}
}
