// Package oidctest is an OpenID Connect provider for tests, on loopback. It does by itself
// what an honest one does, and lets a test take each step over: what it says of
// itself, what its tokens say and who signs them, how it answers.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// What the site is at every Provider.
const (
	ClientID     = "foyer"
	ClientSecret = "a secret of the tests"
)

// Provider is an OpenID Connect provider. What is exported is set before it is used, or with Change.
type Provider struct {
	*httptest.Server

	// Person are the claims of who signs in.
	Person map[string]any
	// Metadata, IDToken, Answer and UserInfo change what is said: of the provider, in an ID token (claims
	// and header), in the redirect back to the site, of the person. Signed makes the whole token instead.
	Metadata func(map[string]any)
	IDToken  func(claims, header map[string]any)
	Signed   func(claims map[string]any) string
	Answer   func(url.Values)
	UserInfo func(map[string]any)
	// Before may answer a request instead; it returns whether it has.
	Before func(http.ResponseWriter, *http.Request) bool

	RSA *rsa.PrivateKey
	EC  *ecdsa.PrivateKey
	Ed  ed25519.PrivateKey

	mu    sync.Mutex
	codes map[string]url.Values // what each code was asked for with
	hits  map[string]int
	forms []url.Values // that the token endpoint got
}

// Start starts a provider, which stops with the test.
func Start(t testing.TB) *Provider {
	t.Helper()
	p := New(t)
	p.Server.Start()
	return p
}

// StartTLS starts one behind TLS; its authority is p.Certificate().
func StartTLS(t testing.TB) *Provider {
	t.Helper()
	p := New(t)
	p.Server.StartTLS()
	return p
}

// New makes a provider that is not started yet.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{
		Person: map[string]any{"sub": "1", "preferred_username": "alice", "name": "Alice Example"},
		codes:  make(map[string]url.Values), hits: make(map[string]int),
	}
	p.RSA = nextKey()
	var err error
	if p.EC, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, p.Ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	p.Server = httptest.NewUnstartedServer(p.handler())
	t.Cleanup(p.Server.Close)
	return p
}

// nextKey returns RSA keys in turn: they take long to make, and two providers after each other have two.
var nextKey = func() func() *rsa.PrivateKey {
	made := sync.OnceValue(func() [2]*rsa.PrivateKey {
		var keys [2]*rsa.PrivateKey
		for i := range keys {
			keys[i], _ = rsa.GenerateKey(rand.Reader, 2048) // never fails with this reader
		}
		return keys
	})
	var n atomic.Uint32
	return func() *rsa.PrivateKey { return made()[n.Add(1)%2] }
}()

// Change runs what sets exported fields of a provider in use.
func (p *Provider) Change(set func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set()
}

// Hits returns how often a path was asked for.
func (p *Provider) Hits(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

// TokenForms returns what the token endpoint got.
func (p *Provider) TokenForms() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forms
}

func (p *Provider) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("GET /picture.png", p.picture)
	mux.HandleFunc("GET /logout", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("post_logout_redirect_uri")+"?state="+url.QueryEscape(q.Get("state")), http.StatusSeeOther)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.hits[r.URL.Path]++
		before := p.Before
		p.mu.Unlock()
		if before == nil || !before(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

func (p *Provider) metadata(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	change := p.Metadata
	p.mu.Unlock()
	m := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/logout",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
		"backchannel_logout_supported":                   true, "backchannel_logout_session_supported": true,
	}
	if change != nil {
		change(m)
	}
	writeJSON(w, m)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: p.RSA.Public(), KeyID: "rsa", Use: "sig"}, {Key: p.EC.Public(), KeyID: "ec", Use: "sig"}, {Key: p.Ed.Public(), KeyID: "ed", Use: "sig"},
	}}
	p.mu.Unlock()
	writeJSON(w, set)
}

// authorize sends the browser back at once: the person is signed in here.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	code := rand.Text()
	answer := url.Values{"code": {code}, "state": {asked.Get("state")}, "iss": {p.URL}}
	p.mu.Lock()
	p.codes[code] = asked
	change := p.Answer
	p.mu.Unlock()
	if change != nil {
		change(answer)
	}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

// token takes a code once, with its verifier, from the client that it was made for.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	p.forms = append(p.forms, r.PostForm)
	asked, ok := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code"))
	change, signed := p.IDToken, p.Signed
	p.mu.Unlock()
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case id != ClientID || secret != ClientSecret:
		writeError(w, http.StatusUnauthorized, "invalid_client")
		return
	case !ok, asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri"),
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]):
		writeError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	access := rand.Text()
	claims := p.Claims(asked.Get("nonce"), access)
	header := map[string]any{}
	if change != nil {
		change(claims, header)
	}
	raw := ""
	if signed != nil {
		raw = signed(claims)
	} else {
		raw = p.Sign(claims, header)
	}
	writeJSON(w, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": raw})
}

// Claims are those of an ID token.
func (p *Provider) Claims(nonce, accessToken string) map[string]any {
	sum := sha256.Sum256([]byte(accessToken))
	now := time.Now().Unix()
	c := map[string]any{
		"iss": p.URL, "aud": ClientID, "iat": now, "exp": now + 60, "auth_time": now, "nonce": nonce,
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(c, p.Person)
	return c
}

// LogoutClaims are those of a logout token; empty: that claim is missing.
func (p *Provider) LogoutClaims(subject, session string) map[string]any {
	now := time.Now().Unix()
	c := map[string]any{
		"iss": p.URL, "aud": ClientID, "iat": now, "exp": now + 120, "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if subject != "" {
		c["sub"] = subject
	}
	if session != "" {
		c["sid"] = session
	}
	return c
}

// LogoutToken is an honest logout token.
func (p *Provider) LogoutToken(subject, session string) string {
	return p.Sign(p.LogoutClaims(subject, session), map[string]any{"typ": "logout+jwt"})
}

// Sign signs a token; header is added to its own, and an "alg" in it chooses how.
func (p *Provider) Sign(claims, header map[string]any) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	method, key, id := jwt.SigningMethod(jwt.SigningMethodRS256), any(p.RSA), "rsa"
	switch header["alg"] {
	case "PS256":
		method = jwt.SigningMethodPS256
	case "ES256":
		method, key, id = jwt.SigningMethodES256, p.EC, "ec"
	case "EdDSA":
		method, key, id = jwt.SigningMethodEdDSA, p.Ed, "ed"
	case "RS512":
		method = jwt.SigningMethodRS512
	}
	all := map[string]any{"kid": id}
	maps.Copy(all, header)
	return SignWith(method, key, claims, all)
}

// SignWith signs a token with any key.
func SignWith(method jwt.SigningMethod, key any, claims, header map[string]any) string {
	t := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	maps.Copy(t.Header, header)
	raw, err := t.SignedString(key)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return raw
}

// PublicKey is the RSA key as everybody may read it.
func (p *Provider) PublicKey() crypto.PublicKey { return p.RSA.Public() }

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		writeError(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	p.mu.Lock()
	said := maps.Clone(p.Person)
	change := p.UserInfo
	p.mu.Unlock()
	if change != nil {
		change(said)
	}
	writeJSON(w, said)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func writeError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}
