package extauth

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foyer/app"
	"foyer/app/auth"
	"foyer/internal/stream"
	"foyer/models"
)

const (
	domain   = "doors.test"
	password = "foyer-demo" // of the accounts that a site in development has
)

// site is the program itself, with both listeners open.
type site struct {
	t    *testing.T
	dir  string
	cfg  app.Config
	db   *models.DB
	auth *auth.Service
	url  string // of its pages
	stop func()
}

// newSite starts a site with both listeners open, on a database of its own.
func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	return newSiteWith(t, dir, map[string]string{
		"XMPP_AUTH_DOVECOT": "unix:" + filepath.Join(dir, "dovecot"), "XMPP_AUTH_HTTP": "unix:" + filepath.Join(dir, "auth"), "XMPP_AUTH_ACCEPT": "token,app-password,password",
	})
}

func newSiteWith(t *testing.T, dir string, settings map[string]string) *site {
	t.Helper()
	s := &site{t: t, dir: dir}
	environ := map[string]string{"APP_ENV": "development", "ADDR": "127.0.0.1:0", "DATABASE_URL": cluster.DB(t), "DATA_DIR": dir, "XMPP_DOMAIN": domain}
	maps.Copy(environ, settings)
	var err error
	if s.cfg, err = app.LoadConfig(environ); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(func() { s.stop() })
	if s.db, err = models.Open(t.Context(), models.Options{URL: s.cfg.DatabaseURL, SiteConns: 4, ChatConns: 4}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.db.Close)
	service, err := s.cfg.Auth(s.db, slog.New(slog.DiscardHandler), func(context.Context, models.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	if s.auth, err = auth.New(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// start runs the site until stop, and returns when its listeners are open.
func (s *site) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	said, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := app.Run(ctx, s.cfg, out, slog.New(slog.DiscardHandler))
		out.CloseWithError(err)
		done <- err
	}()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error("the site:", err)
		}
		s.stop = func() {}
	}
	s.url = "http://" + waitFor(s.t, said, " is at http://")
}

// waitFor reads lines until one contains mark, and returns what stands behind it. Later
// lines are read and dropped.
func waitFor(t *testing.T, r io.Reader, mark string) (behind string) {
	t.Helper()
	lines := bufio.NewScanner(r)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if _, behind, ok := strings.Cut(lines.Text(), mark); ok {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return behind
		}
	}
	t.Fatalf("%q was not said, but:\n%s", mark, strings.Join(said, "\n"))
	return ""
}

func (s *site) account(user string) models.Account {
	s.t.Helper()
	a, err := s.db.Accounts.AccountByName(s.t.Context(), user)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// identity signs somebody in to the site.
func (s *site) identity(user string) stream.Identity {
	s.t.Helper()
	a := s.account(user)
	session := models.Session{AccountID: a.ID, SecretHash: []byte(user + time.Now().String()), ExpiresAt: time.Now().Add(time.Hour)}
	if err := s.db.Sessions.CreateSession(s.t.Context(), &session, models.SessionBasis{PasswordVersion: a.PasswordVersion}); err != nil {
		s.t.Fatal(err)
	}
	return auth.ChatIdentity(a, session)
}

// secrets that somebody may sign in with besides their password.
func (s *site) appPassword(user string) string {
	s.t.Helper()
	secret, err := s.auth.AppPasswords.Create(s.t.Context(), s.account(user), s.identity(user).Session, "Phone")
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

func (s *site) temporaryToken(user string) string {
	s.t.Helper()
	secret, err := s.auth.OperatorToken(s.t.Context(), s.account(user), time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

func (s *site) signedToken(user string) string {
	s.t.Helper()
	_, secret, err := s.auth.Upstream(s.t.Context(), s.identity(user))
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// writeKey writes what `foyer token key print` prints.
func (s *site) writeKey() (file string) {
	s.t.Helper()
	keys, err := s.auth.TokenKeys().List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return writeJSON(s.t, s.path("foyer.jwk"), keys[0].JWK)
}

func writeJSON(t *testing.T, file string, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}
