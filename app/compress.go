package app

import (
	"bytes"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Pages are mostly markup: the fastest level takes most of it out, for some tens of
// microseconds.
var compressPage = fasthttp.CompressHandlerLevel(func(*fasthttp.RequestCtx) {}, fasthttp.CompressBestSpeed)

// compressed sends pages as the browser takes them, gzip or zstd. Nothing else is
// compressed here: files of static/ have their own way (assets), pictures are by
// nature, and answers in pieces keep their lengths. What is secret in a page is
// another one each time (auth.Service.FormToken).
func (s *gate) compressed(c *fiber.Ctx) error {
	err := c.Next()
	if err == nil && bytes.HasPrefix(c.Response().Header.ContentType(), []byte("text/html")) {
		compressPage(c.Context())
	}
	return err
}
