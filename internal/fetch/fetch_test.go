package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"foyer/internal/testdns"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const part = 1 << 10

// outside is a site of the internet, which the rules know, and which does all that such a one may.
func outside(t *testing.T, inside string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/page":
			_, _ = w.Write([]byte("page"))
		case "/near":
			http.Redirect(w, r, "/page", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, inside, http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		case "/file":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/endless":
			for _, err := w.Write(make([]byte, part)); err == nil; _, err = w.Write(make([]byte, part)) {
			}
		case "/slow":
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/binary":
			w.Header().Set("Content-Type", "application/octet-stream")
		case "/untyped":
			w.Header().Set("Content-Type", "")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func rules(known string) Rules {
	return Rules{
		Plain: true, Ports: []string{"80", "443"}, Time: 10 * time.Second, Bytes: 8 * part, Redirects: 3,
		Types: []string{"text/html"}, Known: map[string]*x509.CertPool{known: nil},
	}
}

// An address that somebody else names leads to no place inside the network, be it by a redirect, and brings no more
// than is taken.
func TestFetch(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it came inside") }))
	t.Cleanup(inside.Close)
	site := outside(t, inside.URL)
	f := New(rules(site.URL))
	for _, path := range []string{"/page", "/near"} {
		answer, err := f.Fetch(t.Context(), site.URL+path)
		if err != nil || string(answer.Body) != "page" || answer.URL.String() != site.URL+"/page" {
			t.Errorf("%s: %+v %v", path, answer, err)
		}
	}
	for path, want := range map[string]error{
		"/round": ErrRedirect, "/endless": ErrTooLong, "/binary": ErrType, "/untyped": ErrType, "/file": ErrAddress, "/inside": ErrAddress,
	} {
		if _, err := f.Fetch(t.Context(), site.URL+path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for _, address := range []string{
		site.URL + "/metadata", site.URL + "/none", inside.URL, "http://localhost" + port, "http://localhost", "http://[::1]", "http://[::ffff:127.0.0.1]", "http://127.1", "http://0x7f000001",
		"http://[64:ff9b::7f00:1]", "http://[2002:7f00:1::]", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://100.64.0.1", "http://[fd00::1]", "http://224.0.0.1",
		strings.Replace(site.URL, "127.0.0.1", "localhost", 1) + "/page", "https://example.org:8443/", "https://user:secret@example.org/", "ftp://example.org", "file:///etc/passwd",
		"", "//example.org", "data:text/html,x", "http://", "http://exa mple.org",
	} {
		if answer, err := f.Fetch(t.Context(), address); err == nil {
			t.Errorf("%s: %d bytes", address, len(answer.Body))
		}
	}
}

// What is longer than is taken may be cut off instead.
func TestFetch_Cut(t *testing.T) {
	site := outside(t, "")
	r := rules(site.URL)
	r.Cut = true
	answer, err := New(r).Fetch(t.Context(), site.URL+"/endless")
	if err != nil || len(answer.Body) != 8*part {
		t.Errorf("%v", err)
	}
}

// A page that says nothing more is given up, redirects before it included.
func TestFetch_Slow(t *testing.T) {
	site := outside(t, "")
	r := rules(site.URL)
	r.Time = 50 * time.Millisecond
	if _, err := New(r).Fetch(t.Context(), site.URL+"/slow"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A name that means something else each time leads nowhere: what is looked at is the address that is dialled.
func TestFetch_Rebinding(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it came inside") }))
	t.Cleanup(inside.Close)
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	var asked atomic.Int32
	r := rules("http://none")
	r.Ports = nil
	r.Resolver = testdns.Resolver(t, func() [4]byte {
		if asked.Add(1)%2 == 1 {
			return [4]byte{192, 0, 2, 1}
		}
		return [4]byte{127, 0, 0, 1}
	})
	f := New(r)
	for range 4 {
		if _, err := f.Fetch(t.Context(), "http://rebind.example.test:"+port); err == nil || !strings.Contains(err.Error(), "no public address") {
			t.Error(err)
		}
	}
	if asked.Load() < 2 {
		t.Error("the name was not asked for again")
	}
}

// an origin that the operator named is known however somebody writes it.
func TestKnown_WrittenOtherwise(t *testing.T) {
	f := New(rules("https://Wiki.example.org:443"))
	for address, want := range map[string]bool{
		"https://wiki.example.org/page": true, "HTTPS://WIKI.example.org/": true, "https://wiki.example.org:443/": true,
		"https://wiki.example.org:444/": false, "http://wiki.example.org/": false, "http://wiki.example.org:443/": false,
		"https://wiki.example.org.evil.example/": false, "https://wiki.example.org@evil.example/": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		client, _ := f.clientFor(u) // an error says that it may not be fetched at all
		if got := client != nil && client != f.public; got != want {
			t.Errorf("%s is known: %v", address, got)
		}
	}
}
