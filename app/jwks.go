package app

import "github.com/gofiber/fiber/v2"

// showKeys: GET /.well-known/jwks.json — the public keys with which the external chat
// server checks the site's tokens (RFC 7517 §5).
func (s *Server) showKeys(c *fiber.Ctx) error {
	if !s.cfg.External() && len(s.authListeners) == 0 {
		return &Error{Code: NotFound, Public: "No other server checks this site's tokens."}
	}
	keys, err := s.auth.TokenKeys().Public(c.UserContext())
	if err != nil {
		return err
	}
	c.Set("Cache-Control", "public, max-age=60")
	return c.JSON(keys, "application/jwk-set+json")
}
