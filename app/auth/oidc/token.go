package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// Bounds of a token.
const (
	maxToken = 64 << 10        // bytes of an ID token
	skew     = time.Minute     // by which two clocks may differ
	maxAge   = 5 * time.Minute // of a token when it arrives: it was made for this very redirect
	maxText  = 255             // bytes of sub (OpenID Connect Core 1.0 §2) and of sid
)

// idToken is an ID token that was checked.
type idToken struct {
	subject string
	session string // sid: the provider's name for the session; empty: it has none
	claims  claims
}

// expected is what an ID token must fit.
type expected struct {
	nonce, accessToken string
	again              bool
}

// checkIDToken checks an ID token by every step of OpenID Connect Core 1.0 §3.1.3.7 and §3.1.3.8.
func (p *Provider) checkIDToken(ctx context.Context, m *metadata, raw string, e expected) (idToken, error) {
	said, t, err := p.openIDToken(ctx, m, raw)
	if err != nil {
		return idToken{}, err
	}
	now := p.cfg.Now()
	subject, ok := said.text("sub")
	nonce, _ := said.text("nonce")
	switch {
	case !ok || !isPlain(subject) || subject != t.Subject:
		err = errors.New("sub is missing, or no plain text of 255 characters at most")
	case said.has("events"): // Back-Channel Logout 1.0 §3.4: no logout token is an ID token
		err = errors.New("it is a logout token")
	case nonce == "" || subtle.ConstantTimeCompare([]byte(nonce), []byte(e.nonce)) != 1: // step 11
		err = errors.New("its nonce is not that of this sign-in")
	default:
		err = errors.Join(p.checkParty(said), said.checkTimes(now))
	}
	if err == nil && t.AccessTokenHash != "" { // §3.1.3.8
		err = t.VerifyAccessToken(e.accessToken)
	}
	if err == nil && e.again {
		err = said.checkFresh(now)
	}
	if err != nil {
		return idToken{}, fmt.Errorf("%w: the ID token: %w", ErrInvalid, err)
	}
	session, _ := said.text("sid")
	if !isPlain(session) {
		session = ""
	}
	return idToken{subject: subject, session: session, claims: said}, nil
}

// openIDToken checks who signed a token, whose it is and for whom (steps 2, 3, 6 to 8).
func (p *Provider) openIDToken(ctx context.Context, m *metadata, raw string) (claims, *oidc.IDToken, error) {
	if err := checkForm(raw, maxToken, "JWT"); err != nil {
		return nil, nil, fmt.Errorf("%w: the ID token: %w", ErrInvalid, err)
	}
	verifier, keys := p.verifier(m)
	t, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the ID token: %w", keys.kind(), err)
	}
	said := claims{}
	if err := t.Claims(&said); err != nil {
		return nil, nil, fmt.Errorf("%w: the ID token: %w", ErrInvalid, err)
	}
	return said, t, nil
}

// verifier is the library's for one token. It leaves the times to checkTimes, since it takes no skew.
func (p *Provider) verifier(m *metadata) (*oidc.IDTokenVerifier, *oneCheck) {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	keys := &oneCheck{keys: m.keys}
	return oidc.NewVerifier(p.cfg.Issuer, keys, &oidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: names, SkipExpiryCheck: true}), keys
}

// oneCheck is the keys for one token. It remembers whether they could be had, which
// the library's error does not tell.
type oneCheck struct {
	keys        *keySet
	unreachable bool
}

// VerifySignature implements the library's KeySet.
func (o *oneCheck) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	payload, err := o.keys.VerifySignature(ctx, raw)
	o.unreachable = errors.Is(err, ErrUnreachable)
	return payload, err
}

// kind is what an error of the check means.
func (o *oneCheck) kind() error {
	if o.unreachable {
		return ErrUnreachable
	}
	return ErrInvalid
}

// checkForm refuses what is no token of the kind (RFC 8725 §3.11), before anything is done
// with it. Kinds are compared as media types are; a token need not name its own.
func checkForm(raw string, most int, kinds ...string) error {
	if raw == "" {
		return errors.New("there is none")
	}
	if len(raw) > most {
		return fmt.Errorf("%d bytes are too long", len(raw))
	}
	jws, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return err
	}
	kind, named := jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	if !named {
		return nil
	}
	for _, k := range kinds {
		if strings.EqualFold(strings.TrimPrefix(strings.ToLower(kind), "application/"), k) {
			return nil
		}
	}
	return fmt.Errorf("a token of the type %.80q does not belong here", kind)
}

// checkParty checks for whom a token was made (steps 3 to 5): with several audiences it has to name
// this site as the one that asked for it, and it may name no other.
func (p *Provider) checkParty(said claims) error {
	party, named := said.text("azp")
	if said.has("azp") && (!named || party != p.cfg.ClientID) {
		return fmt.Errorf("it was made for %.100q (azp)", party)
	}
	if audiences, _ := said.list("aud"); len(audiences) != 1 && !named {
		return errors.New("it is for several, and does not say for whom (azp)")
	}
	return nil
}

// checkTimes checks exp, iat and nbf (steps 9 and 10).
func (c claims) checkTimes(now time.Time) error {
	expires, ok := c.time("exp")
	if !ok || !now.Before(expires.Add(skew)) {
		return fmt.Errorf("it has expired (exp %v, and here it is %v)", expires.UTC(), now.UTC())
	}
	issued, ok := c.time("iat")
	if !ok || issued.After(now.Add(skew)) || issued.Before(now.Add(-maxAge-skew)) {
		return fmt.Errorf("it was not made just now (iat %v, and here it is %v): one of the clocks is wrong, or it is old", issued.UTC(), now.UTC())
	}
	if c.has("nbf") {
		if from, ok := c.time("nbf"); !ok || from.After(now.Add(skew)) {
			return fmt.Errorf("it does not count yet (nbf %v, and here it is %v)", from.UTC(), now.UTC())
		}
	}
	return nil
}

// checkFresh checks that somebody proved themselves for this very redirect (step 13): max_age was 0.
func (c claims) checkFresh(now time.Time) error {
	proved, ok := c.time("auth_time")
	if !ok || proved.Before(now.Add(-maxAge-skew)) || proved.After(now.Add(skew)) {
		return errors.New("the provider did not ask the person again (auth_time)")
	}
	return nil
}

// isPlain reports whether an identifier is one: something, not too long, and nothing that cannot be seen.
func isPlain(s string) bool {
	return s != "" && len(s) <= maxText && strings.ToValidUTF8(s, "") == s && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
