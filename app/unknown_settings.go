package app

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// A setting whose name is misspelt is none, and its default counts. Nobody would know: the
// environment is everybody's, and what is no setting there is no error.

// settingFamilies are how names begin that only settings of this program have, on most machines.
var settingFamilies = regexp.MustCompile(`^(XMPP|LDAP|OIDC|UPLOAD|GATEWAY|HEADER_SIGN|LINK_PREVIEW|SIGNIN|SIGNUP|ROOM_ARCHIVE|BOSH)_`)

// serviceLink is a name under which Kubernetes and old Docker tell a container of others.
var serviceLink = regexp.MustCompile(`_(SERVICE_(HOST|PORT.*)|PORT(_\d+_(TCP|UDP).*)?)$`)

// UnknownSettings says, of each name in the environment that seems to be meant for the site and is
// no setting of it, what was meant. Names without a value count for nothing.
func UnknownSettings(environ map[string]string) []string {
	return unknownSettings(environ, siteSettings(environ), gatewaySettings(), "foyer gateway alone")
}

// UnknownGatewaySettings is UnknownSettings for the gateway by itself.
func UnknownGatewaySettings(environ map[string]string) []string {
	return unknownSettings(environ, gatewaySettings(), siteSettings(environ), "the site, and foyer gateway does not look at it")
}

// unknownSettings is UnknownSettings for a program with the settings known; others are another program's.
func unknownSettings(environ map[string]string, known, others []string, whose string) []string {
	var said []string
	for name, value := range environ {
		if value == "" || slices.Contains(known, name) || serviceLink.MatchString(name) {
			continue
		}
		if slices.Contains(others, name) {
			if settingFamilies.MatchString(name) || strings.HasSuffix(name, "_ORIGINS") {
				said = append(said, fmt.Sprintf("%s does nothing here: it is a setting of %s", name, whose))
			}
			continue // an environment may be that of both
		}
		meant := nearestSetting(known, name)
		switch base, isFile := strings.CutSuffix(name, "_FILE"); {
		case isFile && slices.Contains(known, base):
			said = append(said, fmt.Sprintf("%s is no setting: %s is no secret, and is not read from a file", name, base))
		case meant != "" && environ[meant] == "":
			said = append(said, fmt.Sprintf("%s is no setting: did you mean %s?", name, meant))
		case strings.HasPrefix(name, "OIDC_"):
			said = append(said, name+" is no setting: OIDC_PROVIDERS lists the names of providers, such as keycloak, and theirs begin with OIDC_KEYCLOAK_")
		case settingFamilies.MatchString(name):
			said = append(said, name+" is no setting: foyer settings lists those that there are")
		}
	}
	slices.Sort(said)
	return said
}

// siteSettings are the names of all settings of the site, also of the providers that are named.
func siteSettings(environ map[string]string) []string {
	known := settingNames(reflect.TypeFor[Config](), "")
	for _, provider := range settingList(environ["OIDC_PROVIDERS"]) {
		known = append(known, settingNames(reflect.TypeFor[oidcSettings](), namedPrefix("OIDC", provider))...)
	}
	return known
}

// gatewaySettings are those of the gateway by itself.
func gatewaySettings() []string { return settingNames(reflect.TypeFor[GatewayConfig](), "") }

func settingNames(t reflect.Type, prefix string) []string {
	var all []string
	for _, f := range settingFields(t) {
		name := f.Tag.Get("env")
		if name == "" || name == "-" {
			continue
		}
		all = append(all, prefix+name)
		if f.Tag.Get("secret") == "true" {
			all = append(all, prefix+name+"_FILE")
		}
	}
	return all
}

// nearestSetting is the setting that a name is a slip of: two letters are others, missing or
// exchanged, or its words are parted otherwise. Short names are too like each other.
func nearestSetting(known []string, name string) string {
	const most, shortest = 2, 8
	nearest, least := "", most+1
	plain := func(s string) string { return strings.ReplaceAll(strings.ToUpper(s), "_", "") }
	for _, setting := range known {
		if plain(setting) == plain(name) {
			return setting
		}
		if d := slips(setting, name); d < least && len(name) >= shortest {
			nearest, least = setting, d
		}
	}
	return nearest
}

// slips counts the letters that are others, missing, too many, or exchanged with the next one.
func slips(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		now := make([]int, len(b)+1)
		now[0] = i + 1
		for j := range b {
			other := 1
			if a[i] == b[j] {
				other = 0
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, last[j]+other)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
