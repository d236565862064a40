package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"foyer/internal/netaddr"
)

// ejabberd as Debian has it, set up by somebody who read its manual: everything
// in Postgres, with a cache, and no shapers. Arguments: the HTTP port, the
// database's name and port, the port for clients.
const ejabberdConfig = `
hosts: [localhost]
loglevel: error
language: en
listen:
  - port: %[1]d
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /xmpp-websocket: ejabberd_http_ws
      /http-bind: mod_bosh
  - port: %[4]d
    ip: "127.0.0.1"
    module: ejabberd_c2s
default_db: sql
sql_type: pgsql
sql_server: "127.0.0.1"
sql_port: %[3]d
sql_database: "%[2]s"
sql_username: foyer
sql_password: ""
auth_method: sql
auth_password_format: plain
auth_use_cache: true
disable_sasl_mechanisms: [digest-md5, x-oauth2, scram-sha-1, scram-sha-256, scram-sha-512]
websocket_ping_interval: 60
acl:
  local: {user_regexp: ""}
access_rules:
  local: {allow: all}
modules:
  mod_adhoc: {}
  mod_blocking: {}
  mod_bosh: {max_inactivity: 60}
  mod_caps: {}
  mod_carboncopy: {}
  mod_client_state: {}
  mod_disco: {}
  mod_last: {}
  mod_mam: {default: always, cache_size: 10000, assume_mam_usage: true}
  mod_muc:
    host: conference.localhost
    access: all
    access_create: all
    max_users: 5000
    max_user_conferences: 1000
    default_room_options: {mam: true, persistent: false, max_users: 5000, allow_subscription: false}
  mod_offline: {}
  mod_ping: {}
  mod_privacy: {}
  mod_private: {}
  mod_pubsub: {plugins: [flat, pep]}
  mod_roster: {}
  mod_stream_mgmt: {}
  mod_vcard: {search: false}
`

// Where Debian puts it.
const ejabberdSchema = "/usr/share/ejabberd/sql/pg.sql"

func ejabberdLibrary() string {
	found, _ := filepath.Glob("/usr/lib/*/ejabberd-*")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[0])
}

func startEjabberd(ctx context.Context, w site) (*server, error) {
	program, err := exec.LookPath("erl")
	libs := ejabberdLibrary()
	schema, errSchema := os.ReadFile(ejabberdSchema)
	if err != nil || errSchema != nil || libs == "" {
		return nil, fmt.Errorf("ejabberd %w (Debian: apt-get install ejabberd erlang-p1-pgsql)", errMissing)
	}
	if err := w.execSQL(ctx, string(schema), ejabberdAccounts(w)); err != nil {
		return nil, err
	}
	port, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	clients, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(w.dir, "ejabberd.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, ejabberdConfig, port, w.database, w.pgPort, clients), 0o600); err != nil {
		return nil, err
	}
	env := []string{
		"ERL_LIBS=" + libs, "EJABBERD_CONFIG_PATH=" + config, "EJABBERD_LOG_PATH=" + filepath.Join(w.dir, "ejabberd.log"),
		"ERL_CRASH_DUMP=" + filepath.Join(w.dir, "crash.dump"), "HOME=" + w.dir,
	}
	// The virtual machine's arguments are those of ejabberdctl; without a name
	// nothing else on the machine knows it.
	cmd, stop, err := w.start("ejabberd-console", env, program, "+K", "true", "+P", "250000", "-noinput",
		"-mnesia", "dir", strconv.Quote(filepath.Join(w.dir, "spool")), "-s", "ejabberd")
	if err != nil {
		return nil, err
	}
	s := &server{
		name: "ejabberd", version: packageVersion("ejabberd"), stop: stop, credentials: passwords,
		note: "everything in Postgres, caches on, `mod_mam` for people and rooms, no shapers; SASL PLAIN",
	}
	return s, w.peer(ctx, s, cmd, port, clients)
}

func ejabberdAccounts(w site) string {
	return fmt.Sprintf("INSERT INTO users (username, password) SELECT 'u' || lpad(i::text, 4, '0'), '%s' FROM generate_series(0, %d) i", password, w.users-1)
}
