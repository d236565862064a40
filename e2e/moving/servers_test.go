package moving

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"foyer/e2e/peers"

	"github.com/jackc/pgx/v5"
)

const password = "pässword"

// newHome is another server, with a database of its own that nobody has used.
type newHome struct {
	kind     string
	database string // URL
	start    func(t *testing.T) (addr string)

	// readsSeconds: its archive keeps times in whole seconds.
	readsSeconds bool
}

// emptyDatabase returns an empty database, and its name.
func emptyDatabase(t testing.TB) (at, name string) {
	t.Helper()
	at = cluster.EmptyDB(t)
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return at, u.Path[1:]
}

// query runs statements, by the simple protocol.
func query(t testing.TB, at, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

const prosodyConfig = `
run_as_root = true
daemonize = false
pidfile = "%[1]s/prosody.pid"
data_path = "%[1]s/data"
admin_socket = "%[1]s/admin"
log = { {levels = { min = "info" }, to = "console"} }
interfaces = { "127.0.0.1" }
c2s_ports = { %[2]d }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_disabled = { "s2s" }
modules_enabled = { "saslauth", "disco", "message", "presence", "iq", "roster", "blocklist", "mam", "offline", "pep", "private", "vcard4", "vcard_legacy" }
authentication = "internal_plain"
default_storage = "sql"
storage = { accounts = "internal"; %[5]s }
sql = { driver = "PostgreSQL", host = "127.0.0.1", port = %[3]d, database = "%[4]s", username = "foyer", password = "none" }
archive_expires_after = "never"
pep_max_items = 1000
VirtualHost "` + domain + `"
Component "` + rooms + `" "muc"
  modules_enabled = { "muc_mam" }
  muc_log_expires_after = "never"
`

// installedProsody is the path of Debian's Prosody, without which there is nothing to test.
func installedProsody(t *testing.T) string {
	t.Helper()
	path := peers.Prosody(t)
	if path == "" {
		t.Skip("Prosody is not installed; scripts/test.sh interop does that")
	}
	return path
}

// prosody has nothing yet: its tables are made as they are needed.
func prosody(t *testing.T, s *site) newHome {
	t.Helper()
	binary := installedProsody(t)
	at, name := emptyDatabase(s.t)
	return newHome{kind: "prosody", database: at, readsSeconds: true, start: func(t *testing.T) string {
		dir, listens := t.TempDir(), peers.FreePort(t)
		for _, user := range s.people {
			peers.ProsodyAccount(t, dir, domain, user, password)
		}
		peers.StartProsody(t, binary, dir, fmt.Sprintf(prosodyConfig, dir, listens, cluster.Port(), name, ""), listens)
		return peers.Addr(listens)
	}}
}

// prosodyOnFiles starts a Prosody whose people have the files of a directory.
func prosodyOnFiles(t *testing.T, s *site, files string) (addr string) {
	t.Helper()
	binary := installedProsody(t)
	_, name := emptyDatabase(t)
	dir, listens := t.TempDir(), peers.FreePort(t)
	if err := os.Symlink(files, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	peers.ProsodyAccount(t, dir, domain, s.people[0], password)
	config := fmt.Sprintf(prosodyConfig, dir, listens, cluster.Port(), name, `roster = "xep0227"; vcard = "xep0227"; private = "xep0227"`)
	peers.StartProsody(t, binary, dir, config, listens)
	return peers.Addr(listens)
}

const ejabberdConfig = `
hosts: [` + domain + `]
loglevel: warning
listen:
  - {port: %[1]d, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144}
auth_method: sql
auth_use_cache: false
default_db: sql
sql_type: pgsql
sql_server: "127.0.0.1"
sql_port: %[2]d
sql_database: %[3]s
sql_username: foyer
sql_password: none
sql_pool_size: 2
new_sql_schema: %[4]t
acl: {local: {user_regexp: ""}}
access_rules: {local: {allow: local}}
modules:
  mod_blocking: {}
  mod_caps: {}
  mod_disco: {}
  mod_mam: {assume_mam_usage: true, default: always}
  mod_muc: {host: ` + rooms + `, access: local, access_create: local, max_users: 5000, default_room_options: {mam: true}}
  mod_offline: {}
  mod_privacy: {}
  mod_private: {}
  mod_pubsub:
    access_createnode: local
    last_item_cache: false
    max_items_node: 1000
    plugins: [flat, pep]
  mod_roster: {versioning: true}
  mod_vcard: {search: false}
`

// ejabberd has the tables of its old or its new schema.
func ejabberd(t *testing.T, s *site, newSchema bool) newHome {
	t.Helper()
	file := "pg.sql"
	if newSchema {
		file = "pg.new.sql"
	}
	schema, err := os.ReadFile("/usr/share/ejabberd/sql/" + file)
	if err != nil {
		t.Skip("ejabberd is not installed; scripts/test.sh interop does that")
	}
	at, name := emptyDatabase(s.t)
	query(t, at, string(schema))
	return newHome{kind: "ejabberd", database: at, start: func(t *testing.T) string {
		columns, host := "username, password", ""
		if newSchema {
			columns, host = columns+", server_host", ", '"+domain+"'"
		}
		query(t, at, "INSERT INTO users ("+columns+") SELECT name, '"+password+"'"+host+" FROM unnest('{"+strings.Join(s.people, ",")+"}'::text[]) name")
		listens := peers.FreePort(t)
		peers.Ejabberd(t).Start(t, t.TempDir(), fmt.Sprintf(ejabberdConfig, listens, cluster.Port(), name, newSchema), listens)
		return peers.Addr(listens)
	}}
}
