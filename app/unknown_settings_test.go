package app

import (
	"slices"
	"strings"
	"testing"
)

// What seems to be meant for this program and is no setting is told, with the name that was meant.
func TestUnknownSettings(t *testing.T) {
	for name, want := range map[string]string{
		"XMPP_DOMIAN": "did you mean XMPP_DOMAIN?", "BASEURL": "did you mean BASE_URL?", "LOGLEVEL": "did you mean LOG_LEVEL?", "DATABASE_URI": "did you mean DATABASE_URL?",
		"LDAP_BASEDN": "did you mean LDAP_BASE_DN?", "site_name": "did you mean SITE_NAME?", "ARCHIVE_RETENSION": "did you mean ARCHIVE_RETENTION?", "DATABASE_URL_FIEL": "did you mean DATABASE_URL_FILE?",
		"UPLOAD_MAX_FILES": "foyer settings", "BASE_URL_FILE": "BASE_URL is no secret", "OIDC_OTHER_ISSUER": "OIDC_PROVIDERS", "OIDC_TEAM_ISUER": "did you mean OIDC_TEAM_ISSUER?", "GATEWAY_UPSTREAM": "did you mean GATEWAY_UPSTREAMS?",
	} {
		said := UnknownSettings(map[string]string{name: "x", "OIDC_PROVIDERS": "team"})
		if len(said) != 1 || !strings.HasPrefix(said[0], name+" is no setting: ") || !strings.Contains(said[0], want) {
			t.Errorf("%s: %q", name, said)
		}
	}
	well := map[string]string{
		"OIDC_PROVIDERS": "my-team", "OIDC_MY_TEAM_CLIENT_SECRET_FILE": "/x", "LDAP_BIND_PASSWORD_FILE": "/x", "GATEWAY_UPSTREAMS": "x", "DATABASE_URL": "x", "DATABASE_URI": "another program's",
		"PATH": "/bin", "HOME": "/", "LANG": "C", "HOSTNAME": "x", "GOGC": "1", "PGPASSWORD": "x", "LDAP_PORT": "tcp://10.0.0.1:389", "XMPP_SERVICE_HOST": "10.0.0.1", "XMPP_PORT_5222_TCP_ADDR": "10.0.0.1",
		"XMPP_OLD": "", "TOKEN": "x", "DOMAIN": "x", "NODE_ENV": "x", "APP_NAME": "x", "DB_URL": "x", "PORT": "3000",
	}
	if said := UnknownSettings(well); len(said) > 0 {
		t.Errorf("%q", said)
	}
	for _, f := range []string{"APP_ENV", "OIDC_TEAM_ISSUER", "GATEWAY_ORIGINS", "TOKEN_KEY_FILE"} {
		if !slices.Contains(knownSettings(map[string]string{"OIDC_PROVIDERS": "team"}), f) {
			t.Errorf("%s is not known", f)
		}
	}
}
