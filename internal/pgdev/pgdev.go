// Package pgdev runs a private Postgres for development and tests: a real one,
// with its data in a directory of the project, reachable through a unix socket
// only, and gone with the program.
package pgdev

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"foyer/internal/netaddr"
)

// The superuser of the private cluster; the socket's directory is its lock.
const superuser = "foyer"

// Options configure Start.
type Options struct {
	Dir    string       // the cluster's data; made when it is not there
	Log    func(string) // told of slow steps, for people; may be nil
	NoSync bool         // give up safety for speed; for tests only
	Port   int          // listen there on 127.0.0.1 as well, without a password, for programs that know no unix sockets; 0: nowhere
}

// Server is a running Postgres.
type Server struct {
	socket  string
	port    int  // of the socket's name, and on 127.0.0.1 if that was asked for; 0: 5432
	scratch bool // socket is a directory of our own
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the process is gone
	err     error         // how it went; valid after exited
	stop    sync.Once
}

// Start starts Postgres on the data in o.Dir, making a cluster there first if
// there is none. A cluster that crashed is recovered. It returns when the
// database answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := makeCluster(ctx, bin, o); err != nil {
		return nil, err
	}
	if err := awaitPrevious(ctx, o); err != nil {
		return nil, err
	}
	s := &Server{exited: make(chan struct{}), port: o.Port}
	if err := s.chooseSocket(o.Dir); err != nil {
		return nil, err
	}
	if err := s.run(ctx, bin, o); err != nil {
		return nil, err
	}
	return s, nil
}

// URL returns the URL of a database of the cluster.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s&port=%d", superuser, database, s.socket, cmp.Or(s.port, 5432))
}

// CreateDatabase creates a database unless it is there. A template, if given,
// is copied.
func (s *Server) CreateDatabase(ctx context.Context, name, template string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var there bool
	var version int
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1), current_setting('server_version_num')::int", name).Scan(&there, &version); err != nil || there {
		return err
	}
	q := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize()
	if template != "" {
		q += " TEMPLATE " + pgx.Identifier{template}.Sanitize()
		// Files are copied in half the time that the same takes through the log; Postgres 14 knows nothing else.
		if version >= 150000 {
			q += " STRATEGY FILE_COPY"
		}
	}
	_, err = conn.Exec(ctx, q)
	return err
}

// DropDatabase drops a database, with the connections to it.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
	return err
}

// PID returns the postmaster's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Exited is closed when Postgres is gone, by Stop or by itself.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Stop stops Postgres in order, and the hard way when ctx ends before that. It
// may be called more than once.
func (s *Server) Stop(ctx context.Context) error {
	// SIGINT is the fast shutdown: connections are closed, data is flushed.
	s.stop.Do(func() { _ = s.cmd.Process.Signal(os.Interrupt) })
	select {
	case <-s.exited:
	case <-ctx.Done():
		_ = s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.exited
	}
	if s.scratch {
		_ = os.RemoveAll(s.socket)
	}
	return s.err
}

const maxSocketDir = netaddr.MaxUnixPath - len("/.s.PGSQL.5432.lock")

// chooseSocket puts the socket into the data directory, whose mode keeps others
// out, or into a directory of its own where that path is too long.
func (s *Server) chooseSocket(dir string) error {
	if len(dir) <= maxSocketDir {
		s.socket = dir
		return nil
	}
	var err error
	s.socket, err = os.MkdirTemp("", "foyer-pg-")
	s.scratch = true
	return err
}

// unicodeCtype is the locale, where it is known to exist, in which the letters
// of every alphabet are letters, so that a search knows words and ignores case.
// Order stays that of bytes.
var unicodeCtype = map[string]string{"linux": "C.UTF-8", "darwin": "UTF-8"}

// makeCluster runs initdb, beside the final place, so that an interrupted start
// leaves nothing half made.
func makeCluster(ctx context.Context, bin string, o Options) error {
	if _, err := os.Stat(filepath.Join(o.Dir, "PG_VERSION")); err == nil {
		return checkVersion(bin, o.Dir)
	}
	if left, err := os.ReadDir(o.Dir); err == nil && len(left) > 0 {
		return fmt.Errorf("%s is not empty and holds no Postgres cluster; move it away", o.Dir)
	}
	o.Log("Making a private Postgres in " + o.Dir + " (the first time only) …")
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o700); err != nil {
		return err
	}
	half := o.Dir + ".new"
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	args := []string{"-D", half, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"}
	if ctype := unicodeCtype[runtime.GOOS]; ctype != "" {
		args = append(args, "--lc-ctype="+ctype)
	}
	if o.NoSync {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), args...)
	cmd.Env = environment()
	asOrdinaryUser(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb failed: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	_ = os.Remove(o.Dir) // an empty one
	return os.Rename(half, o.Dir)
}

