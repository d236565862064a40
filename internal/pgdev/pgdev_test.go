package pgdev

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, dir string) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := Start(ctx, Options{Dir: dir, NoSync: true, Log: func(m string) { t.Log(m) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func exec1(t *testing.T, s *Server, q string) (out string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), q).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestStart_KeepsDataAndRecovers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pg")
	s := start(t, dir)
	exec1(t, s, "WITH x AS (SELECT set_config('a.b', 'c', false)) SELECT 'ok'")
	if err := s.CreateDatabase(context.Background(), "kept", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	s = start(t, dir)
	if got := exec1(t, s, "SELECT datname FROM pg_database WHERE datname = 'kept'"); got != "kept" {
		t.Errorf("after a restart: %q", got)
	}
	// A crash: the postmaster is killed, its children follow.
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Exited()
	s = start(t, dir)
	if got := exec1(t, s, "SELECT datname FROM pg_database WHERE datname = 'kept'"); got != "kept" {
		t.Errorf("after a crash: %q", got)
	}
}

func TestStart_NoNetwork(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "pg"))
	if got := exec1(t, s, "SHOW listen_addresses"); got != "" {
		t.Errorf("listens on %q", got)
	}
}

func TestStart_RefusesForeignData(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letters"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(context.Background(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "holds no Postgres cluster") {
		t.Errorf("%v", err)
	}
}

// The socket's path is bounded; the data's is not.
func TestStart_LongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 25), "pg")
	s := start(t, dir)
	if got := exec1(t, s, "SELECT 'ok'"); got != "ok" {
		t.Error(got)
	}
	socket := s.socket
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket's directory is left behind: %v", err)
	}
}
