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

// StartEjabberd starts Debian's ejabberd on a configuration, as ejabberdctl does, but
// without a name by which others on the machine would know it. It skips the test where
// there is none.
func StartEjabberd(t testing.TB, dir, config string, port int) *Server {
	t.Helper()
	erl, libraries := findEjabberd(t, "/")
	return startEjabberd(t, erl, libraries, dir, config, port, nil, nil)
}

// StartNewerEjabberd starts the one of Debian's backports, which scripts/backports.sh has
// unpacked, on the machine's own Erlang.
func StartNewerEjabberd(t testing.TB, dir, config string, port int) *Server {
	t.Helper()
	root, err := filepath.Abs("../../var/backports")
	if err != nil {
		t.Fatal(err)
	}
	erl, libraries := findEjabberd(t, root)
	// Erlang's own libraries of the same names come after these.
	return startEjabberd(t, erl, libraries+":"+filepath.Join(root, "usr/lib/erlang/lib"), dir, config, port, nil, nil)
}

func startEjabberd(t testing.TB, erl, libraries, dir, config string, port int, args, env []string) *Server {
	t.Helper()
	log := filepath.Join(dir, "ejabberd.log")
	t.Cleanup(func() {
		if raw, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("ejabberd's log:\n%s", raw)
		}
	})
	env = append(env,
		"ERL_LIBS="+libraries, "EJABBERD_CONFIG_PATH="+Write(t, filepath.Join(dir, "ejabberd.yml"), config),
		"EJABBERD_LOG_PATH="+log, "ERL_CRASH_DUMP="+filepath.Join(dir, "crash.dump"), "HOME="+dir)
	args = append(args, "+K", "true", "-noinput", "-mnesia", "dir", strconv.Quote(filepath.Join(dir, "spool")), "-s", "ejabberd")
	return Start(t, Command{Dir: dir, Path: erl, Port: port, Args: args, Env: env})
}

// findEjabberd returns Erlang's program and the directory of ejabberd's libraries below
// root. It skips the test where they are not.
func findEjabberd(t testing.TB, root string) (erl, libraries string) {
	t.Helper()
	erl, err := exec.LookPath("erl")
	found, _ := filepath.Glob(filepath.Join(root, "usr/lib/*/ejabberd-*"))
	if err != nil || len(found) == 0 {
		t.Skip("ejabberd is not installed; scripts/test.sh interop does that")
	}
	return erl, filepath.Dir(found[0])
}

// EjabberdNodes are nodes of ejabberd that find each other, and nobody else's, on
// loopback: by a port mapper and a cookie of their own.
type EjabberdNodes struct {
	t      testing.TB
	mapper int // its port
	cookie string
}

// NewEjabberdNodes starts the port mapper (epmd). It skips the test where there is no
// ejabberd.
func NewEjabberdNodes(t testing.TB) *EjabberdNodes {
	t.Helper()
	findEjabberd(t, "/")
	epmd, err := exec.LookPath("epmd")
	if err != nil {
		t.Skip("epmd is not installed (Debian: erlang-base)")
	}
	n := &EjabberdNodes{t: t, mapper: FreePort(t), cookie: rand.Text()}
	Start(t, Command{Dir: t.TempDir(), Path: epmd, Args: []string{"-address", "127.0.0.1", "-port", strconv.Itoa(n.mapper)}, Port: n.mapper})
	return n
}

// Name is a node's whole name.
func (n *EjabberdNodes) Name(node string) string { return node + "@127.0.0.1" }

// Start starts a node on a configuration, which stands alone until it joins another.
func (n *EjabberdNodes) Start(node, dir, config string, port int) *Server {
	n.t.Helper()
	erl, libraries := findEjabberd(n.t, "/")
	return startEjabberd(n.t, erl, libraries, dir, config, port, n.args(node), n.env())
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
	erl, libraries := findEjabberd(n.t, "/")
	args := append(n.args("ctl-"+strings.ToLower(rand.Text())), "-hidden", "-noinput", "-s", "ejabberd_ctl", "-extra", n.Name(node))
	cmd := exec.CommandContext(n.t.Context(), erl, append(args, command...)...)
	cmd.Dir = n.t.TempDir()
	cmd.Env = append(append(os.Environ(), n.env()...), "ERL_LIBS="+libraries, "HOME="+cmd.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v:\n%s", strings.Join(command, " "), err, out)
	}
	return string(out)
}
