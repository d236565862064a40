package app

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
)

// healthz: GET /healthz — the process answers.
func (s *Server) healthz(c *fiber.Ctx) error { return c.SendString("ok\n") }

// readyz: GET /readyz — the database answers too, with the schema this program
// needs.
func (s *Server) readyz(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 3*time.Second)
	defer cancel()
	have, want, err := s.db.SchemaStatus(ctx)
	if err != nil {
		return &Error{Code: Unavailable, Public: "The database does not answer.", Err: err}
	}
	if have < want {
		return &Error{Code: Unavailable, Public: "The database's schema is behind; run `foyer migrate`."}
	}
	return c.SendString("ok\n")
}
