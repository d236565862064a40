package app

import (
	"crypto/x509"

	"foyer/app/previews"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// linkPages show what is behind links.
type linkPages struct {
	*pages
	kept *models.Previews
}

func (s *linkPages) chatRoutes(xmpp fiber.Router) { xmpp.Post("/previews", s.linkPreviews) }

func (s *linkPages) routes(web fiber.Router) {
	web.Get("/previews/:id", s.requireMember, s.showPreviewPicture)
}

// newPreviews makes what tells what is behind links; nil: LINK_PREVIEWS is off.
func (s *Server) newPreviews() *previews.Service {
	if !s.cfg.LinkPreviews {
		return nil
	}
	known := make(map[string]*x509.CertPool, len(s.cfg.PreviewOrigins))
	for _, origin := range s.cfg.PreviewOrigins {
		known[origin] = nil
	}
	return previews.New(previews.Config{
		Store: s.db.Previews, Pictures: s.pictures, SiteName: s.cfg.SiteName, BaseURL: s.BaseURL, Known: known, Recorder: s.limits, Logger: s.log,
	})
}

// LinkPreview is what the page shows of a link.
type LinkPreview struct {
	Title       string `json:"title"`
	Site        string `json:"site"`
	Description string `json:"description,omitempty"`
	Picture     string `json:"picture,omitempty"` // its address here
}

// linkPreviews: POST /xmpp/previews — {links: […]}; what is behind those of them that have
// a preview, and which may be asked for again later.
func (s *linkPages) linkPreviews(c *fiber.Ctx) error {
	var body struct {
		Links []string `json:"links"`
	}
	v, err := ownJSON(c, &body)
	if err != nil {
		return err
	}
	if s.previews == nil {
		return &Error{Code: NotFound, Public: "Links have no previews here."}
	}
	if len(body.Links) > previews.MaxLinks {
		return &Error{Code: Invalid, Public: "Too many links at once."}
	}
	found, later, err := s.previews.Previews(c.UserContext(), v.account.Username, body.Links)
	if err != nil {
		return err
	}
	shown := make(map[string]LinkPreview, len(found))
	for link, p := range found {
		preview := LinkPreview{Title: p.Title, Site: p.Site, Description: p.Description}
		if p.HasPicture {
			preview.Picture = "/previews/" + p.ID
		}
		shown[link] = preview
	}
	return c.JSON(map[string]any{"previews": shown, "later": append([]string{}, later...)})
}

// showPreviewPicture: GET /previews/:id — a picture that was encoded here (app/pictures).
func (s *linkPages) showPreviewPicture(c *fiber.Ctx) error {
	data, mediaType, err := s.kept.PreviewPicture(c.UserContext(), c.Params("id"))
	if err != nil {
		return pageNotFound(err)
	}
	c.Set("Content-Type", mediaType)
	c.Set("Cache-Control", "private, max-age=86400")
	return c.Send(data)
}
