package app

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"foyer/app/auth/oidc/oidctest"
	"foyer/internal/budget"
	"foyer/internal/stream/streamtest"
)

// providerSite runs a site with one provider.
func providerSite(t testing.TB, more map[string]string) (*oidctest.Provider, *Server, string) {
	t.Helper()
	return providerSiteChanged(t, more, func(*Server) {})
}

// providerSiteChanged is one that change changed before it serves.
func providerSiteChanged(t testing.TB, more map[string]string, change func(*Server)) (*oidctest.Provider, *Server, string) {
	t.Helper()
	idp := oidctest.Start(t)
	settings := map[string]string{
		"OIDC_PROVIDERS": "idp", "OIDC_IDP_ISSUER": idp.URL, "OIDC_IDP_CLIENT_ID": oidctest.ClientID, "OIDC_IDP_CLIENT_SECRET": oidctest.ClientSecret,
		"OIDC_IDP_LABEL": "Example ID", "OIDC_IDP_GROUPS_CLAIM": "groups", "OIDC_IDP_ADMIN_GROUPS": "boss",
	}
	for k, v := range more {
		settings[k] = v
	}
	s, base := startChanged(t, settings, change)
	return idp, s, base
}

// follow goes to another site, and returns where that sends the browser, as a path of this one.
func (b *browser) follow(to string) string {
	b.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	answer, err := client.Get(to)
	if err != nil {
		b.t.Fatal(err)
	}
	answer.Body.Close()
	back, ok := strings.CutPrefix(answer.Header.Get("Location"), b.base)
	if !ok {
		b.t.Fatalf("%s sends to %q", to, answer.Header.Get("Location"))
	}
	return back
}

// through signs in by the provider, from the link on.
func (b *browser) through(link string) *browser {
	b.t.Helper()
	return b.get(b.follow(b.get(link).wants(303, "").last.Header.Get("Location")))
}

// person sets who comes by at the provider.
func person(idp *oidctest.Provider, claims map[string]any) {
	idp.Change(func() { idp.Person = claims })
}

// TestOIDC: from the sign-in page to an account, with what the provider says of it, and out at both.
func TestOIDC(t *testing.T) {
	idp, s, base := providerSite(t, nil)
	b := newBrowser(t, base)
	b.get("/signin").wants(200, "Sign in with Example ID")
	person(idp, map[string]any{"sub": "z-1", "preferred_username": "zoe", "name": "Zoe Example", "picture": idp.URL + "/picture.png", "groups": []string{"staff", "boss"}})
	b.through("/signin/with/idp?next=/settings").wants(303, "")
	if to := b.last.Header.Get("Location"); to != "/settings" {
		t.Errorf("sent to %s", to)
	}
	b.wantsUser("zoe")
	zoe, err := s.db.Accounts.AccountByName(t.Context(), "zoe")
	if err != nil || zoe.Name != "Zoe Example" || !zoe.Admin || zoe.PasswordHash != "" {
		t.Errorf("%+v %v", zoe, err)
	}
	eventually(t, func() bool { // the picture is taken
		zoe, err = s.db.Accounts.AccountByName(t.Context(), "zoe")
		return err == nil && zoe.AvatarHash != ""
	})

	// What the provider says is said again with each sign-in.
	person(idp, map[string]any{"sub": "z-1", "preferred_username": "other", "name": "Zoe New", "groups": []string{"staff"}})
	other := newBrowser(t, base).through("/signin/with/idp").wants(303, "")
	other.wantsUser("zoe")
	if zoe, err := s.db.Accounts.AccountByName(t.Context(), "zoe"); err != nil || zoe.Name != "Zoe New" || zoe.Admin {
		t.Errorf("%+v %v", zoe, err)
	}
	if members, err := s.db.Accounts.GroupMembers(t.Context(), "boss"); err != nil || len(members) != 0 {
		t.Errorf("%v %v", members, err)
	}

	// Out here, and on to the provider, which knows by the ID token who it is.
	b.submit("/settings", "/signout").wants(200, idp.URL+"/logout?")
	out, err := url.Parse(strings.TrimPrefix(b.last.Header.Get("Refresh"), "0; url="))
	if err != nil || out.Query().Get("id_token_hint") == "" || out.Query().Get("post_logout_redirect_uri") != base+"/" {
		t.Error(out, err)
	}
	b.wantsUser("")
}

