package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"foyer/app/auth"
	"foyer/internal/budget"
	"foyer/internal/leaks"
	"foyer/internal/pgdev/pgtest"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster, Prepare: demoData}, leaks.Fasthttp()...)
}

// demoData is the schema and the demo accounts, whose passwords take long to hash.
func demoData(ctx context.Context, url string) error {
	cfg, err := LoadConfig(map[string]string{"APP_ENV": "development", "ADDR": "localhost:0", "DATABASE_URL": url, "DATA_DIR": os.TempDir()})
	if err != nil {
		return err
	}
	cfg.cheapHashes = true
	db, err := models.Open(ctx, models.Options{URL: url})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	s, err := New(ctx, cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := s.seed(ctx); err != nil {
		return err
	}
	s.chat.Shutdown(ctx)
	return s.gateway.Shutdown(ctx)
}

func testConfig(t testing.TB, more map[string]string) Config {
	t.Helper()
	environ := map[string]string{"APP_ENV": "development", "ADDR": "localhost:0", "DATABASE_URL": cluster.DB(t), "LOG_LEVEL": "error", "DATA_DIR": t.TempDir()}
	for k, v := range more {
		environ[k] = v
	}
	cfg, err := LoadConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	cfg.cheapHashes = true
	return cfg
}

// start runs a whole site for the test.
func start(t testing.TB, more map[string]string) (*Server, string) {
	t.Helper()
	return startChanged(t, more, func(*Server) {})
}

// startChanged runs a site that change changed before it serves.
func startChanged(t testing.TB, more map[string]string, change func(*Server)) (*Server, string) {
	t.Helper()
	s, l := listening(t, more, change)
	serveUntilEnd(t, s, l)
	return s, s.BaseURL()
}

// listening is a site that change changed, with its listeners, that does not serve yet.
func listening(t testing.TB, more map[string]string, change func(*Server)) (*Server, net.Listener) {
	t.Helper()
	cfg := testConfig(t, more)
	log := slog.New(slog.DiscardHandler)
	db, err := models.Open(t.Context(), models.Options{URL: cfg.DatabaseURL, SiteConns: 6, ChatConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), cfg, db, log)
	if err != nil {
		t.Fatal(err)
	}
	change(s)
	l, err := s.listen()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.listenBesides(); err != nil {
		t.Fatal(err)
	}
	return s, l
}

// A site that is told to stop before its web server has begun stops all the same.
func TestServe_StoppedAtOnce(t *testing.T) {
	s, l := listening(t, nil, func(*Server) {})
	defer s.db.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.serve(ctx, l, make(chan error), func(string) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); err == nil { // and goleak finds who still accepts
		t.Error("it still listens")
	}
}

// serveUntilEnd serves a site until the test ends, and then closes its database.
func serveUntilEnd(t testing.TB, s *Server, l net.Listener) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, l, make(chan error), func(string) {}) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.db.Close()
	})
}

// browser keeps cookies and follows no redirect by itself.
type browser struct {
	t       testing.TB
	base    string
	cookies map[string]*http.Cookie
	headers map[string]string
	last    *http.Response
	body    string
}

func newBrowser(t testing.TB, base string) *browser {
	return &browser{t: t, base: base, cookies: map[string]*http.Cookie{}, headers: map[string]string{}}
}

