package app

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"foyer/app/auth"

	"github.com/jackc/pgx/v5"
)

// provider is a source with pages of its own: whoever brings back a code is the person whose
// code it is.
type provider struct {
	name   string
	people map[string]auth.Person // by code
	fresh  bool                   // of the last answer
}

func (p *provider) Name() string              { return p.name }
func (p *provider) Label() string             { return "Provider " + p.name }
func (p *provider) Method() auth.SignInMethod { return auth.ByRedirect }
func (p *provider) Start(_ context.Context, b auth.RedirectRequest) (auth.Redirect, error) {
	return auth.Redirect{URL: "https://" + p.name + ".example/?back=" + url.QueryEscape(b.Callback) + "&hint=" + b.Hint, State: "state of " + p.name, AnswerState: "state of " + p.name}, nil
}

func (p *provider) Finish(_ context.Context, a auth.Answer) (auth.Person, error) {
	p.fresh = a.Fresh
	person, there := p.people[a.Form("code")]
	if !there || a.Form("state") != a.State {
		return auth.Person{}, auth.Refusal(p.Label() + " did not say who you are.")
	}
	return person, nil
}
func (p *provider) Inactive(context.Context, []auth.Identity) ([]auth.Identity, error) {
	return nil, nil
}
func (p *provider) SignOut(_ context.Context, hint, callback string) (string, error) {
	return "https://" + p.name + ".example/end?hint=" + hint, nil
}

func (p *provider) back(code string) string {
	return "/signin/with/" + p.name + "/back?" + url.Values{"code": {code}, "state": {"state of " + p.name}}.Encode()
}

// redirect is the cookie of a redirect that was begun; nil: there is none.
func (b *browser) redirect() *http.Cookie {
	for name, cookie := range b.cookies {
		if strings.HasPrefix(name, "foyer-redirect") {
			return cookie
		}
	}
	return nil
}

