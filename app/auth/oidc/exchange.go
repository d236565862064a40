package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"foyer/app/auth"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Finish implements auth.Source.
func (p *Provider) Finish(ctx context.Context, a auth.Answer) (auth.Person, error) {
	who, err := p.finish(ctx, a)
	if err != nil {
		p.refused("somebody was not signed in by the identity provider", err)
	}
	return who, err
}

func (p *Provider) finish(ctx context.Context, a auth.Answer) (auth.Person, error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return auth.Person{}, err
	}
	code, err := p.check(m, a)
	if err != nil {
		return auth.Person{}, err
	}
	tokens, err := p.exchange(ctx, m, code, a)
	if err != nil {
		return auth.Person{}, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := p.checkIDToken(ctx, m, raw, expected{
		nonce: p.derive(a.State, "nonce"), accessToken: tokens.AccessToken, again: a.Fresh,
	})
	if err != nil {
		return auth.Person{}, err
	}
	claims, err := p.completed(ctx, m, id, tokens)
	if err != nil {
		return auth.Person{}, err
	}
	return p.person(id, claims, raw)
}

// exchange gives the code for tokens (RFC 6749 §4.1.3), with the verifier of the redirect. It is
// asked once: a code works once.
func (p *Provider) exchange(ctx context.Context, m *metadata, code string, a auth.Answer) (*oauth2.Token, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := p.oauth(m, a.Callback).Exchange(ctx, code, oauth2.VerifierOption(p.derive(a.State, "verifier")))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError:
		// Nothing else of the answer: it may hold what was sent.
		return nil, fmt.Errorf("%w: its token endpoint: %w", ErrInvalid, &refusedByEndpoint{refused.Response.StatusCode, refused.ErrorCode, refused.ErrorDescription})
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%w: its token endpoint answers %d", ErrUnreachable, refused.Response.StatusCode)
	case err != nil:
		return nil, fmt.Errorf("%w: its token endpoint: %w", ErrUnreachable, err)
	}
	return tokens, nil
}

// refusedByEndpoint is what a token endpoint says when it gives no tokens (RFC 6749 §5.2).
type refusedByEndpoint struct {
	status            int
	code, description string
}

func (r *refusedByEndpoint) Error() string {
	return fmt.Sprintf("%d %.80q %.300q", r.status, r.code, r.description)
}

// completed returns what the provider says of somebody: the ID token, and where that says
// nothing of what the site wants, the userinfo endpoint as well (OpenID Connect Core 1.0 §5.3).
func (p *Provider) completed(ctx context.Context, m *metadata, id idToken, tokens *oauth2.Token) (claims, error) {
	if m.UserInfoURL == "" || !p.cfg.wantsMore(id.claims) {
		return id.claims, nil
	}
	header := http.Header{"Authorization": {"Bearer " + tokens.AccessToken}}
	body, err := get(ctx, p.client, m.UserInfoURL, header)
	if err != nil {
		return nil, fmt.Errorf("%w: its userinfo endpoint: %w", ErrUnreachable, err)
	}
	more, err := parseClaims(body)
	if err != nil {
		return nil, fmt.Errorf("%w: its userinfo: %w", ErrInvalid, err)
	}
	// §5.3.2: what is said of somebody else, or of nobody, does not count.
	if subject, ok := more.text("sub"); !ok || subject != id.subject {
		return nil, fmt.Errorf("%w: its userinfo are of another subject than the ID token", ErrInvalid)
	}
	return id.claims.with(more), nil
}

// wantsMore reports whether the site would like to know what a token does not say.
func (c Config) wantsMore(have claims) bool {
	wanted := []string{c.UsernameClaim, "name", c.GroupsClaim, c.RolesClaim}
	for _, r := range c.Require {
		wanted = append(wanted, r.Claim)
	}
	for _, claim := range wanted {
		if claim != "" && !have.has(claim) {
			return true
		}
	}
	return false
}
