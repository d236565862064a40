package app

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"

	"foyer/app/auth"
)

// Sources makes the sources of people that the settings name, in the order of the sign-in
// page: one line for each kind. Nothing is asked of them yet.
func (c Config) Sources(log *slog.Logger) ([]auth.Source, error) {
	var list []auth.Source
	if c.HeaderSignIn != "" {
		list = append(list, auth.NewHeader(c.headerSettings()))
	}
	for _, settings := range c.OIDC {
		provider, err := settings.provider(log)
		if err != nil {
			return nil, err
		}
		list = append(list, provider)
	}
	if c.LDAP.URL != "" {
		directory, err := c.LDAP.source(log)
		if err != nil {
			return nil, err
		}
		list = append(list, directory)
	}
	return list, nil
}

// provisionSources are the sources whose people get an account when they sign in for the first
// time; nil: all.
func (c Config) provisionSources() []string {
	switch c.SignupSources {
	case "", "all":
		return nil
	case "none":
		return []string{}
	}
	return settingList(c.SignupSources)
}

// settingList reads values separated by commas.
func settingList(value string) []string {
	return slices.DeleteFunc(strings.Split(strings.ReplaceAll(value, " ", ""), ","), func(s string) bool { return s == "" })
}

// checkSources checks the settings of where people come from.
func (c Config) checkSources(check func(bool, string, ...any)) {
	oneOf(check, "LOCAL_ACCOUNTS", string(c.LocalAccounts), string(auth.LocalAll), string(auth.LocalAdmins))
	check(c.Recheck > 0, "DIRECTORY_RECHECK must be more than nothing, such as 5m")
	list, err := c.Sources(slog.New(slog.DiscardHandler))
	check(err == nil, "%v", err)
	if err != nil {
		return
	}
	c.checkHeader(check)
	var names []string
	for _, source := range list {
		names = append(names, source.Name())
		check(c.Login != LoginTyped || source.Method() == auth.ByForm,
			"XMPP_LOGIN=typed needs a password that people type to sign in to the site, and at %s they type none; choose another XMPP_LOGIN", source.Name())
	}
	for _, name := range c.provisionSources() {
		check(slices.Contains(names, name), "SIGNUP_SOURCES: there is no source %q; there are: %s", name, cmp.Or(strings.Join(names, ", "), "none"))
	}
}

// localSignup reports whether visitors may make accounts with a password of this site.
func (c Config) localSignup() bool { return c.Signup && c.LocalAccounts == auth.LocalAll }