// withSources runs a site whose people come from these sources, too.
func withSources(t testing.TB, more map[string]string, sources ...auth.Source) (*Server, string) {
	t.Helper()
	return startChanged(t, more, func(s *Server) {
		cfg, err := s.cfg.Auth(s.db, slog.New(slog.DiscardHandler), s.tell)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Sources = sources
		if s.auth, err = auth.New(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	})
}

func newProvider(name string) *provider {
	return &provider{name: name, people: map[string]auth.Person{
		"zoe":   {Subject: "1", Login: "zoe", Name: "Zoë Z.", SignOutHint: "an ID token", Session: "sid-1"},
		"alice": {Subject: "2", Login: "alice", Name: "Another Alice"},
	}}
}

// From the sign-in page to the source, back, in, and out of both.
func TestSignInWith(t *testing.T) {
	one := newProvider("one")
	_, base := withSources(t, nil, one)
	b := newBrowser(t, base)
	b.get("/signin?next=/people").wants(200, "Sign in with Provider one").wants(200, `/signin/with/one?next=%2fpeople"`)
	b.get("/signin/with/one?next=/people&trusted=1&login_hint=zoe").wants(303, "")
	if to := b.last.Header.Get("Location"); to != "https://one.example/?back="+url.QueryEscape(base+"/signin/with/one/back")+"&hint=zoe" {
		t.Errorf("sent to %s", to)
	}
	redirect := b.redirect()
	if redirect == nil || !redirect.HttpOnly || redirect.SameSite != http.SameSiteLaxMode || strings.Contains(redirect.Value, "state") {
		t.Fatalf("the redirect's cookie: %+v", redirect)
	}
	b.get(one.back("zoe")).wants(303, "")
	if to := b.last.Header.Get("Location"); to != "/people" || b.cookies["foyer"].Expires.IsZero() || b.redirect() != nil {
		t.Errorf("sent to %s with %v", to, b.cookies)
	}
	b.get("/settings").wants(200, "Zoë Z.").wants(200, "Provider one · zoe").wants(200, "Set a password")
	b.submit("/settings", "/signout").wants(200, "https://one.example/end?hint=an%20ID%20token")
	if b.last.Header.Get("Refresh") != "0; url=https://one.example/end?hint=an ID token" || b.cookies["foyer"] != nil {
		t.Errorf("%v %v", b.last.Header, b.cookies)
	}
}

// pending names the answer that the page is about to which the browser was sent.
func (b *browser) pending() string {
	b.t.Helper()
	to, err := url.Parse(b.last.Header.Get("Location"))
	of := to.Query().Get("of")
	if err != nil || of == "" || b.cookies["foyer-pending-"+of] == nil {
		b.t.Fatalf("sent to %v with %v", to, b.cookies)
	}
	return of
}

// Two tabs in which somebody new signs in at once, or proves whom to link: each answer is about the one whom its page names.
func TestSignInWith_TwoTabs(t *testing.T) {
	one, two := newProvider("one"), newProvider("two")
	one.people["a"], two.people["b"] = auth.Person{Subject: "a", Login: "A A", Name: "Ann"}, auth.Person{Subject: "b", Login: "B B", Name: "Ben"}
	_, base := withSources(t, nil, one, two)
	b := newBrowser(t, base)
	first := b.get("/signin/with/one").get(one.back("a")).wants(303, "").pending()
	second := b.get("/signin/with/two").get(two.back("b")).wants(303, "").pending()
	b.get("/signin/name?of="+second).wants(200, "The user name <strong>B B")
	b.get("/signin/name").wants(303, "")
	b.submit("/signin/name?of="+first, "/signin/name", "of", first, "username", "ann").wants(303, "")
	b.wantsUser("ann").get("/settings").wants(200, "Provider one · A A")
	if b.cookies["foyer-pending-"+first] != nil || b.cookies["foyer-pending-"+second] == nil {
		t.Errorf("%v", b.cookies)
	}

	alice := newBrowser(t, base).signIn("alice")
	prove := func(p *provider, who string) string {
		t.Helper()
		alice.submit("/settings/ways/add/"+p.name, "/settings/ways/add/"+p.name, "current", demoPassword).wants(200, "")
		return alice.get(p.back(who)).wants(303, "").pending()
	}
	first, second = prove(one, "zoe"), prove(two, "zoe")
	alice.submit("/settings/ways/join?of="+first, "/settings/ways/join", "of", first).wants(303, "")
	if page := alice.get("/settings").wants(200, "Provider one · zoe").body; strings.Contains(page, "Provider two · zoe") {
		t.Error("the other was linked")
	}
	alice.get("/settings/ways/join?of="+second).wants(200, "At Provider two you are")
	for range 5 {
		second = prove(two, "zoe")
	}
	n := 0
	for name := range alice.cookies {
		if strings.HasPrefix(name, "foyer-pending-") {
			n++
		}
	}
	if n != maxPending || alice.cookies["foyer-pending-"+second] == nil {
		t.Errorf("%d cookies", n)
	}
}

// A second click on signing out is sent before the first is answered, and the browser shows the answer to the second:
// it leads to the source as the first does (OpenID Connect RP-Initiated Logout 1.0 §2).
func TestSignInWith_OutByTwoClicks(t *testing.T) {
	one := newProvider("one")
	_, base := withSources(t, nil, one)
	b := newBrowser(t, base)
	b.get("/signin/with/one").get(one.back("zoe")).wants(303, "")
	form := url.Values{"csrf": {csrfField.FindStringSubmatch(b.get("/settings").body)[1]}}
	cookie := *b.cookies["foyer"]
	b.do("POST", "/signout", form).wants(200, "https://one.example/end?hint=an%20ID%20token")
	b.cookies["foyer"] = &cookie
	b.do("POST", "/signout", form).wants(200, "https://one.example/end?hint=an%20ID%20token")
	if b.cookies["foyer"] != nil {
		t.Error("the cookie stays")
	}
	b.cookies["foyer"] = &cookie
	b.do("POST", "/signout", url.Values{"csrf": {"x"}}).wants(303, "") // no page of this site's
	b.get("/settings").wants(303, "")
}

// An answer counts in the browser that began, once, and for the source that was asked.
func TestSignInWith_ForeignAnswers(t *testing.T) {
	one, two := newProvider("one"), newProvider("two")
	_, base := withSources(t, nil, one, two)
	for what, prepare := range map[string]func(b *browser) string{
		"nothing was begun": func(*browser) string { return one.back("zoe") },
		"begun at another":  func(b *browser) string { b.get("/signin/with/two"); return one.back("zoe") },
		"a state of another": func(b *browser) string {
			b.get("/signin/with/one")
			return strings.Replace(one.back("zoe"), "state+of+one", "x", 1)
		},
		"a cookie that is none": func(b *browser) string {
			b.get("/signin/with/one")
			b.redirect().Value = "x"
			return one.back("zoe")
		},
		"a code of nobody":       func(b *browser) string { b.get("/signin/with/one"); return one.back("nobody") },
		"the answer a 2nd time":  func(b *browser) string { b.get("/signin/with/one").get(one.back("nobody")); return one.back("zoe") },
		"a way that is none":     func(b *browser) string { b.get("/signin/with/three").wants(404, ""); return one.back("zoe") },
		"begun to link, outside": func(b *browser) string { b.get("/settings/ways/add/one"); return one.back("zoe") },
	} {
		b := newBrowser(t, base)
		b.get(prepare(b)).wants(422, `role="alert"`)
		b.wantsUser("")
		if t.Failed() {
			t.Fatal(what)
		}
	}
}

// Somebody is linked to an account only by its owner, who proves themselves in both places
// and says yes.
func TestWays(t *testing.T) {
	one, two := newProvider("one"), newProvider("two")
	_, base := withSources(t, nil, one, two)
	alice := newBrowser(t, base).signIn("alice")
	alice.get("/settings").wants(200, "Add Provider one")
	alice.submit("/settings/ways/add/one", "/settings/ways/add/one", "current", "wrong").wants(422, "not your password")
	alice.submit("/settings/ways/add/one", "/settings/ways/add/one", "current", demoPassword).wants(200, "https://one.example/")
	alice.get(one.back("alice")).wants(303, "")
	if !one.fresh {
		t.Error("the source need not ask again")
	}
	// Nothing is linked before the yes, which is this session's alone.
	stranger := newBrowser(t, base)
	stranger.get("/signin/with/one").get(one.back("alice")).wants(303, "")
	bob := newBrowser(t, base).signIn("bob")
	of := alice.pending()
	bob.cookies["foyer-pending-"+of] = alice.cookies["foyer-pending-"+of]
	bob.submit("/settings", "/settings/ways/join", "of", of).wants(422, "too long")
	alice.submit("/settings/ways/join?of="+of, "/settings/ways/join", "of", of).wants(303, "")
	alice.get("/settings").wants(200, "Provider one · alice")

	// She comes in by it; her name is still her own.
	again := newBrowser(t, base)
	again.get("/signin/with/one").get(one.back("alice")).wants(303, "")
	again.wantsUser("alice").get("/settings").wants(200, "Alice Adler")
	// Bob cannot have it as well.
	bob.submit("/settings/ways/add/one", "/settings/ways/add/one", "current", demoPassword).wants(200, "")
	bob.get(one.back("alice")).wants(422, "another account")

	// Removed, it signs her out where she came in by it, and not where she typed a password.
	m := strings.SplitN(strings.SplitN(alice.get("/settings").body, `href="/settings/ways/`, 2)[1], "/remove", 2)[0]
	bob.get("/settings/ways/"+m+"/remove").wants(404, "")
	alice.submit("/settings/ways/"+m+"/remove", "/settings/ways/"+m+"/remove", "current", demoPassword).wants(303, "")
	again.wantsUser("")
	alice.wantsUser("alice")
}

// Without a password, another redirect confirms, and the last way in stays.
func TestWays_NoPassword(t *testing.T) {
	one := newProvider("one")
	s, base := withSources(t, nil, one)
	zoe := newBrowser(t, base)
	zoe.get("/signin/with/one").get(one.back("zoe")).wants(303, "")
	if strings.Contains(zoe.get("/settings").body, "/remove\"") {
		t.Error("the last way can be removed")
	}
	stale := func() { // everybody proved themselves some time ago
		t.Helper()
		conn, err := pgx.Connect(t.Context(), s.cfg.DatabaseURL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), "UPDATE sessions SET proved_at = now() - interval '1 hour'"); err != nil {
			t.Fatal(err)
		}
	}
	stale()
	zoe.get("/settings").wants(200, "Sign in again with Provider one")
	said := func(section, kind, part string) { // in that section, and nowhere else
		t.Helper()
		in, _ := sectionsOf(t, zoe)
		if n := settingsNotice.FindAllStringSubmatch(zoe.body, -1); len(n) != 1 || n[0][1] != kind || !strings.Contains(n[0][3], part) || !strings.Contains(in[section], n[0][0]) {
			t.Errorf("%q is said", n)
		}
	}
	zoe.submit("/settings", "/settings/delete", "confirm", "zoe").wants(422, "")
	said("delete", "error", "confirm first")
	zoe.submit("/settings", "/settings/data").wants(422, "Sign in again with Provider one")
	said("data", "error", "confirm first")
	zoe.submit("/settings", "/settings/password", "password", "a few words in a row").wants(422, "")
	said("password", "error", "confirm first")
	// Somebody else's proof is none.
	zoe.submit("/settings", "/settings/confirm", "next", "/settings#delete").wants(200, "https://one.example/")
	zoe.get(one.back("alice")).wants(422, "somebody else")
	said("delete", "error", "somebody else")
	zoe.submit("/settings", "/settings/confirm", "next", "/settings#data").wants(200, "")
	zoe.get(one.back("zoe")).wants(303, "")
	if at := zoe.last.Header.Get("Location"); at != "/settings#data" {
		t.Error(at)
	}
	zoe.get("/settings").wants(200, "<details open>")
	said("data", "ok", "Confirmed.")
	if !one.fresh {
		t.Error("the source need not ask again")
	}
	zoe.submit("/settings", "/settings/data").wants(200, "PK")
	zoe.submit("/settings", "/settings/password", "password", "a few words in a row").wants(303, "")
	stale()
	newBrowser(t, base).submit("/signin", "/signin", "username", "zoe", "password", "a few words in a row").wants(303, "")
	zoe.submit("/settings", "/settings/delete", "confirm", "zoe", "current", "a few words in a row").wants(303, "")
}

