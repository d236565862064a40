package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"foyer/app/auth"
	"foyer/token"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A redirect is a browser's way to the provider and back. Everything that must come back, or must
// never leave, follows from one secret, which only the browser that begins has, sealed in a cookie:
// state, which the answer brings (RFC 6749 §10.12); nonce, which the ID token holds (OpenID Connect
// Core 1.0 §15.5.2); and the PKCE verifier, without which the code is worth nothing (RFC 7636).
// Each is another one for another provider, so that what one of them answers fits no
// redirect to another (RFC 9700 §4.4).

// maxHint is the maximum of a login hint that is passed on, in bytes.
const maxHint = 320

// Start implements auth.Source. A redirect that begins at somebody's who says that they are this provider
// is a redirect like every other: nothing but whom they think it is goes with it (Core 1.0 §4).
func (p *Provider) Start(ctx context.Context, b auth.RedirectRequest) (auth.Redirect, error) {
	if b.Query != nil && b.Query("iss") != "" && b.Query("iss") != p.cfg.Issuer {
		return auth.Redirect{}, fmt.Errorf("%w: a sign-in for %.200q", ErrNotBegun, b.Query("iss"))
	}
	m, err := p.discovery.get(ctx)
	if err != nil {
		return auth.Redirect{}, err
	}
	secret, _ := token.New()
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(p.derive(secret, "nonce")),
		oauth2.S256ChallengeOption(p.derive(secret, "verifier")),
	}
	if b.Hint != "" && len(b.Hint) <= maxHint {
		options = append(options, oauth2.SetAuthURLParam("login_hint", b.Hint))
	}
	if b.Fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	state := p.derive(secret, "state")
	to := p.oauth(m, b.Callback).AuthCodeURL(state, options...)
	return auth.Redirect{URL: to, State: secret, AnswerState: state}, nil
}

func (p *Provider) oauth(m *metadata, callback string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, RedirectURL: callback, Scopes: p.cfg.scopes(),
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthURL, TokenURL: m.TokenURL, AuthStyle: m.authStyle},
	}
}

// derive returns what follows from a redirect's secret for one purpose, with one provider: 43
// characters, as RFC 7636 §4.1 wants at least.
func (p *Provider) derive(secret, purpose string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s\x00%s\x00%s\x00%s", purpose, p.cfg.Name, p.cfg.Issuer, p.cfg.ClientID)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// check decides whether what came back belongs to the redirect, and to this provider, before
// anything of it is looked at.
func (p *Provider) check(m *metadata, a auth.Answer) (code string, err error) {
	state := a.Form("state")
	if a.State == "" || state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(p.derive(a.State, "state"))) != 1 {
		return "", fmt.Errorf("%w: its state is not of this browser", ErrNotBegun)
	}
	// RFC 9207 §2.4: whose answer it is, and not a word of any other.
	issuer := a.Form("iss")
	if issuer != "" && issuer != p.cfg.Issuer {
		return "", fmt.Errorf("%w: the answer is of %.200q", ErrNotBegun, issuer)
	}
	if issuer == "" && m.ResponseIssuer {
		return "", fmt.Errorf("%w: the answer does not say whose it is, as the provider's always do (iss)", ErrNotBegun)
	}
	if problem := a.Form("error"); problem != "" {
		return "", p.denied(problem, a.Form("error_description"))
	}
	code = a.Form("code")
	if code == "" {
		return "", fmt.Errorf("%w: there is no code", ErrInvalid)
	}
	return code, nil
}

// denied tells a no from a provider that cannot just now (RFC 6749 §4.1.2.1).
func (p *Provider) denied(problem, description string) error {
	var kind error = ErrDenied
	if problem == "temporarily_unavailable" || problem == "server_error" {
		kind = ErrUnreachable
	}
	return fmt.Errorf("%w: it answers %.80q %.300q", kind, problem, description)
}
