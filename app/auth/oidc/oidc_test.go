package oidc_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"foyer/app/auth"
	"foyer/app/auth/oidc"
	"foyer/app/auth/oidc/oidctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callback = "https://chat.example/signin/with/idp/callback"

// site is this site with one provider, and a browser.
type site struct {
	t   testing.TB
	p   *oidc.Provider
	idp *oidctest.Provider
}

// newSite returns a site that trusts a provider. change may be nil.
func newSite(t testing.TB, idp *oidctest.Provider, change func(*oidc.Config)) site {
	t.Helper()
	cfg := oidc.Config{Name: "idp", Issuer: idp.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret}
	if change != nil {
		change(&cfg)
	}
	p, err := oidc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return site{t, p, idp}
}

// answer is what a browser brings back.
type answer struct {
	Query  url.Values
	Secret string // of the redirect
	Fresh  bool
}

func (s site) finish(a answer) (auth.Person, error) {
	return s.p.Finish(s.t.Context(), auth.Answer{Form: a.Query.Get, State: a.Secret, Callback: callback, Fresh: a.Fresh})
}

func (s site) start() auth.Redirect {
	s.t.Helper()
	redirect, err := s.p.Start(s.t.Context(), auth.RedirectRequest{Callback: callback})
	if err != nil {
		s.t.Fatal(err)
	}
	return redirect
}

// visit goes to the provider, and returns what the browser brings back.
func (s site) visit(redirect auth.Redirect) answer {
	s.t.Helper()
	client := *s.idp.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Get(redirect.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	response.Body.Close()
	to, err := response.Location()
	if err != nil || !strings.HasPrefix(to.String(), callback+"?") {
		s.t.Fatal(to, err)
	}
	return answer{Query: to.Query(), Secret: redirect.State}
}

func (s site) signIn() (auth.Person, error) {
	s.t.Helper()
	return s.finish(s.visit(s.start()))
}

// TestSignIn: the whole way, with what the request has to carry (OpenID Connect Core 1.0 §3.1.2.1, RFC 7636 §4.3).
func TestSignIn(t *testing.T) {
	idp := oidctest.Start(t)
	idp.Person = map[string]any{
		"sub": "a-1", "sid": "session-1", "preferred_username": "alice@example.org", "name": "Alice Example", "picture": idp.URL + "/picture.png",
		"groups": []string{"staff", "/chat/admins", "staff"},
	}
	s := newSite(t, idp, func(c *oidc.Config) {
		c.GroupsClaim, c.AdminGroups, c.UsernameDomain = "groups", []string{"chat/admins"}, "example.org"
	})
	redirect := s.start()
	asked, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
		q.Get("redirect_uri") != callback || q.Get("scope") != "openid profile" || q.Get("nonce") == "" || q.Get("state") == "" {
		t.Error("the request is", q)
	}
	for _, secret := range []string{redirect.State, oidctest.ClientSecret} {
		if strings.Contains(redirect.URL, secret) {
			t.Error("a secret is in the address")
		}
	}
	who, err := s.finish(s.visit(redirect))
	if err != nil {
		t.Fatal(err)
	}
	if who.SignOutHint == "" {
		t.Error("the ID token was not kept")
	}
	who.SignOutHint = ""
	admin := true
	if want := (auth.Person{
		Issuer: idp.URL, Subject: "a-1", Login: "alice", Name: "Alice Example", Picture: idp.URL + "/picture.png",
		Groups: []string{"chat/admins", "staff"}, Admin: &admin, Session: "session-1",
	}); !reflect.DeepEqual(who, want) {
		t.Errorf("%+v, not %+v", who, want)
	}
}

// TestSignIn_Algorithms: each that is allowed works.
func TestSignIn_Algorithms(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		idp.Change(func() {
			idp.IDToken = func(claims, header map[string]any) {
				header["alg"] = alg
				delete(claims, "at_hash") // optional with a code (§3.1.3.6)
			}
		})
		if _, err := s.signIn(); err != nil {
			t.Error(alg, err)
		}
	}
}

