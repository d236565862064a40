package app

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// While the database is away each request fails for it, which is one line; another fault is another line.
func TestLogFailure_Bounded(t *testing.T) {
	var out bytes.Buffer
	s := &site{log: slog.New(slog.NewTextHandler(&out, nil))}
	web := fiber.New()
	defer func() { _ = web.Shutdown() }()
	c := web.AcquireCtx(&fasthttp.RequestCtx{})
	defer web.ReleaseCtx(c)
	for range 1000 {
		s.logFailure(c, 503, errors.New("no database"))
		s.logFailure(c, 500, errors.New("a fault"))
	}
	if n := strings.Count(out.String(), "\n"); n != 2 || !strings.Contains(out.String(), "no database") || !strings.Contains(out.String(), "a fault") {
		t.Errorf("%d lines: %s", n, out.String())
	}
}
