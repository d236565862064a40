package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"foyer/app/doctor"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func TestChatExport_Refuses(t *testing.T) {
	c := newTerminal(t, nil)
	for want, args := range map[string][]string{
		"say where to":                  nil,
		"say whose tables":              {"--database", "postgres:///x"},
		"--to needs":                    {"--to", "prosody"},
		"--to needs the other":          {"--to", "prosody", "--database", "postgres:///x", "--database-file", "y"},
		"--each goes with":              {"--to", "prosody", "--database", "postgres:///x", "--each"},
		"no such file":                  {"--to", "prosody", "--database-file", filepath.Join(t.TempDir(), "none")},
		"is the database of a site":     {"--to", "prosody", "--database", c.cfg.DatabaseURL},
		"and not of another":            {"--to", "ejabberd", "--database", c.cfg.DatabaseURL},
		"there is no table rosterusers": {"--to", "ejabberd", "--database", cluster.EmptyDB(t)},
	} {
		if out, err := c.run("", append([]string{"chat", "export"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", args, out, err)
		}
	}
	away := newTerminal(t, map[string]string{"XMPP_UPSTREAM": "xmpp://127.0.0.1:1"})
	if _, err := away.run("", "chat", "export", "--out", t.TempDir()); err == nil || !strings.Contains(err.Error(), "XMPP_UPSTREAM=embedded") {
		t.Errorf("a site that has moved: %v", err)
	}
}

// TestChatExport: to a database whose URL is in a file; the rooms are known afterwards, and
// somebody is told while the site is running.
func TestChatExport(t *testing.T) {
	c := newTerminal(t, nil)
	if _, err := c.run("", "user", "add", "anne", "--password", testPassword); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(cluster.EmptyDB(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	release, _, err := c.db.Lock(t.Context(), "foyer-chat-server") // as a site that runs does
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.run("", "chat", "export", "--to", "prosody", "--database-file", file)
	if err != nil || !strings.Contains(out, "prosody has 1 person, 0 rooms and 0 messages: 2 rows added, 0 changed, 0 removed") || !strings.Contains(out, "The site is running") {
		t.Errorf("%q, %v", out, err)
	}
	release()
	url, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err = c.run(string(url), "chat", "export", "--to", "prosody", "--database-file", "-")
	if err != nil || !strings.Contains(out, ": 0 rows added, 0 changed, 0 removed") || strings.Contains(out, "The site is running") {
		t.Errorf("again: %q, %v", out, err)
	}
}

// TestChatExport_Interrupted: rooms that were copied are known as such, though the copy came to no end. Else nobody
// would remove them there if they ended before the next run.
func TestChatExport_Interrupted(t *testing.T) {
	c := newTerminal(t, nil)
	if _, err := c.run("", "user", "add", "anne", "--password", testPassword); err != nil {
		t.Fatal(err)
	}
	site, there := connect(t, c.cfg.DatabaseURL), cluster.EmptyDB(t)
	export := []string{"chat", "export", "--to", "prosody", "--database", there}
	if _, err := c.run("", export...); err != nil { // which makes the tables
		t.Fatal(err)
	}
	other := connect(t, there)
	for conn, sql := range map[*pgx.Conn]string{
		site: makeDen,
		other: `CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
			CREATE TRIGGER stall BEFORE INSERT ON prosodyarchive FOR EACH ROW EXECUTE FUNCTION stall();
			CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('rooms', ''); RETURN NULL; END $$;
			CREATE TRIGGER tell AFTER INSERT ON prosody FOR EACH ROW WHEN (NEW.store = 'persistent') EXECUTE FUNCTION tell();
			LISTEN rooms`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, site, "anne@localhost", "bob@localhost")
	ctx, cancel := context.WithCancel(t.Context())
	c.ctx = ctx
	go func() {
		defer cancel()
		if _, err := other.WaitForNotification(ctx); err != nil { // the rooms are there
			t.Error(err)
		}
	}()
	if out, err := c.run("", export...); !errors.Is(err, context.Canceled) {
		t.Fatalf("%q, %v", out, err)
	}
	var copied string
	if err := site.QueryRow(t.Context(), "SELECT string_agg(name, ' ') FROM copied_rooms").Scan(&copied); err != nil || copied != "den" {
		t.Errorf("%q are known as copied, %v", copied, err)
	}
}

const makeDen = `INSERT INTO rooms (name, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
	VALUES ('den', true, true, false, false, false, true, true, 'anyone', true, 10)`

// TestChatExport_OwnPeople: who left the site since a copy has nothing there any more; an account of that server's own
// stays, though the site gave its name to somebody once.
func TestChatExport_OwnPeople(t *testing.T) {
	c := newTerminal(t, nil)
	there := cluster.EmptyDB(t)
	site, other := connect(t, c.cfg.DatabaseURL), connect(t, there)
	people := func(want string) {
		t.Helper()
		var got string
		if err := other.QueryRow(t.Context(), `SELECT string_agg(DISTINCT "user", ' ' ORDER BY "user") FROM prosody WHERE "user" <> ''`).Scan(&got); err != nil || got != want {
			t.Errorf("%q have something there, want %q, %v", got, want, err)
		}
	}
	leave := func(name string) {
		t.Helper()
		if _, err := site.Exec(t.Context(), "DELETE FROM accounts WHERE username = $1", name); err != nil {
			t.Fatal(err)
		}
	}
	export := func() {
		t.Helper()
		if out, err := c.run("", "chat", "export", "--to", "prosody", "--database", there); err != nil {
			t.Fatalf("%q, %v", out, err)
		}
	}
	for _, name := range []string{"admin", "anne", "bob"} {
		if _, err := c.run("", "user", "add", name, "--password", testPassword); err != nil {
			t.Fatal(err)
		}
	}
	leave("admin")
	export()
	people("anne bob")
	if _, err := other.Exec(t.Context(), `INSERT INTO prosody ("host", "user", "store", "key", "type", "value") VALUES ('localhost', 'admin', 'roster', 'x@localhost', 'json', '{}')`); err != nil {
		t.Fatal(err)
	}
	leave("anne")
	export()
	people("admin bob")
}

// TestChatExport_RoomMadeAgain: a room has nothing of one of the same name that an earlier copy brought.
func TestChatExport_RoomMadeAgain(t *testing.T) {
	c := newTerminal(t, nil)
	there := cluster.EmptyDB(t)
	site, other := connect(t, c.cfg.DatabaseURL), connect(t, there)
	keep(t, site, "den@conference.localhost", "anne@localhost")
	for _, want := range []int{1, 0, 0} {
		if _, err := site.Exec(t.Context(), makeDen); err != nil {
			t.Fatal(err)
		}
		if out, err := c.run("", "chat", "export", "--to", "prosody", "--database", there); err != nil {
			t.Fatalf("%q, %v", out, err)
		}
		var settings, messages int
		err := other.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM prosody WHERE "user" = 'den'), (SELECT count(*) FROM prosodyarchive WHERE "user" = 'den')`).Scan(&settings, &messages)
		if err != nil || settings == 0 || messages != want {
			t.Errorf("%d settings and %d messages, want %d, %v", settings, messages, want, err)
		}
		if _, err := site.Exec(t.Context(), "DELETE FROM archive; DELETE FROM rooms"); err != nil {
			t.Fatal(err)
		}
	}
}

// keep puts a message into an archive.
func keep(t *testing.T, site *pgx.Conn, owner, with string) {
	t.Helper()
	_, err := site.Exec(t.Context(), `INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza) VALUES ($1, $2, $3, '', true, 'm1', 'hello', $4)`,
		owner, uuid.Must(uuid.NewV7()), with, []byte(`<message xmlns="jabber:client"><body>hello</body></message>`))
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// The database's chat domain is printed, changed on purpose, and looked at by the doctor.
func TestChatDomain(t *testing.T) {
	c := newTerminal(t, nil)
	c.says("None yet", "", "chat", "domain")
	if err := c.db.SetChatDomain(t.Context(), "example.org"); err != nil {
		t.Fatal(err)
	}
	c.says("example.org", "", "chat", "domain")
	found, err := c.findings()
	if f := found["chat domain"]; err == nil || f.State != doctor.Fail || !strings.Contains(f.Text, "foyer chat domain localhost") {
		t.Errorf("%+v %v", f, err)
	}
	c.fails("XMPP_DOMAIN is localhost", "", "chat", "domain", "example.com")
	for _, args := range []string{"user list", "user export alice --out " + t.TempDir(), "user delete alice --yes", "orphans", "chat export --out " + t.TempDir()} {
		c.fails("`foyer chat domain localhost`", "", strings.Fields(args)...)
	}
	c.says("What people had at example.org stays", "", "chat", "domain", "localhost")
	c.says("localhost", "", "chat", "domain")
	if found, err := c.findings(); err != nil || found["chat domain"].State != doctor.OK {
		t.Errorf("%+v %v", found["chat domain"], err)
	}
}
