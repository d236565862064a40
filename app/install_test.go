package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

// What systems ask of a site that they install (W3C Web Application Manifest).
func TestManifest(t *testing.T) {
	s, base := start(t, map[string]string{"SITE_NAME": "Gardeners & friends"})
	b := newBrowser(t, base)
	body := b.get("/manifest.webmanifest").body
	if got := b.last.Header.Get("Content-Type"); got != "application/manifest+json" {
		t.Errorf("the manifest is %s", got)
	}
	var m manifest
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	if m.Name != "Gardeners & friends" || m.StartURL != "/chat" || m.Theme != s.themeColors.Light || m.ShareTarget.Action != "/share" {
		t.Errorf("the manifest is %+v", m)
	}
	for _, icon := range m.Icons {
		b.get(icon.Src).wants(http.StatusOK, "")
		if got := b.last.Header.Get("Content-Type"); got != icon.Type {
			t.Errorf("%s is %s, not %s", icon.Src, got, icon.Type)
		}
	}
}

// The page that a service worker keeps is the same for everybody.
func TestOfflinePageIsNobodys(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	page := b.get("/offline").wants(http.StatusOK, "cannot be reached").body
	if strings.Contains(page, "Alice") || strings.Contains(page, "csrf") || b.last.Header.Get("Set-Cookie") != "" {
		t.Errorf("the page is somebody's: %s", page)
	}
}

// Nothing is done with what arrives: so no form of another site can do anything by it, and
// no size of it matters.
func TestShareWithoutWorkerDoesNothing(t *testing.T) {
	_, base := start(t, nil)
	for _, size := range []int{10, 5 << 20} {
		req, err := http.NewRequest("POST", base+"/share", strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		req.Header.Set("Origin", "https://elsewhere.example")
		answer, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/chat" || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%d bytes: %s %v", size, answer.Status, answer.Header)
		}
	}
}

// A fork whose tokens.css the manifest's colours cannot be read from is told how to mend it.
func TestGroundsSayWhatIsMissing(t *testing.T) {
	_, err := newThemeColors(fstest.MapFS{"css/tokens.css": {Data: []byte(":root { --ground: white; }")}})
	if err == nil || !strings.Contains(err.Error(), "--ground: light-dark(") {
		t.Errorf("%v", err)
	}
}
