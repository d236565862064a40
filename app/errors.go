package app

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"foyer/app/uploads"
	"foyer/models"
	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2"
)

// Code is the kind of an error, which decides the status.
type Code int

// The codes.
const (
	Internal Code = iota
	Invalid
	Unauthorized
	Forbidden
	NotFound
	Conflict
	WrongType
	TooMany
	LargeHeader
	Unavailable
)

// Error is an error in two voices: Public is a sentence for people, Err is for
// the log and never shown.
type Error struct {
	Code   Code
	Public string
	Err    error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Public + ": " + e.Err.Error()
	}
	return e.Public
}

func (e *Error) Unwrap() error { return e.Err }

// statuses is the one map from code to status.
var statuses = map[Code]int{
	Internal:     http.StatusInternalServerError,
	Invalid:      http.StatusBadRequest,
	Unauthorized: http.StatusUnauthorized,
	Forbidden:    http.StatusForbidden,
	NotFound:     http.StatusNotFound,
	Conflict:     http.StatusConflict,
	WrongType:    http.StatusUnsupportedMediaType,
	TooMany:      http.StatusTooManyRequests,
	LargeHeader:  http.StatusRequestHeaderFieldsTooLarge,
	Unavailable:  http.StatusServiceUnavailable,
}

// errExpired is what people read whose form's token is another session's, or none.
var errExpired = &Error{Code: Forbidden, Public: "The form was open for too long, or you signed in or out in the meantime. Go back and try again."}

// errDatabaseUnreachable is what people read while Postgres does not answer. What is away is for the log.
var errDatabaseUnreachable = &Error{Code: Unavailable, Public: "The site is not responding. Please try again in a moment."}

// explain returns the status and the sentence for any error.
func explain(err error) (status int, public string) {
	var e *Error
	if errors.As(err, &e) {
		return statuses[e.Code], e.Public
	}
	var file *uploads.Error
	if errors.As(err, &file) {
		return file.Status, file.Public
	}
	if errors.Is(err, ErrChatUnreachable) {
		return http.StatusServiceUnavailable, "The chat is not responding. Please try again in a moment."
	}
	if models.Unavailable(err) {
		return http.StatusServiceUnavailable, errDatabaseUnreachable.Public
	}
	var f *fiber.Error
	if errors.As(err, &f) {
		switch f.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			return http.StatusNotFound, "There is no page at this address. It may be mistyped or no longer exist."
		case http.StatusRequestEntityTooLarge:
			return f.Code, "That is too large to send."
		case http.StatusRequestHeaderFieldsTooLarge:
			return f.Code, errLargeHeader.Public
		case http.StatusRequestTimeout:
			return f.Code, "That took too long to arrive. Please try again."
		}
		if f.Code < http.StatusInternalServerError {
			return f.Code, "The request could not be understood."
		}
	}
	return http.StatusInternalServerError, "Something went wrong on our side. Please try again in a moment."
}

// answerError is handleError, whose page is kept to the same rules as others also when the
// request was refused before those were set.
func (s *Server) answerError(c *fiber.Ctx, err error) error {
	if c.Locals(nonceKey) == nil {
		s.middleware.setSecureHeaders(c)
	}
	return s.handleError(c, err)
}

// handleError is the funnel for every handler's error.
func (s *pages) handleError(c *fiber.Ctx, err error) error {
	status, public := explain(err)
	if status >= http.StatusInternalServerError {
		s.logFailure(c, status, err)
	}
	s.delayRefusal(c, status)
	if isBOSH(c) {
		return c.Status(status).SendString(public) // no person reads it
	}
	if strings.HasPrefix(c.Path(), "/xmpp/") || strings.HasPrefix(c.Path(), "/readyz") {
		return c.Status(status).JSON(fiber.Map{"error": public})
	}
	title := cmp.Or(titles[status], "That did not work")
	if errors.Is(err, errExpired) {
		title = "This page has expired"
	}
	page := s.page(c, "error", title)
	page.ViewerUnknown = page.Me == nil && c.Locals(sessionResolvedKey) == nil // neither does the page offer to sign in
	page.Data = ErrorPage{Status: status, Text: public, Again: again(c, status), Back: s.back(c)}
	page.Chat = nil
	if renderErr := s.render(c.Status(status), "error", page); renderErr != nil {
		s.log.Error("the error page failed", "err", renderErr)
		return c.Status(status).SendString(public)
	}
	return nil
}

// logFailure logs why a request failed. While the database is away all do, which is one thing to tell; faults of ours
// are told by where they are.
func (s *site) logFailure(c *fiber.Ctx, status int, err error) {
	kind := "away"
	if status != http.StatusServiceUnavailable {
		kind = c.Route().Path
	}
	s.failures.Error(s.log, kind, "request failed", "method", c.Method(), "path", c.Path(), "err", err)
}

// isBOSH reports whether a request is for BOSH; its path is routed with a slash at its end, too.
func isBOSH(c *fiber.Ctx) bool { return strings.TrimSuffix(c.Path(), "/") == xmppgw.BOSHPath }

// again reports whether a page that was asked for may be there the next time.
func again(c *fiber.Ctx, status int) bool {
	return c.Method() == http.MethodGet && (status == http.StatusTooManyRequests || status >= http.StatusInternalServerError)
}

// back is the page of this site whose form was sent, which is loaded again from there; empty: none.
func (s *pages) back(c *fiber.Ctx) string {
	u, err := url.Parse(c.Get("Referer"))
	if err != nil || c.Method() != http.MethodPost || !s.isOrigin(u.Scheme+"://"+u.Host) || strings.HasPrefix(u.Path, "//") {
		return ""
	}
	return u.RequestURI()
}

var titles = map[int]string{
	http.StatusNotFound:              "Page not found",
	http.StatusForbidden:             "Not allowed",
	http.StatusRequestEntityTooLarge: "Too large",
	http.StatusTooManyRequests:       "Please wait a moment",
	http.StatusServiceUnavailable:    "Back in a moment",
}
