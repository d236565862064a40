package app

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// A setting that goes with another one does nothing without it. Who set it meant something, and would look for
// the fault elsewhere.

// leading says which settings go with which other one.
var leading = []struct {
	settings *regexp.Regexp // the whole name, without _FILE
	on       func(environ map[string]string) bool
	why      string // how things are where it is not on
}{
	{regexp.MustCompile(`^LDAP_`), isSet("LDAP_URL"), "LDAP_URL is empty"},
	{regexp.MustCompile(`^HEADER_SIGN(IN|OUT)_`), isSet("HEADER_SIGNIN"), "HEADER_SIGNIN is empty"},
	{regexp.MustCompile(`^S3_`), begins("UPLOAD_STORE", "s3:"), "files are kept on disk; UPLOAD_STORE=s3://bucket would keep them there"},
	{regexp.MustCompile(`^XMPP_(TLS_CERT|TLS_KEY)$`), isSet("XMPP_C2S_ADDR", "XMPP_C2S_TLS_ADDR"), "native clients have no port: XMPP_C2S_ADDR and XMPP_C2S_TLS_ADDR are empty"},
	{regexp.MustCompile(`^XMPP_C2S_PLAIN$`), isSet("XMPP_C2S_ADDR"), "XMPP_C2S_ADDR is empty"},
	{regexp.MustCompile(`^XMPP_AUTH_SECRET$`), isSet("XMPP_AUTH_HTTP"), "XMPP_AUTH_HTTP is empty"},
	{regexp.MustCompile(`^XMPP_AUTH_GROUP$`), isSet("XMPP_AUTH_DOVECOT", "XMPP_AUTH_HTTP"), "XMPP_AUTH_DOVECOT and XMPP_AUTH_HTTP are empty"},
	{regexp.MustCompile(`^LINK_PREVIEW_ORIGINS$`), isNot("LINK_PREVIEWS", "false"), "LINK_PREVIEWS is false"},
	{regexp.MustCompile(`^ROSTER_MAX$`), isNot("ROSTER", "none"), "ROSTER is none"},
	{regexp.MustCompile(`^SIGNUPS_PER_ADDRESS$`), isNot("SIGNUP", "false"), "SIGNUP is false"},
}

func isSet(names ...string) func(map[string]string) bool {
	return func(environ map[string]string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return environ[name] != "" })
	}
}

func begins(name, with string) func(map[string]string) bool {
	return func(environ map[string]string) bool { return strings.HasPrefix(environ[name], with) }
}

func isNot(name, value string) func(map[string]string) bool {
	return func(environ map[string]string) bool { return environ[name] != value }
}

// IdleSettings says, of each setting of the site that does nothing, since another is not as it would have to
// be, why. One that says no more than the default is not told.
func IdleSettings(environ map[string]string) []string {
	var said []string
	for _, f := range settingFields(reflect.TypeFor[Config]()) {
		name := f.Tag.Get("env")
		if name == "" || name == "-" {
			continue
		}
		for _, written := range []string{name, name + "_FILE"} {
			value := environ[written]
			if value == "" || value == f.Tag.Get("envDefault") || (written != name && f.Tag.Get("secret") != "true") || serviceLink.MatchString(written) {
				continue
			}
			for _, l := range leading {
				if l.settings.MatchString(name) && !l.on(environ) {
					said = append(said, fmt.Sprintf("%s does nothing: %s", written, l.why))
					break
				}
			}
		}
	}
	return said
}
