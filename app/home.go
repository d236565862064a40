package app

import (
	"context"
	"net/http"

	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// index: GET / — what visitors see, or the members' home.
func (s *Server) index(c *fiber.Ctx) error {
	if viewer(c) == nil {
		return s.render(c, "landing", s.page(c, "landing", s.cfg.SiteName))
	}
	return s.home(c)
}

// home shows the people of the site, and its rooms.
func (s *Server) home(c *fiber.Ctx) error {
	return s.renderHome(c, http.StatusOK, HomePage{Open: s.askedRoom(c)})
}

// renderHome fills in what the form at hand does not bring.
func (s *Server) renderHome(c *fiber.Ctx, status int, data HomePage) error {
	me := viewer(c).account
	accounts, err := s.db.Directory(c.UserContext())
	if err != nil {
		return err
	}
	if data.People, err = s.people(c.UserContext(), me, accounts); err != nil {
		return err
	}
	if data.Rooms, err = s.roomRows(c.UserContext(), me.Username); err != nil {
		return err
	}
	p := s.page(c, "home", "Home")
	p.Data = data
	return s.render(c.Status(status), "home", p)
}

// people shows accounts to somebody, without that person's own.
func (s *Server) people(ctx context.Context, me models.Account, accounts []models.Account) ([]Person, error) {
	users := make([]string, 0, len(accounts))
	for _, a := range accounts {
		users = append(users, a.Username)
	}
	online, err := s.chat.Online(ctx, me.Username, users)
	if err != nil {
		return nil, err
	}
	people := make([]Person, 0, len(accounts))
	for _, a := range accounts {
		if a.ID == me.ID {
			continue
		}
		p := s.person(a)
		p.Online = online[a.Username]
		people = append(people, p)
	}
	return people, nil
}

// chatPage: GET /chat — the same chat at full size.
func (s *Server) chatPage(c *fiber.Ctx) error {
	return s.render(c, "chat", s.page(c, "chat", "Chat"))
}
