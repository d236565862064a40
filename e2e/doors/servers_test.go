package doors

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// Servers of other people, each with its files in a directory of its own, on loopback.

// process is a server that runs until the test ends.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	out   bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// keysRead is what our module for Prosody says of its keys.
const keysRead = "token keys were read"

// await waits until the server has said something so many times.
func (p *process) await(t *testing.T, mark string, times int) {
	t.Helper()
	patience := time.After(time.Minute)
	for strings.Count(p.said(), mark) < times {
		select {
		case <-p.ended:
			t.Fatalf("it ended before it said %q:\n%s", mark, p.said())
		case <-patience:
			t.Fatalf("it has not said %q, but:\n%s", mark, p.said())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func run(t *testing.T, dir string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{ended: make(chan struct{})}
	cmd := exec.Command(program, args...)
	p.cmd = cmd
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), p, p
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // it says by which signal it ended
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-p.ended
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), p.said())
		}
	})
	return p
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

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
func packaged() prosody {
	binary, _ := exec.LookPath("prosody")
	return prosody{"Debian's", binary}
}

// newer returns the release of Debian's backports, which scripts/backports.sh unpacks.
func newer(t *testing.T) prosody {
	t.Helper()
	root, err := filepath.Abs("../../var/backports")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(root, "usr/bin/prosody"))
	if err != nil {
		return prosody{version: "of Debian's backports"}
	}
	// The program has the places of its libraries in it.
	moved := strings.ReplaceAll(string(program), "'/usr/lib/prosody", "'"+root+"/usr/lib/prosody")
	file := filepath.Join(t.TempDir(), "prosody")
	if err := os.WriteFile(file, []byte(moved), 0o700); err != nil {
		t.Fatal(err)
	}
	return prosody{"of Debian's backports", file}
}

// prosodyOptions say what a Prosody is to do.
type prosodyOptions struct {
	socket string // of the site's Dovecot door; empty: no host for it
	keys   string // the file with the keys of tokens; empty: no host for them

	passwords map[string]string // of accounts of its own; nil: no host that has any
}

// start returns the address of the port for clients, and what makes Prosody read its
// files again.
func (p prosody) start(t *testing.T, o prosodyOptions) (addr string, reload func()) {
	t.Helper()
	if p.binary == "" {
		t.Skipf("there is no Prosody (%s) on this machine; scripts/test.sh interop installs it", p.version)
	}
	dir, port := t.TempDir(), freePort(t)
	modules, err := filepath.Abs("../../deploy/prosody/modules")
	if err != nil {
		t.Fatal(err)
	}
	var config strings.Builder
	if err := prosodyConfig.Execute(&config, map[string]any{
		"Dir": dir, "Port": port, "Modules": modules, "Domain": domain, "Tokens": tokenDomain, "Socket": o.socket, "Keys": o.keys, "Passwords": o.passwords,
	}); err != nil {
		t.Fatal(err)
	}
	for user, password := range o.passwords {
		accounts := filepath.Join(dir, "data", strings.ReplaceAll(domain, ".", "%2e"), "accounts")
		if err := os.MkdirAll(accounts, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(accounts, user+".dat"), `return { ["password"] = "`+password+`" };`)
	}
	running := run(t, dir, nil, p.binary, "--config", write(t, filepath.Join(dir, "prosody.cfg.lua"), config.String()), "-F")
	awaitPort(t, loopback(port), running.ended, running.said)
	return loopback(port), func() {
		read := strings.Count(running.said(), keysRead)
		_ = running.cmd.Process.Signal(syscall.SIGHUP)
		running.await(t, keysRead, read+1)
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
func startEjabberd(t *testing.T, s *site) (addr string) {
	t.Helper()
	erl, err := exec.LookPath("erl")
	found, _ := filepath.Glob("/usr/lib/*/ejabberd-*")
	if err != nil || len(found) == 0 {
		t.Skip("there is no ejabberd on this machine; scripts/test.sh interop installs it")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, port := t.TempDir(), freePort(t)
	config := write(t, filepath.Join(dir, "ejabberd.yml"), fmt.Sprintf(ejabberdConfig, domain, port, s.writeKey(), program, s.path("auth")))
	// As ejabberdctl runs it, without a name by which others on the machine would know it.
	running := run(t, dir, []string{
		"ERL_LIBS=" + filepath.Dir(found[0]), "EJABBERD_CONFIG_PATH=" + config, "EJABBERD_LOG_PATH=" + filepath.Join(dir, "ejabberd.log"),
		"ERL_CRASH_DUMP=" + filepath.Join(dir, "crash.dump"), "HOME=" + dir,
	}, erl, "+K", "true", "-noinput", "-mnesia", "dir", strconv.Quote(filepath.Join(dir, "spool")), "-s", "ejabberd")
	awaitPort(t, loopback(port), running.ended, running.said)
	return loopback(port)
}
