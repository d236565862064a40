package cli

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"foyer/app"
	"foyer/app/doctor"
	"foyer/internal/budget"
	"foyer/models"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// findings runs foyer doctor, and returns what it found, by the checks.
func (c *terminal) findings() (map[string]doctor.Finding, error) {
	c.t.Helper()
	out, failed := c.run("", append([]string{"doctor", "--quick", "--json"}, c.flags...)...)
	var list []doctor.Finding
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&list); err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
	all := map[string]doctor.Finding{}
	for _, f := range list {
		if f.State != doctor.OK && f.Mend == "" {
			c.t.Errorf("%s does not say what to change: %+v", f.Check, f)
		}
		all[f.Check] = f
	}
	return all, failed
}

func TestDoctor_AllIsWell(t *testing.T) {
	c := newTerminal(t, nil)
	found, err := c.findings()
	if err != nil {
		t.Error(err)
	}
	for check, f := range found {
		if f.State != doctor.OK && check != "site" && check != "scripts and styles" { // no BASE_URL; assets may not be fetched yet
			t.Errorf("%+v", f)
		}
	}
	if found["site"].State != doctor.Warn {
		t.Errorf("without BASE_URL: %+v", found["site"])
	}
	c.says("ok    Postgres: well", "", "doctor")
}

// It may be the one that is missing.
func TestUnknownSetting_Missing(t *testing.T) {
	t.Setenv("BASEURL", "https://chat.example.org")
	t.Setenv("GATEWAY_UPSTREAM", "example.org=xmpp://localhost:5222")
	for command, want := range map[string][]string{
		"serve":   {"BASE_URL is empty", "BASEURL is no setting: did you mean BASE_URL?"},
		"gateway": {"GATEWAY_UPSTREAMS is empty", "GATEWAY_UPSTREAM is no setting: did you mean GATEWAY_UPSTREAMS?"},
	} {
		var out strings.Builder
		err := Run(t.Context(), []string{command}, strings.NewReader(""), &out, &out)
		for _, said := range want {
			if err == nil || !strings.Contains(err.Error(), said) {
				t.Errorf("%s: %v; want %q", command, err, said)
			}
		}
	}
}

// A misspelt setting is no failure, since it may be another program's.
func TestDoctor_UnknownSetting(t *testing.T) {
	t.Setenv("XMPP_DOMIAN", "example.org")
	found, err := newTerminal(t, nil).findings()
	if f := found["settings"]; err != nil || f.State != doctor.Warn || f.Text != "XMPP_DOMIAN is no setting: did you mean XMPP_DOMAIN?" {
		t.Errorf("%+v %v", f, err)
	}
}

