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

// settings are the names that the README's table has.
func settings(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)`(?: `([A-Z0-9_]+)`)?").FindAllSubmatch(readme, -1) {
		all = append(all, string(m[1]), string(m[2]))
	}
	if len(all) < 40 {
		t.Fatalf("the README has %d settings", len(all))
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

// MongooseIM asks the site about passwords only if it keeps none of its own as keys of SCRAM
// (src/auth/ejabberd_auth_http.erl), and waits for the answer longer than a password takes.
func TestMongooseIM(t *testing.T) {
	var file struct {
		Auth struct {
			Methods    []string
			Mechanisms []string `toml:"sasl_mechanisms"`
			Password   struct{ Format string }
			HTTP       struct {
				BasicAuth string `toml:"basic_auth"`
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
		} `toml:"outgoing_pools"`
		Modules map[string]any
	}
	if _, err := toml.DecodeFile("mongooseim/mongooseim.toml", &file); err != nil {
		t.Fatal(err)
	}
	auth, pool := file.Auth, file.Pools.HTTP.Auth
	if !slices.Equal(auth.Methods, []string{"http"}) || !slices.Equal(auth.Mechanisms, []string{"plain"}) || auth.Password.Format != "plain" || !strings.HasPrefix(auth.HTTP.BasicAuth, "foyer:") {
		t.Errorf("%+v", auth)
	}
	if pool.Connection.Timeout < 16000 || pool.CallTimeout <= pool.Connection.Timeout || pool.Connection.Host != "http://127.0.0.1:5281" {
		t.Errorf("%+v", pool)
	}
	for _, name := range []string{"mod_stream_management", "mod_muc", "mod_mam", "mod_roster", "mod_offline"} {
		if _, ok := file.Modules[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	if _, ok := file.Modules["mod_register"]; ok {
		t.Error("strangers may make accounts")
	}
}
