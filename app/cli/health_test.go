package cli

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// The site is asked where ADDR has it listen, whatever that is.
func TestHealthcheck(t *testing.T) {
	term := newTerminal(t, nil)
	site := http.NewServeMux()
	site.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // is not asked
	for listens, addr := range map[string]string{
		"127.0.0.1:0": "localhost:PORT", "127.0.0.2:0": "127.0.0.2:PORT", "[::1]:0": "[::1]:PORT", ":0": ":PORT", "0.0.0.0:0": "0.0.0.0:PORT", "[::]:0": "[::]:PORT",
	} {
		l, err := net.Listen("tcp", listens)
		if err != nil {
			t.Logf("this machine has no %s: %v", listens, err)
			continue
		}
		server := &http.Server{Handler: site}
		go func() { _ = server.Serve(l) }()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		t.Setenv("ADDR", strings.ReplaceAll(addr, "PORT", port))
		if out, err := term.run("", "healthcheck"); err != nil {
			t.Errorf("at %s: %s%v", addr, out, err)
		}
		server.Close()
		if _, err := term.run("", "healthcheck"); err == nil {
			t.Errorf("at %s: it is well, and nobody listens", addr)
		}
	}
	t.Setenv("ADDR", "unix:/run/foyer.sock")
	if _, err := term.run("", "healthcheck"); err == nil || !strings.Contains(err.Error(), "ADDR") {
		t.Error("an address that is none:", err)
	}
}
