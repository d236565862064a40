package instances

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"

	"foyer/e2e/peers"
	"foyer/internal/testcert"
)

// nginxMain is what stands around the file of deploy/, as Debian has it.
const nginxMain = `
daemon off;
user root;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	include %[1]s/foyer.conf;
}
`

var oneUpstream = regexp.MustCompile(`(?m)^upstream foyer \{[^}]*\}`)

// startNginx starts it with foyer.conf, in which instances.conf takes the place of the one
// upstream, as its comment says.
func startNginx(t *testing.T, program string, https int, instances [2]*instance) *x509.CertPool {
	t.Helper()
	dir := t.TempDir()
	cert := testcert.New(t, "127.0.0.1")
	cert.Write(t, dir)
	upstream := shipped(t, "nginx/instances.conf", [][2]string{
		{"10.0.0.1:3000", peers.Addr(instances[0].Port)},
		{"10.0.0.2:3000", peers.Addr(instances[1].Port)},
	})
	conf := shipped(t, "nginx/foyer.conf", [][2]string{
		{"/etc/letsencrypt/live/chat.example.org/fullchain.pem", dir + "/cert.pem"},
		{"/etc/letsencrypt/live/chat.example.org/privkey.pem", dir + "/key.pem"},
		{"chat.example.org", "127.0.0.1"},
		{"listen 80;", fmt.Sprintf("listen 127.0.0.1:%d;", peers.FreePort(t))},
		{"listen [::]:80;", ""},
		{"listen 443 ssl http2;", fmt.Sprintf("listen 127.0.0.1:%d ssl http2;", https)},
		{"listen [::]:443 ssl http2;", ""},
		{"proxy_next_upstream off;", "proxy_next_upstream error;"},
	})
	if !oneUpstream.MatchString(conf) {
		t.Fatal("foyer.conf has no upstream")
	}
	peers.Write(t, filepath.Join(dir, "foyer.conf"), oneUpstream.ReplaceAllLiteralString(conf, upstream))
	main := peers.Write(t, filepath.Join(dir, "main.conf"), fmt.Sprintf(nginxMain, dir))
	peers.Start(t, peers.Command{Dir: dir, Path: program, Args: []string{"-p", dir, "-e", "stderr", "-c", main}, Port: https})
	return cert.Roots
}
