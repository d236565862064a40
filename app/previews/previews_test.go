package previews

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"foyer/app/pictures"
	"foyer/internal/budget"
	"foyer/models"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a Store.
type memory struct {
	mu   sync.Mutex
	kept map[string]models.LinkPreview
	keep map[string]time.Duration
}

func (m *memory) Find(_ context.Context, ids []string) (map[string]models.LinkPreview, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[string]models.LinkPreview)
	for _, id := range ids {
		if p, ok := m.kept[id]; ok {
			found[id] = p
		}
	}
	return found, nil
}

func (m *memory) SavePreview(_ context.Context, _ string, p models.LinkPreview, keep time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[p.ID], m.keep[p.ID] = p, keep
	return nil
}

// service returns a Service for which the site at an address is one of the internet.
func service(t *testing.T, at string) (*Service, *memory) {
	t.Helper()
	m := &memory{kept: make(map[string]models.LinkPreview), keep: make(map[string]time.Duration)}
	return New(Config{
		Store: m, Pictures: pictures.New(nil, nil), SiteName: "Foyer", BaseURL: func() string { return "https://chat.example.org" },
		Known: map[string]*x509.CertPool{at: nil}, Logger: slog.New(slog.DiscardHandler),
	}), m
}

// one returns what is shown of one link.
func (s *Service) one(t *testing.T, link string) models.LinkPreview {
	t.Helper()
	found, _, err := s.Previews(t.Context(), "alice", []string{link})
	if err != nil {
		t.Fatal(err)
	}
	return found[link]
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1200, 630))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// serve returns a site whose pages are these, by their paths.
func serve(t *testing.T, pages map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, handler := range pages {
		mux.HandleFunc("GET "+path, handler)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func body(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, text)
	}
}

const htmlType = "text/html; charset=utf-8"

// A page is fetched once, however many look at once and later, and its picture is one that was encoded here.
func TestPreviews(t *testing.T) {
	var asked atomic.Int32
	article := body(htmlType, `<!doctype html><html><head><title>Plain</title>
		<meta property="og:title" content="Bees &amp; flowers"><meta property="og:site_name" content="The Garden">
		<meta name="description" content="  Who visits&#10;whom. "><meta property="og:image" content="/bee.png"></head><body>…`)
	at := serve(t, map[string]http.HandlerFunc{
		"/bees": func(w http.ResponseWriter, r *http.Request) { asked.Add(1); article(w, r) },
		"/bee.png": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(picture(t))
		},
	})
	s, m := service(t, at)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { s.one(t, at+"/bees") })
	}
	all.Wait()
	p := s.one(t, at+"/bees#part")
	if asked.Load() != 1 {
		t.Errorf("the page was asked for %d times", asked.Load())
	}
	if p.Title != "Bees & flowers" || p.Site != "The Garden" || p.Description != "Who visits whom." || !p.HasPicture {
		t.Errorf("%+v", p)
	}
	kept := m.kept[s.ID(at+"/bees")]
	if cfg, format, err := image.DecodeConfig(bytes.NewReader(kept.Picture)); err != nil || cfg.Width != pictures.Side || kept.PictureType != "image/"+format {
		t.Errorf("the picture: %v %s %v", cfg, kept.PictureType, err)
	}
	if m.keep[p.ID] != keptFor {
		t.Errorf("kept for %v", m.keep[p.ID])
	}
}

