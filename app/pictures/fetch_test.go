package pictures

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestFetch: an address that somebody else names leads to no place inside the network, be it by a redirect,
// and brings no more than a picture has.
func TestFetch(t *testing.T) {
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it came inside") }))
	t.Cleanup(inside.Close)
	known := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/picture":
			_, _ = w.Write([]byte("picture"))
		case "/near":
			http.Redirect(w, r, "/picture", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, inside.URL+"/x", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/endless":
			part := []byte(strings.Repeat("x", 1<<20))
			for {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(known.Close)
	f := NewFetcher(map[string]*x509.CertPool{known.URL: nil})
	for _, path := range []string{"/picture", "/near"} {
		if raw, err := f.Fetch(t.Context(), known.URL+path); string(raw) != "picture" || err != nil {
			t.Errorf("%s: %q %v", path, raw, err)
		}
	}
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for _, address := range []string{
		known.URL + "/inside", known.URL + "/round", known.URL + "/endless", known.URL + "/none",
		inside.URL, "https://localhost" + port, "https://[::1]" + port, "https://[::ffff:127.0.0.1]" + port, "https://169.254.169.254/latest", "https://10.0.0.1/",
		strings.Replace(known.URL, "127.0.0.1", "localhost", 1) + "/picture", "http://example.org/", "file:///etc/passwd", "https://user:secret@example.org/", "", "data:image/png;base64,AA",
	} {
		if raw, err := f.Fetch(t.Context(), address); err == nil {
			t.Errorf("%s: %d bytes", address, len(raw))
		}
	}
}
