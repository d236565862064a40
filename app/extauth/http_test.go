package extauth

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

const testSecret = "the secret of all"

// ask asks on loopback.
func ask(t testing.TB, addr, method, path string, values url.Values, auth func(*http.Request)) (status int, body string, length int64) {
	t.Helper()
	target, in := "http://"+addr+path, io.Reader(nil)
	if method == http.MethodPost {
		in = strings.NewReader(values.Encode())
	} else {
		target += "?" + values.Encode()
	}
	req, err := http.NewRequest(method, target, in)
	if err != nil {
		t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	auth(req)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw), res.ContentLength
}

func basic(r *http.Request)  { r.SetBasicAuth("mongooseim", testSecret) }
func bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+testSecret) }

func TestHTTP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveHTTP(t, newFakeSite(), testSecret, l)
	login := func(user, server, pass string) url.Values {
		return url.Values{"user": {user}, "server": {server}, "pass": {pass}}
	}
	for _, c := range []struct {
		path   string
		values url.Values
		status int
		want   string
	}{
		{"/check_password", login("alice", "example.org", "right"), 200, "true"},
		{"/check_password", login("alice@example.org", "", "right"), 200, "true"},
		{"/check_password", login("alice", "example.org", "wrong"), 200, "false"},
		{"/check_password", login("alice", "elsewhere.org", "right"), 200, "false"},
		{"/check_password", login("alice", "example.org", ""), 200, "false"},
		{"/check_password", url.Values{}, 200, "false"},
		{"/check_password", login("throttled", "example.org", "right"), 200, "false"},
		{"/check_password", login("trouble", "example.org", "right"), 503, "the site cannot tell just now"},
		{"/user_exists", login("alice", "example.org", ""), 200, "true"},
		{"/user_exists", login("nobody", "example.org", ""), 200, "false"},
		{"/user_exists", login("alice", "elsewhere.org", ""), 200, "false"},
		{"/user_exists", login("trouble", "example.org", ""), 503, "the site cannot tell just now"},
		{"/get_password", login("alice", "example.org", ""), 404, "404 page not found\n"},
		{"/register", login("alice", "example.org", "x"), 404, "404 page not found\n"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, auth := range []func(*http.Request){basic, bearer} {
				status, body, length := ask(t, l.Addr().String(), method, c.path, c.values, auth)
				if status != c.status || body != c.want || length != int64(len(c.want)) {
					t.Errorf("%s %s %v: %d %q (%d bytes)", method, c.path, c.values, status, body, length)
				}
			}
		}
	}
	for _, scheme := range []string{"bearer ", "BEARER  "} { // RFC 9110 §11.1, §11.4
		auth := func(r *http.Request) { r.Header.Set("Authorization", scheme+testSecret) }
		if status, _, _ := ask(t, l.Addr().String(), http.MethodGet, "/check_password", login("alice", "example.org", "right"), auth); status != 200 {
			t.Errorf("%q: %d", scheme, status)
		}
	}
	for name, auth := range map[string]func(*http.Request){
		"no scheme":   func(r *http.Request) { r.Header.Set("Authorization", testSecret) },
		"nothing":     func(*http.Request) {},
		"another one": func(r *http.Request) { r.SetBasicAuth("mongooseim", "guessed") },
		"as the name": func(r *http.Request) { r.SetBasicAuth(testSecret, "") },
		"half of it":  func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+testSecret[:8]) },
		"in the form": func(r *http.Request) { r.URL.RawQuery += "&secret=" + url.QueryEscape(testSecret) },
	} {
		if status, body, _ := ask(t, l.Addr().String(), http.MethodGet, "/check_password", login("alice", "example.org", "right"), auth); status != 401 || strings.Contains(body, "true") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, _, _ := ask(t, l.Addr().String(), http.MethodDelete, "/check_password", url.Values{}, basic); status != 405 {
		t.Error("DELETE:", status)
	}
	if status, _, _ := ask(t, l.Addr().String(), http.MethodPost, "/check_password", login("alice", "", strings.Repeat("x", maxQuestion)), basic); status != 400 {
		t.Error("a body too large:", status)
	}
}

// Questions hold passwords: whatever happens, none is logged.
func TestHTTP_LogsNoQuestion(t *testing.T) {
	var mu sync.Mutex
	var log bytes.Buffer
	h := NewHTTP(newFakeSite(), "example.org", testSecret, slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, target := range []string{"/check_password?user=trouble&pass=my+password", "/check_password?user=alice&pass=my+password", "/check_password?pass=my+password&%zz"} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		basic(r)
		h.asked(h.checkPassword)(httptest.NewRecorder(), r)
	}
	if text := log.String(); !strings.Contains(text, "could not be answered") || strings.Contains(text, "my") || strings.Contains(text, "trouble") {
		t.Error(text)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
