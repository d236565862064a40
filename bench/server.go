package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"foyer/internal/netaddr"
	"foyer/internal/pgdev"

	"github.com/jackc/pgx/v5"
)

const domain = "localhost"

// server is a server under test that runs.
type server struct {
	name, version   string
	webSocket, bosh string // URLs
	tcp             string // address of the port for native clients; empty: it has none
	web             string // URL of the site; Foyer's only
	pid, postgres   int
	metrics         string // URL of its figures; empty: it has none
	fresh           memory // before anybody signed in; zero: not measured
	note            string // how it was set up, for the report

	// credentials returns what the first n accounts sign in with; once, in the
	// case of tokens.
	credentials func(ctx context.Context, n int) ([]credential, error)
	command     func(ctx context.Context, args ...string) error // an administrator's; Foyer's only
	stop        func()
}

// site is what every server is given.
type site struct {
	dir       string // for its files
	pg        *pgdev.Server
	pgPort    int // on 127.0.0.1
	database  string
	users     int
	passwords bool                              // people sign in to the chat with their passwords, not with tokens
	content   func(context.Context, site) error // fills the database of a site with default settings; nil: it stays empty
}

// userName is the i-th account's.
func userName(i int) string { return fmt.Sprintf("u%04d", i) }

// The accounts' password, in databases that live for minutes on this machine.
const password = "Kieselstein-4711"

func passwords(_ context.Context, n int) ([]credential, error) {
	out := make([]credential, n)
	for i := range out {
		out[i] = credential{userName(i), password}
	}
	return out, nil
}

// start starts a program in the site's directory; what it says goes to a file
// there. stop ends it, by its id.
func (w site) start(name string, env []string, program string, args ...string) (cmd *exec.Cmd, stop func(), err error) {
	log, err := os.Create(filepath.Join(w.dir, name+".log"))
	if err != nil {
		return nil, nil, err
	}
	cmd = exec.Command(program, args...)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited); log.Close() }()
	return cmd, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group that was made for it
			<-exited
		}
	}, nil
}

// ready waits until the port answers.
func (w site) ready(ctx context.Context, cmd *exec.Cmd, port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			conn.Close()
			return nil
		}
		if syscall.Kill(cmd.Process.Pid, 0) != nil {
			break
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s does not answer on %s: %s", cmd.Path, address, w.lastLines())
}

// peer fills in where another server is that was started, and waits until it answers; one
// that does not is stopped. Its ports are those of HTTP and of native clients.
func (w site) peer(ctx context.Context, s *server, cmd *exec.Cmd, port, clients int) error {
	base := "127.0.0.1:" + strconv.Itoa(port)
	s.webSocket, s.bosh, s.tcp = "ws://"+base+"/xmpp-websocket", "http://"+base+"/http-bind", "127.0.0.1:"+strconv.Itoa(clients)
	s.pid, s.postgres = cmd.Process.Pid, w.pg.PID()
	err := w.ready(ctx, cmd, port)
	if err != nil {
		s.stop()
	}
	return err
}

// lastLines are the ends of the logs, for an error.
func (w site) lastLines() string {
	logs, _ := filepath.Glob(filepath.Join(w.dir, "*.log"))
	var out []string
	for _, path := range logs {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		var tail []string
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if tail = append(tail, lines.Text()); len(tail) > 8 {
				tail = tail[1:]
			}
		}
		f.Close()
		out = append(out, filepath.Base(path)+": "+strings.Join(tail, "\n"))
	}
	return strings.Join(out, "\n")
}

// execSQL runs statements in the site's database, on one connection.
func (w site) execSQL(ctx context.Context, statements ...string) error {
	return w.withConn(ctx, func(conn *pgx.Conn) error {
		for _, q := range statements {
			if _, err := conn.Exec(ctx, q); err != nil {
				return fmt.Errorf("%.60s …: %w", q, err)
			}
		}
		return nil
	})
}

// withConn lets f use a connection to the site's database.
func (w site) withConn(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, w.pg.URL(w.database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return f(conn)
}

// errMissing says that a server is not installed.
var errMissing = errors.New("is not installed; it was left out")

// packageVersion is the version of a package of Debian's.
func packageVersion(name string) string {
	out, _ := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
	return strings.TrimSpace(string(out))
}

// withDatabase runs f with a Postgres of its own, and a directory.
func (b *bench) withDatabase(ctx context.Context, f func(dir string, pg *pgdev.Server, port int) error) error {
	dir, err := os.MkdirTemp("", "foyer-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	port, err := netaddr.FreePort()
	if err != nil {
		return err
	}
	pg, err := pgdev.Start(ctx, pgdev.Options{Dir: filepath.Join(dir, "postgres"), Port: port})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Stop(context.WithoutCancel(ctx)) }()
	return f(dir, pg, port)
}