func rootsOf(idp *oidctest.Provider) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(idp.Certificate())
	return roots
}

// TestSignIn_TLS: beyond loopback names, TLS with an authority of the settings, and with no other.
func TestSignIn_TLS(t *testing.T) {
	idp := oidctest.StartTLS(t)
	if _, err := newSite(t, idp, func(c *oidc.Config) { c.Roots = rootsOf(idp) }).signIn(); err != nil {
		t.Error(err)
	}
	untrusting := newSite(t, idp, nil)
	if _, err := untrusting.p.Start(t.Context(), auth.RedirectRequest{Callback: callback}); !errors.Is(err, oidc.ErrUnreachable) {
		t.Error("an unknown authority:", err)
	}
}

// TestSignIn_ClientSecretPost: a provider that takes the secret only in the form gets it there, and nowhere else.
func TestSignIn_ClientSecretPost(t *testing.T) {
	idp := oidctest.Start(t)
	idp.Metadata = func(m map[string]any) { m["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"} }
	s := newSite(t, idp, nil)
	if _, err := s.signIn(); err != nil {
		t.Fatal(err)
	}
	if forms := idp.TokenForms(); len(forms) != 1 || forms[0].Get("client_secret") != oidctest.ClientSecret {
		t.Error(forms)
	}
}

// TestUserInfo: what the ID token does not say comes from the userinfo endpoint (§5.3).
func TestUserInfo(t *testing.T) {
	idp := oidctest.Start(t)
	idp.Person = map[string]any{"sub": "1", "preferred_username": "alice", "name": "Alice", "realm_access": map[string]any{"roles": []string{"boss"}}}
	idp.IDToken = func(claims, _ map[string]any) {
		delete(claims, "preferred_username")
		delete(claims, "realm_access")
		claims["name"] = "from the ID token"
	}
	s := newSite(t, idp, func(c *oidc.Config) { c.RolesClaim, c.AdminRoles = "realm_access.roles", []string{"boss"} })
	who, err := s.signIn()
	if err != nil || who.Login != "alice" || who.Name != "from the ID token" || who.Admin == nil || !*who.Admin || who.Groups != nil {
		t.Errorf("%+v %v", who, err)
	}

	// §5.3.2: sub MUST be that of the ID token.
	for _, subject := range []any{"2", "", nil, 1} {
		idp.Change(func() { idp.UserInfo = func(said map[string]any) { said["sub"] = subject } })
		if who, err := s.signIn(); !errors.Is(err, oidc.ErrInvalid) {
			t.Errorf("sub %v: %+v %v", subject, who, err)
		}
	}
	// What decides who may do what is not left out when it cannot be had.
	idp.Change(func() {
		idp.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/userinfo" {
				w.WriteHeader(http.StatusBadGateway)
			}
			return r.URL.Path == "/userinfo"
		}
	})
	if who, err := s.signIn(); !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("%+v %v", who, err)
	}
}

