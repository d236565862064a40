package app

import (
	"net/url"
	"slices"
)

// SettingsSection is a part of the page "settings".
type SettingsSection struct {
	ID, Title string
	Short     string // as the page's index calls it
	Notice    *Flash // nil: nothing is said there
}

// Sections are the parts of the page, in the order in which they stand. Its index lists them.
func (p SettingsPage) Sections() []SettingsSection {
	var list []SettingsSection
	add := func(shown bool, id, title, short string) {
		if shown {
			list = append(list, SettingsSection{ID: id, Title: title, Short: short})
		}
	}
	add(true, "profile", "Profile", "Profile")
	add(true, "picture", "Picture", "Picture")
	add(p.MayHavePassword, "password", "Password", "Password")
	add(len(p.Identities.List)+len(p.Identities.Others) > 0, "ways", "Ways to sign in", "Ways to sign in")
	add(p.MayPasskeys || len(p.Passkeys) > 0, "passkeys", "Passkeys", "Passkeys")
	add(true, "notifications", "Notifications", "Notifications")
	add(true, "devices", "Devices", "Devices")
	add(p.Native || len(p.Apps) > 0, "apps", "Apps on your devices", "Apps")
	add(p.Files != nil, "files", "Files", "Files")
	add(true, "data", "Your data", "Your data")
	add(true, "delete", "Delete your account", "Delete account")
	return list
}

// Section is a part of the page, with what is said there; nil: the page has no such part.
func (p SettingsPage) Section(id string) *SettingsSection {
	list := p.Sections()
	i := slices.IndexFunc(list, func(s SettingsSection) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	if p.Notice != nil && p.Notice.Section == id {
		list[i].Notice = p.Notice
	}
	return &list[i]
}

// Shows reports whether the page has a part.
func (p SettingsPage) Shows(id string) bool { return p.Section(id) != nil }

// settingsSection is the part of the settings to which a path of the site leads; empty: to none.
func settingsSection(path string) string {
	if u, err := url.Parse(path); err == nil && u.Path == "/settings" {
		return u.Fragment
	}
	return ""
}

// sayConfirmAgain says in a section that its form came too late after a redirect to confirm: the page has no such form
// any more, with which it would be said.
func (p *SettingsPage) sayConfirmAgain() {
	if p.Confirm.Typed || p.Confirm.Fresh {
		return
	}
	for section, form := range map[string]formErrors{"password": p.Password.formErrors, "data": p.OwnData.formErrors, "delete": p.Delete.formErrors} {
		if form.Errors["current"] != "" {
			p.Notice = &Flash{Kind: "error", Text: "Please confirm first that it is you. You then have five minutes.", Section: section}
		}
	}
}
