package app

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// apacheInFront signs people in by HTTP Basic, and tells the site who they are, as
// docs/IDENTITY.md has it.
const apacheInFront = `ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/pid
Mutex file:%[1]s default
ServerName localhost
ErrorLog "|/bin/cat"
Listen 127.0.0.1:%[2]d
%[3]s
%[4]s
ProxyPreserveHost On
ProxyPass / %[5]s/
<Location "/">
	AuthType Basic
	AuthName "The team"
	AuthUserFile %[1]s/users
	Require valid-user
	RequestHeader unset X-Forwarded-User early
	RequestHeader set X-Forwarded-User expr=%%{REMOTE_USER}
</Location>
`

// Behind a real proxy that signs people in, the site knows them, and nobody is whom only their
// browser names.
func TestHeaderSignIn_Apache(t *testing.T) {
	program, err := exec.LookPath("apache2")
	if err != nil {
		t.Skip("apache2 is not installed; scripts/test.sh interop does that (package apache2-bin)")
	}
	s, base := behindProxy(t, nil)
	proxy := startApache(t, program, base)
	s.baseURL.Store(proxy)
	for _, c := range []struct {
		name, password string
		header         string
		status         int
	}{{"zoe", "secret", "", 200}, {"zoe", "secret", "alice", 200}, {"zoe", "wrong", "", 401}, {"", "", "alice", 401}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy+"/settings", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.name != "" {
			req.SetBasicAuth(c.name, c.password)
		}
		if c.header != "" {
			req.Header.Set("X-Forwarded-User", c.header)
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		var page strings.Builder
		_, _ = bufio.NewReader(resp.Body).WriteTo(&page)
		resp.Body.Close()
		if resp.StatusCode != c.status || (c.status == 200) != strings.Contains(page.String(), `data-user="zoe"`) {
			t.Errorf("%+v: %d", c, resp.StatusCode)
		}
	}
}

// startApache runs one in front of a site until the test ends, and returns its address.
func startApache(t *testing.T, program, site string) string {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	var load, user strings.Builder
	for _, name := range strings.Fields("mpm_event authz_core authn_core authn_file authz_user auth_basic headers proxy proxy_http") {
		fmt.Fprintf(&load, "LoadModule %[1]s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", name)
	}
	if os.Getuid() == 0 {
		user.WriteString("User www-data\nGroup www-data")
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // it reads the users as www-data
			t.Fatal(err)
		}
	}
	sum := sha1.Sum([]byte("secret"))
	for name, text := range map[string]string{
		"users": "zoe:{SHA}" + base64.StdEncoding.EncodeToString(sum[:]) + "\n",
		"conf":  fmt.Sprintf(apacheInFront, dir, port, load.String(), user.String(), site),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "-f", filepath.Join(dir, "conf"), "-DFOREGROUND", "-e", "info")
	log, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	read := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-read
		_ = cmd.Wait()
	})
	ready := false
	var said []string
	for !ready && lines.Scan() {
		said = append(said, lines.Text())
		ready = strings.Contains(lines.Text(), "resuming normal operations")
	}
	go func() {
		defer close(read)
		for lines.Scan() { // until it ends
		}
	}()
	if !ready {
		t.Fatalf("Apache did not start:\n%s", strings.Join(said, "\n"))
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}
