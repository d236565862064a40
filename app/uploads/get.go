package uploads

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"foyer/app/uploads/files"
	"foyer/models"
	"foyer/token"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// get: GET, HEAD /upload/:secret/:name — a file, or a part of it; with ?small the small version of a picture that has
// one (small.go).
func (s *Service) get(c *fiber.Ctx) error {
	u, err := s.find(c)
	if err != nil {
		return AsError(err)
	}
	if !sameName(c, u) {
		return ErrNoFile
	}
	if wantsSmall(c, u) {
		if done, err := s.getSmall(c, u); done || err != nil {
			return err
		}
	}
	describeFile(c, u)
	tag := c.GetRespHeader("ETag")
	if matches(c.Get("If-None-Match"), tag) {
		return c.SendStatus(http.StatusNotModified)
	}
	first, length, err := wantedPart(c, u.Size, tag)
	if err != nil {
		return err
	}
	if c.Method() == fiber.MethodHead {
		c.Response().SkipBody = true
		c.Response().Header.SetContentLength(int(length))
		return nil
	}
	return s.sendFile(c, u, first, length)
}

func (s *Service) find(c *fiber.Ctx) (models.Upload, error) {
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.Timeout())
	defer cancel()
	return s.db.UploadByGet(ctx, token.Hash(c.Params("secret")))
}

// describeFile sets the headers that depend on the file. Its address names its
// bytes for good, but people may delete it: no cache that others share keeps it.
func describeFile(c *fiber.Ctx, u models.Upload) {
	disposition, mediaType := "inline", u.MediaType
	if mediaType == "" {
		// Never the type the client gave: a script or a style of this origin
		// must not come from a member.
		disposition, mediaType = "attachment", fiber.MIMEOctetStream
	}
	c.Set("Content-Type", mediaType)
	c.Set("Content-Disposition", ContentDisposition(disposition, u.Name))
	c.Set("Cache-Control", "private, max-age=31536000, immutable")
	c.Set("ETag", `"`+u.Key()+`"`)
	c.Set("Accept-Ranges", "bytes")
}

// undescribe takes the headers of a file back: what is sent is a sentence about it.
func undescribe(c *fiber.Ctx) {
	for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Range", "ETag", "Accept-Ranges"} {
		c.Response().Header.Del(name)
	}
	c.Set("Cache-Control", "no-store")
}

// ContentDisposition names the file, for old programs in ASCII and for the
// others as it is (RFC 6266 §4.3, Appendix D; RFC 8187 §3.2).
func ContentDisposition(disposition, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return disposition + `; filename="` + plain + `"; filename*=UTF-8''` + models.EscapedFileName(name)
}

// matches reports whether a list of entity tags has this one (RFC 9110 §13.1.2).
func matches(list, tag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

// wantedPart returns which part of the file to send, and says in the answer that
// it is one. A Range with several parts or in another unit is ignored (RFC 9110
// §14.2), and so is one for another version of the file (§13.1.5), and of any other
// method than GET (§14.2).
func wantedPart(c *fiber.Ctx, size int64, tag string) (first, length int64, err error) {
	header := c.Get("Range")
	if version := c.Get("If-Range"); c.Method() != fiber.MethodGet || !strings.HasPrefix(header, "bytes=") || strings.Contains(header, ",") || (version != "" && version != tag) {
		return 0, size, nil
	}
	from, to, err := fasthttp.ParseByteRange([]byte(header), int(size))
	if err != nil {
		undescribe(c)
		c.Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		return 0, 0, &Error{Status: http.StatusRequestedRangeNotSatisfiable, Public: "The file does not have that part."}
	}
	c.Status(http.StatusPartialContent).Response().Header.SetContentRange(from, to, int(size))
	return int64(from), int64(to-from) + 1, nil
}

// Save sends a file to be saved, since only the address that was sent shows it in
// place.
func (s *Service) Save(c *fiber.Ctx, u models.Upload) error {
	u.MediaType = ""
	describeFile(c, u)
	c.Set("Cache-Control", "no-store")
	return s.sendFile(c, u, 0, u.Size)
}

// Open reads a whole file, for its owner, who takes all of them along. files.ErrNotFound: the store does not have it.
func (s *Service) Open(ctx context.Context, u models.Upload) (io.ReadCloser, error) {
	return s.cfg.Store.Open(ctx, u.ID, 0, u.Size)
}

// sendFile streams a part of the file.
func (s *Service) sendFile(c *fiber.Ctx, u models.Upload, first, length int64) error {
	leave, err := s.place(c)
	if err != nil {
		undescribe(c)
		return err
	}
	// The file is read after the handler has returned, and has its own time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), transferTime(length))
	file, err := s.cfg.Store.Open(ctx, u.ID, first, length)
	if err != nil {
		cancel()
		leave()
		undescribe(c)
		if errors.Is(err, files.ErrNotFound) {
			s.log.Error("a file is lost: the store does not have it", "file", u.ID)
			return ErrNoFile
		}
		return AsError(err)
	}
	return s.send(c, &downloadReader{file, cancel, leave}, length)
}

func (s *Service) send(c *fiber.Ctx, body *downloadReader, length int64) error {
	s.counts.sent.Add(1)
	if err := c.Context().SetWriteDeadline(time.Now().Add(transferTime(length))); err != nil {
		return errors.Join(err, body.Close())
	}
	c.Context().SetBodyStream(body, int(length))
	return nil
}

// downloadReader is a file on its way out.
type downloadReader struct {
	io.ReadCloser
	cancel context.CancelFunc
	leave  func() // its place
}

// Close implements io.Closer.
func (s *downloadReader) Close() error {
	s.cancel()
	err := s.ReadCloser.Close()
	s.leave()
	return err
}
