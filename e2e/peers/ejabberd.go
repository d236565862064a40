package peers

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// EjabberdRelease is one of ejabberd's releases on this machine.
type EjabberdRelease struct {
	erl       string // Erlang's program
	libraries string // the directories of ejabberd's
	schema    string // the tables that it needs in PostgreSQL
}

// Ejabberd is Debian's own. It skips the test where there is none.
func Ejabberd(t testing.TB) EjabberdRelease {
	t.Helper()
	return findEjabberd(t, "/")
}

// NewerEjabberd is the one of Debian's backports, which scripts/backports.sh unpacks; it runs on
// the machine's own Erlang. It skips the test where there is none.
func NewerEjabberd(t testing.TB) EjabberdRelease {
	t.Helper()
	root := backports(t)
	r := findEjabberd(t, root)
	r.libraries += ":" + filepath.Join(root, "usr/lib/erlang/lib") // Erlang's own of the same names come after these
	return r
}

// backports is where scripts/backports.sh unpacks.
func backports(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../../var/backports")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func findEjabberd(t testing.TB, root string) EjabberdRelease {
	t.Helper()
	erl, err := exec.LookPath("erl")
	found, _ := filepath.Glob(filepath.Join(root, "usr/lib/*/ejabberd-*"))
	if err != nil || len(found) == 0 {
		t.Skip("ejabberd is not installed; scripts/test.sh interop does that")
	}
	return EjabberdRelease{erl: erl, libraries: filepath.Dir(found[0]), schema: filepath.Join(root, "usr/share/ejabberd/sql/pg.sql")}
}

// Schema is the statements that make its tables in PostgreSQL.
func (r EjabberdRelease) Schema(t testing.TB) string {
	t.Helper()
	statements, err := os.ReadFile(r.schema)
	if err != nil {
		t.Fatal(err)
	}
	return string(statements)
}

// Start starts it on a configuration, as ejabberdctl does, but without a name by which others on
// the machine would know it.
func (r EjabberdRelease) Start(t testing.TB, dir, config string, port int) *Server {
	t.Helper()
	return r.start(t, dir, config, port, nil, nil)
}

func (r EjabberdRelease) start(t testing.TB, dir, config string, port int, args, env []string) *Server {
	t.Helper()
	log := filepath.Join(dir, "ejabberd.log")
	t.Cleanup(func() {
		if raw, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("ejabberd's log:\n%s", raw)
		}
	})
	env = append(env,
		"ERL_LIBS="+r.libraries, "EJABBERD_CONFIG_PATH="+Write(t, filepath.Join(dir, "ejabberd.yml"), config),
		"EJABBERD_LOG_PATH="+log, "ERL_CRASH_DUMP="+filepath.Join(dir, "crash.dump"), "HOME="+dir)
	args = append(args, "+K", "true", "-noinput", "-mnesia", "dir", strconv.Quote(filepath.Join(dir, "spool")), "-s", "ejabberd")
	return Start(t, Command{Dir: dir, Path: r.erl, Port: port, Args: args, Env: env})
}

// EjabberdNodes are nodes of ejabberd that find each other, and nobody else's, on
// loopback: by a port mapper and a cookie of their own.
type EjabberdNodes struct {
	t       testing.TB
	release EjabberdRelease
	mapper  int // its port
	cookie  string
}

// NewEjabberdNodes starts the port mapper (epmd), for nodes of one release. It skips the test
// where there is no port mapper.
func NewEjabberdNodes(t testing.TB, release EjabberdRelease) *EjabberdNodes {
	t.Helper()
	epmd, err := exec.LookPath("epmd")
	if err != nil {
		t.Skip("epmd is not installed (Debian: erlang-base)")
	}
	n := &EjabberdNodes{t: t, release: release, mapper: FreePort(t), cookie: rand.Text()}
	Start(t, Command{Dir: t.TempDir(), Path: epmd, Args: []string{"-address", "127.0.0.1", "-port", strconv.Itoa(n.mapper)}, Port: n.mapper})
	return n
}

// Name is a node's whole name.
func (n *EjabberdNodes) Name(node string) string { return node + "@127.0.0.1" }

// Start starts a node on a configuration, which stands alone until it joins another.
func (n *EjabberdNodes) Start(node, dir, config string, port int) *Server {
	n.t.Helper()
	return n.release.start(n.t, dir, config, port, n.args(node), n.env())
}

func (n *EjabberdNodes) args(name string) []string {
	return []string{"-name", n.Name(name), "-setcookie", n.cookie, "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-start_epmd", "false"}
}

func (n *EjabberdNodes) env() []string {
	return []string{"ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT=" + strconv.Itoa(n.mapper)}
}

// Control gives a node a command, as `ejabberdctl` does, and returns what it says.
func (n *EjabberdNodes) Control(node string, command ...string) string {
	n.t.Helper()
	args := append(n.args("ctl-"+strings.ToLower(rand.Text())), "-hidden", "-noinput", "-s", "ejabberd_ctl", "-extra", n.Name(node))
	cmd := exec.CommandContext(n.t.Context(), n.release.erl, append(args, command...)...)
	cmd.Dir = n.t.TempDir()
	cmd.Env = append(append(os.Environ(), n.env()...), "ERL_LIBS="+n.release.libraries, "HOME="+cmd.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v:\n%s", strings.Join(command, " "), err, out)
	}
	return string(out)
}
