package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"foyer/internal/netaddr"
)

// Prosody as Debian has it, set up by somebody who read its manual: the
// generational collector, epoll, archives in Postgres, no limits. Arguments: the
// data directory, the HTTP port, the database's name and port, the port for clients.
const prosodyConfig = `
daemonize = false
run_as_root = true
pidfile = "%[1]s/prosody.pid"
data_path = "%[1]s"
log = { warn = "*console" }
network_backend = "epoll"
gc = { mode = "generational" }
blocklist_cache_size = 4096

modules_enabled = {
	"roster"; "saslauth"; "disco"; "presence"; "message"; "iq"; "c2s"; "ping"; "blocklist"; "carbons"; "pep"; "private";
	"vcard4"; "vcard_legacy"; "smacks"; "csi_simple"; "mam"; "bosh"; "websocket";
}
modules_disabled = { "s2s"; "tls"; "limits"; "offline" }

c2s_ports = { %[5]d }
c2s_interfaces = { "127.0.0.1" }
c2s_direct_tls_ports = {}
s2s_ports = {}
http_ports = { %[2]d }
http_interfaces = { "127.0.0.1" }
https_ports = {}
http_default_host = "localhost"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
consider_bosh_secure = true
consider_websocket_secure = true
trusted_proxies = {}
bosh_max_inactivity = 60

authentication = "internal_hashed"
storage = { archive = "sql"; muc_log = "sql" }
sql = { driver = "PostgreSQL"; database = "%[3]s"; username = "foyer"; password = ""; host = "127.0.0.1"; port = %[4]d }
default_archive_policy = true
archive_expires_after = "never"

VirtualHost "localhost"
Component "conference.localhost" "muc"
	modules_enabled = { "muc_mam" }
	muc_log_by_default = true
	muc_log_expires_after = "never"
	muc_room_locking = false
	muc_room_default_public = true
	name = "rooms"
`

func startProsody(ctx context.Context, w site) (*server, error) {
	program, err := exec.LookPath("prosody")
	if err != nil {
		return nil, fmt.Errorf("prosody %w (Debian: apt-get install prosody prosody-modules lua-dbi-postgresql)", errMissing)
	}
	port, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	clients, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(w.dir, "prosody.cfg.lua")
	if err := os.WriteFile(config, fmt.Appendf(nil, prosodyConfig, w.dir, port, w.database, w.pgPort, clients), 0o600); err != nil {
		return nil, err
	}
	if err := prosodyAccounts(w); err != nil {
		return nil, err
	}
	cmd, stop, err := w.start("prosody", nil, program, "--config", config, "-F")
	if err != nil {
		return nil, err
	}
	s := &server{
		name: "Prosody", version: packageVersion("prosody"), stop: stop, credentials: passwords,
		note: "generational collector, epoll, larger block list cache, `mod_mam` and `mod_muc_mam` in Postgres, no limits; SASL PLAIN with hashed passwords",
	}
	return s, w.peer(ctx, s, cmd, port, clients)
}

// prosodyAccounts writes the accounts as Prosody keeps them. It hashes a plain
// password when it is first used.
func prosodyAccounts(w site) error {
	dir := filepath.Join(w.dir, domain, "accounts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for i := range w.users {
		account := "return {\n\t[\"password\"] = \"" + password + "\";\n};\n"
		if err := os.WriteFile(filepath.Join(dir, userName(i)+".dat"), []byte(account), 0o600); err != nil {
			return err
		}
	}
	return nil
}
