package app

import (
	"context"
	"net/http"

	"foyer/internal/budget"

	"github.com/gofiber/fiber/v2"
)

// refusals are what addresses and accounts are refused, over HTTP and by the gateway, and
// those that are being drawn out.
type refusals struct {
	*budget.Refusals
	ctx  context.Context // ends when the site stops
	stop context.CancelFunc
}

func newRefusals(perSecond float64, recorder budget.Recorder) refusals {
	ctx, stop := context.WithCancel(context.Background())
	return refusals{budget.NewRefusals(perSecond, recorder), ctx, stop}
}

// costly are the answers to what is too large, or broken. Who has had too many of them waits
// for the next, in the place of that request.
var costly = map[int]bool{
	http.StatusRequestEntityTooLarge: true, http.StatusUnsupportedMediaType: true,
	http.StatusRequestHeaderFieldsTooLarge: true, http.StatusBadRequest: true,
}

// delayRefusal waits before such an answer.
func (s *site) delayRefusal(c *fiber.Ctx, status int) {
	if costly[status] {
		_ = budget.Pause(s.refusals.ctx, s.refusals.Take(s.address(c), ""))
	}
}
