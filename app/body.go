package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/budget"
	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// middleware is what every request passes: bounds of what it brings, and the headers of the answer.
type middleware struct {
	*site
	bodies  *budget.KeyedSemaphore
	policy  string        // of pages, without the nonce
	timeout time.Duration // that a request has, without the bytes of a file
	gateway *xmppgw.Gateway
	limits  budget.Recorder
}

// What the body of a request may be, in bytes: each route has its own bound, and
// no more than that is read. Uploads are read as they arrive, and the
// gateway knows its own bound.
const (
	maxFormBody    = 64 << 10
	maxPictureBody = maxUpload + maxFormBody
)

// Bodies that are in memory at once, beyond the first freeBody bytes of each.
const (
	freeBody          = 16 << 10
	bodiesInMemory    = 64 << 20
	bodiesOfOneClient = bodiesInMemory / 4
)

// How long a body may take: ReadTimeout, and longer for a large one on a slow
// line.
const slowestBody = 32 << 10 // bytes per second

func newBodies(recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "bodies of requests in memory"}, bodiesInMemory, bodiesOfOneClient, recorder)
}

// refuseCompressedBody refuses a request whose body is compressed, on every route except BOSH with
// BOSH_COMPRESSION: no page sends one, and a reader that unpacks it, as fasthttp's forms
// do, has no bound. RFC 9110 §8.4 asks for 415, and §12.5.3 for the codings we take.
func (s *middleware) refuseCompressedBody(c *fiber.Ctx) error {
	for _, codings := range c.Request().Header.PeekAll(fiber.HeaderContentEncoding) {
		for coding := range strings.SplitSeq(string(codings), ",") {
			coding = strings.TrimSpace(coding)
			if isBOSH(c) && s.gateway.Unpacks(coding) {
				continue // it has a bound
			}
			if coding != "" && !strings.EqualFold(coding, "identity") {
				c.Context().SetConnectionClose() // the body is not read
				c.Set(fiber.HeaderAcceptEncoding, "identity")
				return &Error{Code: WrongType, Public: "Send this without compression (Content-Encoding)."}
			}
		}
	}
	return c.Next()
}

// bufferBody reads a request's body, up to limit bytes, for the handlers that
// follow. The server streams bodies, without any bound of its own, for the sake
// of uploads; that must not reach a handler which reads its body into memory.
func (s *middleware) bufferBody(limit int) fiber.Handler {
	return s.bufferBodyOr(limit, func(*fiber.Ctx, []byte) error { return fiber.ErrRequestEntityTooLarge })
}

// boshBody is bufferBody for BOSH, whose clients are told what is too large in its own
// words (B-09).
func (s *middleware) boshBody() fiber.Handler {
	return s.bufferBodyOr(s.gateway.MaxBody(), func(c *fiber.Ctx, beginning []byte) error {
		if c.Method() != http.MethodPost {
			return fiber.ErrRequestEntityTooLarge
		}
		err := s.gateway.TooLarge(c, beginning)
		s.delayRefusal(c, http.StatusRequestEntityTooLarge)
		return err
	})
}

// What is read of a body that is too large, to see what it was for.
const bodyBeginning = 4 << 10

// bufferBodyOr is bufferBody with an answer to what is too large, which gets the beginning of
// that.
func (s *middleware) bufferBodyOr(limit int, tooLarge func(c *fiber.Ctx, beginning []byte) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		req := c.Request()
		if !req.IsBodyStream() {
			return c.Next()
		}
		if limit > maxFormBody {
			// An error would leave the shorter deadline.
			_ = c.Context().SetReadDeadline(time.Now().Add(readTimeout + time.Duration(limit/slowestBody)*time.Second))
		}
		b := &body{share: s.bodies, client: budget.Network(s.address(c))}
		defer b.release()
		err := b.read(req.BodyStream(), req.Header.ContentLength(), limit)
		if err != nil {
			c.Context().SetConnectionClose() // what is left of the body is not worth reading
		}
		if errors.Is(err, fiber.ErrRequestEntityTooLarge) {
			beginning := b.beginning(req.BodyStream())
			b.release() // the answer may take a while
			return tooLarge(c, beginning)
		}
		if err != nil {
			return err
		}
		req.SetBodyRaw(b.data)
		return c.Next()
	}
}

// body is a request's body on its way into memory. It costs what has arrived,
// whatever its length is said to be.
type body struct {
	share  *budget.KeyedSemaphore
	client string // who pays
	data   []byte
	paid   []func() // each returns what was taken of the share
}

