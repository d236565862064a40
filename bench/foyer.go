package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"foyer/internal/netaddr"
)

// startFoyer starts the program itself, as in production.
func startFoyer(ctx context.Context, w site, program string) (*server, error) {
	port, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	metrics, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	base := "127.0.0.1:" + strconv.Itoa(port)
	figures := "127.0.0.1:" + strconv.Itoa(metrics)
	env := foyerEnv(w, base, figures)
	run := foyerCommand(program, env)
	if err := w.prepare(ctx, run); err != nil {
		return nil, err
	}
	cmd, stop, err := w.start("foyer", env, program, "serve")
	if err != nil {
		return nil, err
	}
	s := &server{
		name: "Foyer", webSocket: "ws://" + base + "/xmpp-websocket", bosh: "http://" + base + "/http-bind", web: "http://" + base,
		metrics: "http://" + figures + "/metrics",
		pid:     cmd.Process.Pid, postgres: w.pg.PID(), stop: stop,
		note:        "`foyer serve`, `APP_ENV=production`, `ROSTER=none`; signs in with one-use tokens (`foyer token`)",
		credentials: func(ctx context.Context, n int) ([]credential, error) { return tokens(ctx, run, n) },
		command:     func(ctx context.Context, args ...string) error { _, err := run(ctx, args...); return err },
	}
	if w.passwords {
		s.credentials = passwords
	}
	if err := w.ready(ctx, cmd, port); err != nil {
		stop()
		return nil, err
	}
	return s, nil
}

// foyerEnv is the program's settings.
func foyerEnv(w site, base, figures string) []string {
	env := []string{
		"APP_ENV=production", "ADDR=" + base, "BASE_URL=http://" + base,
		"DATABASE_URL=" + w.pg.URL(w.database), "XMPP_DOMAIN=" + domain, "LOG_LEVEL=warn", "METRICS_ADDR=" + figures,
	}
	if w.content == nil {
		env = append(env, "ROSTER=none")
	}
	if w.passwords {
		env = append(env, "XMPP_LOGIN=password", "BOSH_COMPRESSION=true")
	}
	return env
}

// command runs a command of the program, and returns what it prints.
type command func(ctx context.Context, args ...string) ([]byte, error)

func foyerCommand(program string, env []string) command {
	return func(ctx context.Context, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = append(os.Environ(), env...)
		var errOut bytes.Buffer
		cmd.Stderr = &errOut
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("foyer %s: %w: %s", args[0], err, errOut.Bytes())
		}
		return out, nil
	}
}

// prepare makes the database's tables and what is in them.
func (w site) prepare(ctx context.Context, run command) error {
	if _, err := run(ctx, "migrate"); err != nil {
		return err
	}
	if err := importUsers(ctx, w, run); err != nil || w.content == nil {
		return err
	}
	if err := w.content(ctx, w); err != nil {
		return err
	}
	_, err := run(ctx, "migrate") // it indexes the words
	return err
}

// importUsers makes the accounts as an operator would.
func importUsers(ctx context.Context, w site, run command) error {
	var rows strings.Builder
	for i := range w.users {
		rows.WriteString(userName(i) + "," + password + "\n")
	}
	file := filepath.Join(w.dir, "users.csv")
	if err := os.WriteFile(file, []byte(rows.String()), 0o600); err != nil {
		return err
	}
	_, err := run(ctx, "user", "import", file)
	return err
}

// tokens asks for a one-use token for each account.
func tokens(ctx context.Context, run command, n int) ([]credential, error) {
	args := []string{"token"}
	for i := range n {
		args = append(args, userName(i))
	}
	out, err := run(ctx, args...)
	if err != nil {
		return nil, err
	}
	creds := make([]credential, 0, n)
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var line struct {
			JID      string `json:"jid"`
			Password string `json:"password"`
		}
		if err := d.Decode(&line); err != nil {
			return nil, err
		}
		user, _, _ := strings.Cut(line.JID, "@")
		creds = append(creds, credential{user, line.Password})
	}
	if len(creds) != n {
		return nil, fmt.Errorf("foyer token gave %d tokens, not %d", len(creds), n)
	}
	return creds, nil
}
