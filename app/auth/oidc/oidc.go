// Package oidc signs people in with an OpenID Connect provider: the authorization code
// flow with PKCE, the sign-out at the provider, and the provider's word that somebody is
// out (back-channel logout).
//
//	oidc.go          what a provider is, and its settings
//	client.go        every request to it: bounded in time and size, TLS, no redirects
//	discovery.go     what it says of itself, asked for when it is needed
//	keys.go          the keys it signs with
//	redirect.go      the way of a browser there and back: state, nonce, PKCE
//	exchange.go      the code of that way becomes tokens
//	token.go         a token is checked in full
//	claims.go        what tokens say of people
//	person.go        and what the site makes of that
//	logout.go        signing out at the provider
//	backchannel.go   the provider says that somebody is out
//	check.go         what `foyer doctor` looks at
//
// Nothing that a provider, or somebody who plays one, sends is believed before its
// signature was checked with a key from the address that the provider's own metadata
// names; and nothing at all is believed that does not belong to a way which the same
// browser began here. Whatever is missing fails: no check is passed by its absence.
//
// People are known by issuer and subject (OpenID Connect Core 1.0 §5.7). An e-mail
// address is never looked at.
package oidc

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"foyer/app/auth"

	"golang.org/x/time/rate"
)

// Why somebody is not signed in, to be found with errors.Is: sentences for people. Each is
// wrapped with what is for the log, and none of that is for people.
const (
	// ErrNotBegun: the answer belongs to no redirect that this browser began: another browser's, an old one, or
	// one to another provider.
	ErrNotBegun auth.Refusal = "That sign-in was started in another browser or window, or on another site. Please start again here."
	// ErrDenied: the provider, or the person there, said no.
	ErrDenied auth.Refusal = "You were not signed in there. Please try again, or choose another way."
	// ErrInvalid: what the provider said does not stand up to the checks.
	ErrInvalid auth.Refusal = "The identity provider's answer failed our checks, so you are not signed in. Please try again; if it keeps happening, tell the people who run this site: their log says why."
	// ErrNotAdmitted: it is somebody, but nobody for this site (Config.Require).
	ErrNotAdmitted auth.Refusal = "Your account there may not sign in here. Ask the people who run this site, or sign in there with another account."
)

// ErrUnreachable: the provider cannot be asked just now.
var ErrUnreachable = auth.ErrUnreachable

// Config is one provider, and what the site is there.
type Config struct {
	Name   string // in addresses and records: lower-case letters and digits
	Label  string // for people, such as "Example account"
	Issuer string // as the provider writes it, to the letter (OpenID Connect Discovery 1.0 §4.3)

	ClientID     string
	ClientSecret string   // empty: a public client, which PKCE alone protects
	Scopes       []string // apart from openid

	UsernameClaim  string // of the user name that somebody would like; default preferred_username
	UsernameDomain string // taken off such a name, as alice@example.org is alice; prepared (RFC 7622 §3.2)
	GroupsClaim    string // empty: the provider says nothing of groups
	AdminGroups    []string
	RolesClaim     string // empty: the provider says nothing of roles
	AdminRoles     []string
	Require        []Requirement // what claims must be for somebody to be let in

	Roots   *x509.CertPool // whom to trust with TLS; nil: whom the system trusts
	Timeout time.Duration  // for one request, from the dialling to the end of the answer; default 8 s
	Logger  *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Requirement is a claim and the value that it must have, or hold as one of several.
// Requirements of one claim are alternatives; different claims must all fit.
type Requirement struct{ Claim, Value string }

// Provider is an OpenID Connect provider. It is safe for concurrent use.
type Provider struct {
	cfg       Config
	client    *http.Client
	discovery *discovery
	logged    *rate.Limiter // what strangers can have written into the log
}

var (
	_ auth.Source            = (*Provider)(nil)
	_ auth.LogoutRedirector  = (*Provider)(nil)
	_ auth.SiteChecker       = (*Provider)(nil)
	_ auth.LogoutReceiver    = (*Provider)(nil)
	_ auth.SubjectNormalizer = (*Provider)(nil)
)

// New returns a Provider. It asks nothing of it yet: one that is away is in nobody's way.
func New(cfg Config) (*Provider, error) {
	if err := checkIssuer(cfg.Issuer); err != nil {
		return nil, err
	}
	cfg.UsernameClaim = cmp.Or(cfg.UsernameClaim, "preferred_username")
	cfg.Label = cmp.Or(cfg.Label, cfg.Name)
	cfg.Timeout = cmp.Or(cfg.Timeout, timeout)
	if cfg.Scopes == nil {
		cfg.Scopes = []string{"profile"}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With("provider", cfg.Name)
	p := &Provider{cfg: cfg, client: newClient(cfg.Roots, cfg.Timeout), logged: rate.NewLimiter(rate.Every(logEvery), logBurst)}
	p.discovery = newDiscovery(cfg, p.client)
	return p, nil
}

// Name implements auth.Source.
func (p *Provider) Name() string { return p.cfg.Name }

// Label implements auth.Source.
func (p *Provider) Label() string { return p.cfg.Label }

// Method implements auth.Source.
func (p *Provider) Method() auth.SignInMethod { return auth.ByRedirect }

// NormalizeSubject implements auth.SubjectNormalizer.
func (p *Provider) NormalizeSubject(issuer, subject string) (string, string, error) {
	if issuer != "" && issuer != p.cfg.Issuer {
		return "", "", auth.Refusal("the issuer of " + p.cfg.Name + " is " + p.cfg.Issuer + " in the settings, to the letter, and not " + issuer)
	}
	return p.cfg.Issuer, subject, nil
}

// Inactive implements auth.Source: a provider is not asked, it tells (backchannel.go).
func (p *Provider) Inactive(context.Context, []auth.Identity) ([]auth.Identity, error) {
	return nil, nil
}

// What strangers can have written into the log.
const (
	logEvery = 2 * time.Second
	logBurst = 30
)

// refused writes why somebody was not signed in, who sees a sentence only.
func (p *Provider) refused(what string, err error) {
	if p.logged.Allow() {
		p.cfg.Logger.Warn(what, "err", shortened(err))
	}
}

// scopes are what is asked for.
func (c Config) scopes() []string {
	if slices.Contains(c.Scopes, "openid") {
		return c.Scopes
	}
	return append([]string{"openid"}, c.Scopes...)
}
