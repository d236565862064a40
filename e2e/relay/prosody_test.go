package relay

import (
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"text/template"

	"foyer/e2e/peers"
)

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

// startProsody starts a Prosody with those users. It skips the test if there is none.
func startProsody(t *testing.T, users ...string) *peers.Server {
	return startProsodyThat(t, "internal_plain", users...)
}

// startProsodyThat starts one with that way to keep passwords.
func startProsodyThat(t *testing.T, authentication string, users ...string) *peers.Server {
	program, err := exec.LookPath("prosody")
	if err != nil {
		t.Skip("prosody is not installed; scripts/test.sh interop does that")
	}
	dir, port := t.TempDir(), peers.FreePort(t)
	var config strings.Builder
	if err := prosodyConfig.Execute(&config, map[string]any{"Dir": dir, "Port": port, "Domain": domain, "Authentication": authentication}); err != nil {
		t.Fatal(err)
	}
	for _, user := range users {
		peers.ProsodyAccount(t, dir, domain, user, secret)
	}
	return peers.StartProsody(t, program, dir, config.String(), port)
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
	w := &wire{listen: l, to: peers.Addr(port)}
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
