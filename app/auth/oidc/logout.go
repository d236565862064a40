package oidc

import (
	"context"
	"net/url"
)

// maxHintToken is the maximum of an ID token that goes into an address, in bytes: proxies and servers
// refuse long ones.
const maxHintToken = 4 << 10

// LogoutURL returns where the browser of somebody who has signed out here goes to sign out at the provider too, and
// from where it comes back to (OpenID Connect RP-Initiated Logout 1.0 §2). hint is the ID token they came in by;
// empty: it was not kept, and the provider may ask them. ok is false when the provider has no such
// place, or cannot be asked for it: out of this site they are in any case.
func (p *Provider) LogoutURL(ctx context.Context, hint, back, state string) (to string, ok bool) {
	m, err := p.discovery.get(ctx)
	if err != nil || m.EndSessionURL == "" {
		return "", false
	}
	u, err := url.Parse(m.EndSessionURL)
	if err != nil {
		return "", false
	}
	q := u.Query()
	q.Set("client_id", p.cfg.ClientID)
	q.Set("post_logout_redirect_uri", back)
	q.Set("state", state)
	if hint != "" && len(hint) <= maxHintToken {
		q.Set("id_token_hint", hint)
	}
	u.RawQuery = q.Encode()
	return u.String(), true
}
