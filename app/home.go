package app

import (
	"net/http"

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
	data.People = make([]Person, 0, len(accounts))
	for _, a := range accounts {
		if a.ID != me.ID {
			data.People = append(data.People, s.person(a))
		}
	}
	if data.Rooms, err = s.roomRows(c.UserContext(), me.Username); err != nil {
		return err
	}
	p := s.page(c, "home", "Home")
	p.Data = data
	return s.render(c.Status(status), "home", p)
}

// chat: GET /chat — the same chat at full size.
func (s *Server) chat(c *fiber.Ctx) error {
	return s.render(c, "chat", s.page(c, "chat", "Chat"))
}
