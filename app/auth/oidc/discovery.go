package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// How long metadata counts.
const (
	metadataFresh = time.Hour
	metadataStale = 24 * time.Hour // while the provider says nothing new
	firstPause    = time.Second    // after a first failure; twice as long after each further one
	maxPause      = time.Minute
)

// metadata is what a provider says of itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).
type metadata struct {
	AuthURL          string   `json:"authorization_endpoint"`
	TokenURL         string   `json:"token_endpoint"`
	UserInfoURL      string   `json:"userinfo_endpoint"`
	KeysURL          string   `json:"jwks_uri"`
	EndSessionURL    string   `json:"end_session_endpoint"` // RP-Initiated Logout 1.0 §2.1
	AuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	ChallengeMethods []string `json:"code_challenge_methods_supported"`
	Algorithms       []string `json:"id_token_signing_alg_values_supported"`
	ResponseIssuer   bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
	BackChannel      bool     `json:"backchannel_logout_supported"`                   // Back-Channel Logout 1.0 §2.1
	BackChannelBySID bool     `json:"backchannel_logout_session_supported"`
	ScopesSupported  []string `json:"scopes_supported"`
	ClaimsSupported  []string `json:"claims_supported"`

	keys      *keySet
	at        time.Time        // when it was said
	authStyle oauth2.AuthStyle // of the site at the token endpoint
}

// discovery keeps a provider's metadata. It asks when somebody needs it, one question at
// a time, and after a failure not again before a pause is over.
type discovery struct {
	cfg    Config
	client *http.Client
	asking singleflight.Group

	mu       sync.Mutex
	known    *metadata // nil: none yet
	failed   error     // of the last attempt
	failures int
	notUntil time.Time // for the next attempt
}

func newDiscovery(cfg Config, client *http.Client) *discovery {
	return &discovery{cfg: cfg, client: client}
}

// get returns the metadata. ErrUnreachable: there is none, and none to be had just now.
func (d *discovery) get(ctx context.Context) (*metadata, error) {
	known, mayAsk, err := d.look()
	if known != nil && !mayAsk {
		return known, nil
	}
	if !mayAsk {
		return nil, fmt.Errorf("%w (it is asked again shortly): %w", ErrUnreachable, err)
	}
	answer := d.asking.DoChan("", func() (any, error) { return d.ask() })
	select {
	case r := <-answer:
		if r.Err == nil {
			return r.Val.(*metadata), nil
		}
		err = r.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if known != nil {
		return known, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// look returns what is known and still counts, and whether to ask.
func (d *discovery) look() (known *metadata, mayAsk bool, failed error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.cfg.Now()
	known = d.known
	if known != nil && now.Sub(known.at) > metadataStale {
		known = nil
	}
	fresh := known != nil && now.Sub(known.at) < metadataFresh
	return known, !fresh && !now.Before(d.notUntil), d.failed
}

// ask asks the provider, and keeps what it says or that it said nothing. What it
// said counts for everybody, so that it does not end with the request that wanted it.
func (d *discovery) ask() (*metadata, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d.cfg.Timeout)
	defer cancel()
	m, err := d.fetch(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.cfg.Now()
	if err != nil {
		pause := min(firstPause<<min(d.failures, 10), maxPause)
		d.failures++
		d.failed, d.notUntil = err, now.Add(pause)
		d.cfg.Logger.Warn("the identity provider does not say where its addresses are", "issuer", d.cfg.Issuer, "err", err, "again_in", pause)
		return nil, err
	}
	if d.known != nil && d.known.KeysURL == m.KeysURL {
		m.keys = d.known.keys // with what it knows, and may ask
	}
	m.at = now
	d.known, d.failed, d.failures, d.notUntil = m, nil, 0, time.Time{}
	return m, nil
}

// fetch reads the metadata, and checks it. The issuer in it must be the one that was
// asked, to the letter (OpenID Connect Discovery 1.0 §4.3).
func (d *discovery) fetch(ctx context.Context) (*metadata, error) {
	answer, err := oidc.NewProvider(oidc.ClientContext(ctx, d.client), d.cfg.Issuer)
	var other *oidc.IssuerMismatchError
	if errors.As(err, &other) {
		return nil, fmt.Errorf("it calls itself %.300q, and not %q: set the issuer to exactly what it says, if that is right", other.Discovered, d.cfg.Issuer)
	}
	if err != nil {
		return nil, shortened(err)
	}
	m := &metadata{}
	if err := answer.Claims(m); err != nil {
		return nil, err
	}
	if err := m.check(d.cfg.Issuer); err != nil {
		return nil, err
	}
	m.authStyle = d.cfg.authStyle(m.AuthMethods)
	m.keys = newKeySet(d.client, m.KeysURL, d.cfg)
	return m, nil
}

// check refuses metadata that the site cannot use, or that would have it send secrets in clear.
func (m *metadata) check(issuer string) error {
	for _, e := range []struct {
		name, address string
		needed        bool
	}{
		{"authorization_endpoint", m.AuthURL, true}, {"token_endpoint", m.TokenURL, true}, {"jwks_uri", m.KeysURL, true},
		{"userinfo_endpoint", m.UserInfoURL, false}, {"end_session_endpoint", m.EndSessionURL, false},
	} {
		if e.address == "" {
			if e.needed {
				return fmt.Errorf("its metadata have no %s", e.name)
			}
			continue
		}
		u, err := url.Parse(e.address)
		if err == nil {
			err = checkURL(u)
		}
		if err != nil {
			return fmt.Errorf("its %s: %w", e.name, err)
		}
		if u.Scheme == "http" && !strings.HasPrefix(issuer, "http://") {
			return fmt.Errorf("its %s %q is without TLS", e.name, e.address)
		}
	}
	// What is not listed may work all the same; a list without S256 says that it does not.
	if len(m.ChallengeMethods) > 0 && !slices.Contains(m.ChallengeMethods, "S256") {
		return errors.New("it knows PKCE, but not with S256 (code_challenge_methods_supported)")
	}
	return nil
}

// authStyle is how the site says who it is at the token endpoint: as Basic authentication where
// the provider says nothing else (OpenID Connect Core 1.0 §9).
func (c Config) authStyle(methods []string) oauth2.AuthStyle {
	if c.ClientSecret == "" || (len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") && slices.Contains(methods, "client_secret_post")) {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// shortened bounds an error that quotes what a provider sent.
func shortened(err error) error {
	const most = 400
	text := err.Error()
	if len(text) <= most {
		return err
	}
	return errors.New(text[:most] + " …")
}
