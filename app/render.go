package app

import (
	"bytes"
	"context"
	"html/template"
	"io"
	"runtime"

	"foyer/internal/budget"

	"github.com/gofiber/fiber/v2"
)

// render renders a page within the layout.
func (s *pages) render(c *fiber.Ctx, name string, p *Page) error {
	// The page first, then what is around it: Fiber's own layouts would show a
	// template's error in the middle of the page, with status 200. Not by Fiber's
	// Render either, which makes a list at the first page, without a lock.
	var content, page bytes.Buffer
	if err := s.renderOne(c, &content, name, p); err != nil {
		return err
	}
	inner, err := s.withDiscussions(c, p, content.Bytes())
	if err != nil {
		return err
	}
	p.Content = template.HTML(inner)
	if err := s.renderOne(c, &page, "layouts/main", p); err != nil {
		return err
	}
	return c.Type("html", "utf-8").Send(page.Bytes())
}

// newRenders bounds how many pages are rendered at once for one address: on as many
// processors as there are but one, so that no address has all of them. What is bounded so
// lasts a fraction of a millisecond, and so nobody is told that it was met.
func newRenders(recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "pages of one address"}, 1<<20, int64(max(runtime.GOMAXPROCS(0)-1, 1)), recorder)
}

// renderOne renders a template in a turn of the client's address.
func (s *pages) renderOne(c *fiber.Ctx, out io.Writer, name string, p *Page) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout) // an error's page comes when the request's own time is over
	defer cancel()
	done, err := s.renders.Acquire(ctx, budget.Network(s.address(c)), 1)
	if err != nil {
		return &Error{Code: Unavailable, Public: "There are many requests right now. Please try again in a moment.", Err: err}
	}
	defer done()
	return s.views.Render(out, name, p)
}
