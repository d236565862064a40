package moving

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"foyer/e2e/peers"
)

// shipped is a file of deploy/ with what is this test's in it. Each change has to find what it
// changes: a test that changes nothing tests something else.
func shipped(t *testing.T, file string, changes ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for pair := range slices.Chunk(changes, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("deploy/%s has no %s", file, pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}

// TestRetention: what is older than an operator wants it goes, and nothing else, by the means that
// docs/SERVERS.md names, from servers with the configurations of deploy/. People's messages and those
// of a room are two months old, except the later half of them.
func TestRetention(t *testing.T) {
	s := newSite(t, size{people: 10, rooms: 1, perPair: 10, perRoom: 10})
	s.configure(t)
	t.Run("Prosody", s.retentionOfProsody)
	t.Run("ejabberd", s.retentionOfEjabberd)
}

// kept compares what is left: of each archive the later half.
func (s *site) kept(t *testing.T, addr string) {
	t.Helper()
	r := signIn(t, addr, s.people[0])
	room := s.rooms[0] + "@" + rooms
	for of, said := range map[string][]string{"": s.bodies(s.jid(0)), room: s.bodies(room)} {
		var left []string
		for _, m := range r.history(of, "") {
			left = append(left, m.Found.Forwarded.Message.Body)
		}
		if !slices.Equal(left, said[len(said)/2:]) {
			t.Errorf("%s: of %d messages these are left: %q", of, len(said), left)
		}
	}
}

func (s *site) bodies(owner string) (all []string) {
	for _, e := range s.said[owner] {
		all = append(all, e.Body)
	}
	return all
}

func (s *site) retentionOfProsody(t *testing.T) {
	binary := installedProsody(t)
	at, name := emptyDatabase(t)
	export(t, "--to", "prosody", "--database", at)
	// Prosody looks once a day; it never has.
	query(t, at, `
		UPDATE prosodyarchive a SET "when" = extract(epoch FROM now())::int - CASE WHEN n <= half THEN 60 * 86400 ELSE 3600 END FROM (
			SELECT sort_id, row_number() OVER w AS n, count(*) OVER (PARTITION BY host, "user", store) / 2 AS half
			FROM prosodyarchive WINDOW w AS (PARTITION BY host, "user", store ORDER BY sort_id)
		) x WHERE x.sort_id = a.sort_id;
		INSERT INTO prosody (host, "user", store, key, type, value) VALUES
			('`+domain+`', '', 'cron', 'mam/remove_expired_messages', 'number', '0'),
			('`+rooms+`', '', 'cron', 'muc_mam/remove_expired_messages', 'number', '0')`)
	dir, listens := t.TempDir(), peers.FreePort(t)
	config := "run_as_root = true\ndaemonize = false\nadmin_socket = \"" + dir + "/admin\"\n" + shipped(t, "prosody/prosody.cfg.lua",
		`archive_expires_after = "never"`, `archive_expires_after = "30d"`,
		`muc_log_expires_after = "never"`, `muc_log_expires_after = "30d"`,
		"example.org", domain,
		"c2s_ports = { 5222 }", fmt.Sprintf("c2s_ports = { %d }", listens),
		"http_ports = { 5280 }", fmt.Sprintf("http_ports = { %d }", peers.FreePort(t)),
		"/run/prosody", dir,
		"/var/lib/prosody", filepath.Join(dir, "data"),
		`{ info = "/var/log/prosody/prosody.log", error = "/var/log/prosody/prosody.err" }`, `"*console"`,
		`authentication = "dovecot"`, `authentication = "internal_plain"`,
		`storage = "sql"`, `default_storage = "sql"; storage = { accounts = "internal" }`,
		"port = 5432", fmt.Sprint("port = ", cluster.Port()),
		`database = "prosody", username = "prosody"`, fmt.Sprintf("database = %q, username = %q", name, "foyer"),
	)
	for _, user := range s.people {
		peers.ProsodyAccount(t, dir, domain, user, password)
	}
	server := peers.StartProsody(t, binary, dir, config, listens)
	server.Await("expired messages", 2) // people's, and those of rooms
	s.kept(t, peers.Addr(listens))
}

func (s *site) retentionOfEjabberd(t *testing.T) {
	release := peers.Ejabberd(t)
	nodes := peers.NewEjabberdNodes(t, release)
	at, name := emptyDatabase(t)
	query(t, at, release.Schema(t))
	export(t, "--to", "ejabberd", "--database", at)
	query(t, at, `
		UPDATE archive a SET timestamp = (extract(epoch FROM now())::bigint - CASE WHEN n <= half THEN 60 * 86400 ELSE 3600 END) * 1000000 + n FROM (
			SELECT id, row_number() OVER w AS n, count(*) OVER (PARTITION BY username) / 2 AS half
			FROM archive WINDOW w AS (PARTITION BY username ORDER BY timestamp)
		) x WHERE x.id = a.id;
		INSERT INTO users (username, password) SELECT name, '`+password+`' FROM unnest('{`+strings.Join(s.people, ",")+`}'::text[]) name`)
	listens := peers.FreePort(t)
	config := shipped(t, "ejabberd/ejabberd.yml",
		"example.org", domain,
		"certfiles: [/etc/ejabberd/ejabberd.pem]", "",
		"port: 5222", fmt.Sprint("port: ", listens),
		"port: 5280", fmt.Sprint("port: ", peers.FreePort(t)),
		"/var/lib/ejabberd/upload", filepath.Join(t.TempDir(), "upload"),
		"auth_method: [jwt, external]", "auth_method: [sql]",
		"jwt_key: /etc/ejabberd/foyer.jwk\njwt_jid_field: jid\nextauth_program: /usr/local/bin/foyer extauth --site unix:/run/foyer/auth\n", "",
		"sql_port: 5432", fmt.Sprint("sql_port: ", cluster.Port()),
		"sql_database: ejabberd", "sql_database: "+name,
		"sql_username: ejabberd", "sql_username: foyer",
	)
	nodes.Start("node", t.TempDir(), config, listens).Await("is started in the node", 1) // it listens before
	nodes.Control("node", "delete_old_mam_messages", "all", "30")
	s.kept(t, peers.Addr(listens))
}