// TestClaims: what settings make of claims.
func TestClaims(t *testing.T) {
	idp := oidctest.Start(t)
	groups := func(c *oidc.Config) { c.GroupsClaim, c.AdminGroups = "groups", []string{"admins"} }
	for _, c := range []struct {
		name   string
		said   map[string]any
		change func(*oidc.Config)
		want   func(auth.Person) bool
	}{
		{"nothing is asked", map[string]any{"groups": []string{"a"}}, nil, func(p auth.Person) bool { return p.Groups == nil && p.Admin == nil }},
		{"no claim is no group", nil, groups, func(p auth.Person) bool { return p.Groups != nil && len(p.Groups) == 0 && !*p.Admin }},
		{"one string", map[string]any{"groups": "admins"}, groups, func(p auth.Person) bool { return len(p.Groups) == 1 && *p.Admin }},
		{"no strings", map[string]any{"groups": []any{1, nil, "a", map[string]any{}, "b\x00", strings.Repeat("g", 300)}}, groups, func(p auth.Person) bool { return reflect.DeepEqual(p.Groups, []string{"a"}) }},
		{"an object", map[string]any{"groups": map[string]any{"admins": true}}, groups, func(p auth.Person) bool { return len(p.Groups) == 0 && !*p.Admin }},
		{"told elsewhere", map[string]any{"_claim_names": map[string]string{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]string{"endpoint": "https://x.example"}}}, groups,
			func(p auth.Person) bool { return p.Groups == nil && !*p.Admin }},
		{"a name that is an address", map[string]any{"https://example.org/groups": []string{"a"}}, func(c *oidc.Config) { c.GroupsClaim = "https://example.org/groups" },
			func(p auth.Person) bool { return reflect.DeepEqual(p.Groups, []string{"a"}) }},
		// CVE-2022-36085 and its kind: an address with two @ is of nobody's domain.
		{"two @", map[string]any{"preferred_username": "a@evil@good.tld"}, func(c *oidc.Config) { c.UsernameDomain = "good.tld" },
			func(p auth.Person) bool { return p.Login == "a@evil" }},
		{"the domain in other letters", map[string]any{"preferred_username": "Anna@Bücher.EXAMPLE"}, func(c *oidc.Config) { c.UsernameDomain = "bücher.example" },
			func(p auth.Person) bool { return p.Login == "Anna" }},
		{"the domain in A-labels", map[string]any{"preferred_username": "anna@xn--bcher-kva.example"}, func(c *oidc.Config) { c.UsernameDomain = "bücher.example" },
			func(p auth.Person) bool { return p.Login == "anna" }},
		{"another domain", map[string]any{"preferred_username": "a@good.tld.evil"}, func(c *oidc.Config) { c.UsernameDomain = "good.tld" },
			func(p auth.Person) bool { return p.Login == "a@good.tld.evil" }},
		{"a name that is none", map[string]any{"preferred_username": []string{"root"}, "name": 7, "picture": strings.Repeat("p", 5000)}, nil,
			func(p auth.Person) bool { return p.Login == "" && p.Name == "" && p.Picture == "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			idp.Person = map[string]any{"sub": "1"}
			for k, v := range c.said {
				idp.Person[k] = v
			}
			who, err := newSite(t, idp, c.change).signIn()
			if err != nil || !c.want(who) {
				t.Errorf("%+v %v", who, err)
			}
		})
	}
}

// TestRequire: who is nobody for this site is not let in, and what looks similar does not count.
func TestRequire(t *testing.T) {
	idp := oidctest.Start(t)
	require := []oidc.Requirement{{"hd", "example.org"}, {"groups", "staff"}, {"groups", "guests"}, {"email_verified", "true"}}
	s := newSite(t, idp, func(c *oidc.Config) { c.Require = require })
	for _, c := range []struct {
		said map[string]any
		in   bool
	}{
		{map[string]any{"hd": "example.org", "groups": []string{"x", "guests"}, "email_verified": true}, true},
		{map[string]any{"hd": "example.org", "groups": "staff", "email_verified": "true"}, true},
		{map[string]any{"hd": "example.org", "groups": []string{"x"}, "email_verified": true}, false},
		{map[string]any{"hd": "EXAMPLE.org", "groups": "staff", "email_verified": true}, false},
		{map[string]any{"hd": "evil@example.org", "groups": "staff", "email_verified": true}, false},
		{map[string]any{"groups": "staff", "email_verified": true}, false},
		{map[string]any{"HD": "example.org", "groups": "staff", "email_verified": true}, false},
		{map[string]any{"hd": "example.org", "groups": "staff", "email_verified": false}, false},
		{nil, false},
	} {
		idp.Person = map[string]any{"sub": "1"}
		for k, v := range c.said {
			idp.Person[k] = v
		}
		_, err := s.signIn()
		if c.in && err != nil || !c.in && !errors.Is(err, oidc.ErrNotAdmitted) {
			t.Error(c.said, err)
		}
	}
}

