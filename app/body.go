package app

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// maxBody is the most that any handler but an upload's takes: a picture and the
// rest of its form.
const maxBody = maxUpload + 1<<20

// plainBody refuses a request whose body is compressed, on every route: nothing
// here asks for one, and a reader that unpacks it, as fasthttp's forms do, has no
// bound. RFC 9110 §8.4 asks for 415, and §12.5.3 for the codings we take.
func (s *Server) plainBody(c *fiber.Ctx) error {
	for _, codings := range c.Request().Header.PeekAll(fiber.HeaderContentEncoding) {
		for coding := range strings.SplitSeq(string(codings), ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				c.Context().SetConnectionClose() // the body is not read
				c.Set(fiber.HeaderAcceptEncoding, "identity")
				return &Error{Code: WrongType, Public: "Send this without compression (Content-Encoding)."}
			}
		}
	}
	return c.Next()
}

// wholeBody reads a request's body for the handlers that follow, up to maxBody.
// The server streams bodies, without any bound of its own, for the sake of
// uploads; that must not reach a handler which reads its body into memory.
func (s *Server) wholeBody(c *fiber.Ctx) error {
	req := c.Request()
	if !req.IsBodyStream() {
		return c.Next()
	}
	body, err := readBody(req.BodyStream(), req.Header.ContentLength())
	if err != nil {
		c.Context().SetConnectionClose() // what is left of the body is not worth reading
		return err
	}
	req.SetBodyRaw(body)
	return c.Next()
}

// readBody reads a body; a length below 0 is not known (chunked). Memory is
// taken as the bytes arrive, whatever the length says.
func readBody(r io.Reader, length int) ([]byte, error) {
	if length > maxBody {
		return nil, fiber.ErrRequestEntityTooLarge
	}
	body := bytes.NewBuffer(make([]byte, 0, min(max(length, 0), 64<<10)+bytes.MinRead))
	n, err := body.ReadFrom(io.LimitReader(r, maxBody+1))
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, fiber.ErrRequestTimeout
	case err != nil || (length >= 0 && n < int64(length)):
		return nil, fiber.ErrBadRequest
	case n > maxBody:
		return nil, fiber.ErrRequestEntityTooLarge
	}
	return body.Bytes(), nil
}
