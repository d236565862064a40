package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Prosody returns the path of Debian's own Prosody; empty, if it is not on this machine.
func Prosody(testing.TB) string {
	path, _ := exec.LookPath("prosody")
	return path
}

// NewerProsody returns that of Debian's backports, which scripts/backports.sh unpacks; empty, if
// it did not.
func NewerProsody(t testing.TB) string {
	t.Helper()
	root := backports(t)
	program, err := os.ReadFile(filepath.Join(root, "usr/bin/prosody"))
	if err != nil {
		return ""
	}
	// The program has the places of its libraries in it.
	moved := strings.ReplaceAll(string(program), "'/usr/lib/prosody", "'"+root+"/usr/lib/prosody")
	path := filepath.Join(t.TempDir(), "prosody")
	if err := os.WriteFile(path, []byte(moved), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// StartProsody starts a Prosody, by the path of its program, on a configuration, with more in
// its environment.
func StartProsody(t testing.TB, path, dir, config string, port int, env ...string) *Server {
	t.Helper()
	file := Write(t, filepath.Join(dir, "prosody.cfg.lua"), config)
	return Start(t, Command{Dir: dir, Path: path, Args: []string{"--config", file, "-F"}, Env: env, Port: port})
}

// ProsodyAccount writes an account as mod_auth_internal_plain reads it, where data_path is
// data in dir.
func ProsodyAccount(t testing.TB, dir, domain, user, password string) {
	t.Helper()
	Write(t, filepath.Join(dir, "data", strings.ReplaceAll(domain, ".", "%2e"), "accounts", user+".dat"), `return { ["password"] = "`+password+`" };`)
}