func (b *browser) do(method, path string, form url.Values) *browser {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range b.headers {
		req.Header.Set(k, v)
	}
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	raw, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	b.last, b.body = resp, string(raw)
	if strings.Contains(b.body, "executing &#34;") {
		b.t.Errorf("%s %s: a template failed: %s", method, path, b.body[strings.Index(b.body, "executing &#34;"):][:200])
	}
	for _, c := range resp.Cookies() {
		if c.Value == "" || (!c.Expires.IsZero() && c.Expires.Before(time.Now())) {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return b
}

func (b *browser) get(path string) *browser { b.t.Helper(); return b.do("GET", path, nil) }

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// submit opens a page and posts its form.
func (b *browser) submit(page, action string, fields ...string) *browser {
	b.t.Helper()
	b.get(page)
	m := csrfField.FindStringSubmatch(b.body)
	if m == nil {
		b.t.Fatalf("%s has no form: %d %s", page, b.last.StatusCode, b.body)
	}
	form := url.Values{"csrf": {m[1]}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do("POST", action, form)
}

func (b *browser) signIn(name string) *browser {
	b.t.Helper()
	return b.submit("/signin", "/signin", "username", name, "password", demoPassword).wants(303, "")
}

func (b *browser) wants(status int, part string) *browser {
	b.t.Helper()
	if b.last.StatusCode != status || !strings.Contains(b.body, part) {
		b.t.Errorf("%s %s: %d, want %d with %q:\n%.600s", b.last.Request.Method, b.last.Request.URL.Path, b.last.StatusCode, status, part, b.body)
	}
	return b
}

func TestSignIn_CookieAndRotation(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	c := b.cookies["foyer"]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || !c.Expires.IsZero() {
		t.Fatalf("cookie %+v", c)
	}
	b.get("/").wants(200, "Alice Adler")
	if got := b.last.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	old := c.Value
	other := newBrowser(t, base)
	other.cookies["foyer"] = &http.Cookie{Name: "foyer", Value: old}
	other.get("/settings").wants(200, "Devices")
	b.submit("/settings", "/signout").wants(303, "")
	other.get("/settings").wants(303, "") // the secret is dead
	b.submit("/signin", "/signin", "username", " ALICE ", "password", demoPassword, "trusted", "1").wants(303, "")
	if again := b.cookies["foyer"]; again.Value == old || time.Until(again.Expires) < 29*24*time.Hour {
		t.Errorf("trusted: %+v", again)
	}
}

// Signing out twice, as by a second click or in another tab, is signing out; what somebody else
// signed in for meanwhile stays.
func TestSignOut_Twice(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	form := url.Values{"csrf": {csrfField.FindStringSubmatch(b.get("/settings").body)[1]}}
	b.do("POST", "/signout", form).wants(303, "")
	b.do("POST", "/signout", form).wants(303, "")
	b.get("/").wants(200, "You are signed out.")
	b.signIn("bob")
	b.do("POST", "/signout", form).wants(403, "expired")
	b.get("/settings").wants(200, "")
}

// wrong guesses of a stranger do not keep somebody out of a browser that was
// signed in before, not even after signing out there. X-69: what the browser has
// cached goes with the sign-out.
func TestSignIn_KnownDevice(t *testing.T) {
	_, base := start(t, nil)
	b, stranger := newBrowser(t, base), newBrowser(t, base)
	b.signIn("alice")
	if c := b.cookies["foyer-device"]; c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || time.Until(c.Expires) < 300*24*time.Hour {
		t.Fatalf("cookie %+v", c)
	}
	b.submit("/settings", "/signout").wants(303, "")
	if got := b.last.Header.Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("Clear-Site-Data %q", got)
	}
	for range auth.FailuresPerAccount + 1 {
		stranger.submit("/signin", "/signin", "username", "alice", "password", "wrong password")
	}
	stranger.wants(429, "Please wait")
	b.signIn("alice")
	stranger.submit("/signin", "/signin", "username", "alice", "password", demoPassword).wants(429, "")
}

// proxies that each add a line of their own are one list; the client is the
// rightmost hop that is no proxy, whatever the first line says.
func TestAddress_ManyLines(t *testing.T) {
	s, base := start(t, map[string]string{"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"})
	form := newBrowser(t, base)
	form.get("/signin")
	fields := url.Values{"csrf": {csrfField.FindStringSubmatch(form.body)[1]}, "username": {"alice"}, "password": {demoPassword}}
	req, err := http.NewRequest("POST", base+"/signin", strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "X-Forwarded-For": {"203.0.113.66", "198.51.100.7, 10.0.0.1"}}
	req.AddCookie(form.cookies["foyer-form"])
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil || resp.StatusCode != 303 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	alice, err := s.db.Accounts.AccountByName(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := s.db.Sessions.Of(t.Context(), alice.ID)
	if err != nil || len(sessions) != 1 || sessions[0].Address != "198.51.100.7" {
		t.Errorf("%+v %v", sessions, err)
	}
}

// what was on its way with a session that has ended says nothing about the
// cookie, which may be the next person's by then.
func TestSession_EndedLeavesCookie(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	late := newBrowser(t, base)
	late.cookies["foyer"] = b.cookies["foyer"]
	b.submit("/settings", "/signout").wants(303, "")
	b.signIn("bob")
	for path, status := range map[string]int{"/xmpp/me": 401, "/": 200, "/settings": 303} {
		late.get(path).wants(status, "")
		for _, c := range late.last.Cookies() {
			if c.Name == "foyer" {
				t.Errorf("%s: %s", path, c)
			}
		}
	}
}

// A template that fails is an error like any other: nothing of it is shown.
func TestRender_Fails(t *testing.T) {
	_, base := startChanged(t, nil, func(s *Server) {
		s.web.Get("/fails", func(c *fiber.Ctx) error {
			p := s.page(c, "settings", "Fails")
			p.Data = struct{}{}
			return s.render(c, "settings", p)
		})
	})
	newBrowser(t, base).get("/fails").wants(500, "Something went wrong on our side").wants(500, `<a role="button" href="" data-turbo="false">Try again</a>`)
}

// The same answer, whether or not there is such an account.
func TestSignIn_SameAnswer(t *testing.T) {
	s, base := start(t, nil)
	bob, err := s.db.Accounts.AccountByName(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.Accounts.SetBlocked(t.Context(), bob.ID, true); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, base)
	var first string
	for _, name := range []string{"alice", "nobody", "bob", "@@@"} {
		password := "wrong password"
		if name == "bob" {
			password = demoPassword
		}
		b.submit("/signin", "/signin", "username", name, "password", password).wants(422, "do not match")
		answer := regexp.MustCompile(`value="[^"]*"|content="[^"]*"`).ReplaceAllString(b.body, "")
		if first == "" {
			first = answer
		}
		if answer != first {
			t.Errorf("%s: another answer", name)
		}
	}
}

func TestSignIn_Throttle(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	for range auth.FailuresPerAccount {
		b.submit("/signin", "/signin", "username", "carol", "password", "wrong password").wants(422, "")
	}
	b.submit("/signin", "/signin", "username", "carol", "password", demoPassword).wants(429, "Please wait")
	if b.last.Header.Get("Retry-After") == "" {
		t.Error("does not say how long")
	}
	b.signIn("alice") // the others are not kept out
}

func TestForms_Protected(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	b.do("POST", "/settings/profile", url.Values{"name": {"Mallory"}}).wants(403, "")
	b.do("POST", "/settings/profile", url.Values{"name": {"Mallory"}, "csrf": {"x"}}).wants(403, "")
	other := newBrowser(t, base)
	other.get("/signin")
	stolen := csrfField.FindStringSubmatch(other.body)[1]
	b.do("POST", "/settings/profile", url.Values{"name": {"Mallory"}, "csrf": {stolen}}).wants(403, "")
	for header, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		b.headers = map[string]string{header: value}
		b.get("/settings")
		token := csrfField.FindStringSubmatch(b.body)[1]
		b.do("POST", "/settings/profile", url.Values{"name": {"Mallory"}, "csrf": {token}}).wants(403, "")
	}
	b.headers = nil
	b.get("/").wants(200, "Alice Adler")
	b.submit("/settings", "/settings/profile", "name", "  Alice   A. ").wants(303, "")
	b.get("/").wants(200, "Hello, Alice A.")
}

// passwords for new accounts are rated at the address's rate.
func TestSignUp_Rated(t *testing.T) {
	s, base := start(t, nil)
	b := newBrowser(t, base)
	overspend(s.signIn.rated, "127.0.0.1", ratedBurst)
	b.submit("/signup", "/signup", "username", "zoe", "password", "short").wants(429, "Too many attempts")
	if !s.signIn.rated.Allow(budget.Network("192.0.2.1"), 1) {
		t.Error("another address has to wait")
	}
}

// overspend leaves an address nothing of a rate for minutes, however slowly the test runs.
func overspend(rate *budget.Rate, address string, atOnce int) {
	for rate.Delay(budget.Network(address), atOnce, time.Hour) < 10*time.Minute {
		continue
	}
}

func TestSignUp(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	const password = "a few words in a row"
	for _, c := range []struct{ username, password, want string }{
		{"alice", password, "not available"}, {"Support", password, "not available"}, {"ad.min", password, "not available"},
		{"a b", password, "letters, digits"}, {"zoe", "short", "at least 10"}, {"zoe", "zoezoezoezoe", "Repeating"}, {"", password, "Choose a user name"},
	} {
		b.submit("/signup", "/signup", "username", c.username, "password", c.password).wants(422, c.want)
	}
	b.submit("/signup", "/signup", "username", "Zoë", "name", "Zoë <b>", "password", password).wants(303, "")
	b.get("/").wants(200, "Zoë &lt;b&gt;")
	newBrowser(t, base).submit("/signin", "/signin", "username", "zoë", "password", password).wants(303, "")

	_, closed := start(t, map[string]string{"SIGNUP": "false"})
	newBrowser(t, closed).get("/signup").wants(404, "")
}

func TestSettings_PasswordAndDevices(t *testing.T) {
	_, base := start(t, nil)
	here, there := newBrowser(t, base), newBrowser(t, base)
	here.signIn("bob")
	there.signIn("bob")
	here.submit("/settings", "/settings/password", "current", "wrong password", "password", "another long one").wants(422, "not your password")
	here.submit("/settings", "/settings/password", "current", demoPassword, "password", "another long one").wants(303, "")
	here.get("/settings").wants(200, "password has been changed")
	there.get("/settings").wants(303, "")
	there.submit("/signin", "/signin", "username", "bob", "password", "another long one").wants(303, "")
	here.submit("/settings", "/settings/sessions/others/end").wants(303, "")
	there.get("/settings").wants(303, "")

	here.submit("/settings", "/settings/delete", "confirm", "alice", "current", "another long one").wants(422, "Type your user name")
	here.submit("/settings", "/settings/delete", "confirm", "bob", "current", "another long one").wants(303, "")
	here.get("/settings").wants(303, "")
	newBrowser(t, base).submit("/signup", "/signup", "username", "bob", "password", "yet another long one").wants(422, "not available")
}

func TestHeaders(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	for _, path := range []string{"/", "/signin", "/signup", "/nothing-here", "/chat"} {
		b.get(path)
		h := b.last.Header
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "{nonce}") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	b.get("/nothing-here").wants(404, "Page not found").wants(404, "It may be mistyped")
	b.get("/settings").wants(303, "")
	if got := b.last.Header.Get("Location"); got != "/signin?next=%2Fsettings" {
		t.Errorf("redirected to %s", got)
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{"/settings": "/settings", "/a?b=c#d": "/a?b=c#d", "": "/", "//evil.example": "/", "https://evil.example": "/",
		"/\\evil.example": "/", "javascript:alert(1)": "/", "/signin": "/", "settings": "/", "/a\nb": "/"} {
		if got := localPath(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Who has signed in in another tab meanwhile goes on to where the first one was to lead.
func TestSignIn_AnotherTab(t *testing.T) {
	_, base := start(t, nil)
	b := signedInAs(t, base, "alice")
	for next, want := range map[string]string{"": "/", "/chat/with/bob": "/chat/with/bob", "//evil.example": "/", "/signin": "/"} {
		b.get("/signin?next="+url.QueryEscape(next)).wants(303, "")
		if got := b.last.Header.Get("Location"); got != want {
			t.Errorf("next=%s: %s, not %s", next, got, want)
		}
	}
}

// /xmpp/*: JSON for this site's own pages, in the mode that is set.
func TestXMPPEndpoints(t *testing.T) {
	for mode, works := range map[string]string{"session": "", "prebind": "/xmpp/prebind", "token": "/xmpp/credentials", "signed": "/xmpp/credentials", "password": ""} {
		_, base := start(t, map[string]string{"XMPP_LOGIN": mode})
		b := newBrowser(t, base)
		for _, path := range []string{"/xmpp/me", "/xmpp/prebind", "/xmpp/credentials"} {
			want := 404
			if path == works || path == "/xmpp/me" {
				want = 401
			}
			b.get(path).wants(want, `"error"`)
			if b.last.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(b.last.Header.Get("Content-Type"), "application/json") {
				t.Errorf("%s %s: %v", mode, path, b.last.Header)
			}
		}
		b.signIn("alice")
		b.get("/xmpp/me").wants(200, `{"user":"alice"}`)
		if works == "" {
			continue
		}
		first := b.get(works).wants(200, "alice@localhost").body
		if again := b.get(works).wants(200, "alice@localhost").body; again == first {
			t.Errorf("%s: the same again: %s", mode, again)
		}
		for header, value := range map[string]string{"Origin": "https://evil.example", "Referer": "https://evil.example/x", "Sec-Fetch-Site": "same-site"} {
			b.headers = map[string]string{header: value}
			b.get(works).wants(403, `"error"`)
		}
	}
}

// Tokens work once, and not after their session ended.
func TestAuthority(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_LOGIN": "signed"})
	b := newBrowser(t, base)
	b.signIn("alice")
	password := regexp.MustCompile(`"password":"([^"]+)"`)
	ctx := t.Context()
	token := password.FindStringSubmatch(b.get("/xmpp/credentials").body)[1]
	if _, err := s.auth.Password(ctx, "bob", token, peerOf("")); err == nil {
		t.Error("alice's token let bob in")
	}
	id, err := s.auth.Password(ctx, "alice", token, peerOf(""))
	if err != nil || id.User != "alice" || id.Session == "" {
		t.Fatalf("%+v %v", id, err)
	}
	if _, err := s.auth.Password(ctx, "alice", token, peerOf("")); err == nil {
		t.Error("a token worked twice")
	}
	if _, err := s.auth.Password(ctx, "alice", demoPassword, peerOf("")); err == nil {
		t.Error("the account's password worked in mode signed")
	}
	if err := s.auth.Current(ctx, id); err != nil {
		t.Error(err)
	}
	b.submit("/settings", "/signout")
	if err := s.auth.Current(ctx, id); err == nil {
		t.Error("the session stands after signing out")
	}
}

func TestStatic(t *testing.T) {
	s, base := start(t, nil)
	b := newBrowser(t, base)
	b.headers["Accept-Encoding"] = "br, gzip"
	b.get(s.assets.url("converse/converse.min.js"))
	if b.last.StatusCode != 200 || b.last.Header.Get("Content-Encoding") != "br" || !strings.Contains(b.last.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%d %v", b.last.StatusCode, b.last.Header)
	}
	b.get(s.assets.url("converse/curve25519_compiled.wasm"))
	if got := b.last.Header.Get("Content-Type"); got != "application/wasm" {
		t.Errorf("wasm as %s", got)
	}
	b.get("/static/old/css/site.css").wants(302, "")
	b.get(s.assets.url("css/../../main.go")).wants(404, "")
	b.get(s.assets.url("embed.go")).wants(404, "")
}

func TestOperations(t *testing.T) {
	_, base := start(t, map[string]string{"METRICS_TOKEN": "let me in"})
	b := newBrowser(t, base)
	b.get("/healthz").wants(200, "ok")
	b.get("/readyz").wants(200, "ok")
	b.get("/metrics").wants(403, "METRICS_ADDR") // that it is from loopback proves nothing
	b.headers["Authorization"] = "Bearer let me"
	b.get("/metrics").wants(403, "")
	b.headers["Authorization"] = "Bearer let me in"
	b.get("/metrics").wants(200, "foyer_sessions")
	b.headers["Authorization"] = "bearer let me in" // RFC 9110 §11.1
	b.get("/metrics").wants(200, "foyer_sessions")
	b.headers["Authorization"] = "let me in"
	b.get("/metrics").wants(403, "")
}

// without METRICS_TOKEN the figures are nobody's in production, whatever a request
// brings; in development they are everybody's.
func TestOperations_NoMetricsToken(t *testing.T) {
	for env, want := range map[string]int{"production": 403, "development": 200} {
		t.Run(env, func(t *testing.T) {
			s, l := listening(t, map[string]string{"APP_ENV": env, "BASE_URL": "http://localhost:3000"}, func(*Server) {})
			serveUntilEnd(t, s, l)
			b := newBrowser(t, "http://"+l.Addr().String())
			b.get("/metrics").wants(want, "")
			for _, authorization := range []string{"Bearer ", "Bearer", "Bearer x"} {
				b.headers["Authorization"] = authorization
				b.get("/metrics").wants(want, "")
			}
		})
	}
}
