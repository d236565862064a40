package instances

import (
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"foyer/e2e/peers"

	"github.com/jackc/pgx/v5"
)

// nodes are nodes of one ejabberd, with the configuration that deploy/ has and one
// database.
type nodes struct {
	*peers.EjabberdNodes
	release peers.EjabberdRelease
	ports   []int
	servers []*peers.Server
}

// reserveNodes takes the ports that the site is to know before there are nodes.
func reserveNodes(t *testing.T, release peers.EjabberdRelease, count int) *nodes {
	t.Helper()
	n := &nodes{EjabberdNodes: peers.NewEjabberdNodes(t, release), release: release}
	for range count {
		n.ports = append(n.ports, peers.FreePort(t))
	}
	return n
}

// upstream is XMPP_UPSTREAM.
func (n *nodes) upstream() string {
	var all []string
	for _, port := range n.ports {
		all = append(all, "xmpp://"+peers.Addr(port))
	}
	return strings.Join(all, ",")
}

// start starts them, each beside an instance of the site, and lets the others join the
// first, as deploy/ejabberd tells operators to.
func (n *nodes) start(t *testing.T, s *site) {
	t.Helper()
	database := ejabberdDatabase(t, n.release.Schema(t))
	key := peers.Write(t, t.TempDir()+"/foyer.jwk", s.foyer(t, "token", "key", "print"))
	for i, port := range n.ports {
		n.servers = append(n.servers, n.Start(nodeName(i), t.TempDir(), n.config(t, port, database, key, s.instances[i]), port))
	}
	for _, server := range n.servers {
		server.Await("is started in the node", 1) // it listens before
	}
	for i := range n.servers[1:] {
		n.Control(nodeName(i+1), "join_cluster", n.Name(nodeName(0)))
		n.servers[i+1].Await("is started in the node", 2) // it starts again for that, and ejabberd 24.12 does not wait
		if said := n.Control(nodeName(0), "list_cluster"); strings.Count(said, "@") != i+2 {
			t.Fatalf("the cluster that the first node knows is %s", said)
		}
	}
}

// busiest is the node that has most streams: each sign-in chooses one, and after a crash most
// may have come to the same.
func (n *nodes) busiest() *peers.Server {
	said := n.Control(nodeName(0), "connected_users_info")
	busiest, most := n.servers[0], 0
	for i, server := range n.servers {
		if streams := strings.Count(said, n.Name(nodeName(i))); streams > most {
			busiest, most = server, streams
		}
	}
	return busiest
}

func nodeName(i int) string { return fmt.Sprintf("node%d", i+1) }

// ejabberdDatabase has the tables, and nothing in them.
func ejabberdDatabase(t *testing.T, tables string) (name string) {
	t.Helper()
	url := cluster.EmptyDB(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
	return conn.Config().Database
}

// config is the file of deploy/, with what is this test's.
func (n *nodes) config(t *testing.T, port int, database, key string, beside *instance) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return shipped(t, "ejabberd/ejabberd.yml", [][2]string{
		{"example.org", domain},
		{"certfiles: [/etc/ejabberd/ejabberd.pem]", ""},
		{"port: 5222", fmt.Sprint("port: ", port)},
		{"port: 5280", fmt.Sprint("port: ", peers.FreePort(t))},
		{"/var/lib/ejabberd/upload", path.Join(t.TempDir(), "upload")},
		{"/etc/ejabberd/foyer.jwk", key},
		{"/usr/local/bin/foyer extauth --site unix:/run/foyer/auth", program + " extauth --site unix:" + beside.authSocket()},
		{"modules:", "modules:\n  mod_admin_extra: {}"}, // busiest
		{"sql_port: 5432", fmt.Sprint("sql_port: ", cluster.Port())},
		{"sql_database: ejabberd", "sql_database: " + database},
		{"sql_username: ejabberd", "sql_username: foyer\nsql_pool_size: 4"},
	})
}

// shipped is a file of deploy/ with what is this test's in it. Each change has to find
// what it changes: a test that changes nothing tests something else.
func shipped(t *testing.T, file string, changes [][2]string) string {
	t.Helper()
	raw, err := os.ReadFile(path.Join("../../deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, c := range changes {
		if !strings.Contains(text, c[0]) {
			t.Fatalf("deploy/%s has no %s", file, c[0])
		}
		text = strings.ReplaceAll(text, c[0], c[1])
	}
	return text
}
