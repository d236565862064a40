package app

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"foyer/app/auth"
	"foyer/app/uploads"
	"foyer/models"
	"foyer/static"
	"foyer/views"
	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/template/html/v2"
)

// Server is the website. Run makes it and the rest of the program.
type Server struct {
	cfg     Config
	log     *slog.Logger
	db      *models.DB
	chat    Chat
	gateway *xmppgw.Gateway
	auth    *auth.Service
	proxies []netip.Prefix
	assets  *assets
	web     *fiber.App
	expired expired
	uploads *uploads.Service
	native  []nativePort // set before serving
	baseURL atomic.Value // string; known once the site listens

	accountChanges *accountChanges
}

// BaseURL is the site's public URL.
func (s *Server) BaseURL() string {
	url, _ := s.baseURL.Load().(string)
	return url
}

// isOrigin reports whether an Origin header names this site. In development the
// site has three names on loopback.
func (s *Server) isOrigin(origin string) bool {
	base := s.BaseURL()
	if base == "" {
		return false
	}
	if strings.EqualFold(origin, base) {
		return true
	}
	if !s.cfg.Development() || s.cfg.BaseURL != "" {
		return false
	}
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if origin == "http://"+host+":"+u.Port() {
			return true
		}
	}
	return false
}

// newWeb makes the Fiber application with its templates. A template that does
// not parse stops the start.
func (s *Server) newWeb() (*fiber.App, error) {
	engine := html.NewFileSystem(http.FS(views.FS), ".html")
	engine.AddFuncMap(map[string]any{
		"asset":    s.assets.url,
		"initials": initials,
		"timeAgo":  timeAgo,
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	})
	if err := engine.Load(); err != nil {
		return nil, err
	}
	return fiber.New(fiber.Config{
		AppName:               s.cfg.SiteName,
		Views:                 engine,
		ErrorHandler:          s.handleError,
		Immutable:             true, // values from a request are kept after it
		DisableStartupMessage: true,
		BodyLimit:             maxBody,
		// Files arrive in pieces; every other handler gets its body whole (wholeBody).
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		ReadTimeout:                  30 * time.Second,
		WriteTimeout:                 90 * time.Second, // above the longest BOSH wait (B-60)
		IdleTimeout:                  120 * time.Second,
		// A waiting BOSH request keeps its connection's buffers. This bounds a
		// request's header, cookies included, too.
		ReadBufferSize:    8 << 10,
		ReduceMemoryUsage: true,
	}), nil
}

// staticFiles are the files of static/, without the Go file that embeds them.
func staticFiles() fs.FS { return static.FS }

// initials are what stands in for a picture.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if out = append(out, []rune(word)[0]); len(out) == 2 {
			break
		}
	}
	return strings.ToUpper(string(out))
}

// timeAgo says roughly how long ago t was.
func timeAgo(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute") + " ago"
	case d < 24*time.Hour:
		return plural(int(d.Hours()), "hour") + " ago"
	case d < 30*24*time.Hour:
		return plural(int(d.Hours()/24), "day") + " ago"
	}
	return t.Format("2 January 2006")
}
