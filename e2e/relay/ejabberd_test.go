package relay

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"
)

// ejabberd is an ejabberd of the test's own, on loopback only, that can be restarted.
// Whom it lets in, it asks this very program.
type ejabberd struct {
	t     *testing.T
	dir   string
	libs  string
	port  int
	cmd   *exec.Cmd
	ended chan struct{}
}

const ejabberdConfig = `
hosts: [%[1]s]
loglevel: warning
listen:
  - port: %[2]d
    ip: "127.0.0.1"
    module: ejabberd_c2s
auth_method: [external]
extauth_program: "%[3]s extauth"
auth_use_cache: false
disable_sasl_mechanisms: [digest-md5, x-oauth2]
acl:
  local: {user_regexp: ""}
access_rules:
  local: {allow: local}
modules:
  mod_disco: {}
  mod_offline: {}
  mod_roster: {}
  mod_stream_mgmt: {resend_on_timeout: true}
`

// startEjabberd skips the test if there is no ejabberd.
func startEjabberd(t *testing.T) *ejabberd {
	found, _ := filepath.Glob("/usr/lib/*/ejabberd-*")
	if _, err := exec.LookPath("erl"); err != nil || len(found) == 0 {
		t.Skip("ejabberd is not installed")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e := &ejabberd{t: t, dir: t.TempDir(), libs: filepath.Dir(found[0]), port: freePort(t)}
	if err := os.WriteFile(e.config(), fmt.Appendf(nil, ejabberdConfig, domain, e.port, program), 0o600); err != nil {
		t.Fatal(err)
	}
	e.start()
	t.Cleanup(e.stop)
	return e
}

func (e *ejabberd) config() string { return filepath.Join(e.dir, "ejabberd.yml") }

// start runs it as ejabberdctl does, without a name by which others on the machine would
// know it.
func (e *ejabberd) start() {
	e.t.Helper()
	e.cmd = exec.Command("erl", "+K", "true", "-noinput", "-mnesia", "dir", strconv.Quote(filepath.Join(e.dir, "spool")), "-s", "ejabberd")
	e.cmd.Dir, e.cmd.WaitDelay = e.dir, 5*time.Second
	e.cmd.Env = append(os.Environ(), "ERL_LIBS="+e.libs, "EJABBERD_CONFIG_PATH="+e.config(),
		"EJABBERD_LOG_PATH="+filepath.Join(e.dir, "ejabberd.log"), "ERL_CRASH_DUMP="+filepath.Join(e.dir, "crash.dump"), "HOME="+e.dir)
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // it says by which signal it ended
		close(ended)
	}(e.cmd, e.ended)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(e.port)); err == nil {
			c.Close()
			return
		}
		select {
		case <-e.ended:
			e.t.Fatal("ejabberd has ended; its log:\n", e.log())
		default:
		}
		if time.Now().After(end) {
			e.t.Fatal("ejabberd does not listen; its log:\n", e.log())
		}
	}
}

func (e *ejabberd) log() string {
	raw, _ := os.ReadFile(filepath.Join(e.dir, "ejabberd.log"))
	return string(raw)
}

func (e *ejabberd) stop() {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.ended:
	case <-time.After(streamtest.Patience):
		_ = e.cmd.Process.Kill()
		<-e.ended
	}
}

func (e *ejabberd) restart() {
	e.stop()
	e.start()
}

// answerEjabberd is this program as ejabberd starts it: everybody who has the password is
// let in (ejabberd's protocol for external authentication).
func answerEjabberd(r io.Reader, w io.Writer) {
	for {
		var n uint16
		if binary.Read(r, binary.BigEndian, &n) != nil {
			return
		}
		if _, err := io.ReadFull(r, make([]byte, n)); err != nil {
			return
		}
		_, _ = w.Write([]byte{0, 2, 0, 1})
	}
}
