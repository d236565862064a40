package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// StartEjabberd starts Debian's ejabberd on a configuration, as ejabberdctl does, but
// without a name by which others on the machine would know it. It skips the test where
// there is none.
func StartEjabberd(t testing.TB, dir, config string, port int) *Server {
	t.Helper()
	erl, err := exec.LookPath("erl")
	libraries, _ := filepath.Glob("/usr/lib/*/ejabberd-*")
	if err != nil || len(libraries) == 0 {
		t.Skip("ejabberd is not installed; scripts/test.sh interop does that")
	}
	log := filepath.Join(dir, "ejabberd.log")
	t.Cleanup(func() {
		if raw, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("ejabberd's log:\n%s", raw)
		}
	})
	return Start(t, Command{
		Dir: dir, Path: erl, Port: port,
		Args: []string{"+K", "true", "-noinput", "-mnesia", "dir", strconv.Quote(filepath.Join(dir, "spool")), "-s", "ejabberd"},
		Env: []string{
			"ERL_LIBS=" + filepath.Dir(libraries[0]), "EJABBERD_CONFIG_PATH=" + Write(t, filepath.Join(dir, "ejabberd.yml"), config),
			"EJABBERD_LOG_PATH=" + log, "ERL_CRASH_DUMP=" + filepath.Join(dir, "crash.dump"), "HOME=" + dir,
		},
	})
}
