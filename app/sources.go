package app

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"

	"foyer/app/auth"
	"foyer/models"
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

// otherSources reports whether people come from anywhere but the site's own accounts.
func (c Config) otherSources() bool {
	return c.HeaderSignIn != "" || len(c.OIDC) > 0 || c.LDAP.URL != ""
}

// localSignup reports whether visitors may make accounts with a password of this site. A team that
// signs in by a source of its own does not have strangers among its members unless it says so.
func (c Config) localSignup() bool {
	open := !c.otherSources()
	if c.Signup != nil {
		open = *c.Signup
	}
	return open && c.LocalAccounts == auth.LocalAll
}

// OpenToVisitors says what it means that visitors may create accounts; empty: they may not. decided: the
// settings say that they may.
func (c Config) OpenToVisitors() (means string, decided bool) {
	if !c.localSignup() {
		return "", false
	}
	means = "everybody who finds the site may create an account"
	switch c.Roster {
	case models.RosterEveryone:
		means += ", and then sees who else is a member (ROSTER=everyone) and reads every open room"
	default:
		means += ", and then finds members by their names and reads every open room"
	}
	return means, c.Signup != nil
}
