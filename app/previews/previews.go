// Package previews tells what is behind the links that people send: a page's title, what
// it says of itself, a small picture. The site fetches it, so that nobody's browser asks
// a third party, and keeps it for a while, so that a link that many see is fetched once.
//
// Links are what members make them, and so are the pages behind them. A page is fetched
// from public addresses alone (internal/fetch), within bounds of time and bytes; of it
// there is kept some plain text, and a picture that was encoded here.
package previews

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"foyer/internal/budget"
	"foyer/internal/fetch"
	"foyer/models"
)

// Bounds of a request for previews.
const (
	MaxLinks      = 20   // in one request
	MaxLinkLength = 2048 // bytes
)

// Bounds of fetching.
const (
	pageTime     = 6 * time.Second
	maxPage      = 512 << 10 // bytes; what is beyond is not read
	pictureTime  = 4 * time.Second
	maxPicture   = 4 << 20 // bytes
	maxRedirects = 4

	maxConcurrentFetches = 32 // pages that are fetched for all
	ofAccount            = 4  // and for one account
	fetchesBurst         = 40 // pages that an account may have fetched, and then one in so many seconds
	fetchSeconds         = 3
)

// How long a preview is kept, and that there is none.
const (
	keptFor      = 7 * 24 * time.Hour
	keptEmptyFor = time.Hour
)

// Store keeps previews; it is models.Previews.
type Store interface {
	Find(ctx context.Context, ids []string) (map[string]models.LinkPreview, error)
	SavePreview(ctx context.Context, account string, p models.LinkPreview, keep time.Duration) error
}

// Squarer makes the small picture of a large one; it is pictures.Decoder.
type Squarer interface {
	Square(ctx context.Context, account string, raw []byte) (data []byte, mediaType string, err error)
}

// Config is what a Service needs.
type Config struct {
	Store    Store
	Pictures Squarer
	SiteName string // the site is called so where it fetches
	BaseURL  func() string
	Known    map[string]*x509.CertPool // origins that may be inside the network
	Recorder budget.Recorder
	Logger   *slog.Logger
	Resolver *net.Resolver // nil: the system's
}

// Service makes previews. It is safe for concurrent use.
type Service struct {
	cfg      Config
	pages    *fetch.Fetcher
	pictures *fetch.Fetcher
	slots    *budget.KeyedSemaphore
	rate     *budget.Rate

	mu      sync.Mutex
	flights map[string]*flight // by id: what is fetched now
}

// flight is a page that is fetched, for all who ask for it meanwhile.
type flight struct {
	over chan struct{} // closed when it is; the rest is set by then
	page models.LinkPreview
	made bool // else who fetched it has gone, which says nothing of the page
}

// New returns a Service.
func New(cfg Config) *Service {
	rules := fetch.Rules{
		Plain: true, Ports: []string{"80", "443"}, Time: pageTime, Bytes: maxPage, Cut: true, Redirects: maxRedirects,
		Accept: "text/html, application/xhtml+xml;q=0.9", Types: []string{"text/html", "application/xhtml+xml"},
		Agent: "Mozilla/5.0 (compatible; " + cfg.SiteName + " link preview)", Known: cfg.Known, Resolver: cfg.Resolver,
	}
	picture := rules
	picture.Time, picture.Bytes, picture.Cut = pictureTime, maxPicture, false
	picture.Accept, picture.Types = "image/png, image/jpeg, image/gif, image/webp", []string{"image/png", "image/jpeg", "image/gif", "image/webp"}
	return &Service{
		cfg: cfg, pages: fetch.New(rules), pictures: fetch.New(picture), flights: make(map[string]*flight),
		slots: budget.NewKeyedSemaphore(budget.Limit{Name: "link previews fetched at once"}, maxConcurrentFetches, ofAccount, cfg.Recorder),
		rate:  budget.NewRate(budget.Limit{Name: "link previews of one account"}, 1.0/fetchSeconds, fetchesBurst, cfg.Recorder),
	}
}

// ID is the name of a link's preview; empty: it is no link that has one.
func (s *Service) ID(link string) string {
	u, err := url.Parse(link)
	if err != nil || len(link) > MaxLinkLength || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	if own, err := url.Parse(s.cfg.BaseURL()); err == nil && sameHost(own, u) {
		return "" // the site shows its own pages to those who may see them
	}
	u.Fragment, u.RawFragment = "", ""
	sum := sha256.Sum256([]byte(u.String()))
	return hex.EncodeToString(sum[:])
}

// sameHost reports whether two addresses are of one host and port, however they are written.
func sameHost(a, b *url.URL) bool {
	return hostOf(a) == hostOf(b)
}

func hostOf(u *url.URL) string {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if port := u.Port(); port != "" && !(u.Scheme == "https" && port == "443") && !(u.Scheme == "http" && port == "80") {
		host += ":" + port
	}
	return host
}

