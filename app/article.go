package app

import "github.com/gofiber/fiber/v2"

// exampleArticle is the template of a page to be copied.
const exampleArticle = "article"

// showsExample reports whether the site has the page to be copied: where the demo accounts have
// the room that it names, and no site in production with what nobody wrote for it.
func (c Config) showsExample() bool { return c.Development() }

// article: GET /articles/garden — a page for everybody with a discussion beside it, to be
// copied, in development: what makes it one is the line {{room "lobby"}} in its template.
func (s *homePages) article(c *fiber.Ctx) error {
	return s.render(c, exampleArticle, s.page(c, "article", "A garden that looks after itself"))
}
