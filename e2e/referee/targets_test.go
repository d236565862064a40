package referee

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"text/template"
	"time"

	"foyer/app"
	"foyer/e2e/peers"
	"foyer/models"
	"foyer/token"
)

const domain = "referee.test"

// target is a server under test.
type target interface {
	name() string
	websocket() string // its URL
	// account makes one.
	account(ctx context.Context, user string) error
	// password returns what the account signs in with now, by SASL PLAIN.
	password(ctx context.Context, user string) (string, error)
}

// site is the program itself: the gateway, the server, Postgres.
type site struct {
	url string
	db  *models.DB
}

var _ target = (*site)(nil)

func startSite(t *testing.T, databaseURL string) *site {
	cfg, err := app.LoadConfig(map[string]string{
		"APP_ENV": "development", "ADDR": "127.0.0.1:0", "DATABASE_URL": databaseURL, "DATA_DIR": t.TempDir(),
		"XMPP_DOMAIN": domain, "XMPP_LOGIN": "token", "ROSTER": "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	said, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := app.Run(ctx, cfg, out, slog.New(slog.DiscardHandler))
		out.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error("the site:", err)
		}
	})
	_, address := waitFor(t, said, " is at http://")
	db, err := models.Open(t.Context(), models.Options{URL: databaseURL, SiteConns: 4, ChatConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return &site{url: "ws://" + address + "/xmpp-websocket", db: db}
}

func (s *site) name() string      { return "foyer" }
func (s *site) websocket() string { return s.url }

func (s *site) account(ctx context.Context, user string) error {
	return s.db.Accounts.CreateAccount(ctx, &models.Account{Username: user, Name: user})
}

func (s *site) password(ctx context.Context, user string) (string, error) {
	account, err := s.db.Accounts.AccountByName(ctx, user)
	if err != nil {
		return "", err
	}
	secret, hash := token.New()
	_, err = s.db.Tokens.SaveOperatorToken(ctx, hash, account.ID, time.Now().Add(time.Minute))
	return secret, err
}

// waitFor reads lines until one contains mark; it returns what stands before
// and behind it. Later lines are read and dropped.
func waitFor(t *testing.T, r io.Reader, mark string) (before, behind string) {
	lines := bufio.NewScanner(r)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if before, behind, ok := strings.Cut(lines.Text(), mark); ok {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return before, behind
		}
	}
	t.Fatalf("%q was not said, but:\n%s", mark, strings.Join(said, "\n"))
	return "", ""
}

// prosody is a Prosody of the test's own, on loopback only.
type prosody struct {
	t    *testing.T
	dir  string
	port int
}

var _ target = (*prosody)(nil)

// The modules are those that Debian's package has; passwords are stored as they
// are, so that a test can write an account.
var prosodyConfig = template.Must(template.New("prosody").Parse(`
run_as_root = true
daemonize = false
pidfile = "{{.Dir}}/prosody.pid"
data_path = "{{.Dir}}/data"
log = "*console"
interfaces = { "127.0.0.1" }
c2s_ports = {}
s2s_ports = {}
https_ports = {}
http_ports = { {{.Port}} }
http_interfaces = { "127.0.0.1" }
http_default_host = "{{.Domain}}"
consider_websocket_secure = true
authentication = "internal_plain"
storage = "internal"
modules_disabled = { "s2s" }
modules_enabled = {
  "roster", "saslauth", "disco", "carbons", "pep", "private", "blocklist", "vcard_legacy", "version", "time", "ping",
  "mam", "smacks", "csi_simple", "websocket", "offline", "bookmarks", "presence", "message", "iq"
}
default_archive_policy = true
smacks_hibernation_time = 45
VirtualHost "{{.Domain}}"
Component "conference.{{.Domain}}" "muc"
  modules_enabled = { "muc_mam" }
  restrict_room_creation = false
`))

// startProsody returns nil if there is no Prosody.
func startProsody(t *testing.T) *prosody {
	program, err := exec.LookPath("prosody")
	if err != nil {
		return nil
	}
	p := &prosody{t: t, dir: t.TempDir(), port: peers.FreePort(t)}
	var config strings.Builder
	if err := prosodyConfig.Execute(&config, map[string]any{"Dir": p.dir, "Port": p.port, "Domain": domain}); err != nil {
		t.Fatal(err)
	}
	peers.StartProsody(t, program, p.dir, config.String(), p.port)
	return p
}

func (p *prosody) name() string { return "prosody" }
func (p *prosody) websocket() string {
	return fmt.Sprintf("ws://127.0.0.1:%d/xmpp-websocket", p.port)
}

const prosodyPassword = "secret"

// account writes what mod_auth_internal_plain reads.
func (p *prosody) account(_ context.Context, user string) error {
	peers.ProsodyAccount(p.t, p.dir, domain, user, prosodyPassword)
	return nil
}

func (p *prosody) password(context.Context, string) (string, error) { return prosodyPassword, nil }
