package relay

import (
	"bytes"
	"io"
	"net"
	"regexp"
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

// startProsody starts a Prosody, by its program, with that way to keep passwords and with those
// users. It skips the test if there is none.
func startProsody(t *testing.T, program, authentication string, users ...string) *peers.Server {
	if program == "" {
		t.Skip("this Prosody is not installed; scripts/test.sh interop does that")
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
	came  []*record // from the server, by connection
}

// record keeps what passes; a pump writes it, and others may read it.
type record struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes.Write(b)
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
		came := &record{}
		w.conns, w.came = append(w.conns, from, to), append(w.came, came)
		w.mu.Unlock()
		w.pumps.Go(func() { pump(from.(*net.TCPConn), io.TeeReader(to, came)) })
		w.pumps.Go(func() { pump(to.(*net.TCPConn), from) })
	}
}

// pump carries one direction to its end, which it passes on; the other goes on. Closing
// both with something unread would reset them, and lose what was just sent.
func pump(to *net.TCPConn, from io.Reader) {
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

// messages are the ids of the messages that the server has sent to the relay so far.
func (w *wire) messages() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := map[string]bool{}
	for _, came := range w.came {
		came.mu.Lock()
		for _, tag := range messageTag.FindAllString(came.bytes.String(), -1) {
			if id := idAttr.FindStringSubmatch(tag); id != nil {
				ids[id[1]] = true
			}
		}
		came.mu.Unlock()
	}
	return ids
}

var (
	messageTag = regexp.MustCompile(`<message [^>]*>`)
	idAttr     = regexp.MustCompile(` id=['"]([^'"]*)['"]`)
)

func (w *wire) address() string { return w.listen.Addr().String() }
