package app

import "github.com/gofiber/fiber/v2"

// article: GET /articles/garden — a page for everybody with a discussion beside it, to be
// copied: what makes it one is the line {{room "lobby"}} in its template.
func (s *homePages) article(c *fiber.Ctx) error {
	return s.render(c, "article", s.page(c, "article", "A garden that looks after itself"))
}
