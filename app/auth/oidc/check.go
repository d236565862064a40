package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/token"
)

// CheckFor implements auth.SiteChecker: everything that a sign-in rests on, tried from here. site is
// the address of this site.
func (p *Provider) CheckFor(ctx context.Context, site string) ([]auth.Advice, error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w. Look whether this machine reaches it, and whether the issuer in the settings is what it calls itself", p.cfg.Issuer, err)
	}
	if _, err := m.keys.read(); err != nil {
		return nil, fmt.Errorf("its keys at %s: %w. That is for the provider's side to mend, or for the network between", m.KeysURL, err)
	}
	callback := site + "/signin/with/" + p.cfg.Name + "/back"
	err = errors.Join(p.checkClock(ctx), p.checkClient(ctx, m, callback), p.checkRedirect(ctx, m, callback))
	return p.advise(m, site), err
}

// checkClock compares the clocks: tokens count for minutes.
func (p *Provider) checkClock(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, wellKnown(p.cfg.Issuer), nil)
	if err != nil {
		return err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return nil // it does not say
	}
	if differ := p.cfg.Now().Sub(theirs).Abs(); differ > skew {
		return fmt.Errorf("its clock and the one here differ by %s, and tokens may be off by %s at most: set the clock of one of them (NTP)", differ.Round(time.Second), skew)
	}
	return nil
}

func wellKnown(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// checkClient gives the token endpoint a code that cannot be one: a provider that knows the
// client refuses the code, and one that does not, the client (RFC 6749 §5.2).
func (p *Provider) checkClient(ctx context.Context, m *metadata, callback string) error {
	secret, _ := token.New()
	_, err := p.exchange(ctx, m, "foyer-doctor-"+secret[:8], auth.Answer{State: secret, Callback: callback})
	var refused *refusedByEndpoint
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.code {
	case "invalid_client", "unauthorized_client":
		return fmt.Errorf("it does not take this site's client id and secret (%s %.200q): compare %s_CLIENT_ID and %s_CLIENT_SECRET with what the provider has for the client, and see there that it is a confidential client with the authorization code flow",
			refused.code, refused.description, p.settings(), p.settings())
	}
	return nil
}

// settings is how the names of this provider's settings begin.
func (p *Provider) settings() string {
	return "OIDC_" + strings.ToUpper(strings.ReplaceAll(p.cfg.Name, "-", "_"))
}

// checkRedirect begins a sign-in without a person. A provider that knows the address sends the browser there, to say that
// nobody is signed in, or to a page of its own; one that does not must not (RFC 6749 §4.1.2.1).
func (p *Provider) checkRedirect(ctx context.Context, m *metadata, callback string) error {
	redirect, err := p.Start(ctx, auth.RedirectRequest{Callback: callback})
	if err != nil {
		return err
	}
	u, err := url.Parse(redirect.URL)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("prompt", "none")
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	client := *p.client
	client.Transport = client.Transport.(boundedTransport).withRedirects()
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("its authorization endpoint: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("it refuses to begin a sign-in (%s): add %s to the redirect addresses of the client there, to the letter, and compare %s_CLIENT_ID and the scopes %q", answer.Status, callback, p.settings(), strings.Join(p.cfg.scopes(), " "))
	}
	return nil
}

// advise is what works, and could be better.
func (p *Provider) advise(m *metadata, site string) []auth.Advice {
	var list []auth.Advice
	say := func(mend, format string, args ...any) {
		list = append(list, auth.Advice{Text: fmt.Sprintf(format, args...), Mend: mend})
	}
	logout := site + "/signin/with/" + p.cfg.Name + "/logout"
	if !m.BackChannel {
		say("End sessions here as well when somebody leaves: `foyer user block`. Other providers, such as Keycloak, tell it.", "it does not tell sites that somebody is out (back-channel logout): who is signed out there stays signed in here")
	} else {
		say("Enter "+logout+" as the client's back-channel logout URL there, with session required; this cannot be looked at from here.", "it can tell this site that somebody is out")
	}
	if m.EndSessionURL == "" {
		say("Nothing to change here.", "it has no address for signing out (end_session_endpoint): who signs out here stays signed in there")
	}
	for _, scope := range p.cfg.scopes() {
		if len(m.ScopesSupported) > 0 && !slices.Contains(m.ScopesSupported, scope) {
			say("Take it out of "+p.settings()+"_SCOPES, or add the scope at the provider.", "it does not list the scope %q", scope)
		}
	}
	for setting, claim := range map[string]string{"_GROUPS_CLAIM": p.cfg.GroupsClaim, "_ROLES_CLAIM": p.cfg.RolesClaim, "_USERNAME_CLAIM": p.cfg.UsernameClaim} {
		head, _, _ := strings.Cut(claim, ".")
		if claim != "" && len(m.ClaimsSupported) > 0 && !slices.Contains(m.ClaimsSupported, claim) && !slices.Contains(m.ClaimsSupported, head) {
			say("See that the provider puts it into ID tokens or userinfo, or change "+p.settings()+setting+".", "it does not list the claim %q, which may be there all the same", claim)
		}
	}
	return list
}
