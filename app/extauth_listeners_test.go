package app

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"foyer/app/extauth"
)

func TestConfig_Doors(t *testing.T) {
	secret := strings.Repeat("s", minAuthSecret)
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"off":              {nil, ""},
		"unix":             {map[string]string{"XMPP_AUTH_HTTP": "unix:/run/foyer/auth", "XMPP_AUTH_DOVECOT": "unix:/run/foyer/dovecot"}, ""},
		"loopback":         {map[string]string{"XMPP_AUTH_HTTP": "localhost:5281", "XMPP_AUTH_DOVECOT": "127.0.0.1:12345", "XMPP_AUTH_SECRET": secret}, ""},
		"no secret":        {map[string]string{"XMPP_AUTH_HTTP": "localhost:5281"}, "XMPP_AUTH_SECRET is empty"},
		"a short secret":   {map[string]string{"XMPP_AUTH_HTTP": "localhost:5281", "XMPP_AUTH_SECRET": "short"}, "at least 16 characters"},
		"no port":          {map[string]string{"XMPP_AUTH_DOVECOT": "localhost:99999"}, "such as localhost:5281"},
		"for all to reach": {map[string]string{"XMPP_AUTH_DOVECOT": ":12345"}, "must be on this machine"},
		"twice":            {map[string]string{"XMPP_AUTH_HTTP": "unix:/run/a", "XMPP_AUTH_DOVECOT": "unix:/run/a"}, "two addresses"},
		"odd":              {map[string]string{"XMPP_AUTH_ACCEPT": "token,anything"}, "not one of token"},
	} {
		environ := map[string]string{"APP_ENV": "development"}
		for k, v := range c.set {
			environ[k] = v
		}
		if _, err := LoadConfig(environ); (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, c := range []struct{ login, accept, want string }{
		{"session", "", "{true true true false}"}, {"password", "", "{true true true true}"}, {"password", "token", "{true true false false}"}, {"session", "password, app-password", "{false false true true}"},
	} {
		cfg := Config{Login: Login(c.login), AuthAccept: c.accept}
		if got := fmt.Sprint(cfg.accepted()); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	// The page of app passwords is there when one of them is good somewhere.
	for _, c := range []struct {
		cfg  Config
		apps bool
	}{
		{Config{}, false}, {Config{AuthHTTP: "unix:/run/a"}, true}, {Config{AuthHTTP: "unix:/run/a", AuthAccept: "token"}, false},
		{Config{AuthAccept: "token, app-password"}, true}, {Config{AuthAccept: "token"}, false}, // asked by `foyer extauth`
	} {
		if c.cfg.apps() != c.apps {
			t.Errorf("%+v: %v", c.cfg.authAccept(), c.cfg.apps())
		}
	}
}

// Both listeners lead to the site's own decision, and are shut with it.
func TestDoors(t *testing.T) {
	dir := t.TempDir()
	_, base := start(t, map[string]string{
		"XMPP_AUTH_HTTP": "unix:" + filepath.Join(dir, "auth"), "XMPP_AUTH_DOVECOT": "unix:" + filepath.Join(dir, "dovecot"), "XMPP_LOGIN": "password",
	})
	client := extauth.NewClient("unix:"+filepath.Join(dir, "auth"), "", slog.New(slog.DiscardHandler))
	defer client.Close()
	if !client.Check(t.Context(), "alice", "localhost", demoPassword) || client.Check(t.Context(), "alice", "localhost", "wrong") || !client.Exists(t.Context(), "bob", "localhost") {
		t.Error("HTTP: another answer than the site's")
	}

	conn, err := net.Dial("unix", filepath.Join(dir, "dovecot"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for line := ""; line != "DONE\n"; {
		if line, err = in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	phone := signedInAs(t, base, "alice").appPassword("Phone")
	for id, password := range []string{demoPassword, phone} {
		resp := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + password))
		if id == 0 {
			_, _ = io.WriteString(conn, "VERSION\t1\t1\nCPID\t1\n")
		}
		_, _ = fmt.Fprintf(conn, "AUTH\t%d\tPLAIN\tservice=xmpp\tresp=%s\n", id, resp)
		if line, err := in.ReadString('\n'); line != fmt.Sprintf("OK\t%d\tuser=alice\n", id) {
			t.Errorf("%q %v", line, err)
		}
	}

	// Everybody may know the keys that check the site's tokens.
	newBrowser(t, base).get("/.well-known/jwks.json").wants(200, `"kty":"OKP"`)
}

func TestJWKS_NobodyAsks(t *testing.T) {
	_, base := start(t, nil)
	newBrowser(t, base).get("/.well-known/jwks.json").wants(404, "")
}
