package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/app"
	"foyer/app/doctor"
	"foyer/internal/pgdev/pgtest"
	"foyer/models"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster}) }

const testPassword = "a few words in a row"

// terminal runs commands on a database of its own.
type terminal struct {
	t   testing.TB
	cfg app.Config
	db  *models.DB
	ctx context.Context // of its commands; nil: one without an end

	wrong  error    // of the settings
	static fs.FS    // in place of the program's own
	flags  []string // of foyer doctor

	asks  bool     // somebody is there, and types:
	typed []string // passwords that are not shown
}

func newTerminal(t testing.TB, more map[string]string) *terminal {
	t.Helper()
	environ := map[string]string{"APP_ENV": "development", "DATABASE_URL": cluster.DB(t), "DATA_DIR": t.TempDir(), "LOG_LEVEL": "error"}
	for k, v := range more {
		environ[k] = v
	}
	cfg, err := app.LoadConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	db, err := models.Open(t.Context(), models.Options{URL: cfg.DatabaseURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &terminal{t: t, cfg: cfg, db: db}
}

// run runs a command with that standard input, and returns what it said.
func (c *terminal) run(in string, args ...string) (out string, err error) {
	c.t.Helper()
	var said, errSaid strings.Builder
	e := &env{
		ctx: cmp.Or(c.ctx, context.Background()), in: bufio.NewReader(strings.NewReader(in)), out: &said, errOut: &errSaid, asks: c.asks,
		config: func() (app.Config, error) { return c.cfg, c.wrong }, static: c.static,
		hidden: func() ([]byte, error) {
			if len(c.typed) == 0 {
				return nil, errors.New("nothing more was typed")
			}
			line := c.typed[0]
			c.typed = c.typed[1:]
			return []byte(line), nil
		},
	}
	err = e.run(args)
	return said.String() + errSaid.String(), err
}

// says expects a command to succeed and to say that.
func (c *terminal) says(want, in string, args ...string) {
	c.t.Helper()
	out, err := c.run(in, args...)
	if err != nil || !strings.Contains(out, want) {
		c.t.Errorf("%v: %v, %q; want %q", args, err, out, want)
	}
}

// fails expects a command to fail with an error that says that.
func (c *terminal) fails(want, in string, args ...string) {
	c.t.Helper()
	if out, err := c.run(in, args...); err == nil || !strings.Contains(err.Error(), want) {
		c.t.Errorf("%v: %v, %q; want the error %q", args, err, out, want)
	}
}

// who asks for help gets it, and no error.
func TestHelp(t *testing.T) {
	for _, args := range []string{"--help", "user add --help", "user --help", "--version", "group add -h", ""} {
		var out strings.Builder
		err := Run(t.Context(), strings.Fields(args), strings.NewReader(""), &out, &out)
		if err != nil || out.Len() == 0 {
			t.Errorf("foyer %s: %v, %q", args, err, out.String())
		}
	}
	if err := Run(t.Context(), []string{"user", "add"}, strings.NewReader(""), &strings.Builder{}, &strings.Builder{}); err == nil {
		t.Error("a name is missing, and nothing is wrong")
	}
}

// A database that is older than the program is told as that, and a newer one as what it is.
func TestSchema(t *testing.T) {
	c := newTerminal(t, nil)
	well := c.cfg.DatabaseURL
	c.cfg.DatabaseURL = cluster.EmptyDB(t)
	for _, args := range []string{"user add zoe --no-password", "user list", "token zoe", "token key list", "group list", "orphans", "chat export --out " + t.TempDir()} {
		c.fails("run `foyer migrate`", "", strings.Fields(args)...)
	}
	c.says("The database's schema is at version", "", "migrate")
	c.says("zoe (zoe) is created", "", "user", "add", "zoe", "--no-password")

	c.cfg.DatabaseURL = well
	conn, err := pgx.Connect(t.Context(), well)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"); err != nil {
		t.Fatal(err)
	}
	c.says("is at version 9999", "", "migrate")
	found, err := c.findings() // a program from before an update, which goes on while others are changed over
	if f := found["schema"]; err != nil || f.State != doctor.Warn || !strings.Contains(f.Text, "is at version 9999, and this program knows ") {
		t.Errorf("%+v %v", f, err)
	}
}

// The schema is what a site needs to start, and the index is not.
func TestMigrate_IndexFails(t *testing.T) {
	c := newTerminal(t, nil)
	conn, err := pgx.Connect(t.Context(), c.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "ALTER TABLE archive_segments RENAME TO elsewhere"); err != nil {
		t.Fatal(err)
	}
	c.says("Searches in some archives are slow: ", "", "migrate")
}

// What the database does not allow is said with what to do about it.
func TestDatabaseRights(t *testing.T) {
	c := newTerminal(t, nil)
	well := c.cfg.DatabaseURL
	for setting, want := range map[string]string{"role=pg_monitor": "let it own the database", "default_transaction_read_only=on": "can only be read"} {
		address, err := url.Parse(well)
		if err != nil {
			t.Fatal(err)
		}
		address.RawQuery += "&" + setting
		c.cfg.DatabaseURL = address.String()
		c.fails(want, "", "user", "add", "zoe", "--no-password")
		found, err := c.findings()
		told := slices.ContainsFunc(slices.Collect(maps.Values(found)), func(f doctor.Finding) bool { return f.State == doctor.Fail && strings.Contains(f.Mend, want) })
		if err == nil || !told {
			t.Errorf("%s: %+v %v", setting, found, err)
		}
	}
}

// commands say what they did, ask before they delete, and say plainly what is
// wrong. X-30: passwords need not be on the command line.
func TestUser(t *testing.T) {
	c := newTerminal(t, nil)
	c.says("The administrator's account zoe (Zoe Z.) is created; its chat address is zoe@localhost.", "", "user", "add", "Zoe", "--password", testPassword, "--full-name", "Zoe Z.", "--admin")
	c.says("bob (bob) is created", testPassword+"\n", "user", "add", "bob", "--password-stdin")
	c.fails("standard input is empty", "", "user", "add", "carol", "--password-stdin")
	c.fails("--password-stdin", "", "user", "add", "carol")
	c.fails("first", "", "user", "add", "carol", "--password", "Password123!")
	c.fails("names are never given out again", "", "user", "add", "zoe", "--password", testPassword)
	c.says("zoe\tZoe Z.\tadmin", "", "user", "list")
	c.says("bob is blocked, and signed out everywhere.", "", "user", "block", "bob")
	c.fails("bob is blocked", "", "token", "bob")
	c.fails("such as 1h", "", "token", "--for=-1h", "zoe")
	c.says("bob\tbob\tblocked", "", "user", "list")
	c.says("bob may sign in again.", "", "user", "unblock", "bob")
	c.fails(`there is no account "nobody"`, "", "user", "block", "nobody")
	if out, err := c.run("", "token", "zoe", "nobody"); err == nil || !strings.Contains(err.Error(), `there is no account "nobody"`) || out != "" {
		t.Errorf("a token for somebody beside nobody: %v, %q", err, out)
	}
	c.fails(`there is no account "nobody"`, "", "user", "passwd", "nobody") // before a password is asked for
	c.fails("user name", "", "user", "add", "a/b")
	c.says(`{"jid":"bob@localhost","password":"`, "", "token", "bob")

	before, err := c.db.Accounts.AccountByName(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	c.asks, c.typed = true, []string{"some other words", "some other word"}
	c.fails("two different passwords", "", "user", "passwd", "bob")
	c.typed = []string{"some other words", "some other words"}
	c.says("bob has a new password, and is signed out everywhere.", "", "user", "passwd", "bob")
	after, err := c.db.Accounts.AccountByName(t.Context(), "bob")
	if err != nil || after.PasswordHash == before.PasswordHash || after.PasswordVersion != before.PasswordVersion+1 {
		t.Errorf("%+v %v", after, err)
	}

	for _, answer := range []string{"", "n\n", "\n", "yesterday\n"} {
		c.fails("nothing was changed", answer, "user", "delete", "bob")
	}
	c.asks = false
	c.fails("--yes", "", "user", "delete", "bob")
	c.says("bob is deleted.", "", "user", "delete", "bob", "--yes")
	c.asks = true
	c.says("zoe is deleted.", "y\n", "user", "delete", "zoe")
	c.fails(`there is no account "bob"`, "", "user", "delete", "bob")
}

// What is kept of somebody is written to a file of their own, and the question before deleting says what stays.
func TestUserData(t *testing.T) {
	c := newTerminal(t, nil)
	for _, name := range []string{"zoe", "yan"} {
		c.says("is created", "", "user", "add", name, "--no-password")
	}
	c.says("is made", "", "room", "add", "garden", "--title", "Garden", "--owner", "zoe")
	conn, err := pgx.Connect(t.Context(), c.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza, retracts)
		VALUES ('garden@conference.localhost', $1, 'zoe@localhost', 'Zoe', true, '1', 'beans', $2, false)`, uuid.Must(uuid.NewV7()),
		[]byte(`<message xmlns="jabber:client" from="garden@conference.localhost/Zoe" type="groupchat"><body>beans</body></message>`))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c.says(filepath.Join(dir, "zoe.jsonl")+": ", "", "user", "export", "zoe", "--out", dir)
	c.fails("is there already", "", "user", "export", "zoe", "--out", dir)
	c.fails(`there is no account "xu"`, "", "user", "export", "xu", "--out", filepath.Join(dir, "xu"))
	raw, err := os.ReadFile(filepath.Join(dir, "zoe.jsonl"))
	if info, statErr := os.Stat(filepath.Join(dir, "zoe.jsonl")); err != nil || statErr != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err, statErr)
	}
	for _, want := range []string{`"kind" : "profile", "user" : "zoe"`, `"affiliation" : "owner"`, `"kind":"roomMessage"`, `"text":"beans"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	c.says(`"user" : "yan"`, "", "user", "export", "yan", "--out", "-")

	c.asks = true
	for want, args := range map[string][]string{
		"What they said in rooms stays, under the names they had there": {"user", "delete", "zoe"},
		"What they said in rooms is taken back;":                        {"user", "delete", "zoe", "--room-messages"},
	} {
		if out, err := c.run("n\n", args...); err == nil || !strings.Contains(out, want) {
			t.Errorf("%v: %q %v", args, out, err)
		}
	}
	c.says("1 message in rooms taken back.", "", "user", "delete", "zoe", "--room-messages", "--yes")
	list, _, err := c.db.Conversations.RoomMessages(t.Context(), "garden@conference.localhost", uuid.Max, 10)
	if err != nil || len(list) != 1 || !bytes.Contains(list[0].Stanza, []byte("<retracted ")) || bytes.Contains(list[0].Stanza, []byte("<body>")) {
		t.Errorf("%s %v", list, err)
	}
	c.cfg.Upstream = "xmpp://localhost"
	c.fails("XMPP_UPSTREAM", "", "user", "delete", "yan", "--room-messages", "--yes")
}

// Somebody becomes an administrator and ceases to be one; the last one only if that is meant.
func TestUserAdmin(t *testing.T) {
	c := newTerminal(t, nil)
	c.says("is created", "", "user", "add", "zoe", "--no-password")
	c.says("is created", "", "user", "add", "yan", "--no-password", "--admin")
	c.says("zoe is an administrator.", "", "user", "admin", "Zoe")
	c.says("yan\tyan\tadmin\nzoe\tzoe\tadmin\n", "", "user", "list")
	c.says("yan is no administrator any more.", "", "user", "admin", "yan", "--remove")
	c.fails("zoe is the last administrator: make another one first", "", "user", "admin", "zoe", "--remove")
	c.says("yan\tyan\nzoe\tzoe\tadmin\n", "", "user", "list")
	c.says("zoe is no administrator any more.", "", "user", "admin", "zoe", "--remove", "--force")
	c.fails(`there is no account "xu"`, "", "user", "admin", "xu")
}

// An account without a password, whose owner comes in by another source.
func TestUserLink(t *testing.T) {
	c := newTerminal(t, map[string]string{"HEADER_SIGNIN": "X-Forwarded-User", "TRUSTED_PROXIES": "127.0.0.1"})
	c.says("is created", "", "user", "add", "zoe", "--no-password")
	c.fails("no source", "", "user", "link", "zoe", "keycloak", "7")
	c.says("signs in as zoe", "", "user", "link", "zoe", "header", "Zoe")
	c.says("single sign-on", "", "user", "unlink", "zoe")
	c.says("is created", "", "user", "add", "yan", "--no-password")
	c.fails("another account", "", "user", "link", "yan", "header", "Zoe")
	zoe, err := c.db.Accounts.AccountByName(t.Context(), "zoe")
	if err != nil || zoe.PasswordHash != "" {
		t.Fatal(zoe, err)
	}
	list, err := c.db.Identities.Of(t.Context(), zoe.ID)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	c.fails("last way", "", "user", "unlink", "zoe", list[0].ID)
	c.fails("no such way", "", "user", "unlink", "zoe", "x")
	c.says("new password", testPassword+"\n", "user", "passwd", "zoe", "--password-stdin")
	c.says("Removed", "", "user", "unlink", "zoe", list[0].ID)
}

// The operator sees who has passkeys, and takes one away.
func TestUserPasskeys(t *testing.T) {
	c := newTerminal(t, nil)
	c.says("is created", "", "user", "add", "zoe", "--no-password")
	zoe, err := c.db.Accounts.AccountByName(t.Context(), "zoe")
	if err != nil {
		t.Fatal(err)
	}
	session := models.Session{AccountID: zoe.ID, SecretHash: []byte("x"), ExpiresAt: time.Now().Add(time.Hour)}
	p := models.Passkey{AccountID: zoe.ID, Site: "chat.example.org", CredentialID: []byte{1}, PublicKey: []byte{1}, Name: "Laptop"}
	if err := errors.Join(c.db.Sessions.CreateSession(t.Context(), &session, models.SessionBasis{}), c.db.Passkeys.Create(t.Context(), &p, session.ID, models.SessionBasis{})); err != nil {
		t.Fatal(err)
	}
	c.says(p.ID+"\tLaptop\tchat.example.org\tmade ", "", "user", "passkeys", "zoe")
	c.says(`"kind" : "passkey"`, "", "user", "export", "zoe", "--out", "-")
	c.fails("no such passkey", "", "user", "passkeys", "zoe", "x")
	c.says("Removed", "", "user", "passkeys", "zoe", p.ID)
	if out, err := c.run("", "user", "passkeys", "zoe"); err != nil || out != "" {
		t.Errorf("%q %v", out, err)
	}
}

// A password that nobody may sign in by is set, and the operator is told so.
func TestUser_LocalAdmins(t *testing.T) {
	const opens = "opens nothing"
	c := newTerminal(t, map[string]string{"LOCAL_ACCOUNTS": "admins"})
	c.says(opens, testPassword+"\n", "user", "add", "zoe", "--password-stdin")
	c.says(opens, testPassword+"\n", "user", "passwd", "zoe", "--password-stdin")
	for _, args := range [][]string{{"user", "add", "yan", "--admin", "--password-stdin"}, {"user", "passwd", "yan", "--password-stdin"}, {"user", "add", "xu", "--no-password"}} {
		if out, err := c.run(testPassword+"\n", args...); err != nil || strings.Contains(out, opens) {
			t.Error(args, out, err)
		}
	}
}

// Who somebody is at a source is kept as the source writes it: by another spelling, or without the
// issuer, nobody would ever be found.
func TestUserLink_AsTheSourceWrites(t *testing.T) {
	const issuer, id = "https://id.example.org/realms/team", "4b1c3a7e-2d10-4c1c-9f3b-0d6f5a1e7c22"
	c := newTerminal(t, map[string]string{
		"HEADER_SIGNIN": "X-Forwarded-User", "TRUSTED_PROXIES": "127.0.0.1",
		"OIDC_PROVIDERS": "keycloak", "OIDC_KEYCLOAK_ISSUER": issuer, "OIDC_KEYCLOAK_CLIENT_ID": "foyer",
		"LDAP_URL": "ldaps://ldap.example.org", "LDAP_BIND_DN": "anonymous", "LDAP_BASE_DN": "dc=example,dc=org",
	})
	c.says("is created", "", "user", "add", "zoe", "--no-password")
	c.fails("is "+issuer, "", "user", "link", "zoe", "keycloak", "7", "--issuer", issuer+"/")
	c.fails("this source has none", "", "user", "link", "zoe", "ldap", id, "--issuer", issuer)
	c.fails("this source has none", "", "user", "link", "zoe", "header", "zoe", "--issuer", issuer)
	c.fails("neither an entryUUID", "", "user", "link", "zoe", "ldap", "uid=zoe,dc=example,dc=org")
	c.fails("more than one person", "", "user", "link", "zoe", "header", "zoe,yan")
	c.says("signs in as zoe", "", "user", "link", "zoe", "keycloak", "7")
	c.says("signs in as zoe", "", "user", "link", "zoe", "keycloak", "8", "--issuer", issuer)
	c.says("signs in as zoe", "", "user", "link", "zoe", "ldap", "{"+strings.ToUpper(id)+"}")
	c.says("signs in as zoe", "", "user", "link", "zoe", "header", " zoe ")
	for _, want := range [][3]string{{"keycloak", issuer, "7"}, {"keycloak", issuer, "8"}, {"ldap", "", id}, {"header", "", "zoe"}} {
		if _, err := c.db.Identities.IdentityOwner(t.Context(), want[0], want[1], want[2]); err != nil {
			t.Error(want, err)
		}
	}
}

// a file with or without a header line, or standard input.
func TestUserImport(t *testing.T) {
	c := newTerminal(t, nil)
	file := filepath.Join(t.TempDir(), "people.csv")
	const rows = "\ufeffUsername,Password,Name\nann," + testPassword + ",Ann A.\n" + `"cy` + `","` + testPassword + `"` + "\n"
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	c.says("2 accounts created.", "", "user", "import", file)
	c.says("1 account created.", "dan,"+testPassword+"\n", "user", "import", "-")
	c.says("ann\tAnn A.\ncy\tcy\ndan\tdan\n", "", "user", "list")
	out, err := c.run("eve,"+testPassword+"\nx\nann,"+testPassword+"\nfay,short\n\"a\"b,c\n", "user", "import", "-")
	if err == nil || !strings.Contains(err.Error(), "4 lines could not be imported") || !strings.Contains(out, "1 account created.") {
		t.Errorf("%v %q", err, out)
	}
	for _, want := range []string{"line 2: need username,password", "line 3: ann: somebody has that name", "line 4: Use at least 10", "line 5: "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %q", want, out)
		}
	}
	for i, header := range []string{"\ufeff\"username\",\"password\"", "\r\n\nUser,PASSWORD", "login,password,name"} {
		c.says("1 account created.", header+"\r\nnew"+strconv.Itoa(i)+","+testPassword+"\r\n", "user", "import", "-")
	}
	c.fails("could not be imported", "gil,,Gil G.\n", "user", "import", "-")
	c.fails(`there is no account "gil"`, "", "user", "block", "gil")
	out, err = c.run("hal,"+testPassword+",M\xfcller\n", "user", "import", "-") // Latin-1
	if err == nil || !strings.Contains(out, "line 1: this is not UTF-8") || !strings.Contains(out, "0 accounts created.") {
		t.Errorf("%v: %s", err, out)
	}
	out, err = c.run("\xff\xfei\x00d\x00a\x00,\x00p\x00\n\x00", "user", "import", "-") // UTF-16, as spreadsheets save "Unicode"
	if err == nil || !strings.Contains(out, "line 1: this is not UTF-8") {
		t.Errorf("%v: %s", err, out)
	}
	c.fails("no such file", "", "user", "import", filepath.Join(t.TempDir(), "nothing.csv"))
}

// ROSTER=groups can be filled, and a running site is told.
func TestGroup(t *testing.T) {
	c := newTerminal(t, map[string]string{"ROSTER": "groups"})
	for _, name := range []string{"ann", "bob", "cy"} {
		if err := c.db.Accounts.CreateAccount(t.Context(), &models.Account{Username: name, Name: name, PasswordHash: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	c.says("2 members added to Choir.", "", "group", "add", " Choir ", "ann", "Bob")
	c.says("1 member added to Choir.", "", "group", "add", "Choir", "ann", "cy")
	c.says("Choir\t3\n", "", "group", "list")
	c.says("ann\nbob\ncy\n", "", "group", "list", " Choir ")
	c.fails(`there is no account "dan"`, "", "group", "add", "Choir", "dan")
	c.fails("1 to 64", "", "group", "add", strings.Repeat("x", 65), "ann")
	c.says("1 member removed from Choir.", "", "group", "remove", "Choir", "bob")
	c.says("0 members removed from Choir.", "", "group", "remove", "Choir", "bob")
	c.fails("there is no group Band", "", "group", "list", "Band")
	if out, err := c.run("", "group", "room", "Choir", "choir-room"); err != nil || strings.Contains(out, "Nobody") {
		t.Error(out, err)
	}
	c.fails("--title: Give the room a name.", "", "group", "room", "Choir", "unseen", "--title", "\u200b \u202e")
	c.fails("--title: Please choose a shorter name.", "", "group", "room", "Choir", "unseen", "--title", strings.Repeat("x", 61))
	c.says("unseen is a room of Choir", "", "group", "room", "Choir", "unseen", "--title", " The\u202e\n choir ")
	if kept, _, err := c.db.RoomStore().Room(t.Context(), "unseen"); err != nil || kept.Settings.Title != "The choir" {
		t.Errorf("%+v %v", kept, err)
	}
	c.says("no room of Choir any more", "", "group", "room", "Choir", "unseen", "--remove")
	c.says("Nobody is in Chior yet.", "", "group", "room", "Chior", "choir-room") // as after a slip of the fingers
	c.says("Choir\tchoir-room\n", "", "group", "room", " Choir ")
	c.fails("Quire has no room", "", "group", "room", "Quire")
	c.fails("say which room", "", "group", "room", "Chior", "--remove")
	c.says("no room of Chior any more", "", "group", "room", "Chior", "choir-room", "--remove")
	if list, _, err := c.db.Stores("h", models.RosterGroups).Roster.Roster(t.Context(), "ann"); err != nil || len(list) != 1 || list[0].JID != "cy@h" {
		t.Errorf("ann's roster: %+v %v", list, err)
	}
}
