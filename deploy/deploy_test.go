// Package deploy has the files that operators copy; its tests look at those that are
// not run by other tests (e2e/proxies, e2e/servers).
package deploy

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// systemdAnalyze is the program's path. scripts/test.sh installs it, so that a run of all tests skips nothing.
func systemdAnalyze(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed (package systemd)")
	}
	return program
}

func unitFile(t *testing.T) []byte {
	t.Helper()
	unit, err := os.ReadFile("systemd/foyer.service")
	if err != nil {
		t.Fatal(err)
	}
	return unit
}

// The unit leaves the program little to harm: 1.5 of 10 at most.
func TestSystemd_Exposure(t *testing.T) {
	program := systemdAnalyze(t)
	out, err := exec.Command(program, "security", "--no-pager", "--offline=true", "--threshold=15", "systemd/foyer.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// settings are the names that the table of docs/SETTINGS.md has.
func settings(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/SETTINGS.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)`(?: `([A-Z0-9_]+)`)?").FindAllSubmatch(page, -1) {
		all = append(all, string(m[1]), string(m[2]))
	}
	if len(all) < 40 {
		t.Fatalf("docs/SETTINGS.md has %d settings", len(all))
	}
	return all
}

// Whatever a unit sets is a setting.
func TestSystemd_Settings(t *testing.T) {
	unit := unitFile(t)
	set := regexp.MustCompile(`(?m)^Environment=([A-Z0-9_]+)=`).FindAllSubmatch(unit, -1)
	if len(set) == 0 {
		t.Error("the unit sets nothing")
	}
	for _, m := range set {
		if !slices.Contains(settings(t), string(m[1])) {
			t.Errorf("%s is no setting", m[1])
		}
	}
}

// The unit's filter lets the program give its sockets to another group (XMPP_AUTH_GROUP): one
// call that it does not allow ends the program (SIGSYS).
func TestSystemd_GivesSockets(t *testing.T) {
	program := systemdAnalyze(t)
	unit := unitFile(t)
	allowed := map[string]bool{}
	var apply func(name string, allow bool)
	apply = func(name string, allow bool) {
		if !strings.HasPrefix(name, "@") {
			allowed[name] = allow
			return
		}
		out, err := exec.Command(program, "syscall-filter", "--no-pager", name).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, member := range strings.Fields(regexp.MustCompile(`(?m)^@.*|#.*`).ReplaceAllString(string(out), "")) {
			apply(member, allow)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.+)`).FindAllStringSubmatch(string(unit), -1) {
		for _, name := range strings.Fields(m[2]) {
			apply(name, m[1] == "")
		}
	}
	for _, call := range []string{"chown", "fchownat", "fchmodat", "bind"} {
		if !allowed[call] {
			t.Errorf("%s would end the program", call)
		}
	}
	for _, call := range []string{"setuid", "reboot", "mount"} {
		if allowed[call] {
			t.Errorf("%s is allowed", call)
		}
	}
}

// What systemd does of its own is not what a site wants: it ends a start after 90 s, and so a
// long migration, over and over; and it gives up after five starts within 10 s, of which each
// fails at once while Postgres is away.
func TestSystemd_Starts(t *testing.T) {
	unit := unitFile(t)
	for _, line := range []string{"ExecStartPre=.* migrate", "TimeoutStartSec=infinity", "Restart=on-failure", "RestartSec=[1-9]", "StartLimitIntervalSec=0"} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).Match(unit) {
			t.Errorf("there is no %s", line)
		}
	}
}

// mongooseIM is what counts of its configuration.
type mongooseIM struct {
	Auth struct {
		Methods    []string
		Mechanisms []string `toml:"sasl_mechanisms"`
		Password   struct{ Format string }
		HTTP       struct {
			BasicAuth string `toml:"basic_auth"`
		}
		JWT struct {
			Secret      struct{ File string }
			Algorithm   string
			UsernameKey string `toml:"username_key"`
		}
		LDAP struct {
			Base, Filter string
			UIDs         []struct{ Attr string }
		}
	}
	Pools struct {
		HTTP struct {
			Auth struct {
				CallTimeout int `toml:"call_timeout"`
				Connection  struct {
					Host    string
					Timeout int `toml:"request_timeout"`
				}
			}
		}
		LDAP struct{ Default, Bind ldapPool }
	} `toml:"outgoing_pools"`
	Modules map[string]any
}

type ldapPool struct {
	Workers    int
	Connection struct {
		Servers  []string
		Port     int
		RootDN   string `toml:"root_dn"`
		Password string
		TLS      struct {
			VerifyMode string `toml:"verify_mode"`
			CACertFile string
		}
	}
}

// asksTheSite: MongooseIM asks the site about passwords only if it keeps none of its own as keys of SCRAM
// (src/auth/ejabberd_auth_http.erl), and waits for the answer longer than a password takes.
func (m mongooseIM) asksTheSite(t *testing.T, methods ...string) {
	t.Helper()
	auth, pool := m.Auth, m.Pools.HTTP.Auth
	if !slices.Equal(auth.Methods, methods) || !slices.Equal(auth.Mechanisms, []string{"plain"}) || auth.Password.Format != "plain" || !strings.HasPrefix(auth.HTTP.BasicAuth, "foyer:") {
		t.Errorf("%+v", auth)
	}
	if pool.Connection.Timeout < 16000 || pool.CallTimeout <= pool.Connection.Timeout || pool.Connection.Host != "http://127.0.0.1:5281" {
		t.Errorf("%+v", pool)
	}
}

func (m mongooseIM) hasModules(t *testing.T) {
	t.Helper()
	for _, name := range []string{"mod_stream_management", "mod_muc", "mod_mam", "mod_roster", "mod_offline"} {
		if _, ok := m.Modules[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	if _, ok := m.Modules["mod_register"]; ok {
		t.Error("strangers may make accounts")
	}
}

func TestMongooseIM(t *testing.T) {
	var file mongooseIM
	if _, err := toml.DecodeFile("mongooseim/mongooseim.toml", &file); err != nil {
		t.Fatal(err)
	}
	file.asksTheSite(t, "http")
	file.hasModules(t)
}

// withAuth is mongooseim.toml with another file in place of what says who somebody is, as that file
// tells operators; what it has that nothing here knows is misspelt.
func withAuth(t *testing.T, name string) (m mongooseIM) {
	t.Helper()
	raw, err := os.ReadFile("mongooseim/mongooseim.toml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(raw), "# Who somebody is,")
	_, after, found := strings.Cut(rest, "# What the chat uses;")
	other, err := os.ReadFile("mongooseim/" + name)
	if err != nil || !found {
		t.Fatal(err, found)
	}
	decoded, err := toml.Decode(before+string(other)+"# "+after, &m)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range decoded.Undecoded() {
		if (key[0] == "auth" || key[0] == "outgoing_pools") && key.String() != "outgoing_pools.http.auth.scope" {
			t.Errorf("%s is not known", key)
		}
	}
	m.hasModules(t)
	return m
}

// MongooseIM checks tokens by the claim that token/mongooseim_test.go goes by, and asks about everything else.
func TestMongooseIM_JWT(t *testing.T) {
	m := withAuth(t, "jwt.toml")
	m.asksTheSite(t, "jwt", "http")
	if jwt := m.Auth.JWT; jwt.Secret.File == "" || jwt.Algorithm != "HS256" || jwt.UsernameKey != "sub" {
		t.Errorf("%+v", jwt)
	}
}

// MongooseIM asks the directory, by one pool as the account that searches and by another as people, over TLS that it looks at.
func TestMongooseIM_LDAP(t *testing.T) {
	m := withAuth(t, "ldap.toml")
	if auth := m.Auth; !slices.Equal(auth.Methods, []string{"ldap"}) || !slices.Equal(auth.Mechanisms, []string{"plain"}) || auth.LDAP.Base == "" || len(auth.LDAP.UIDs) != 1 || !strings.HasPrefix(auth.LDAP.Filter, "(") {
		t.Errorf("%+v", auth)
	}
	search, bind := m.Pools.LDAP.Default.Connection, m.Pools.LDAP.Bind.Connection
	if search.RootDN == "" || search.Password == "" || bind.RootDN != "" || bind.Password != "" {
		t.Errorf("%+v, %+v", search, bind)
	}
	for _, c := range []ldapPool{m.Pools.LDAP.Default, m.Pools.LDAP.Bind} {
		if c.Workers < 1 || len(c.Connection.Servers) == 0 || c.Connection.Port != 636 || c.Connection.TLS.VerifyMode != "peer" || c.Connection.TLS.CACertFile == "" {
			t.Errorf("%+v", c)
		}
	}
}

// properties are those of a file for Openfire, each on a line.
func properties(t *testing.T, name string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("openfire/" + name)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		property, value, ok := strings.Cut(line, " = ")
		if _, twice := all[property]; twice || !ok || value == "" {
			t.Errorf("%s: %q", name, line)
		}
		all[property] = value
	}
	return all
}

// Openfire takes people at the port that its files name to the site, by PLAIN, and lets nobody make accounts.
func TestOpenfire(t *testing.T) {
	for name, auth := range map[string]string{"ldap.properties": "org.jivesoftware.openfire.ldap.LdapAuthProvider", "site.properties": "org.example.foyer.FoyerAuthProvider"} {
		all := properties(t, name)
		for property, value := range map[string]string{
			"xmpp.domain": "example.org", "provider.auth.className": auth, "sasl.mechs": "PLAIN", "xmpp.socket.ssl.active": "true", "xmpp.socket.ssl.port": "5223", "register.inband": "false",
		} {
			if all[property] != value {
				t.Errorf("%s: %s is %q", name, property, all[property])
			}
		}
		raw, err := os.ReadFile("openfire/" + name)
		if err != nil || !strings.Contains(string(raw), "XMPP_UPSTREAM=xmpps://openfire.example.org:"+all["xmpp.socket.ssl.port"]) {
			t.Errorf("%s does not name its port to the site: %v", name, err)
		}
	}
	ldap := properties(t, "ldap.properties")
	if ldap["provider.user.className"] != "org.jivesoftware.openfire.ldap.LdapUserProvider" || ldap["ldap.sslEnabled"] != "true" || ldap["ldap.port"] != "636" || ldap["ldap.usernameField"] != "uid" || !strings.HasPrefix(ldap["ldap.searchFilter"], "(") {
		t.Errorf("%v", ldap)
	}
}
