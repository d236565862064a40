package app

import (
	"crypto/rand"
	"errors"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"foyer/app/pictures"
	"foyer/app/uploads"
	"foyer/internal/budget"
	"foyer/models"
	"foyer/static"
	"foyer/views"
	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/template/html/v2"
	"github.com/valyala/fasthttp"
)

// Server is the website. Run makes it and the rest of the program.
type Server struct {
	*pages
	handlers
	db            *models.DB
	gateway       *xmppgw.Gateway
	themeColors   themeColors
	web           *fiber.App
	expired       expiryCounters
	clock         *machineClock
	uploads       *uploads.Service
	native        []nativePort   // set before serving
	authListeners []authListener // likewise
	metrics       net.Listener   // likewise; nil: metrics have no port of their own
	id            string         // SiteID
	conns         *connections
	transfers     *budget.KeyedSemaphore // of files that come or go
	pictures      *pictures.Decoder
	upstreamPush  *upstreamPush    // nil: the embedded chat server tells push itself
	limits        *budget.LimitLog // which of them were met

	fetcher         *pictures.Fetcher // of those that sources have
	claimedPictures chan claimedPicture

	templateRooms []templateRoom // that pages of the site name

	accountChanges  *accountChanges
	memoryGivenBack atomic.Int64 // times
}

// loadViews loads the templates. One that does not parse stops the start.
func (s *Server) loadViews() error {
	s.mark = rand.Text() + ":"
	s.views = html.NewFileSystem(http.FS(views.FS), ".html")
	s.views.AddFuncMap(map[string]any{
		"asset":       s.assets.url,
		"files":       s.assets.of,
		"ahead":       s.assets.ahead,
		"themeColors": func() themeColors { return s.themeColors },
		"css":         func(text string) template.CSS { return template.CSS(text) },
		"initials":    initials,
		"limits":      limits,
		"timeAgo":     timeAgo,
		"of":          func(p Person, csrf string) personForm { return personForm{p, csrf} },
		"find":        func(action, label, typed string) searchForm { return searchForm{action, label, typed} },
		"confirming":  func(r ConfirmRow, next, csrf string) confirmForm { return confirmForm{r, next, csrf} },
		"room":        s.roomMark,
		"roomPath":    roomPath,
		"themes":      themes,
		"iso":         func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	})
	if err := s.views.Load(); err != nil {
		return err
	}
	s.templateRooms = s.shownRooms()
	return nil
}

// newWeb makes the Fiber application.
func (s *Server) newWeb() *fiber.App {
	cfg := webConfig()
	cfg.AppName, cfg.Views, cfg.ErrorHandler = s.cfg.SiteName, s.views, s.answerError
	return s.boundedWeb(cfg)
}

// webConfig is what every Fiber application here has in common.
func webConfig() fiber.Config {
	return fiber.Config{
		CaseSensitive:         true, // as addresses are (RFC 3986 §6.2.2.1), and as what looks at the path before and after routing takes it
		Immutable:             true, // values from a request are kept after it
		DisableStartupMessage: true,
		BodyLimit:             maxPictureBody,
		// Files arrive in pieces; every other handler gets its body whole (bufferBody).
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 90 * time.Second, // above the longest BOSH wait (B-60)
		IdleTimeout:                  120 * time.Second,
		ReadBufferSize:               maxReadAhead, // while a request is read and answered
		ReduceMemoryUsage:            true,
	}
}

// boundedWeb makes a Fiber application whose connections and requests are bounded.
func (s *Server) boundedWeb(cfg fiber.Config) *fiber.App {
	web := fiber.New(cfg)
	web.Server().ConnState = s.conns.follow
	web.Server().ErrorHandler = s.handleUnread(web.Server().ErrorHandler)
	return web
}

// How long a request may take to arrive.
const readTimeout = 30 * time.Second

// largeHeaders are counted, and told by the log once a minute: everybody can send many.
var largeHeaders = budget.Limit{Name: "headers of requests, in bytes"}

// handleUnread answers a request that could not be read. Of one whose header is
// larger than all that is read, the library's error tells how it begins.
func (s *Server) handleUnread(others func(*fasthttp.RequestCtx, error)) func(*fasthttp.RequestCtx, error) {
	return func(c *fasthttp.RequestCtx, err error) {
		var large *fasthttp.ErrSmallBuffer
		if errors.As(err, &large) {
			s.limits.LimitHit(largeHeaders, budget.Network(c.RemoteIP().String()))
			if strings.Contains(large.Error(), " /xmpp/") {
				c.Request.SetRequestURI("/xmpp/")
			}
		}
		others(c, err)
	}
}

// staticFiles are the files of static/, without the Go file that embeds them.
func staticFiles() fs.FS { return static.FS }