// What hostile pages do.
func TestPreviews_Hostile(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it came inside") }))
	t.Cleanup(inside.Close)
	titled := func(title string) http.HandlerFunc { return body(htmlType, "<title>"+title+"</title>") }
	at := serve(t, map[string]http.HandlerFunc{
		"/endless": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", htmlType)
			_, err := io.WriteString(w, "<title>Endless</title>")
			for part := make([]byte, 64<<10); err == nil; _, err = w.Write(part) {
			}
		},
		"/long-title": titled(strings.Repeat("long ", 2<<20)),
		"/long-meta":  body(htmlType, `<meta property="og:title" content="`+strings.Repeat("x", 1<<20)+`"><title>Never read</title>`),
		"/entities":   titled(`&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; &#x202e;txet`),
		"/markup":     titled(`<b>Bold</b>`),
		"/latin1":     body("text/html; charset=iso-8859-1", "<title>Gr\xfc\xdfe</title>"),
		"/wrong":      body("text/html; charset=utf-8", "<title>Gr\xfc\xdfe</title>"),
		"/undeclared": body("text/html", "<!-- "+strings.Repeat("x", 1100)+" --><title>Grüße</title>"),
		"/cut-in-two": body("text/html", strings.Repeat("x", 1000)+"<title>Grüße</title>"+strings.Repeat("ü", maxPage)),
		"/old":        body("text/html", "<!-- "+strings.Repeat("x", 1100)+" --><title>Gr\xfc\xdfe</title>"),
		"/half-typed": body("text/html; charset", "<title>Grüße</title>"),
		"/styled":     body(htmlType, "<style>"+strings.Repeat("x", 100<<10)+"</style><title>Styled</title>"),
		"/broken": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", htmlType)
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "<title>Broken off</title>")
		},
		"/made-up":      body("text/html; charset=klingon", "<title>Qapla</title>"),
		"/utf16":        body("text/html", "\xfe\xff\x00<\x00t\x00i\x00t\x00l\x00e\x00>\x00H\x00i"),
		"/zeros":        titled("a\x00b"),
		"/json":         body("application/json", `{"title": "x"}`),
		"/svg":          body("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><title>Drawing</title></svg>`),
		"/untitled":     body(htmlType, "<p>Nothing"),
		"/in-body":      body(htmlType, "<body><title>Not in the head</title>"),
		"/inside":       http.RedirectHandler(inside.URL, http.StatusFound).ServeHTTP,
		"/img-inside":   body(htmlType, `<title>Picture inside</title><meta property="og:image" content="`+inside.URL+`/x.png">`),
		"/img-script":   body(htmlType, `<title>No picture</title><meta property="og:image" content="javascript:alert(1)">`),
		"/img-svg":      body(htmlType, `<title>A drawing</title><meta property="og:image" content="/svg">`),
		"/img-lies":     body(htmlType, `<title>Lies</title><meta property="og:image" content="/lies.png">`),
		"/lies.png":     body("image/png", `<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"/many-metas":   body(htmlType, strings.Repeat(`<meta name="x" content="y">`, 10_000)+"<title>Many</title>"),
		"/refresh":      body(htmlType, `<meta http-equiv="refresh" content="0; url=`+inside.URL+`"><title>Stays</title>`),
		"/no-redirects": http.RedirectHandler("/no-redirects", http.StatusFound).ServeHTTP,
	})
	s, _ := service(t, at)
	s.rate = budget.NewRate(budget.Limit{}, 1, 1000, nil) // see TestPreviews_Bounded
	for path, want := range map[string]string{
		"/endless": "Endless", "/entities": "<script>alert(1)</script> &amp; txet", "/markup": "<b>Bold</b>",
		"/undeclared": "Grüße", "/cut-in-two": "Grüße", "/old": "Grüße", "/half-typed": "Grüße", "/styled": "Styled", "/broken": "Broken off",
		"/latin1": "Grüße", "/wrong": "Gre", "/made-up": "Qapla", "/utf16": "Hi", "/zeros": "ab", "/json": "", "/svg": "", "/untitled": "", "/in-body": "",
		"/inside": "", "/img-inside": "Picture inside", "/img-script": "No picture", "/img-svg": "A drawing", "/img-lies": "Lies", "/many-metas": "Many",
		"/refresh": "Stays", "/no-redirects": "", "/long-meta": "", "/none": "",
	} {
		if p := s.one(t, at+path); p.Title != want || p.HasPicture {
			t.Errorf("%s: %q (picture: %v), want %q", path, p.Title, p.HasPicture, want)
		}
	}
	if p := s.one(t, at+"/long-title"); utf8.RuneCountInString(p.Title) > maxTitle+1 || p.Title != "" && !strings.HasPrefix(p.Title, "long long") {
		t.Errorf("a long title: %d characters", utf8.RuneCountInString(p.Title))
	}
}

// What is not drawn itself stays where it is part of what is.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		" می\u200cخواهم\n": "می\u200cخواهم", "👩\u200d🚀": "👩\u200d🚀", "🏴\U000e0067\U000e007f": "🏴\U000e0067\U000e007f", "a\u202eb\u200b": "ab", "\u200d\u200c": "",
	} {
		if got := clean(text, maxTitle); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// Of the site itself nothing is fetched, nor of what is no link.
func TestID(t *testing.T) {
	s, _ := service(t, "http://none")
	for _, link := range []string{"", "https://chat.example.org/rooms", "https://Chat.Example.ORG/rooms", "https://chat.example.org:443/", "http://chat.example.org:80", "https://chat.example.org./", "mailto:bob@example.org", "https://bob:secret@example.org", "javascript:alert(1)", "/rooms", "https://example.org/" + strings.Repeat("x", MaxLinkLength)} {
		if id := s.ID(link); id != "" {
			t.Errorf("%s has one", link)
		}
	}
	if s.ID("https://chat.example.org:8443/") == "" || s.ID("https://chat.example.org.evil.example/") == "" {
		t.Error("another site is taken for this one")
	}
	if s.ID("https://example.org/a#b") != s.ID("https://example.org/a") || s.ID("https://example.org/a") == s.ID("https://example.org/b") {
		t.Error("links are told apart by something else than the page")
	}
}

// An account has so many pages fetched, and others theirs; a page that says nothing is asked again after an hour.
func TestPreviews_Bounded(t *testing.T) {
	var asked atomic.Int32
	at := serve(t, map[string]http.HandlerFunc{"/": func(http.ResponseWriter, *http.Request) { asked.Add(1) }})
	s, m := service(t, at)
	for from := 0; from < fetchesBurst+2*MaxLinks; from += MaxLinks {
		var links []string
		for i := range MaxLinks + 5 { // more than a request may have
			links = append(links, fmt.Sprintf("%s/%d", at, from+i))
		}
		if _, later, err := s.Previews(t.Context(), "alice", links); err != nil || (from >= fetchesBurst) != (len(later) > 0) {
			t.Fatalf("from %d: another time %d, %v", from, len(later), err)
		}
	}
	if n := int(asked.Load()); n < fetchesBurst || n > fetchesBurst+MaxLinks/2 {
		t.Errorf("%d pages were fetched for one account", n)
	}
	before := asked.Load()
	if _, _, err := s.Previews(t.Context(), "bob", []string{at + "/bob"}); err != nil || asked.Load() != before+1 {
		t.Errorf("somebody else's page was not fetched: %v", err)
	}
	if keep := m.keep[s.ID(at+"/bob")]; keep != keptEmptyFor {
		t.Errorf("kept for %v", keep)
	}
}

// One account has so many pages fetched at once, and all of them together so many.
func TestPreviews_AtOnce(t *testing.T) {
	var now, most atomic.Int32
	arrived, answer := make(chan struct{}, 1000), make(chan struct{})
	at := serve(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		arrived <- struct{}{}
		<-answer
		now.Add(-1)
	}})
	s, _ := service(t, at)
	var asking sync.WaitGroup
	ask := func(account string) {
		links := make([]string, MaxLinks)
		for i := range links {
			links[i] = fmt.Sprintf("%s/%s/%d", at, account, i)
		}
		asking.Go(func() { _, _, _ = s.Previews(t.Context(), account, links) })
	}
	arrive := func(n int) {
		for range n {
			<-arrived
		}
	}
	ask("alice")
	arrive(ofAccount)
	for i := range 2 * maxConcurrentFetches / ofAccount {
		ask(fmt.Sprint("person ", i))
	}
	arrive(maxConcurrentFetches - ofAccount)
	close(answer)
	asking.Wait()
	if n := most.Load(); n != maxConcurrentFetches {
		t.Errorf("%d pages were fetched at once", n)
	}
}

// Whoever goes away while a page is fetched says nothing of the page.
func TestPreviews_Gone(t *testing.T) {
	arrived := make(chan struct{})
	at := serve(t, map[string]http.HandlerFunc{"/slow": func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}})
	s, m := service(t, at)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-arrived
		leave()
	}()
	if found, later, err := s.Previews(ctx, "alice", []string{at + "/slow"}); err != nil || len(found) > 0 || len(later) != 1 {
		t.Errorf("%v %v %v", found, later, err)
	}
	if len(m.kept) > 0 {
		t.Error("that was kept")
	}
}

// meter calls a function when an account meets a limit.
type meter func(limit budget.Limit, name string)

func (m meter) LimitHit(limit budget.Limit, name string) { m(limit, name) }

// Who asks for a page is not in the way of others who ask for it, whatever keeps them from having it: their rate is
// spent, they wait for a turn of their own, or they go away.
func TestPreviews_OfOthers(t *testing.T) {
	gone := make(chan struct{})
	var left atomic.Bool
	title := body(htmlType, "<title>A page</title>")
	at := serve(t, map[string]http.HandlerFunc{
		"/page/": title,
		"/left": func(w http.ResponseWriter, r *http.Request) {
			if left.Swap(true) {
				title(w, r)
				return
			}
			close(gone)
			<-r.Context().Done()
		},
	})
	s, _ := service(t, at)
	bobHas := func(path string) {
		t.Helper()
		has := make(chan string, 1)
		go func() {
			found, _, _ := s.Previews(t.Context(), "bob", []string{at + path})
			has <- found[at+path].Title
		}()
		select {
		case got := <-has:
			if got != "A page" {
				t.Errorf("bob has %q of %s", got, path)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("bob waits for what alice waits for: %s", path)
		}
	}
	asked := make(chan struct{}, 2)
	tell := meter(func(limit budget.Limit, name string) {
		if name == "alice" {
			bobHas("/page/" + limit.Name)
			asked <- struct{}{}
		}
	})

	s.rate = budget.NewRate(budget.Limit{Name: "rate"}, 1, 1000, tell)
	s.rate.Charge("alice", 1000)
	if _, later, err := s.Previews(t.Context(), "alice", []string{at + "/page/rate"}); err != nil || len(later) != 1 {
		t.Errorf("alice: %v %v", later, err)
	}
	<-asked

	s.rate = budget.NewRate(budget.Limit{}, 1, 1000, nil)
	s.slots = budget.NewKeyedSemaphore(budget.Limit{Name: "turns"}, maxConcurrentFetches, 1, tell)
	var asking sync.WaitGroup
	done, err := s.slots.Acquire(t.Context(), "alice", 1)
	if err != nil {
		t.Fatal(err)
	}
	asking.Go(func() { s.one(t, at+"/page/turns") })
	<-asked
	done()
	asking.Wait()

	ctx, leave := context.WithCancel(t.Context())
	asking.Go(func() { _, _, _ = s.Previews(ctx, "alice", []string{at + "/left"}) })
	<-gone
	asking.Go(func() { bobHas("/left") })
	leave()
	asking.Wait()
}
