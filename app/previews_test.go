package app

import (
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What is behind a link is told to members alone, with a picture from here; inside the network only of
// what the operator named.
func TestLinkPreviews(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bee.png" {
			w.Header().Set("Content-Type", "image/png")
			_ = png.Encode(w, image.NewGray(image.Rect(0, 0, 600, 300)))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<title>Bees &lt;3</title><meta property="og:image" content="/bee.png">`))
	})
	wiki, other := httptest.NewServer(page), httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it came inside") }))
	t.Cleanup(wiki.Close)
	t.Cleanup(other.Close)
	_, base := start(t, map[string]string{"LINK_PREVIEW_ORIGINS": wiki.URL})
	b := newBrowser(t, base)
	ask := func(links ...string) *browser {
		raw, _ := json.Marshal(map[string][]string{"links": links})
		return b.json("POST", "/xmpp/previews", string(raw))
	}
	ask(wiki.URL).wants(401, "")
	b.signIn("alice")
	ask(wiki.URL, other.URL, base+"/rooms", "mailto:x@y", "::").wants(200, `"title":"Bees \u003c3"`)
	var answer struct {
		Previews map[string]LinkPreview
		Later    []string
	}
	if err := json.Unmarshal([]byte(b.body), &answer); err != nil || len(answer.Previews) != 1 || answer.Later == nil || len(answer.Later) > 0 {
		t.Fatalf("%s %v", b.body, err)
	}
	address := answer.Previews[wiki.URL].Picture
	b.get(address).wants(200, "PNG")
	if h := b.last.Header; h.Get("Content-Type") != "image/png" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", h)
	}
	b.get("/previews/"+strings.Repeat("0", 64)).wants(404, "")
	ask(make([]string, 21)...).wants(400, "Too many")
	b.do("POST", "/xmpp/previews", map[string][]string{"links": {wiki.URL}}).wants(400, "JSON") // as a form could
	b.headers["Sec-Fetch-Site"] = "cross-site"
	ask(wiki.URL).wants(403, "")
	delete(b.headers, "Sec-Fetch-Site")
	newBrowser(t, base).get(address).wants(303, "")
}

func TestLinkPreviews_Off(t *testing.T) {
	_, base := start(t, map[string]string{"LINK_PREVIEWS": "false"})
	b := newBrowser(t, base)
	b.signIn("alice")
	b.json("POST", "/xmpp/previews", `{"links":["https://example.org/"]}`).wants(404, "no previews")
}
