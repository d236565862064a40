package app

import "github.com/gofiber/fiber/v2"

// index: GET / — what visitors see, or the members' home.
func (s *Server) index(c *fiber.Ctx) error {
	if viewer(c) == nil {
		return s.render(c, "landing", s.page(c, "landing", s.cfg.SiteName))
	}
	return s.home(c)
}

// home shows the people of the site.
func (s *Server) home(c *fiber.Ctx) error {
	accounts, err := s.db.Directory(c.UserContext())
	if err != nil {
		return err
	}
	data := HomePage{People: make([]Person, 0, len(accounts))}
	for _, a := range accounts {
		if a.ID != viewer(c).account.ID {
			data.People = append(data.People, s.person(a))
		}
	}
	p := s.page(c, "home", "Home")
	p.Data = data
	return s.render(c, "home", p)
}

// chat: GET /chat — the same chat at full size.
func (s *Server) chat(c *fiber.Ctx) error {
	return s.render(c, "chat", s.page(c, "chat", "Chat"))
}
