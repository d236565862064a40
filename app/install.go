package app

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/template/html/v2"
)

// installPages are what a browser needs of the site before it has a page: to install it, to
// say that it is offline, to be woken.
type installPages struct {
	*site
	assets      *assets
	themeColors themeColors
	views       *html.Engine
}

func (s *installPages) routes(web fiber.Router, secureHeaders fiber.Handler) {
	web.Get("/sw.js", secureHeaders, s.serviceWorker)
	web.Get("/manifest.webmanifest", secureHeaders, s.showManifest)
	web.Get("/offline", secureHeaders, s.showOffline)
	web.Post("/share", secureHeaders, s.share) // the service worker's; its body is not read here
}

// What makes the site one that systems install (W3C Web Application Manifest): the
// manifest, the page while the network is away, and where other apps share to. The rest is
// the service worker's, static/js/sw.js.

// themeColors are the colours behind everything, as static/css/tokens.css has them.
type themeColors struct{ Light, Dark string }

var themeColorToken = regexp.MustCompile(`--ground: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`)

// newThemeColors reads them; a fork changes its look in that one file.
func newThemeColors(files fs.FS) (themeColors, error) {
	raw, err := fs.ReadFile(files, "css/tokens.css")
	if err != nil {
		return themeColors{}, err
	}
	m := themeColorToken.FindSubmatch(raw)
	if m == nil {
		return themeColors{}, fmt.Errorf("static/css/tokens.css has no line like `--ground: light-dark(#ffffff, #000000);`: systems paint an installed site with it")
	}
	return themeColors{string(m[1]), string(m[2])}, nil
}

type (
	manifest struct {
		ID          string             `json:"id"`
		Name        string             `json:"name"`
		ShortName   string             `json:"short_name"`
		Lang        string             `json:"lang"`
		StartURL    string             `json:"start_url"`
		Scope       string             `json:"scope"`
		Display     string             `json:"display"`
		Theme       string             `json:"theme_color"`
		Background  string             `json:"background_color"`
		Categories  []string           `json:"categories"`
		Icons       []manifestIcon     `json:"icons"`
		Shortcuts   []manifestShortcut `json:"shortcuts"`
		ShareTarget manifestShare      `json:"share_target"`
	}
	manifestIcon struct {
		Src     string `json:"src"`
		Sizes   string `json:"sizes"`
		Type    string `json:"type"`
		Purpose string `json:"purpose,omitempty"`
	}
	manifestShortcut struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	// Web Share Target: systems send what is shared as a form.
	manifestShare struct {
		Action  string `json:"action"`
		Method  string `json:"method"`
		EncType string `json:"enctype"`
		Params  struct {
			Title string         `json:"title"`
			Text  string         `json:"text"`
			URL   string         `json:"url"`
			Files []manifestFile `json:"files"`
		} `json:"params"`
	}
	manifestFile struct {
		Name   string   `json:"name"`
		Accept []string `json:"accept"`
	}
)

// showManifest: GET /manifest.webmanifest
func (s *installPages) showManifest(c *fiber.Ctx) error {
	m := manifest{
		ID: "/", Name: s.cfg.SiteName, ShortName: s.cfg.SiteName, Lang: "en", StartURL: "/chat", Scope: "/", Display: "standalone",
		Theme: s.themeColors.Light, Background: s.themeColors.Light, Categories: []string{"social"},
		Icons: []manifestIcon{
			{Src: s.assets.url("img/icon-192.png"), Sizes: "192x192", Type: "image/png"},
			{Src: s.assets.url("img/icon-512.png"), Sizes: "512x512", Type: "image/png"},
			{Src: s.assets.url("img/icon-maskable-512.png"), Sizes: "512x512", Type: "image/png", Purpose: "maskable"},
			{Src: s.assets.url("img/icon.svg"), Sizes: "any", Type: "image/svg+xml"},
		},
		Shortcuts:   []manifestShortcut{{"Chat", "/chat"}, {"People", "/people"}, {"Rooms", "/rooms"}},
		ShareTarget: manifestShare{Action: "/share", Method: "POST", EncType: "multipart/form-data"},
	}
	m.ShareTarget.Params.Title, m.ShareTarget.Params.Text, m.ShareTarget.Params.URL = "title", "text", "url"
	m.ShareTarget.Params.Files = []manifestFile{{"files", []string{"*/*"}}}
	c.Set("Cache-Control", "no-cache")
	return c.JSON(m, "application/manifest+json")
}

// showOffline: GET /offline — what the service worker shows while the site cannot be
// reached. It is nobody's page, and the only one that a worker keeps.
func (s *installPages) showOffline(c *fiber.Ctx) error {
	tokens, err := fs.ReadFile(s.assets.files, "css/tokens.css")
	if err != nil {
		return err
	}
	look, err := fs.ReadFile(s.assets.files, "css/offline.css")
	if err != nil {
		return err
	}
	var page bytes.Buffer
	nonce, _ := c.Locals(nonceKey).(string)
	p := &Page{SiteName: s.cfg.SiteName, Nonce: nonce, Data: string(tokens) + string(look)}
	if err := s.views.Render(&page, "offline", p); err != nil {
		return err
	}
	c.Set("Cache-Control", "no-cache")
	return c.Type("html", "utf-8").Send(page.Bytes())
}

// share: POST /share — where systems send what somebody shares with the installed site. The
// service worker answers it, and keeps what is shared in the browser until its owner has chosen a
// conversation (static/js/chat/share/share.js). Without a worker it arrives here: nothing is read,
// kept or done, and so it needs no form token.
func (s *installPages) share(c *fiber.Ctx) error {
	c.Context().SetConnectionClose() // the body is not read
	return c.Redirect("/chat", http.StatusSeeOther)
}
