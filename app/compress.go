package app

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// Pages are mostly markup: the fastest levels take most of it out. Of 30 kB of pages zstd leaves
// 5.6 kB in 0.08 ms of the processor, gzip 6.0 kB in 0.10, the hand-over to fasthttp's goroutines
// included (BenchmarkCompressPage, 2 cores); the next level of zstd, 5.4 kB, takes half as long again.
const (
	zstdLevel = zstd.SpeedFastest
	gzipLevel = fasthttp.CompressBestSpeed

	zstdWindow    = 128 << 10 // bytes; browsers take up to 8 MiB (RFC 9659 §3), and pages are no longer than this
	minCompressed = 200       // bytes; what is shorter would hardly become less
)

// pageEncoder makes what zstd makes of a page, on as many processors as there are; others wait.
// It may be used by any number of goroutines.
var pageEncoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
})

// compressed sends pages as the browser takes them, zstd or gzip. Nothing else is
// compressed here: files of static/ have their own way (assets), pictures are by
// nature, and answers in pieces keep their lengths. What is secret in a page is
// another one each time (auth.Service.FormToken).
func (s *middleware) compressed(c *fiber.Ctx) error {
	if err := c.Next(); err != nil {
		return err
	}
	resp := c.Response()
	if !bytes.HasPrefix(resp.Header.ContentType(), []byte("text/html")) || len(resp.Header.ContentEncoding()) > 0 || resp.IsBodyStream() {
		return nil
	}
	c.Vary(fiber.HeaderAcceptEncoding) // also what is sent as it is (RFC 9110 §12.5.5)
	page := resp.Body()
	if len(page) < minCompressed {
		return nil
	}
	accepts := string(bytes.Join(c.Request().Header.PeekAll(fiber.HeaderAcceptEncoding), []byte(",")))
	coding := chooseCoding(accepts, "zstd", "gzip")
	packed, err := compressPage(coding, page)
	if err != nil || packed == nil {
		return err
	}
	c.Set(fiber.HeaderContentEncoding, coding)
	resp.SetBodyRaw(packed)
	return nil
}

// compressPage returns a page in a content coding, zstd or gzip; nil: as it is.
func compressPage(coding string, page []byte) ([]byte, error) {
	switch coding {
	case "zstd":
		e, err := pageEncoder()
		if err != nil {
			return nil, err
		}
		return e.EncodeAll(page, make([]byte, 0, len(page)/4)), nil
	case "gzip":
		return fasthttp.AppendGzipBytesLevel(make([]byte, 0, len(page)/4), page, gzipLevel), nil
	}
	return nil, nil
}

// chooseCoding returns the content coding that a field Accept-Encoding likes best, of those that
// are offered, best first; "": none, or what is not encoded is liked better (RFC 9110 §12.5.3).
func chooseCoding(accepts string, offered ...string) string {
	best, weight := "", codingWeight(accepts, "identity")
	for _, coding := range offered {
		if w := codingWeight(accepts, coding); w > 0 && (w > weight || best == "" && w == weight) {
			best, weight = coding, w
		}
	}
	return best
}

// codingWeight returns how much a field Accept-Encoding likes a content coding, from 0, which is
// not at all, to 1 (RFC 9110 §12.4.2, §12.5.3). "*" stands for those that are not named; for
// "identity" only if it has no other way. A weight that is none counts as 0.
func codingWeight(accepts, coding string) float64 {
	var others float64
	for member := range strings.SplitSeq(accepts, ",") {
		name, params, _ := strings.Cut(member, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == coding, name == "x-"+coding: // §8.4.1.3: x-gzip is gzip
			return weightOf(params)
		case name == "*" && coding != "identity":
			others = weightOf(params)
		}
	}
	return others
}

// weightOf returns the parameter q; without it all is liked equally.
func weightOf(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q > 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
