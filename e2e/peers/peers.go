// Package peers starts other people's XMPP servers for tests, each on loopback, with its
// files in a directory of the test's own. Tests bring the configurations.
package peers

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"foyer/internal/netaddr"
)

// timeout is how long a server may take to start, to say something, or to end.
const timeout = time.Minute

// FreePort returns a port of loopback that was free a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := netaddr.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Addr is the address of a port of loopback.
func Addr(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// Write writes a file, and the directories that it is in.
func Write(t testing.TB, file, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Command is how a server is started.
type Command struct {
	Dir  string   // its own
	Path string   // of the program
	Args []string //
	Env  []string // besides the test's
	Port int      // at which it listens once it is ready
}

// Server is a server that runs until the test ends, if not stopped before. Its methods
// are for one goroutine.
type Server struct {
	Command
	t     testing.TB
	cmd   *exec.Cmd
	ended chan struct{}
	out   output
}

// output is what a server has said.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// Start starts a server, and returns when it listens.
func Start(t testing.TB, c Command) *Server {
	t.Helper()
	s := &Server{Command: c, t: t}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(c.Path), s.Said())
		}
	})
	s.Start()
	return s
}

// Start starts it again.
func (s *Server) Start() {
	s.t.Helper()
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.Dir, append(os.Environ(), s.Env...), &s.out, &s.out
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	s.cmd, s.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // it says by which signal it ended
		close(ended)
	}()
	s.until("listens", func() bool {
		conn, err := net.DialTimeout("tcp", Addr(s.Port), time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// Stop ends it in order (SIGTERM); a second time it does nothing.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	s.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(timeout):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// Restart ends it in order and starts it again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

// Signal sends it a signal.
func (s *Server) Signal(sig os.Signal) { _ = s.cmd.Process.Signal(sig) }

// Said is all that it has said so far.
func (s *Server) Said() string { return s.out.String() }

// Await waits until it has said something so many times.
func (s *Server) Await(mark string, times int) {
	s.t.Helper()
	s.until("says "+strconv.Quote(mark), func() bool { return strings.Count(s.Said(), mark) >= times })
}

// until waits for what no event tells of another program.
func (s *Server) until(what string, is func() bool) {
	s.t.Helper()
	late := time.After(timeout)
	for !is() {
		select {
		case <-s.ended:
			s.t.Fatalf("it ended before it %s:\n%s", what, s.Said())
		case <-late:
			s.t.Fatalf("it never %s:\n%s", what, s.Said())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
