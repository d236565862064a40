package app

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// cookieValue returns the value of the first cookie of that name in a Cookie
// header, as RFC 6265 §5.4 has browsers write it: names and values are whatever
// was set, by other programs of the domain as well, so nothing but ours is
// looked at. It is the only reader of cookies, for pages and for the chat.
func cookieValue(header, name string) string {
	for pair := range strings.SplitSeq(header, ";") {
		key, value, ok := strings.Cut(pair, "=")
		if ok && strings.Trim(key, " \t") == name {
			return unquote(strings.Trim(value, " \t"))
		}
	}
	return ""
}

// unquote takes the quotes off a value; RFC 6265 §4.1.1 lets what stands between
// add them.
func unquote(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

// cookieHeader is all that a request says of cookies. There may be several lines
// (RFC 9113 §8.2.3, as a proxy passes them on).
func cookieHeader(c *fiber.Ctx) string {
	lines := c.Request().Header.PeekAll(fiber.HeaderCookie)
	all := make([]string, len(lines))
	for i, line := range lines {
		all[i] = string(line)
	}
	return strings.Join(all, "; ")
}

// readCookie returns the value of a request's cookie; empty: there is none.
func readCookie(c *fiber.Ctx, name string) string { return cookieValue(cookieHeader(c), name) }