// TestIdentity: who somebody is rests on issuer and subject. An e-mail address that is
// somebody else's, and a name that is, change nothing of that.
func TestIdentity(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	idp.Person = map[string]any{"sub": "1", "email": "boss@example.org", "email_verified": true, "preferred_username": "boss"}
	boss, err := s.signIn()
	if err != nil {
		t.Fatal(err)
	}
	idp.Person = map[string]any{"sub": "2", "email": "boss@example.org", "email_verified": true, "preferred_username": "boss"}
	other, err := s.signIn()
	if err != nil || other.Subject == boss.Subject {
		t.Error(other, err)
	}
}

// TestAgain: who has to prove themselves once more is asked, and a provider that did not ask is not believed (step 13).
func TestAgain(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	again := func() error {
		redirect, err := s.p.Start(t.Context(), auth.RedirectRequest{Callback: callback, Fresh: true})
		if err != nil || !strings.Contains(redirect.URL, "max_age=0") || !strings.Contains(redirect.URL, "prompt=login") {
			t.Fatal(redirect, err)
		}
		r := s.visit(redirect)
		r.Fresh = true
		_, err = s.finish(r)
		return err
	}
	if err := again(); err != nil {
		t.Error(err)
	}
	idp.Change(func() { idp.IDToken = func(claims, _ map[string]any) { delete(claims, "auth_time") } })
	if err := again(); !errors.Is(err, oidc.ErrInvalid) {
		t.Error(err)
	}
	idp.Change(func() {
		idp.IDToken = func(claims, _ map[string]any) { claims["auth_time"] = claims["iat"].(int64) - 3600 }
	})
	if err := again(); !errors.Is(err, oidc.ErrInvalid) {
		t.Error(err)
	}
}

// TestSignOut: OpenID Connect RP-Initiated Logout 1.0 §2.
func TestSignOut(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	for _, hint := range []string{"", "a.b.c", strings.Repeat("x", 5000)} {
		to, err := s.p.SignOut(t.Context(), hint, "https://chat.example/")
		u, parseErr := url.Parse(to)
		if err != nil || parseErr != nil {
			t.Fatal(to, err, parseErr)
		}
		q := u.Query()
		if q.Get("client_id") != oidctest.ClientID || q.Get("post_logout_redirect_uri") != "https://chat.example/" || q.Has("id_token_hint") != (hint == "a.b.c") {
			t.Error(to)
		}
	}
	idp = oidctest.Start(t)
	idp.Metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
	if to, err := newSite(t, idp, nil).p.SignOut(t.Context(), "", ""); to != "" || err != nil {
		t.Error(to, err)
	}
}

// TestStart_OfAnother: who begins a sign-in for another provider than this begins none (Core 1.0 §4).
func TestStart_OfAnother(t *testing.T) {
	idp := oidctest.Start(t)
	s := newSite(t, idp, nil)
	for issuer, want := range map[string]error{idp.URL: nil, "": nil, "https://evil.example": oidc.ErrNotBegun} {
		redirect, err := s.p.Start(t.Context(), auth.RedirectRequest{Callback: callback, Hint: "alice", Query: url.Values{"iss": {issuer}}.Get})
		if !errors.Is(err, want) || err == nil && !strings.Contains(redirect.URL, "login_hint=alice") {
			t.Error(issuer, redirect, err)
		}
	}
}

// TestNew: what is no issuer is refused before anything is asked.
func TestNew(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"https://login.example.org": true, "https://login.example.org/realms/x": true, "http://localhost:8080": true, "http://127.0.0.1:1": true, "http://[::1]:1": true,
		"http://login.example.org": false, "http://localhost.example.org": false, "login.example.org": false, "": false,
		"https://login.example.org/?tenant=1": false, "https://login.example.org/#x": false, "https://user:secret@login.example.org": false, "ftp://localhost": false,
	} {
		if _, err := oidc.New(oidc.Config{Name: "x", Issuer: issuer}); (err == nil) != ok {
			t.Error(issuer, err)
		} else if err != nil && strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
}
