package app

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"

	"foyer/app/auth/oidc"
	"foyer/internal/stanza"
)

// oidcSettings are the settings of one OpenID Connect provider, with OIDC_NAME_ in front.
type oidcSettings struct {
	name string

	Issuer         string `env:"ISSUER" desc:"the provider's issuer, exactly as the provider writes it, such as https://login.example.org/realms/team"`
	ClientID       string `env:"CLIENT_ID" desc:"client ID of this site at the provider"`
	ClientSecret   string `env:"CLIENT_SECRET" secret:"true" desc:"client secret; empty: a public client, protected by PKCE alone"`
	Label          string `env:"LABEL" desc:"what pages call the provider, as in Sign in with LABEL; empty: its name"`
	Scopes         string `env:"SCOPES" envDefault:"openid profile" list:"true" desc:"requested scopes, separated by spaces or commas"`
	UsernameClaim  string `env:"USERNAME_CLAIM" envDefault:"preferred_username" desc:"claim with the preferred user name"`
	UsernameDomain string `env:"USERNAME_DOMAIN" desc:"domain that is removed from that name: with example.org, alice@example.org becomes alice"`
	GroupsClaim    string `env:"GROUPS_CLAIM" desc:"claim with a person's groups, such as groups, or a path such as resource_access.chat.roles; empty: none"`
	AdminGroups    string `env:"ADMIN_GROUPS" list:"true" desc:"groups in that claim whose members administer the site, separated by commas"`
	RolesClaim     string `env:"ROLES_CLAIM" desc:"claim with a person's roles, such as realm_access.roles"`
	AdminRoles     string `env:"ADMIN_ROLES" list:"true" desc:"roles in that claim that make people administrators of the site, separated by commas"`
	Require        string `env:"REQUIRE" list:"true" desc:"claim values that are required to sign in, separated by commas, such as hd=example.org or groups=staff; several for one claim are alternatives; empty: everybody the provider knows"`
	CAFile         string `env:"CA_FILE" desc:"PEM file with the CA certificate for the provider; empty: the system's CAs"`
}

// readOIDC reads the settings of the providers that OIDC_PROVIDERS names.
func readOIDC(providers string, environ map[string]string) ([]oidcSettings, error) {
	names := settingList(providers)
	for _, name := range names {
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`).MatchString(name) {
			return nil, fmt.Errorf("OIDC_PROVIDERS: %q is no name; use lower-case letters, digits and hyphens, such as keycloak", name)
		}
	}
	list, err := readNamed[oidcSettings]("OIDC", names, environ)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		list[i].name = name
	}
	return list, nil
}

// setting is the full name of a setting.
func (o oidcSettings) setting(name string) string { return namedPrefix("OIDC", o.name) + name }

// provider makes the source that the settings describe.
func (o oidcSettings) provider(log *slog.Logger) (*oidc.Provider, error) {
	require, err := o.requirements()
	if err != nil {
		return nil, err
	}
	domain := o.UsernameDomain
	if domain != "" {
		if domain, err = stanza.PrepareDomain(domain); err != nil {
			return nil, fmt.Errorf("%s=%q is no domain; it is what stands behind the @ of such a name, such as example.org", o.setting("USERNAME_DOMAIN"), o.UsernameDomain)
		}
	}
	roots, err := o.roots()
	if err != nil {
		return nil, err
	}
	switch {
	case o.Issuer == "":
		return nil, fmt.Errorf("%s is empty: it is the provider's address, as its metadata write it under \"issuer\"", o.setting("ISSUER"))
	case o.ClientID == "":
		return nil, fmt.Errorf("%s is empty: it is what the provider calls this site", o.setting("CLIENT_ID"))
	case o.AdminGroups != "" && o.GroupsClaim == "":
		return nil, fmt.Errorf("%s needs %s, the claim with the groups", o.setting("ADMIN_GROUPS"), o.setting("GROUPS_CLAIM"))
	case o.AdminRoles != "" && o.RolesClaim == "":
		return nil, fmt.Errorf("%s needs %s, the claim with the roles", o.setting("ADMIN_ROLES"), o.setting("ROLES_CLAIM"))
	}
	p, err := oidc.New(oidc.Config{
		Name: o.name, Label: o.Label, Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret,
		Scopes:        strings.FieldsFunc(o.Scopes, func(r rune) bool { return r == ' ' || r == ',' }),
		UsernameClaim: o.UsernameClaim, UsernameDomain: domain,
		GroupsClaim: o.GroupsClaim, AdminGroups: settingGroups(o.AdminGroups), RolesClaim: o.RolesClaim, AdminRoles: settingGroups(o.AdminRoles),
		Require: require, Roots: roots, Logger: log,
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", o.setting("ISSUER"), err)
	}
	return p, err
}

// requirements reads REQUIRE.
func (o oidcSettings) requirements() ([]oidc.Requirement, error) {
	var list []oidc.Requirement
	for _, item := range settingGroups(o.Require) {
		claim, value, ok := strings.Cut(item, "=")
		if !ok || claim == "" || value == "" {
			return nil, fmt.Errorf("%s: %q must be CLAIM=VALUE, such as hd=example.org", o.setting("REQUIRE"), item)
		}
		list = append(list, oidc.Requirement{Claim: claim, Value: value})
	}
	return list, nil
}

// roots are the authorities that the provider's certificate may be of; nil: those of the system.
func (o oidcSettings) roots() (*x509.CertPool, error) {
	if o.CAFile == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(o.CAFile)
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(raw) {
		err = errors.New("there is no certificate in it (PEM)")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.setting("CA_FILE"), err)
	}
	return roots, nil
}

// pictureOrigins are the origins of the providers, whose pictures of people may be inside the network.
func (c Config) pictureOrigins() (map[string]*x509.CertPool, error) {
	origins := make(map[string]*x509.CertPool, len(c.OIDC))
	for _, o := range c.OIDC {
		u, err := url.Parse(o.Issuer)
		if err != nil {
			return nil, err
		}
		if origins[u.Scheme+"://"+u.Host], err = o.roots(); err != nil {
			return nil, err
		}
	}
	return origins, nil
}
