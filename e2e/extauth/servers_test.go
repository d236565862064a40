package extauth

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"

	"foyer/e2e/peers"
)

// Servers of other people, each with its files in a directory of its own, on loopback.

// keysRead is what our module for Prosody says of its keys.
const keysRead = "token keys were read"

// prosodyConfig has a host that asks the site as it would ask Dovecot, and one that
// checks tokens by itself.
var prosodyConfig = template.Must(template.New("prosody").Parse(`
run_as_root = true
daemonize = false
pidfile = "{{.Dir}}/prosody.pid"
data_path = "{{.Dir}}/data"
admin_socket = "{{.Dir}}/admin"
log = { {levels = { min = "info" }, to = "console"} }
plugin_paths = { "{{.Modules}}" }
interfaces = { "127.0.0.1" }
c2s_ports = { {{.Port}} }
s2s_ports = {}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
storage = "internal"
modules_disabled = { "s2s" }
modules_enabled = { "saslauth", "disco", "message", "presence", "iq" }
{{with .Socket}}
VirtualHost "{{$.Domain}}"
  authentication = "dovecot"
  dovecot_auth_socket = "{{.}}"
{{end}}
{{if .Passwords}}
VirtualHost "{{.Domain}}"
  authentication = "internal_plain"
{{end}}
{{with .Directory}}
VirtualHost "{{$.Domain}}"
{{.}}
{{end}}
{{with .Keys}}
VirtualHost "{{$.Tokens}}"
  authentication = "foyer_token"
  foyer_token_keys = "{{.}}"
{{end}}
`))

// prosody is one of Prosody's releases.
type prosody struct {
	version string
	binary  string // empty: it is not here
}

// packaged returns Debian's own.
func packaged(t *testing.T) prosody { return prosody{"Debian's", peers.Prosody(t)} }

// newer returns the release of Debian's backports.
func newer(t *testing.T) prosody { return prosody{"of Debian's backports", peers.NewerProsody(t)} }

// prosodyOptions say what a Prosody is to do.
type prosodyOptions struct {
	socket string // of the site's Dovecot listener; empty: no host for it
	keys   string // the file with the keys of tokens; empty: no host for them

	passwords map[string]string // of accounts of its own; nil: no host that has any

	directory string   // the lines that say which directory it asks; empty: no host that does
	env       []string // of its own

	port int // for clients; 0: any
}

// start returns the address of the port for clients, and what makes Prosody read its
// files again.
func (p prosody) start(t *testing.T, o prosodyOptions) (addr string, reload func()) {
	t.Helper()
	if p.binary == "" {
		t.Skipf("there is no Prosody (%s) on this machine; scripts/test.sh interop installs it", p.version)
	}
	dir, port := t.TempDir(), o.port
	if port == 0 {
		port = peers.FreePort(t)
	}
	modules, err := filepath.Abs("../../deploy/prosody/modules")
	if err != nil {
		t.Fatal(err)
	}
	var config strings.Builder
	if err := prosodyConfig.Execute(&config, map[string]any{
		"Dir": dir, "Port": port, "Modules": modules, "Domain": domain, "Tokens": tokenDomain, "Socket": o.socket, "Keys": o.keys, "Passwords": o.passwords, "Directory": o.directory,
	}); err != nil {
		t.Fatal(err)
	}
	for user, password := range o.passwords {
		peers.ProsodyAccount(t, dir, domain, user, password)
	}
	running := peers.StartProsody(t, p.binary, dir, config.String(), port, o.env...)
	return peers.Addr(port), func() {
		read := strings.Count(running.Said(), keysRead)
		running.Signal(syscall.SIGHUP)
		running.Await(keysRead, read+1)
	}
}

// ejabberdConfig is how the guide says that ejabberd is set up to believe the site.
const ejabberdConfig = `
hosts: [%[1]s]
loglevel: warning
listen:
  - port: %[2]d
    ip: "127.0.0.1"
    module: ejabberd_c2s
auth_method: [jwt, external]
jwt_key: "%[3]s"
extauth_program: "%[4]s extauth --site unix:%[5]s"
auth_use_cache: false
disable_sasl_mechanisms: [digest-md5, x-oauth2]
acl:
  local: {user_regexp: ""}
access_rules:
  local: {allow: local}
modules:
  mod_disco: {}
  mod_offline: {}
  mod_roster: {}
`

// startEjabberd returns the address of the port for clients.
func startEjabberd(t *testing.T, release peers.EjabberdRelease, s *site) (addr string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	port := peers.FreePort(t)
	release.Start(t, t.TempDir(), fmt.Sprintf(ejabberdConfig, domain, port, s.writeKey(), program, s.path("auth")), port)
	return peers.Addr(port)
}
