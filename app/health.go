package app

import (
	"context"
	"encoding/hex"
	"time"

	"foyer/app/doctor"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// healthz: GET /healthz — the process answers. For foyer doctor it says which site it
// is, and whom it takes for the client.
func (s *Server) healthz(c *fiber.Ctx) error {
	c.Set(doctor.SiteHeader, s.id)
	scheme := "http"
	if secure(s.proxies, c.Context().RemoteIP().String(), c.Get("X-Forwarded-Proto")) {
		scheme = "https"
	}
	c.Set(doctor.ClientHeader, s.address(c)+" "+scheme)
	return c.SendString("ok\n")
}

// SiteID is a name for a site, the same for all programs that have its database. It
// is no secret.
func SiteID(ctx context.Context, db *models.DB) (string, error) {
	key, err := db.SiteKey(ctx, "id")
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(key[:8]), nil
}

// readyz: GET /readyz — the database answers too, with the schema this program
// needs.
func (s *Server) readyz(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 3*time.Second)
	defer cancel()
	schema, err := s.db.SchemaStatus(ctx)
	if err != nil {
		return &Error{Code: Unavailable, Public: "The database does not answer.", Err: err}
	}
	if schema.Behind() != "" {
		return &Error{Code: Unavailable, Public: "The database's schema is behind; run `foyer migrate`."}
	}
	return c.SendString("ok\n")
}
