package relay

import (
	"bufio"
	"bytes"
	"io"
	"net"
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

// prosody is a Prosody of the test's own, on loopback only, that can be restarted.
type prosody struct {
	t    *testing.T
	dir  string
	file string // of its configuration
	port int
	cmd  *exec.Cmd
}

// The modules are those that Debian's package has. Passwords are written as they are;
// internal_hashed hashes them when they are first looked at.
var prosodyConfig = template.Must(template.New("prosody").Parse(`
run_as_root = true
daemonize = false
pidfile = "{{.Dir}}/prosody.pid"
data_path = "{{.Dir}}/data"
log = "*console"
interfaces = { "127.0.0.1" }
c2s_ports = { {{.Port}} }
s2s_ports = {}
https_ports = {}
http_ports = {}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "{{.Authentication}}"
storage = "internal"
modules_disabled = { "s2s", "tls" }
modules_enabled = {
  "roster", "saslauth", "disco", "carbons", "pep", "private", "blocklist", "vcard_legacy", "version", "time", "ping",
  "mam", "smacks", "csi_simple", "offline", "bookmarks", "presence", "message", "iq"
}
smacks_hibernation_time = 45
VirtualHost "{{.Domain}}"
`))

// startProsody skips the test if there is no Prosody.
func startProsody(t *testing.T, users ...string) *prosody {
	return startProsodyThat(t, "internal_plain", users...)
}

// startProsodyThat starts one with that way to keep passwords.
func startProsodyThat(t *testing.T, authentication string, users ...string) *prosody {
	binary, err := exec.LookPath("prosody")
	if err != nil {
		t.Skip("prosody is not installed")
	}
	p := &prosody{t: t, dir: t.TempDir(), port: freePort(t)}
	var config bytes.Buffer
	if err := prosodyConfig.Execute(&config, map[string]any{"Dir": p.dir, "Port": p.port, "Domain": domain, "Authentication": authentication}); err != nil {
		t.Fatal(err)
	}
	p.file = filepath.Join(p.dir, "prosody.cfg.lua")
	p.write(p.file, config.String())
	for _, user := range users {
		p.write(filepath.Join(p.dir, "data", strings.ReplaceAll(domain, ".", "%2e"), "accounts", user+".dat"), `return { ["password"] = "`+secret+`" };`)
	}
	p.start(binary)
	t.Cleanup(p.stop)
	return p
}

func (p *prosody) write(file, text string) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *prosody) start(binary string) {
	p.cmd = exec.Command(binary, "--config", p.file, "-F")
	p.cmd.Dir = p.dir
	p.cmd.WaitDelay = 5 * time.Second
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	waitFor(p.t, out, "Activated service 'c2s'")
}

// stop ends it in order; a second time it does nothing.
func (p *prosody) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait() // it says by which signal it ended
}

func (p *prosody) restart() {
	p.stop()
	p.start(p.cmd.Path)
}

// waitFor reads lines until one contains mark. Later lines are read and dropped.
func waitFor(t *testing.T, r io.Reader, mark string) {
	lines := bufio.NewScanner(r)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), mark) {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return
		}
	}
	t.Fatalf("%q was not said, but:\n%s", mark, strings.Join(said, "\n"))
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// wire stands between the relay and the server, and can be cut.
type wire struct {
	listen net.Listener
	to     string
	pumps  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, port int) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listen: l, to: "127.0.0.1:" + strconv.Itoa(port)}
	w.pumps.Go(w.accept)
	t.Cleanup(func() {
		l.Close()
		w.cut()
		w.pumps.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		from, err := w.listen.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", w.to)
		if err != nil {
			from.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, from, to)
		w.mu.Unlock()
		w.pumps.Go(func() { pump(from.(*net.TCPConn), to.(*net.TCPConn)) })
		w.pumps.Go(func() { pump(to.(*net.TCPConn), from.(*net.TCPConn)) })
	}
}

// pump carries one direction to its end, which it passes on; the other goes on. Closing
// both with something unread would reset them, and lose what was just sent.
func pump(to, from *net.TCPConn) {
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
}

// cut cuts every connection that goes through, without a closing element.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func (w *wire) address() string { return w.listen.Addr().String() }
