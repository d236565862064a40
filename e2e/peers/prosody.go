package peers

import (
	"path/filepath"
	"strings"
	"testing"
)

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
