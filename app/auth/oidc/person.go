package oidc

import (
	"fmt"
	"slices"
	"strings"

	"foyer/app/auth"
	"foyer/internal/stanza"
)

// Bounds of what a provider says of somebody.
const (
	maxGroups    = 500
	maxGroupName = 200 // bytes; longer ones are none
	maxName      = 400
	maxAddress   = 2000
)

// person is what the site makes of what was checked.
func (p *Provider) person(id idToken, said claims, raw string) (auth.Person, error) {
	if err := p.admit(said); err != nil {
		return auth.Person{}, err
	}
	who := auth.Person{
		Issuer: p.cfg.Issuer, Subject: id.subject, Session: id.session, SignOutHint: raw,
		Login: p.preferredName(said), Name: bounded(said, "name", maxName), Picture: bounded(said, "picture", maxAddress),
		Groups: p.groups(said),
	}
	if len(p.cfg.AdminGroups)+len(p.cfg.AdminRoles) > 0 {
		roles := p.listed(said, p.cfg.RolesClaim)
		admin := haveCommon(who.Groups, p.cfg.AdminGroups) || haveCommon(roles, p.cfg.AdminRoles)
		who.Admin = &admin
	}
	return who, nil
}

// admit checks Config.Require. A claim that is missing fits nothing.
func (p *Provider) admit(said claims) error {
	fit := make(map[string]bool, len(p.cfg.Require))
	for _, r := range p.cfg.Require {
		fit[r.Claim] = fit[r.Claim] || said.holds(r.Claim, r.Value)
	}
	for claim, ok := range fit {
		if !ok {
			return fmt.Errorf("%w: their claim %q is not what the settings require", ErrNotAdmitted, claim)
		}
	}
	return nil
}

// preferredName returns the user name that somebody would like. Only the domain of the
// settings is taken off it, however it is written, and only from its end: in a@evil@good.tld
// nothing else is found, and what is left is no user name.
func (p *Provider) preferredName(said claims) string {
	name := bounded(said, p.cfg.UsernameClaim, maxName)
	at := strings.LastIndexByte(name, '@')
	if p.cfg.UsernameDomain != "" && at >= 0 && stanza.SameDomain(p.cfg.UsernameDomain, name[at+1:]) {
		return name[:at]
	}
	return name
}

func bounded(said claims, claim string, most int) string {
	s, _ := said.text(claim)
	if len(s) > most {
		return ""
	}
	return s
}

// groups returns somebody's groups; nil: the provider is not asked for groups, or has too many to tell
// (as Entra ID does: it then names another place, OpenID Connect Core 1.0 §5.6.2). A claim that
// is missing means no groups, so that who left the last one is in none.
func (p *Provider) groups(said claims) []string {
	if p.cfg.GroupsClaim == "" {
		return nil
	}
	if said.elsewhere(p.cfg.GroupsClaim) {
		p.cfg.Logger.Warn("the identity provider tells somebody's groups elsewhere, because they are many; have it tell only those that are assigned to this application", "claim", p.cfg.GroupsClaim)
		return nil
	}
	return p.listed(said, p.cfg.GroupsClaim)
}

// elsewhere reports whether a claim is to be had from another place.
func (c claims) elsewhere(name string) bool {
	_, there := c["_claim_names"]
	var names claims
	if raw := c["_claim_names"]; there {
		names, _ = parseClaims(raw)
	}
	return !c.has(name) && names.has(name)
}

// listed returns the names in a claim, once each and in order; a path such as Keycloak's
// /staff/night keeps what is behind the first slash.
func (p *Provider) listed(said claims, claim string) []string {
	list := []string{}
	if claim == "" {
		return list
	}
	names, _ := said.list(claim)
	for _, name := range names {
		name = strings.TrimPrefix(name, "/")
		if isPlain(name) && len(name) <= maxGroupName {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > maxGroups {
		p.cfg.Logger.Warn("the identity provider puts somebody into more groups than are taken", "groups", len(list), "taken", maxGroups)
		list = list[:maxGroups]
	}
	return list
}

func haveCommon(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