// checkVersion refuses data of another major version, which the server would
// refuse less kindly.
func checkVersion(bin, dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err != nil {
		return err
	}
	out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return fmt.Errorf("%s does not run: %w", filepath.Join(bin, "postgres"), err)
	}
	have := strings.TrimSpace(string(raw))
	fields := strings.Fields(string(out)) // postgres (PostgreSQL) 15.18 …
	if len(fields) < 3 || !strings.HasPrefix(fields[2], have) {
		return fmt.Errorf("the data in %s is of Postgres %s, but %s is %s; install that version, or move the data away",
			dir, have, bin, strings.TrimSpace(string(out)))
	}
	return nil
}

// How long a Postgres that was left behind has to finish.
const previousTimeout = 15 * time.Second

// awaitPrevious waits for a server that is still stopping; one that goes on is
// another instance's.
func awaitPrevious(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, previousTimeout)
	defer cancel()
	told := false
	for {
		pid := postmasterPID(o.Dir)
		if pid == 0 || syscall.Kill(pid, 0) != nil {
			return nil // none, or a stale file that Postgres deals with itself
		}
		if !told {
			o.Log("Waiting for the previous Postgres to stop …")
			told = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another Postgres (process %d) uses %s; stop the program that runs it first", pid, o.Dir)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// postmasterPID reads the lock file; 0 when there is none.
func postmasterPID(dir string) int {
	f, err := os.Open(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return 0
	}
	defer f.Close()
	var pid int
	if _, err := fmt.Fscan(f, &pid); err != nil {
		return 0
	}
	if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && !strings.HasPrefix(string(comm), "postgres") {
		return 0 // the number belongs to somebody else by now
	}
	return pid
}

func environment() []string { return append(os.Environ(), "LC_ALL=C", "TZ=UTC") }

// run starts the server and waits until it accepts connections.
func (s *Server) run(ctx context.Context, bin string, o Options) error {
	listen := ""
	if o.Port != 0 {
		listen = "127.0.0.1"
	}
	args := []string{"-D", o.Dir, "-k", s.socket, "-p", strconv.Itoa(cmp.Or(o.Port, 5432)), "-c", "listen_addresses=" + listen, "-c", "unix_socket_permissions=0700",
		"-c", "logging_collector=off", "-c", "log_destination=stderr", "-c", "max_connections=200"}
	if o.NoSync {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
			"-c", "max_wal_size=128MB") // ScratchDir may be in memory, and a checkpoint costs nothing
	}
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), args...)
	s.cmd.Env = environment()
	asOrdinaryUser(s.cmd)
	logs, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	started := make(chan error, 1)
	go s.supervise(logs, started)
	select {
	case err := <-started:
		return err
	case <-ctx.Done():
		_ = s.Stop(context.WithoutCancel(ctx))
		return ctx.Err()
	}
}

// supervise starts the process and waits for its end, on one OS thread: the
// kernel's "signal me when my parent dies" means the thread that started it.
func (s *Server) supervise(logs io.ReadCloser, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.exited)
	if err := s.cmd.Start(); err != nil {
		s.err = err
		started <- err
		return
	}
	tail := make([]string, 0, 8)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(logs)
		ready := false
		for lines.Scan() {
			if tail = append(tail, lines.Text()); len(tail) > 8 {
				tail = tail[1:]
			}
			if !ready && strings.Contains(lines.Text(), "database system is ready to accept connections") {
				ready = true
				started <- nil
			}
		}
	}()
	<-read
	s.err = exitError(s.cmd.Wait())
	select {
	case started <- fmt.Errorf("postgres did not start: %w\n%s", errors.Join(s.err), strings.Join(tail, "\n")):
	default:
	}
}

// exitError takes an end by our own signals as success.
func exitError(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return fmt.Errorf("postgres was ended: %s", exit)
	}
	return err
}

// RunningURL returns the URL of a database of the cluster in dir if another
// program, such as the site, runs it now.
func RunningURL(dir, database string) (url string, ok bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	pid := postmasterPID(dir)
	if pid == 0 || syscall.Kill(pid, 0) != nil {
		return "", false
	}
	raw, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return "", false
	}
	lines := strings.Split(string(raw), "\n") // pid, data, start, port, socket directory, …
	if len(lines) < 5 {
		return "", false
	}
	return (&Server{socket: lines[4]}).URL(database), true
}