// Previews returns those of some links, by link; account pays for what has to be fetched. A
// link without one is left out; later are those of which it is not known now, as the account has
// had enough fetched. It takes as long as the slowest page, within bounds.
func (s *Service) Previews(ctx context.Context, account string, links []string) (found map[string]models.LinkPreview, later []string, err error) {
	ids := make(map[string]string, len(links)) // by link
	for _, link := range links[:min(len(links), MaxLinks)] {
		if id := s.ID(link); id != "" {
			ids[link] = id
		}
	}
	asked := make([]string, 0, len(ids))
	for _, id := range ids {
		asked = append(asked, id)
	}
	kept, err := s.cfg.Store.Find(ctx, asked)
	if err != nil {
		return nil, nil, err
	}
	found = make(map[string]models.LinkPreview, len(ids))
	var mu sync.Mutex
	var fetching sync.WaitGroup
	note := func(link string, p models.LinkPreview, known bool) {
		mu.Lock()
		defer mu.Unlock()
		if !known {
			later = append(later, link)
		} else if p.Title != "" {
			found[link] = p
		}
	}
	for link, id := range ids {
		if p, ok := kept[id]; ok {
			note(link, p, true)
			continue
		}
		fetching.Go(func() {
			p, known := s.fetchOnce(ctx, account, link, id)
			note(link, p, known)
		})
	}
	fetching.Wait()
	return found, later, nil
}

// fetchOnce fetches a link's preview, or waits for whoever does so already. An empty one: there is
// none. Others wait for nobody who has yet to wait for a turn, or may have no more fetched: they
// fetch it themselves, as they do when who began has gone. Not known: not now.
func (s *Service) fetchOnce(ctx context.Context, account, link, id string) (p models.LinkPreview, known bool) {
	for paid := false; ctx.Err() == nil; {
		if f := s.underWay(id); f != nil {
			select {
			case <-f.over:
				if f.made {
					return f.page, true
				}
			case <-ctx.Done():
			}
			continue
		}
		if !paid && !s.rate.Allow(account, 1) {
			break
		}
		paid = true
		release, err := s.slots.Acquire(ctx, account, 1)
		if err != nil {
			break
		}
		p, known = s.fetch(ctx, account, link, id)
		release()
		if known {
			return p, true
		}
	}
	return models.LinkPreview{}, false
}

// underWay is the flight of a page; nil: it is not fetched now.
func (s *Service) underWay(id string) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flights[id]
}

// fetch fetches a page for all who ask for it meanwhile, unless somebody else began to, or kept it.
func (s *Service) fetch(ctx context.Context, account, link, id string) (p models.LinkPreview, known bool) {
	f := &flight{over: make(chan struct{})}
	s.mu.Lock()
	if s.flights[id] != nil {
		s.mu.Unlock()
		return p, false
	}
	s.flights[id] = f
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.flights, id)
		s.mu.Unlock()
		close(f.over)
	}()
	if kept, err := s.cfg.Store.Find(ctx, []string{id}); err == nil {
		f.page, f.made = kept[id]
	}
	if !f.made {
		f.page = s.make(ctx, account, link, id)
		f.made = ctx.Err() == nil
	}
	return f.page, f.made
}

// make fetches a page and its picture, and keeps what came of it.
func (s *Service) make(ctx context.Context, account, link, id string) models.LinkPreview {
	p, err := s.look(ctx, account, link)
	p.ID = id
	if ctx.Err() != nil {
		return p // who asked has gone: it says nothing of the page
	}
	keep := keptFor
	if err != nil || p.Title == "" {
		p, keep = models.LinkPreview{ID: id}, keptEmptyFor
		s.cfg.Logger.Debug("a link has no preview", "err", err)
	}
	if err := s.cfg.Store.SavePreview(ctx, account, p, keep); err != nil {
		s.cfg.Logger.Warn("a link's preview was not kept", "err", err)
	}
	return p
}

var errNoPage = errors.New("previews: the page does not say what it is")

func (s *Service) look(ctx context.Context, account, link string) (models.LinkPreview, error) {
	answer, err := s.pages.Fetch(ctx, link)
	if err != nil {
		return models.LinkPreview{}, err
	}
	page := parsePage(answer.URL, answer.ContentType, answer.Body)
	if page.title == "" {
		return models.LinkPreview{}, errNoPage
	}
	p := models.LinkPreview{Title: page.title, Site: page.site, Description: page.description}
	if p.Site == "" {
		p.Site = strings.TrimPrefix(answer.URL.Hostname(), "www.")
	}
	if page.picture != nil {
		p.Picture, p.PictureType = s.picture(ctx, account, page.picture.String())
		p.HasPicture = p.Picture != nil
	}
	return p, nil
}

// picture fetches a page's picture, and encodes a small one; nil: there is none. A preview
// goes without it rather than not at all.
func (s *Service) picture(ctx context.Context, account, address string) (data []byte, mediaType string) {
	answer, err := s.pictures.Fetch(ctx, address)
	if err != nil {
		return nil, ""
	}
	data, mediaType, err = s.cfg.Pictures.Square(ctx, account, answer.Body)
	if err != nil {
		return nil, ""
	}
	return data, mediaType
}