// TestOIDC_Picture: a picture is fetched once, and again at the next sign-in for as long as it was not to be had.
func TestOIDC_Picture(t *testing.T) {
	idp, s, base := providerSite(t, nil)
	asked, away := make(chan string, 10), atomic.Bool{}
	away.Store(true)
	idp.Change(func() {
		idp.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/picture.png" {
				return false
			}
			is := away.Load()
			asked <- r.URL.RawQuery
			if is {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return is
		}
	})
	signIn := func(picture string) {
		t.Helper()
		person(idp, map[string]any{"sub": "z-1", "preferred_username": "zoe", "picture": idp.URL + "/picture.png?" + picture})
		newBrowser(t, base).through("/signin/with/idp").wants(303, "")
	}
	fetched := func(want string) {
		t.Helper()
		select {
		case got := <-asked:
			if got != want {
				t.Errorf("fetched %s, not %s", got, want)
			}
		case <-time.After(streamtest.Timeout):
			t.Fatalf("%s was not fetched", want)
		}
	}
	has := func() bool {
		zoe, err := s.db.Accounts.AccountByName(t.Context(), "zoe")
		return err == nil && zoe.AvatarHash != ""
	}
	signIn("1")
	fetched("1")
	if has() {
		t.Error("she has a picture that was not to be had")
	}
	away.Store(false)
	signIn("1")
	fetched("1")
	eventually(t, has)
	signIn("1") // it is here
	signIn("2")
	fetched("2")
}

// TestOIDC_NameTaken: nobody gets an account by the name, or the e-mail address, that a provider says.
func TestOIDC_NameTaken(t *testing.T) {
	idp, _, base := providerSite(t, nil)
	person(idp, map[string]any{"sub": "a-1", "preferred_username": "alice", "email": "alice@localhost", "email_verified": true})
	b := newBrowser(t, base).through("/signin/with/idp").wants(303, "")
	if to := b.last.Header.Get("Location"); !strings.HasPrefix(to, "/signin/name") {
		t.Fatalf("sent to %s", to)
	}
	of := b.pending()
	b.wantsUser("")
	b.submit("/signin/name?of="+of, "/signin/name", "of", of, "username", "alice").wants(422, "not available")
	b.submit("/signin/name?of="+of, "/signin/name", "of", of, "username", "alice.w").wants(303, "")
	b.wantsUser("alice.w")
}

// TestOIDC_OtherBrowser: an answer counts in the browser that began, and once. That is login CSRF's other name.
func TestOIDC_OtherBrowser(t *testing.T) {
	_, _, base := providerSite(t, nil)
	mine, theirs := newBrowser(t, base), newBrowser(t, base)
	back := mine.follow(mine.get("/signin/with/idp").last.Header.Get("Location"))
	theirs.get(back).wants(422, "Please start again here")
	theirs.get("/signin/with/idp")
	theirs.get(back).wants(422, "Please start again here")
	theirs.wantsUser("")
	mine.get(back).wants(303, "")
	again := newBrowser(t, base)
	again.get(back).wants(422, "")
	again.wantsUser("")
}

