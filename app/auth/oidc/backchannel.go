package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"foyer/app/auth"
)

// Bounds of a logout token.
const (
	MaxLogoutToken = 16 << 10       // bytes
	maxLogoutLife  = 24 * time.Hour // of a token: for so long it is remembered that it was used
)

// logoutEvent is what a logout token is about (OpenID Connect Back-Channel Logout 1.0 §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Logout implements auth.LogoutReceiver: it checks a logout token by every step of OpenID Connect
// Back-Channel Logout 1.0 §2.6, except the one that needs a memory (auth.Logout.ID). Errors:
// ErrInvalid; ErrUnreachable.
func (p *Provider) Logout(ctx context.Context, raw string) (auth.Logout, error) {
	out, err := p.checkLogout(ctx, raw)
	if err != nil {
		p.refused("a logout token of the identity provider, or of somebody who plays it, does not count", err)
	}
	return out, err
}

func (p *Provider) checkLogout(ctx context.Context, raw string) (auth.Logout, error) {
	invalid := func(err error) (auth.Logout, error) {
		return auth.Logout{}, fmt.Errorf("%w: the logout token: %w", ErrInvalid, err)
	}
	// §2.4: the type keeps other tokens from being taken for one of these.
	if err := checkForm(raw, MaxLogoutToken, "logout+jwt", "JWT"); err != nil {
		return invalid(err)
	}
	m, err := p.discovery.get(ctx)
	if err != nil {
		return auth.Logout{}, err
	}
	verifier, keys := p.verifier(m)
	t, err := verifier.VerifyLogout(ctx, raw)
	if err != nil {
		return auth.Logout{}, fmt.Errorf("%w: the logout token: %w", keys.kind(), err)
	}
	said := claims{}
	if err := t.Claims(&said); err != nil {
		return invalid(err)
	}
	if err := p.checkLogoutClaims(said); err != nil {
		return invalid(err)
	}
	out := auth.Logout{Issuer: p.cfg.Issuer, Until: t.Expiry.Add(skew)}
	out.ID, _ = said.text("jti")
	out.Subject, _ = said.text("sub")
	out.Session, _ = said.text("sid")
	return out, nil
}

// checkLogoutClaims checks again, by names to the letter, what the library has looked at, and what it does not
// look at.
func (p *Provider) checkLogoutClaims(said claims) error {
	if _, there := said["nonce"]; there { // step 7, be it null
		return errors.New("it has a nonce, so that it is an ID token")
	}
	if err := errors.Join(p.checkParty(said), said.checkTimes(p.cfg.Now())); err != nil { // step 4
		return err
	}
	if expires, _ := said.time("exp"); expires.After(p.cfg.Now().Add(maxLogoutLife)) {
		return errors.New("it would count for more than a day")
	}
	for _, name := range []string{"sub", "sid", "jti"} { // step 5, §2.4
		if value, ok := said.text(name); said.has(name) && (!ok || !isPlain(value)) {
			return fmt.Errorf("its %s is no plain text of 255 characters at most", name)
		}
	}
	if !said.has("jti") || (!said.has("sub") && !said.has("sid")) {
		return errors.New("it has no jti, or neither sub nor sid")
	}
	events, _ := parseClaims(said["events"]) // step 6
	if raw := events[logoutEvent]; !isObject(raw) {
		return errors.New("it is not about a logout (events)")
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal(raw, &object) == nil && object != nil
}
