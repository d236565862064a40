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
		"UPLOAD_MAX_FILES": "foyer settings", "BASE_URL_FILE": "BASE_URL is no secret", "OIDC_OTHER_ISSUER": "OIDC_PROVIDERS", "OIDC_TEAM_ISUER": "did you mean OIDC_TEAM_ISSUER?",
	} {
		said := UnknownSettings(map[string]string{name: "x", "OIDC_PROVIDERS": "team"})
		if len(said) != 1 || !strings.HasPrefix(said[0], name+" is no setting: ") || !strings.Contains(said[0], want) {
			t.Errorf("%s: %q", name, said)
		}
	}
	well := map[string]string{
		"OIDC_PROVIDERS": "my-team", "OIDC_MY_TEAM_CLIENT_SECRET_FILE": "/x", "LDAP_BIND_PASSWORD_FILE": "/x", "DATABASE_URL": "x", "DATABASE_URI": "another program's",
		"PATH": "/bin", "HOME": "/", "LANG": "C", "HOSTNAME": "x", "GOGC": "1", "PGPASSWORD": "x", "LDAP_PORT": "tcp://10.0.0.1:389", "XMPP_SERVICE_HOST": "10.0.0.1", "XMPP_PORT_5222_TCP_ADDR": "10.0.0.1",
		"XMPP_OLD": "", "TOKEN": "x", "DOMAIN": "x", "NODE_ENV": "x", "APP_NAME": "x", "DB_URL": "x", "PORT": "3000",
	}
	if said := UnknownSettings(well); len(said) > 0 {
		t.Errorf("%q", said)
	}
	for _, f := range []string{"APP_ENV", "OIDC_TEAM_ISSUER", "TOKEN_KEY_FILE"} {
		if !slices.Contains(siteSettings(map[string]string{"OIDC_PROVIDERS": "team"}), f) {
			t.Errorf("%s is not known", f)
		}
	}
}

// The site and the gateway by itself have each their own settings.
func TestUnknownSettings_OfTheOtherProgram(t *testing.T) {
	environ := map[string]string{"ADDR": ":3000", "METRICS_TOKEN_FILE": "/x", "DATABASE_URL": "x", "SITE_NAME": "x", "CHAT_ORIGINS": "https://a.example", "GATEWAY_ORIGINS": "https://b.example"}
	if said := UnknownSettings(environ); len(said) != 1 || said[0] != "GATEWAY_ORIGINS does nothing here: it is a setting of foyer gateway alone" {
		t.Errorf("the site: %q", said)
	}
	if said := UnknownGatewaySettings(environ); len(said) != 1 || !strings.HasPrefix(said[0], "CHAT_ORIGINS does nothing here: it is a setting of the site") {
		t.Errorf("the gateway: %q", said)
	}
	if said := UnknownGatewaySettings(map[string]string{"GATEWAY_UPSTREAM": "x"}); len(said) != 1 || !strings.Contains(said[0], "did you mean GATEWAY_UPSTREAMS?") {
		t.Errorf("the gateway: %q", said)
	}
}

// A setting that goes with another one, which is not there, is told; and no other one.
func TestIdleSettings(t *testing.T) {
	for name, want := range map[string]string{
		"LDAP_BASE_DN": "LDAP_URL is empty", "LDAP_BIND_PASSWORD_FILE": "LDAP_URL is empty", "HEADER_SIGNIN_GROUPS": "HEADER_SIGNIN is empty", "HEADER_SIGNOUT_URL": "HEADER_SIGNIN is empty",
		"S3_SECRET_KEY": "files are kept on disk", "S3_ACCESS_KEY_FILE": "files are kept on disk", "XMPP_TLS_CERT": "have no port", "XMPP_AUTH_GROUP": "are empty",
	} {
		said := IdleSettings(map[string]string{name: "x"})
		if len(said) != 1 || !strings.HasPrefix(said[0], name+" does nothing: ") || !strings.Contains(said[0], want) {
			t.Errorf("%s: %q", name, said)
		}
	}
	for _, environ := range []map[string]string{
		{"LDAP_URL": "ldap://x", "LDAP_BASE_DN": "x"}, {"HEADER_SIGNIN": "x", "HEADER_SIGNIN_NAME": "x"}, {"UPLOAD_STORE": "s3://b", "S3_ACCESS_KEY": "x"}, {"S3_REGION": "us-east-1"},
		{"XMPP_C2S_TLS_ADDR": ":5223", "XMPP_TLS_CERT": "x"}, {"XMPP_C2S_PLAIN": "false"}, {"LINK_PREVIEW_ORIGINS": "https://x.example"}, {"LDAP_PORT": "tcp://10.0.0.1:389"}, {"LDAP_BASE_DN": ""},
	} {
		if said := IdleSettings(environ); len(said) > 0 {
			t.Errorf("%v: %q", environ, said)
		}
	}
}