// TestOIDC_TwoTabs: sign-ins begun in several tabs of a browser do not take each other's way back. The newest few
// are kept, so that what begins them, as any other site can by a link, does not fill the header.
func TestOIDC_TwoTabs(t *testing.T) {
	idp, _, base := providerSite(t, nil)
	person(idp, map[string]any{"sub": "z-1", "preferred_username": "zoe"})
	b := newBrowser(t, base)
	begin := func(next string) (back string) {
		return b.follow(b.get("/signin/with/idp?next="+next).wants(303, "").last.Header.Get("Location"))
	}
	returns := func(back, wants string) {
		t.Helper()
		b.get(back).wants(303, "")
		if to := b.last.Header.Get("Location"); to != wants {
			t.Errorf("sent to %s, not %s", to, wants)
		}
	}
	first, second := begin("/people"), begin("/rooms")
	returns(first, "/people")
	b.get(first).wants(422, "started in another browser") // once
	returns(second, "/rooms")

	b = newBrowser(t, base)
	var backs []string
	for _, next := range []string{"/0", "/1", "/2", "/3", "/4", "/5"} {
		backs = append(backs, begin(next))
	}
	if len(b.cookies) > maxRedirects+1 { // and that of forms
		t.Errorf("%d cookies", len(b.cookies))
	}
	b.get(backs[1]).wants(422, "started in another browser")
	returns(backs[2], "/2")
	returns(backs[5], "/5")

	for _, long := range []string{strings.Repeat("x", 5000), strings.Repeat("%26", 1000)} { // the second is six times as long in JSON
		b = newBrowser(t, base)
		back := begin("/" + long)
		if size := len(b.redirect().Value); size > 2<<10 {
			t.Errorf("a cookie of %d bytes", size)
		}
		returns(back, "/") // browsers keep no cookie that is larger than 4096 bytes (RFC 6265 §6.1)
	}
}