// Each set-up is broken in one way, and the command fails.
func TestDoctor_Broken(t *testing.T) {
	well := newTerminal(t, nil)
	for name, c := range map[string]struct {
		spoil func(*terminal)
		check string
		text  string
		mend  string
	}{
		"a wrong setting": {wrongSetting, "settings", "UPLOAD_MAX_SIZE", "foyer.service"},
		"no database":     {func(c *terminal) { c.cfg.DatabaseURL = "postgres://nobody@127.0.0.1:1/none" }, "database", "cannot be reached", "DATABASE_URL"},
		"an old Postgres": {func(c *terminal) { c.serverSays("current_setting(text) RETURNS text", "'130014'::text") }, "Postgres", "this is Postgres 13; the site needs 14", "newer server"},
		"a wrong clock of the database": {func(c *terminal) {
			c.serverSays("clock_timestamp() RETURNS timestamptz", "now() - interval '1 hour'")
		}, "clock", "the database's clock and this machine's are 1h0m0s apart", "chrony"},
		"no schema":                             {func(c *terminal) { c.cfg.DatabaseURL = cluster.EmptyDB(c.t) }, "schema", "is at version 0", "foyer migrate"},
		"demo accounts":                         {demoAccount, "accounts", "password is published", "foyer user delete"},
		"no room":                               {func(c *terminal) { c.cfg.DataDir = filepath.Join(os.DevNull, "nowhere") }, "files", "", "DATA_DIR"},
		"lost files":                            {lostFile, "files' records", "1 file that no record", "orphans"},
		"no directory":                          {noDirectory, "sign-in by ldap", "ldap://127.0.0.1:1: ", "LDAP_URL"},
		"a directory that nobody vouches for":   {func(c *terminal) { noDirectory(c); c.cfg.LDAP.CAFile = "/nowhere.pem" }, "sign-in", "LDAP_CA_FILE: open /nowhere.pem", "certificates in PEM"},
		"no provider":                           {noProvider, "sign-in by team", "http://127.0.0.1:1: ", "OIDC_TEAM_ISSUER"},
		"no TLS":                                {func(c *terminal) { c.cfg.C2SAddr, c.cfg.TLSCert = ":5222", "/nowhere.pem" }, "native clients", "/nowhere.pem", "XMPP_TLS_CERT"},
		"nobody there":                          {func(c *terminal) { c.cfg.BaseURL = "http://127.0.0.1:1" }, "site", "does not answer", "proxy"},
		"nobody to be":                          {func(c *terminal) { c.cfg.BaseURL, c.flags = "http://127.0.0.1:1", []string{"--as", "nobody"} }, "site", `no account "nobody"`, "foyer user list"},
		"no chat server":                        {func(c *terminal) { c.cfg.Upstream = "xmpp://127.0.0.1:1" }, "chat server", "", "XMPP_UPSTREAM"},
		"a chat server that refuses the token":  {func(c *terminal) { c.behind(time.Now()).refuses = true }, "chat server", "not-authorized: unknown key", "jwt_key"},
		"a chat server that nobody vouches for": {func(c *terminal) { c.behind(time.Now()).encrypt(c, "localhost") }, "chat server", "certificate signed by unknown authority", "XMPP_UPSTREAM_CA"},
		"a chat server with the certificate of another": {func(c *terminal) { c.behind(time.Now()).encrypt(c, "other.example") }, "chat server", "not localhost", "certfiles"},
		"a chat server of another domain":               {func(c *terminal) { c.behind(time.Now()).unknown = true }, "chat server", "host-unknown", "VirtualHost"},
		"a chat server that takes no token":             {func(c *terminal) { c.behind(time.Now()).mechanisms = []string{"SCRAM-SHA-1"} }, "chat server", "PLAIN", "sasl.mechs"},
		"a wrong clock of the chat server":              {func(c *terminal) { c.behind(time.Now().Add(-time.Hour)) }, "clock", "the chat server's clock and this machine's are", "chrony"},
		"not built":                                     {func(c *terminal) { c.static = fstest.MapFS{} }, "scripts and styles", "is missing from this program", "make build"},
		"built of others":                               {func(c *terminal) { c.static = staleScripts() }, "scripts and styles", "", "make build"},
	} {
		t.Run(name, func(t *testing.T) {
			spoilt := *well
			spoilt.t = t
			c.spoil(&spoilt)
			found, err := spoilt.findings()
			f := found[c.check]
			if err == nil || f.State != doctor.Fail || !strings.Contains(f.Text, c.text) || !strings.Contains(f.Mend, c.mend) {
				t.Errorf("%v: %+v", err, f)
			}
		})
	}
}

// Passkeys belong to a host: one that can have none is told, and those of another host are counted.
func TestDoctor_Passkeys(t *testing.T) {
	c := newTerminal(t, nil)
	say := func(baseURL string, want doctor.State, text string) {
		t.Helper()
		c.cfg.BaseURL = baseURL
		found, _ := c.findings()
		if f := found["passkeys"]; f.State != want || !strings.Contains(f.Text, text) {
			t.Errorf("%s: %+v", baseURL, f)
		}
	}
	say("http://127.0.0.1:1", doctor.Warn, "nobody can sign in with one: passkeys belong to a domain")
	say("http://localhost:1", doctor.OK, "well")
	zoe := models.Account{Username: "zoe", Name: "zoe"}
	session := models.Session{SecretHash: []byte("x"), ExpiresAt: time.Now().Add(time.Hour)}
	err := c.db.Accounts.CreateAccount(t.Context(), &zoe)
	session.AccountID = zoe.ID
	p := models.Passkey{AccountID: zoe.ID, Site: "old.example.org", CredentialID: []byte{1}, PublicKey: []byte{1}, Name: "Laptop"}
	if err = errors.Join(err, c.db.Sessions.CreateSession(t.Context(), &session, models.SessionBasis{})); err == nil {
		err = c.db.Passkeys.Create(t.Context(), &p, session.ID, models.SessionBasis{})
	}
	if err != nil {
		t.Fatal(err)
	}
	say("http://localhost:1", doctor.Warn, "1 passkey was made for another host, old.example.org")
	c.cfg.Passkeys = false
	say("http://localhost:1", doctor.OK, "PASSKEYS is false")
}

// wrongSetting is one that LoadConfig refuses.
func wrongSetting(c *terminal) {
	if _, c.wrong = app.LoadConfig(map[string]string{"APP_ENV": "development", "UPLOAD_MAX_SIZE": "plenty"}); c.wrong == nil {
		c.t.Fatal("the setting is not refused")
	}
}

