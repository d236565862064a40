//go:build linux

package app

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"foyer/internal/pgdev"
	"foyer/internal/stream/streamtest"
	"foyer/models"
)

// family returns a process and all below it.
func family(t *testing.T, pid int) []int {
	t.Helper()
	children := map[int][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// proc_pid_stat(5): the name may hold anything.
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], child)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// while Postgres hangs, pages say so in time, and the chat's own questions
// are answered as JSON; afterwards all goes on. The same when it is gone.
func TestDeadline_PostgresHangs(t *testing.T) {
	dir := t.TempDir()
	pg, err := pgdev.Start(t.Context(), pgdev.Options{Dir: filepath.Join(dir, "pg"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			if err := pg.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	if err := pg.CreateDatabase(t.Context(), "site", ""); err != nil {
		t.Fatal(err)
	}
	// Long enough for a page on any machine, and no longer than it must be waited for.
	base := startOn(t, pg.URL("site"), 5*time.Second)
	b := newBrowser(t, base)
	b.signIn("alice")

	pids := family(t, pg.PID())
	signal := func(sig syscall.Signal) {
		for _, pid := range pids {
			_ = syscall.Kill(pid, sig) // some have ended meanwhile
		}
	}
	signal(syscall.SIGSTOP)
	t.Cleanup(func() { signal(syscall.SIGCONT) })
	ask := func() {
		t.Helper()
		begin := time.Now()
		var files sync.WaitGroup
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			files.Go(func() { askForFile(t, method, base) })
		}
		b.get("/settings").wants(503, "The site is not responding.")
		b.get("/xmpp/me").wants(503, `{"error":"`)
		b.do("POST", "/http-bind", nil)
		files.Wait()
		if took := time.Since(begin); took > 40*time.Second {
			t.Errorf("five requests took %s", took)
		}
	}
	ask()
	signal(syscall.SIGCONT)
	for end := time.Now().Add(streamtest.Timeout); b.get("/settings").last.StatusCode != 200 && time.Now().Before(end); {
		continue // what Postgres had not answered is in its way
	}
	b.wants(200, "Devices")

	stopped = true
	if err := pg.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	ask()
}

// askForFile asks for a file, or to take one, while nobody knows whether there is such a file.
func askForFile(t *testing.T, method, base string) {
	req, err := http.NewRequestWithContext(t.Context(), method, base+"/upload/secret/name.txt", strings.NewReader("text"))
	if err != nil {
		t.Error(err)
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%s of a file: %s", method, resp.Status)
	}
}

// startOn runs a site on a database that is there, with so much patience for a
// request.
func startOn(t *testing.T, url string, timeout time.Duration) string {
	t.Helper()
	db, err := models.Open(t.Context(), models.Options{URL: url, SiteConns: 6, ChatConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t, map[string]string{"DATABASE_URL": url})
	s, err := New(t.Context(), cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The program as it is built; what the tests wait for is shorter.
	if s.middleware.timeout != 15*time.Second {
		t.Errorf("a request may take %s, want 15s (X-24)", s.middleware.timeout)
	}
	s.middleware.timeout = timeout
	l, err := s.listen()
	if err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, s, l)
	return s.BaseURL()
}
