package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"

	"foyer/token"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Trip is a browser's way to the provider and back. Everything that must come back, or must
// never leave, follows from one secret, which the browser that begins keeps in a cookie:
// state, which the answer brings (RFC 6749 §10.12); nonce, which the ID token holds (OpenID Connect
// Core 1.0 §15.5.2); and the PKCE verifier, without which the code is worth nothing (RFC 7636).
// Each is another one for another provider, so that what one of them answers fits no
// trip to another (RFC 9700 §4.4).
type Trip struct {
	URL    string // where the browser goes
	Secret string // for a cookie of that browser
}

// Wish is what a trip begins with besides.
type Wish struct {
	Callback  string // where the provider sends the browser back to; registered there
	LoginHint string // who it may be (OpenID Connect Core 1.0 §3.1.2.1); empty: nobody in particular
	Again     bool   // the person has to prove who they are, although the provider knows them
}

// maxHint is the maximum of a login hint that is passed on, in bytes.
const maxHint = 320

// Start begins a trip. ErrAway.
func (p *Provider) Start(ctx context.Context, w Wish) (Trip, error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return Trip{}, err
	}
	secret, _ := token.New()
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(p.derive(secret, "nonce")),
		oauth2.S256ChallengeOption(p.derive(secret, "verifier")),
	}
	if w.LoginHint != "" && len(w.LoginHint) <= maxHint {
		options = append(options, oauth2.SetAuthURLParam("login_hint", w.LoginHint))
	}
	if w.Again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	to := p.oauth(m, w.Callback).AuthCodeURL(p.derive(secret, "state"), options...)
	return Trip{URL: to, Secret: secret}, nil
}

func (p *Provider) oauth(m *metadata, callback string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, RedirectURL: callback, Scopes: p.cfg.scopes(),
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthURL, TokenURL: m.TokenURL, AuthStyle: m.authStyle},
	}
}

// derive returns what follows from a trip's secret for one purpose, with one provider: 43
// characters, as RFC 7636 §4.1 wants at least.
func (p *Provider) derive(secret, purpose string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s\x00%s\x00%s\x00%s", purpose, p.cfg.Name, p.cfg.Issuer, p.cfg.ClientID)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Return is what a browser brings back.
type Return struct {
	Query    url.Values // of the address that it came back to
	Secret   string     // of the trip, from the browser's cookie; empty: it has none
	Callback string     // as in Wish
	Again    bool       // as in Wish
}

// check decides whether what came back belongs to the trip, and to this provider, before
// anything of it is looked at. A parameter that comes twice is none (RFC 6749 §3.1).
func (p *Provider) check(m *metadata, r Return) (code string, err error) {
	for name, values := range r.Query {
		if len(values) != 1 {
			return "", fmt.Errorf("%w: %.40q comes %d times", ErrNotBegun, name, len(values))
		}
	}
	state := r.Query.Get("state")
	if r.Secret == "" || state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(p.derive(r.Secret, "state"))) != 1 {
		return "", fmt.Errorf("%w: its state is not of this browser", ErrNotBegun)
	}
	// RFC 9207 §2.4: whose answer it is, and not a word of any other.
	issuer, isThere := r.Query["iss"]
	if isThere && issuer[0] != p.cfg.Issuer {
		return "", fmt.Errorf("%w: the answer is of %.200q", ErrNotBegun, issuer[0])
	}
	if !isThere && m.ResponseIssuer {
		return "", fmt.Errorf("%w: the answer does not say whose it is, as the provider's always do (iss)", ErrNotBegun)
	}
	if problem := r.Query.Get("error"); problem != "" {
		return "", p.denied(problem, r.Query.Get("error_description"))
	}
	code = r.Query.Get("code")
	if code == "" {
		return "", fmt.Errorf("%w: there is no code", ErrInvalid)
	}
	return code, nil
}

// denied tells a no from a provider that cannot just now (RFC 6749 §4.1.2.1).
func (p *Provider) denied(problem, description string) error {
	kind := ErrDenied
	if problem == "temporarily_unavailable" || problem == "server_error" {
		kind = ErrAway
	}
	return fmt.Errorf("%w: it answers %.80q %.300q", kind, problem, description)
}
