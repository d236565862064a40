package uploads

import (
	"net/url"
	"path"
	"strings"
	"unicode"

	"foyer/internal/names"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// The names of files: what people see, and the last part of an address.

// Bounds of a name, in bytes; of a long one the ending is kept.
const (
	maxFileName  = 200
	maxExtension = 16
)

// cleanFileName makes a name out of whatever a client sends: the last part of a
// path, without characters that cannot be seen or that turn the text around them
// (so that an ending is where it seems to be), and not too long. What the ending
// says is kept.
func cleanFileName(raw string) string {
	name := strings.ToValidUTF8(raw, "")
	if at := strings.LastIndexAny(name, `/\`); at >= 0 {
		name = name[at+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case names.IsPart(r): // Persian words, emoji and flags
			return r
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = shorten(strings.TrimSpace(name))
	if strings.Trim(name, ". ") == "" || names.Line(name) == "" {
		return "file"
	}
	return name
}

func shorten(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > maxExtension {
		ext = ""
	}
	base := strings.ToValidUTF8(name[:maxFileName-len(ext)], "") // a character may be cut in two
	return strings.TrimSpace(base) + ext
}

// sameName reports whether the address ends with the file's name.
func sameName(c *fiber.Ctx, u models.Upload) bool {
	name, err := url.PathUnescape(c.Params("*"))
	return err == nil && name == u.Name
}