// TestOIDC_Failures: what goes wrong at the provider is told in words, on the sign-in page.
func TestOIDC_Failures(t *testing.T) {
	idp, _, base := providerSite(t, map[string]string{"OIDC_IDP_REQUIRE": "groups=staff"})
	b := newBrowser(t, base)
	person(idp, map[string]any{"sub": "1", "groups": []string{"guests"}})
	b.through("/signin/with/idp").wants(422, "may not sign in here")
	idp.Change(func() { idp.Answer = func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") } })
	b.through("/signin/with/idp").wants(422, "not signed in there")
	idp.Change(func() {
		idp.Answer = nil
		idp.IDToken = func(claims, _ map[string]any) { claims["aud"] = "another" }
	})
	b.through("/signin/with/idp").wants(422, "failed our checks")
	b.wantsUser("")
	b.get("/metrics").wants(200, `foyer_site_signins_total{outcome="refused",source="idp"} 3`)
}

// TestOIDC_Away: a provider that was never there keeps nothing from starting, and nobody else from signing in.
func TestOIDC_Away(t *testing.T) {
	_, base := start(t, map[string]string{"OIDC_PROVIDERS": "idp", "OIDC_IDP_ISSUER": "http://127.0.0.1:9", "OIDC_IDP_CLIENT_ID": "x"})
	b := newBrowser(t, base)
	b.get("/signin/with/idp").wants(503, "idp is not responding")
	b.signIn("alice").wantsUser("alice")
}

// TestOIDC_StartedElsewhere: OpenID Connect Core 1.0 §4. It leads on a redirect like every other, and back to this site alone.
func TestOIDC_StartedElsewhere(t *testing.T) {
	idp, _, base := providerSite(t, nil)
	b := newBrowser(t, base)
	start := "/signin/with/idp/start?" + url.Values{"iss": {idp.URL}, "login_hint": {"zoe"}, "target_link_uri": {base + "/settings"}}.Encode()
	to := b.get(start).wants(303, "").last.Header.Get("Location")
	if !strings.HasPrefix(to, idp.URL+"/authorize?") || !strings.Contains(to, "login_hint=zoe") {
		t.Error(to)
	}
	b.wantsUser("")
	person(idp, map[string]any{"sub": "z-1", "preferred_username": "zoe"})
	b.get(b.follow(to)).wants(303, "")
	if to := b.last.Header.Get("Location"); to != "/settings" {
		t.Error(to)
	}
	b.wantsUser("zoe")
	for target, want := range map[string]string{"https://evil.example/x": "/", base + ".evil.example/": "/", "//evil.example": "/", "/people": "/people", base + "/rooms": "/rooms",
		strings.ToUpper(base[:4]) + base[4:] + "/rooms?q=%C3%BC": "/rooms?q=%C3%BC", strings.Replace(base, "127.0.0.1", "LOCALHOST", 1) + "/rooms": "/rooms", base: "/", base + "//evil.example/": "/",
		strings.Replace(base, "http://", "http://me@", 1) + "/rooms": "/"} {
		b.get("/signin/with/idp/start?"+url.Values{"iss": {idp.URL}, "target_link_uri": {target}}.Encode()).wants(303, "")
		if to := b.last.Header.Get("Location"); to != want {
			t.Errorf("%s leads to %s", target, to)
		}
	}
	stranger := newBrowser(t, base)
	stranger.get("/signin/with/idp/start?iss=https://evil.example").wants(422, "Please start again here")
	stranger.get("/signin/with/idp/start").wants(422, "Please start here")
	stranger.do("POST", "/signin/with/idp/start", url.Values{"iss": {idp.URL}, "login_hint": {"zoe"}, "csrf": {""}}).wants(303, "")
	if to := stranger.last.Header.Get("Location"); !strings.HasPrefix(to, "/signin/with/idp/start?") || !strings.Contains(to, url.QueryEscape(idp.URL)) {
		t.Error(to)
	}
	stranger.wantsUser("")
}

// TestOIDC_Settings: what could not work is refused at the start, with the setting's name.
func TestOIDC_Settings(t *testing.T) {
	good := map[string]string{"APP_ENV": "development", "OIDC_PROVIDERS": "a-b", "OIDC_A_B_ISSUER": "https://login.example.org", "OIDC_A_B_CLIENT_ID": "x"}
	if _, err := LoadConfig(good); err != nil {
		t.Fatal(err)
	}
	for setting, value := range map[string]string{
		"OIDC_PROVIDERS": "A", "OIDC_A_B_ISSUER": "http://login.example.org", "OIDC_A_B_CLIENT_ID": "", "OIDC_A_B_ADMIN_GROUPS": "x", "OIDC_A_B_ADMIN_ROLES": "x",
		"OIDC_A_B_REQUIRE": "staff", "OIDC_A_B_USERNAME_DOMAIN": "@example.org", "OIDC_A_B_CA_FILE": "/none", "OIDC_A_B_CLIENT_SECRET_FILE": "/none",
	} {
		environ := map[string]string{}
		for k, v := range good {
			environ[k] = v
		}
		environ[setting] = value
		if _, err := LoadConfig(environ); err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s=%q: %v", setting, value, err)
		}
	}
}

// TestOIDC_TooMany: what the site asks a provider in vain, on strangers' behalf, is bounded for each address.
func TestOIDC_TooMany(t *testing.T) {
	_, s, base := providerSite(t, nil)
	b := newBrowser(t, base)
	b.get("/signin/with/idp/back?code=x&state=y").wants(422, "started in another browser")
	overspend(s.signIn.failedReturns, "127.0.0.1", failedReturnsBurst)
	b.get("/signin/with/idp/back?code=x&state=y").wants(429, "from your network have failed")
}

// TestOIDC_OnlyFailuresCount: however many people behind one address are proved, none of them is
// refused for that; sign-ins, new people and confirmations alike. What fails counts, whatever it was for.
func TestOIDC_OnlyFailuresCount(t *testing.T) {
	idp, _, base := providerSiteChanged(t, nil, func(s *Server) {
		s.signIn.failedReturns = budget.NewRate(budget.Limit{}, 0.0001, 3, s.limits) // three, and the next much later
	})
	person(idp, map[string]any{"sub": "1", "preferred_username": "zoe"})
	for range 5 {
		b := newBrowser(t, base)
		b.through("/signin/with/idp").wants(303, "")
		b.wantsUser("zoe")
	}
	person(idp, map[string]any{"sub": "2", "preferred_username": "alice"}) // her name is taken
	for range 5 {
		newBrowser(t, base).through("/signin/with/idp").wants(303, "")
	}
	b := newBrowser(t, base)
	back := b.follow(b.get("/signin/with/idp").wants(303, "").last.Header.Get("Location"))
	newBrowser(t, base).get(back).wants(422, "started in another browser")
	idp.Change(func() { idp.Answer = func(q url.Values) { q.Set("code", "guessed") } })
	b.through("/signin/with/idp")
	b.through("/signin/with/idp")
	if b.last.StatusCode == http.StatusTooManyRequests {
		t.Error("three failures are more than three")
	}
	b.through("/signin/with/idp").wants(429, "from your network have failed")
}