var errTooManyBodies = &Error{Code: Unavailable, Public: "Too much is being sent at once. Please try again in a moment."}

// read reads a body of at most limit bytes; a length below 0 is not known
// (chunked).
func (b *body) read(r io.Reader, length, limit int) error {
	if length > limit {
		return fiber.ErrRequestEntityTooLarge
	}
	for {
		if len(b.data) == cap(b.data) {
			if err := b.grow(length, limit); err != nil {
				return err
			}
		}
		n, err := r.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case len(b.data) > limit:
			return fiber.ErrRequestEntityTooLarge
		case errors.Is(err, io.EOF) && (length < 0 || len(b.data) == length):
			return nil
		case err != nil:
			return bodyError(err)
		}
	}
}

// grow makes room for as much again, and one byte beyond the limit, to see that
// there is more.
func (b *body) grow(length, limit int) error {
	size := min(max(2*cap(b.data), freeBody/4), limit+1)
	if length >= 0 {
		size = min(size, length+1)
	}
	if more := size - max(cap(b.data), freeBody); more > 0 {
		release, ok := b.share.TryAcquire(b.client, int64(more))
		if !ok {
			return errTooManyBodies
		}
		b.paid = append(b.paid, release)
	}
	b.data = append(make([]byte, 0, size), b.data...)
	return nil
}

// beginning returns the first bytes of a body that is too large, of which nothing may
// have been read yet.
func (b *body) beginning(r io.Reader) []byte {
	if len(b.data) > 0 {
		return slices.Clone(b.data[:min(len(b.data), bodyBeginning)])
	}
	first := make([]byte, bodyBeginning)
	n, _ := r.Read(first)
	return first[:n]
}

func (b *body) release() {
	for _, returnShare := range b.paid {
		returnShare()
	}
	b.paid, b.data = nil, nil
}

// bodyError tells a body that is too slow from one that is cut off.
func bodyError(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fiber.ErrRequestTimeout
	}
	return fiber.ErrBadRequest
}

var errNoText = &Error{Code: Invalid, Public: "The request contains characters that are not text."}

// plainText refuses a request whose address or form holds what is no text: bytes
// that are not UTF-8, or NUL. No browser sends them, and the database takes neither
//
func (s *middleware) plainText(c *fiber.Ctx) error {
	if !isText(string(c.Context().Path())) {
		return errNoText
	}
	for _, args := range []*fasthttp.Args{c.Context().QueryArgs(), c.Context().PostArgs()} {
		for name, value := range args.All() {
			if !isText(string(name)) || !isText(string(value)) {
				return errNoText
			}
		}
	}
	form, err := c.MultipartForm()
	if err != nil {
		return c.Next() // another body, or a broken one, has no fields
	}
	for _, values := range form.Value {
		if slices.ContainsFunc(values, func(value string) bool { return !isText(value) }) {
			return errNoText
		}
	}
	return c.Next()
}

// hasEscapedNUL reports whether a string in JSON holds NUL, which JSON writes as an escape
// (RFC 8259 §7).
func hasEscapedNUL(json []byte) bool {
	for {
		at := bytes.IndexByte(json, '\\')
		if at < 0 || at+1 == len(json) {
			return false
		}
		if bytes.HasPrefix(json[at:], []byte(`\u0000`)) {
			return true
		}
		json = json[at+2:] // what is escaped begins no escape
	}
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// How long a request may take that reads and writes no file.
const requestTimeout = 15 * time.Second

// deadline bounds what a request waits for, the database above all.
func (s *middleware) deadline(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), s.timeout)
	defer cancel()
	c.SetUserContext(ctx)
	return c.Next()
}

// What the header of a request may be, cookies included: other programs of the
// domain set cookies too, and a proxy's own sign-on takes 8 to 16 kB.
// What is read at most is a little more, so that the answer can be given.
const (
	maxHeader    = 36 << 10
	maxReadAhead = 40 << 10
)

var errLargeHeader = &Error{Code: LargeHeader, Public: "Your browser sends too many cookies for this site. Delete the cookies of this domain, and try again."}

// limitHeader refuses a request whose header is too large, where it can still be
// told what it was for.
func (s *middleware) limitHeader(c *fiber.Ctx) error {
	if len(c.Request().Header.RawHeaders()) > maxHeader {
		s.limits.LimitHit(largeHeaders, budget.Network(s.address(c)))
		c.Context().SetConnectionClose()
		return errLargeHeader
	}
	return c.Next()
}
