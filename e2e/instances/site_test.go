package instances

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"foyer/e2e/peers"
)

const (
	domain   = "chat.test"
	password = "five words nobody would guess"
)

// site is two instances of it behind nginx.
type site struct {
	instances [2]*instance
	env       []string // what both have
	url       string   // of nginx
	roots     *x509.CertPool
}

// instance is one of the programs.
type instance struct {
	*peers.Server
	dir string
}

// authSocket is where the node of ejabberd beside it asks.
func (i *instance) authSocket() string { return filepath.Join(i.dir, "auth") }

// newSite starts both, with those settings, and nginx in front. It skips the test where
// there is no nginx.
func newSite(t *testing.T, settings ...string) *site {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed; scripts/test.sh interop does that")
	}
	https := peers.FreePort(t)
	s := &site{url: fmt.Sprintf("https://127.0.0.1:%d", https)}
	s.env = append(settings, "APP_ENV=development", "BASE_URL="+s.url, "XMPP_DOMAIN="+domain, "DATABASE_URL="+cluster.DB(t), "TRUSTED_PROXIES=127.0.0.1")
	for i := range s.instances {
		s.instances[i] = s.start(t)
	}
	s.roots = startNginx(t, program, https, s.instances)
	return s
}

func (s *site) start(t *testing.T) *instance {
	t.Helper()
	i := &instance{dir: t.TempDir()}
	port := peers.FreePort(t)
	env := append(s.env[:len(s.env):len(s.env)], "ADDR="+peers.Addr(port), "DATA_DIR="+i.dir, "XMPP_AUTH_HTTP=unix:"+i.authSocket())
	i.Server = peers.Start(t, peers.Command{Dir: i.dir, Path: self(t), Args: []string{"serve"}, Env: env, Port: port})
	return i
}

// self is this very program.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// foyer runs a command of the site, and returns what it says.
func (s *site) foyer(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self(t), args...)
	cmd.Env = append(os.Environ(), s.env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("foyer %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// addPeople makes the accounts p0, p1 and so on.
func (s *site) addPeople(t *testing.T, n int) {
	t.Helper()
	var rows strings.Builder
	for i := range n {
		fmt.Fprintf(&rows, "p%d,%s\n", i, password)
	}
	s.foyer(t, "user", "import", peers.Write(t, filepath.Join(t.TempDir(), "people.csv"), rows.String()))
}

// transport connects to nginx as browsers do, or to one instance, as nginx does.
func (s *site) transport(t *testing.T, to *instance) *http.Transport {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}}
	if to != nil {
		tr.DialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, peers.Addr(to.Port))
		}
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}