// serverSays lets a function of the database's server give another answer, to this terminal:
// its connections look for functions in a schema of their own first.
func (c *terminal) serverSays(function, answer string) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.cfg.DatabaseURL)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(c.t.Context())
	schema := "says_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(c.t.Context(), "CREATE SCHEMA "+schema+"; CREATE FUNCTION "+schema+"."+function+" LANGUAGE sql AS $$ SELECT "+answer+" $$"); err != nil {
		c.t.Fatal(err)
	}
	address, err := url.Parse(c.cfg.DatabaseURL)
	if err != nil {
		c.t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", schema+",public,pg_catalog")
	address.RawQuery = query.Encode()
	c.cfg.DatabaseURL = address.String()
}

func noDirectory(c *terminal) {
	c.cfg.LDAP.URL, c.cfg.LDAP.BaseDN, c.cfg.LDAP.BindDN, c.cfg.LDAP.Plain = "ldap://127.0.0.1:1", "dc=example,dc=org", "anonymous", true
}

func noProvider(c *terminal) {
	cfg, err := app.LoadConfig(map[string]string{"APP_ENV": "development", "OIDC_PROVIDERS": "team", "OIDC_TEAM_ISSUER": "http://127.0.0.1:1", "OIDC_TEAM_CLIENT_ID": "foyer"})
	if err != nil {
		c.t.Fatal(err)
	}
	c.cfg.OIDC = cfg.OIDC
}

// staleScripts are bundles of other sources than those beside them.
func staleScripts() fs.FS {
	files := fstest.MapFS{"bundle/manifest.json": {Data: []byte(`{"sources":"others"}`)}}
	for _, name := range []string{"converse/converse.min.js", "converse/converse.min.css", "lib/turbo.js", "css/site.css"} {
		files[name] = &fstest.MapFile{Data: []byte("/* " + name + " */")}
	}
	return files
}

func demoAccount(c *terminal) {
	c.cfg.Env = "production"
	if err := c.db.Accounts.CreateAccount(c.t.Context(), &models.Account{Username: "alice", Name: "Alice", PasswordHash: "x", Demo: true}); err != nil {
		c.t.Fatal(err)
	}
}

func lostFile(c *terminal) {
	id := uuid.NewString()
	path := filepath.Join(c.cfg.DataDir, "uploads", id[len(id)-2:], id)
	old := time.Now().Add(-30 * 24 * time.Hour) // it is none that is just coming
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old)); err != nil {
		c.t.Fatal(err)
	}
}

// Limits that were met are told, and are no failure.
func TestDoctor_Limits(t *testing.T) {
	c := newTerminal(t, nil)
	limit := budget.Limit{Name: "connections of one address", Setting: "CONNECTIONS_PER_ADDRESS"}
	if err := c.db.NoteLimits(t.Context(), []budget.Entry{{Limit: limit, Last: "192.0.2.1", At: time.Now(), Count: 3}}); err != nil {
		t.Fatal(err)
	}
	found, err := c.findings()
	if f := found["limits"]; err != nil || f.State != doctor.Warn || !strings.Contains(f.Text, "3 times") || !strings.Contains(f.Mend, "CONNECTIONS_PER_ADDRESS") {
		t.Errorf("%v %+v", err, f)
	}
}

// That strangers may become members is told in production, until the settings say that they may.
func TestDoctor_Signup(t *testing.T) {
	for signup, want := range map[string]doctor.Finding{
		"":      {State: doctor.Warn, Text: "ROSTER=everyone"},
		"true":  {State: doctor.OK, Text: "ROSTER=everyone"},
		"false": {State: doctor.OK, Text: "cannot create accounts"},
	} {
		c := newTerminal(t, map[string]string{"SIGNUP": signup})
		c.cfg.Env = "production"
		found, _ := c.findings()
		if f := found["new accounts"]; f.State != want.State || !strings.Contains(f.Text, want.Text) {
			t.Errorf("SIGNUP=%q: %+v", signup, f)
		}
	}
}

// A site that ran without XMPP_DOMAIN before it was required goes on where the setting says what it was.
func TestDoctor_LocalDomain(t *testing.T) {
	c := newTerminal(t, nil)
	c.cfg.Env, c.cfg.BaseURL = "production", "https://chat.example.org"
	found, _ := c.findings()
	if f := found["settings"]; f.State != doctor.Warn || !strings.Contains(f.Text, "XMPP_DOMAIN is localhost") {
		t.Errorf("%+v", f)
	}
}
