package oidc

import (
	"context"
	"net/url"
)

// maxHintToken is the maximum of an ID token that goes into an address, in bytes: proxies and servers
// refuse long ones.
const maxHintToken = 4 << 10

// SignOut implements auth.LogoutRedirector (OpenID Connect RP-Initiated Logout 1.0 §2). hint is the ID token that somebody
// came in by; without it the provider may ask them. Nothing happens where they come back to, so
// that no state has to be told apart there.
func (p *Provider) SignOut(ctx context.Context, hint, callback string) (string, error) {
	m, err := p.discovery.get(ctx)
	if err != nil || m.EndSessionURL == "" {
		return "", err
	}
	u, err := url.Parse(m.EndSessionURL)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("client_id", p.cfg.ClientID)
	q.Set("post_logout_redirect_uri", callback)
	if hint != "" && len(hint) <= maxHintToken {
		q.Set("id_token_hint", hint)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
