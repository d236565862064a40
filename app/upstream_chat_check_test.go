package app

import (
	"crypto/tls"
	"errors"
	"os"
	"strings"
	"testing"

	"foyer/internal/sasl"
	"foyer/xmppgw/relay"
)

// Whatever stands between the site and another chat server, each server that is known is named, with the
// file or the property by which it is mended; and what is to be changed there is in the files that the site ships.
func TestHowToMendUpstream(t *testing.T) {
	for name, c := range map[string]struct {
		err                           error
		openfire                      string
		here                          string
		prosody, ejabberd, mongooseIM string // what the files of deploy/ have of it, separated by blanks
	}{
		"nobody there":       {errors.New("connection refused"), "xmpp.socket.ssl.port", "XMPP_UPSTREAM", "interfaces c2s_ports", "ip port ejabberd_c2s", "ip_address port listen.c2s"},
		"a refusal":          {&relay.RefusedError{Failure: sasl.NotAuthorized}, "provider.auth.className", "XMPP_AUTH_ACCEPT", "authentication dovecot_auth_socket", "auth_method jwt_jid_field jwt_key", "methods password.format basic_auth auth.http outgoing_pools.http.auth.connection"},
		"another domain":     {&relay.StreamError{Condition: "host-unknown"}, "xmpp.domain", "XMPP_DOMAIN (it is example.org)", "VirtualHost", "hosts", "hosts general"},
		"a certificate":      {&tls.CertificateVerificationError{}, "TLS/SSL Certificates", "XMPP_UPSTREAM_CA", "certificates", "certfiles", "listen.c2s"},
		"no way to sign in":  {relay.MechanismError("no PLAIN"), "sasl.mechs", "XMPP_LOGIN", "allow_unencrypted_plain_auth authentication", "auth_method disable_sasl_mechanisms", "sasl_mechanisms"},
		"nothing is told of": {ErrNoUpstreamPush, "Push Notification", "", "cloud_notify modules_enabled", "mod_push modules", ""},
	} {
		t.Run(name, func(t *testing.T) {
			mend := HowToMendUpstream(c.err, "example.org")
			for _, named := range []string{c.here, "prosody.cfg.lua", "ejabberd.yml", "mongooseim.toml", "Openfire", c.openfire} {
				if !strings.Contains(mend, named) {
					t.Errorf("%q is not in %s", named, mend)
				}
			}
			for file, directives := range map[string]string{"prosody/prosody.cfg.lua": c.prosody, "ejabberd/ejabberd.yml": c.ejabberd, "mongooseim/mongooseim.toml": c.mongooseIM} {
				shipped, err := os.ReadFile("../deploy/" + file)
				if err != nil {
					t.Fatal(err)
				}
				for _, directive := range strings.Fields(directives) {
					if !strings.Contains(mend, directive) || !strings.Contains(string(shipped), directive) {
						t.Errorf("%s of %s: in the mend %v, in the file %v", directive, file, strings.Contains(mend, directive), strings.Contains(string(shipped), directive))
					}
				}
			}
		})
	}
}
