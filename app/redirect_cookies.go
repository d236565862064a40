package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"foyer/app/auth"

	"github.com/gofiber/fiber/v2"
)

// What has to be known at the end of a redirect is in a cookie of its own for each that a browser has
// begun, found by the state that the answer brings: somebody who begins in two tabs can come back
// in either. It goes with the first answer that names it.

// What redirects cost in a browser's requests, whose headers are bounded: each at most
// 2 KiB with a state as small as those of package oidc.
const (
	maxRedirects = 4    // begun in one browser; the oldest goes for a new one
	maxSealed    = 1900 // bytes of one; where to go then is forgotten for it
)

// redirectCookieName is the cookie of the redirect whose answer brings that state. The state is
// anybody's who writes an address: none of it becomes part of a header.
func (s *site) redirectCookieName(answerState string) string {
	return s.redirectCookiePrefix() + cookieKey(answerState)
}

// cookieKey tells cookies of one kind apart, by what each is about.
func cookieKey(about string) string {
	hash := sha256.Sum256([]byte(about))
	return base64.RawURLEncoding.EncodeToString(hash[:16])
}

func (s *site) redirectCookiePrefix() string { return s.cookieName() + "-redirect-" }

// keepRedirect keeps a redirect that begins with the browser.
func (s *signInPages) keepRedirect(c *fiber.Ctx, record auth.RedirectRecord, answerState string) error {
	sealed, err := s.auth.SealRedirect(record)
	if err == nil && len(sealed) > maxSealed {
		record.Next = "/"
		sealed, err = s.auth.SealRedirect(record)
	}
	if err != nil {
		return err
	}
	s.makeRoom(c, s.redirectCookiePrefix(), maxRedirects)
	cookie := s.cookie(s.redirectCookieName(answerState), datedCookie(sealed))
	cookie.Expires = time.Now().Add(auth.RedirectLifetime)
	c.Cookie(cookie)
	return nil
}

// takeRedirect returns the redirect that an answer belongs to, and lets go of it: ErrNoRedirect.
func (s *signInPages) takeRedirect(c *fiber.Ctx, source auth.Source) (auth.RedirectRecord, error) {
	name := s.redirectCookieName(c.Query("state"))
	value := readCookie(c, name)
	if value == "" {
		return auth.RedirectRecord{}, auth.ErrNoRedirect
	}
	s.dropCookie(c, name)
	_, sealed, _ := strings.Cut(value, ".")
	return s.auth.OpenRedirect(sealed, source)
}

// datedCookie is the value of a cookie that makeRoom knows the age of: the time comes before the first dot.
func datedCookie(value string) string {
	return strconv.FormatInt(time.Now().UnixNano(), 10) + "." + value
}

// makeRoom drops the oldest cookies of a kind, so that one more makes as many as may be.
func (s *site) makeRoom(c *fiber.Ctx, prefix string, most int) {
	begun := begunCookies(c, prefix)
	for _, name := range begun[:max(0, len(begun)-most+1)] {
		s.dropCookie(c, name)
	}
}

// begunCookies are the names of the cookies of a kind that a browser brings, the oldest first:
// that is not told by their order in the header (RFC 6265 §4.2.2).
func begunCookies(c *fiber.Ctx, prefix string) []string {
	type begun struct {
		name string
		at   int64
	}
	var list []begun
	for pair := range strings.SplitSeq(cookieHeader(c), ";") {
		name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !isKeyed(prefix, name) {
			continue
		}
		at, _, _ := strings.Cut(unquote(value), ".")
		when, _ := strconv.ParseInt(at, 10, 64) // 0, if it is none of ours: before all others
		list = append(list, begun{name, when})
	}
	slices.SortFunc(list, func(a, b begun) int { return cmp.Compare(a.at, b.at) })
	names := make([]string, len(list))
	for i, b := range list {
		names[i] = b.name
	}
	return names
}

// isKeyed reports whether a name is one that cookieKey ends: other programs of the
// domain set cookies, too, and only such a name is written into a header again.
func isKeyed(prefix, name string) bool {
	key, ok := strings.CutPrefix(name, prefix)
	hash, err := base64.RawURLEncoding.DecodeString(key)
	return ok && err == nil && len(hash) == 16 && base64.RawURLEncoding.EncodeToString(hash) == key // line breaks are read over
}