// What names an answer becomes part of a header only as cookieKey writes it: base64 is read with line breaks in it, too.
func TestSignInWith_PendingName(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base).signIn("alice")
	key := cookieKey("x")
	for _, of := range []string{key[:4] + "\r\nX-Forged: " + key[4:], key[:4] + "\r\n" + key[4:], "\n" + key, key + "\n", "\r\n\r\n" + key, "x"} {
		b.submit("/settings", "/settings/ways/join", "of", of).wants(422, "too long")
		for _, line := range b.last.Header["Set-Cookie"] {
			if strings.Contains(line, "pending") {
				t.Errorf("%q: Set-Cookie: %q", of, line)
			}
		}
	}
}

// Strangers do not become members of a site whose people come from somewhere else, unless it says so.
func TestConfig_Signup(t *testing.T) {
	header := map[string]string{"HEADER_SIGNIN": "X-Forwarded-User", "TRUSTED_PROXIES": "127.0.0.1"}
	directory := map[string]string{"LDAP_URL": "ldaps://ldap.example.org", "LDAP_BIND_DN": "anonymous", "LDAP_BASE_DN": "dc=example,dc=org"}
	provider := map[string]string{"OIDC_PROVIDERS": "name", "OIDC_NAME_ISSUER": "https://id.example", "OIDC_NAME_CLIENT_ID": "x"}
	for _, c := range []struct {
		signup string
		more   map[string]string
		want   bool
	}{
		{"", nil, true}, {"true", nil, true}, {"false", nil, false}, {"true", map[string]string{"LOCAL_ACCOUNTS": "admins"}, false},
		{"", header, false}, {"", directory, false}, {"", provider, false}, {"true", header, true}, {"true", directory, true}, {"true", provider, true},
	} {
		environ := map[string]string{"APP_ENV": "development", "SIGNUP": c.signup}
		maps.Copy(environ, c.more)
		cfg, err := LoadConfig(environ)
		if err != nil || cfg.localSignup() != c.want {
			t.Errorf("SIGNUP=%s with %v: %v %v", c.signup, c.more, cfg.localSignup(), err)
		}
		if means, decided := cfg.OpenToVisitors(); (means != "") != c.want || decided != (c.want && c.signup != "") {
			t.Errorf("SIGNUP=%s with %v: %q %v", c.signup, c.more, means, decided)
		}
	}
	_, base := start(t, header)
	newBrowser(t, base).get("/signup").wants(404, "")
}
