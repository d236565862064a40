package app

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"foyer/internal/stream"
	"foyer/models"

	"github.com/jackc/pgx/v5"
)

func peerOf(user string) stream.Peer {
	return stream.Peer{Addr: "127.0.0.1", Identity: stream.Identity{User: user}}
}

func TestLoadConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("postgres://x/y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := map[string]string{"DATABASE_URL": "postgres://x/y", "XMPP_DOMAIN": "example.org", "BASE_URL": "https://chat.example"}
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"production":                     {nil, ""},
		"from a file":                    {map[string]string{"DATABASE_URL": "", "DATABASE_URL_FILE": file}, ""},
		"both":                           {map[string]string{"DATABASE_URL_FILE": file}, "both set"},
		"no such file":                   {map[string]string{"DATABASE_URL": "", "DATABASE_URL_FILE": file + "x"}, "no such file"},
		"a file without end":             {map[string]string{"DATABASE_URL": "", "DATABASE_URL_FILE": "/dev/zero"}, "DATABASE_URL_FILE"},
		"no database":                    {map[string]string{"DATABASE_URL": ""}, "DATABASE_URL is empty"},
		"no base":                        {map[string]string{"BASE_URL": ""}, "BASE_URL is empty"},
		"plain http":                     {map[string]string{"BASE_URL": "http://chat.example"}, "BASE_URL"},
		"no domain":                      {map[string]string{"XMPP_DOMAIN": ""}, "XMPP_DOMAIN is not set: production needs"},
		"no domain, and how to go on":    {map[string]string{"XMPP_DOMAIN": ""}, "set XMPP_DOMAIN=localhost"},
		"localhost, as ever":             {map[string]string{"XMPP_DOMAIN": "localhost"}, ""},
		"no domain, loopback":            {map[string]string{"XMPP_DOMAIN": "", "BASE_URL": "http://localhost:8080"}, ""},
		"the domain of a trial":          {map[string]string{"XMPP_DOMAIN": "localhost", "BASE_URL": "http://127.0.0.1:8080"}, ""},
		"plain http, loopback":           {map[string]string{"BASE_URL": "http://localhost:8080"}, ""},
		"a path":                         {map[string]string{"BASE_URL": "https://chat.example/x"}, "BASE_URL"},
		"odd mode":                       {map[string]string{"XMPP_LOGIN": "magic"}, "not one of session"},
		"a source that is none":          {map[string]string{"SIGNUP_SOURCES": "google"}, `there is no source "google"; there are: none`},
		"odd roster":                     {map[string]string{"ROSTER": "some"}, "not one of everyone"},
		"other server":                   {map[string]string{"XMPP_UPSTREAM": "h:5222"}, "write xmpp://HOST:5222"},
		"no CA":                          {map[string]string{"XMPP_UPSTREAM": "xmpp://h:5222", "XMPP_UPSTREAM_CA": "/nowhere.pem"}, "XMPP_UPSTREAM_CA"},
		"a CA for nothing":               {map[string]string{"XMPP_UPSTREAM_CA": "/nowhere.pem"}, "set XMPP_UPSTREAM"},
		"rooms elsewhere":                {map[string]string{"XMPP_ROOMS_DOMAIN": "rooms.h"}, "conference.example.org"},
		"rooms nowhere":                  {map[string]string{"XMPP_UPSTREAM": "xmpp://h:5222", "XMPP_ROOMS_DOMAIN": "two words"}, "must be the domain"},
		"short key":                      {map[string]string{"TOKEN_KEY": "short"}, "32 bytes"},
		"odd address":                    {map[string]string{"ADDR": "nowhere"}, "host:port"},
		"a socket":                       {map[string]string{"ADDR": "unix:/run/foyer.sock"}, `ADDR="unix:/run/foyer.sock" must be host:port`},
		"no port":                        {map[string]string{"ADDR": "localhost:"}, "host:port"},
		"no such port":                   {map[string]string{"ADDR": ":99999"}, "host:port"},
		"no such port for apps":          {map[string]string{"XMPP_C2S_ADDR": ":xmpp client"}, "XMPP_C2S_ADDR"},
		"no such port for figures":       {map[string]string{"METRICS_ADDR": "localhost:-1"}, "METRICS_ADDR"},
		"IPv6":                           {map[string]string{"ADDR": "[::1]:3000"}, ""},
		"odd proxy":                      {map[string]string{"TRUSTED_PROXIES": "proxy.example"}, "neither an address"},
		"an address as domain":           {map[string]string{"XMPP_DOMAIN": "a@example.org"}, "must be a domain"},
		"a label that is too long":       {map[string]string{"XMPP_DOMAIN": strings.Repeat("ß", 60) + ".example"}, "XMPP_DOMAIN is too long"},
		"a domain that is too long":      {map[string]string{"XMPP_DOMAIN": strings.Repeat("abcdefg.", 32) + "example"}, "XMPP_DOMAIN is too long"},
		"no connections":                 {map[string]string{"LDAP_URL": "ldaps://h", "LDAP_BASE_DN": "dc=h", "LDAP_BIND_DN": "anonymous", "LDAP_POOL": "0"}, "LDAP_POOL=0 must be between 1 and 1000"},
		"nobody may fail":                {map[string]string{"LDAP_URL": "ldaps://h", "LDAP_BASE_DN": "dc=h", "LDAP_BIND_DN": "anonymous", "LDAP_FAILURES": "0"}, "LDAP_FAILURES=0"},
		"no time":                        {map[string]string{"LDAP_URL": "ldaps://h", "LDAP_BASE_DN": "dc=h", "LDAP_BIND_DN": "anonymous", "LDAP_TIMEOUT": "0s"}, "LDAP_TIMEOUT=0s"},
		"no attribute":                   {map[string]string{"LDAP_URL": "ldaps://h", "LDAP_BASE_DN": "dc=h", "LDAP_BIND_DN": "anonymous", "LDAP_USERNAME_ATTRIBUTE": "user name"}, "LDAP_USERNAME_ATTRIBUTE"},
		"an attribute's number":          {map[string]string{"LDAP_URL": "ldaps://h", "LDAP_BASE_DN": "dc=h", "LDAP_BIND_DN": "anonymous", "LDAP_USERNAME_ATTRIBUTE": "0.9.2342.19200300.100.1.1"}, ""},
		"open development":               {map[string]string{"APP_ENV": "development", "ADDR": ":3000"}, "loopback only"},
		"development":                    {map[string]string{"APP_ENV": "development", "DATABASE_URL": "", "BASE_URL": ""}, ""},
		"less secure":                    {map[string]string{"BASE_URL": "https://h", "XMPP_SEE_OTHER": "http://new.example"}, "must begin with https"},
		"less secure, written otherwise": {map[string]string{"BASE_URL": "HTTPS://h", "XMPP_SEE_OTHER": "http://new.example"}, "must begin with https"},
		"elsewhere is here":              {map[string]string{"XMPP_SEE_OTHER": "https://Chat.example:443/"}, "is this site"},
		"a name of two lines":            {map[string]string{"SITE_NAME": "Gar\nden"}, "SITE_NAME"},
		"a name in Latin-1":              {map[string]string{"SITE_NAME": "Caf\xe9"}, "SITE_NAME"},
		"a name that turns the line":     {map[string]string{"SITE_NAME": "\u202enedraG"}, "SITE_NAME"},
		"a name that nobody sees":        {map[string]string{"SITE_NAME": "\u200b "}, "SITE_NAME"},
		"a name without end":             {map[string]string{"SITE_NAME": strings.Repeat("a", 101)}, "SITE_NAME"},
		"a name in any script":           {map[string]string{"SITE_NAME": "ガーデン 🌱 & Gärtner"}, ""},
		"a contact":                      {map[string]string{"CONTACT": "help@example.org"}, ""},
		"a contact's page":               {map[string]string{"CONTACT": "https://example.org/help"}, ""},
		"a contact that leads nowhere":   {map[string]string{"CONTACT": "the people in room 4"}, `CONTACT="the people in room 4": it must be an e-mail address, such as`},
		"a label nobody sees":            {map[string]string{"HEADER_SIGNIN": "X-User", "TRUSTED_PROXIES": "127.0.0.1", "HEADER_SIGNIN_LABEL": "\u2066"}, "HEADER_SIGNIN_LABEL"},
		"a provider's label":             {map[string]string{"OIDC_PROVIDERS": "kc", "OIDC_KC_ISSUER": "https://id.example", "OIDC_KC_CLIENT_ID": "x", "OIDC_KC_LABEL": "a\nb"}, "OIDC_KC_LABEL"},
		"a directory's label":            {map[string]string{"LDAP_URL": "ldaps://h", "LDAP_BASE_DN": "dc=h", "LDAP_BIND_DN": "anonymous", "LDAP_LABEL": "\xff"}, "LDAP_LABEL"},
		"elsewhere, another scheme":      {map[string]string{"XMPP_SEE_OTHER": "wss://new.example"}, "must be the URL of a site"},
		"rooms, too long":                {map[string]string{"XMPP_UPSTREAM": "xmpp://h", "XMPP_ROOMS_DOMAIN": strings.Repeat("a", 64) + ".example"}, "XMPP_ROOMS_DOMAIN is too long"},
		"a token with a space after it":  {map[string]string{"METRICS_TOKEN": "word "}, "METRICS_TOKEN has characters"},
		"a token of several words":       {map[string]string{"METRICS_TOKEN": "two wörds +/=="}, ""},
		"a long socket":                  {map[string]string{"XMPP_AUTH_DOVECOT": "unix:/" + strings.Repeat("s", 200)}, "has a path of 201 bytes"},
		"a long socket for HTTP":         {map[string]string{"XMPP_AUTH_HTTP": "unix:/" + strings.Repeat("s", 200)}, "XMPP_AUTH_HTTP="},
		"a long socket of a server":      {map[string]string{"XMPP_UPSTREAM": "xmpp+unix:///" + strings.Repeat("s", 200)}, "XMPP_UPSTREAM: "},
		"a long socket of a directory":   {map[string]string{"LDAP_URL": "ldapi:///" + strings.Repeat("s", 200), "LDAP_BASE_DN": "dc=h", "LDAP_BIND_DN": "anonymous"}, "LDAP_URL="},
		"elsewhere, a path":              {map[string]string{"XMPP_SEE_OTHER": "https://new.example/chat"}, "must be the URL of a site"},
	} {
		environ := map[string]string{}
		for _, m := range []map[string]string{good, c.set} {
			for k, v := range m {
				environ[k] = v
			}
		}
		cfg, err := LoadConfig(environ)
		if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if warns := cfg.LocalDomain() != ""; warns != (name == "localhost, as ever") && err == nil {
			t.Errorf("%s: %q", name, cfg.LocalDomain())
		}
		if name == "from a file" && cfg.DatabaseURL != "postgres://x/y" {
			t.Errorf("read %q", cfg.DatabaseURL)
		}
	}
}

// the domain is prepared, however it is written (RFC 7622 §3.2).
func TestConfig_Domain(t *testing.T) {
	for given, want := range map[string]string{"LocalHost": "localhost", "xn--bcher-kva.example": "bücher.example", "Bücher.example.": "bücher.example"} {
		if cfg, err := LoadConfig(map[string]string{"APP_ENV": "development", "XMPP_DOMAIN": given}); err != nil || cfg.Domain != want {
			t.Errorf("%s: %s %v", given, cfg.Domain, err)
		}
		elsewhere := map[string]string{"APP_ENV": "development", "XMPP_UPSTREAM": "xmpp://127.0.0.1:5222", "XMPP_DOMAIN": given, "XMPP_ROOMS_DOMAIN": "Rooms." + given}
		if cfg, err := LoadConfig(elsewhere); err != nil || cfg.RoomsDomain() != "rooms."+want {
			t.Errorf("rooms of %s: %s %v", given, cfg.RoomsDomain(), err)
		}
	}
}

// Production refuses a schema that is behind, and accounts with a published
// password.
func TestPrepareSchema_Production(t *testing.T) {
	ctx := t.Context()
	url := cluster.EmptyDB(t)
	db, err := models.Open(ctx, models.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cfg := Config{Env: "production"}
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	if err := prepareSchema(ctx, cfg, db, log); err == nil || !strings.Contains(err.Error(), "foyer migrate") {
		t.Errorf("an empty database: %v", err)
	}
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := prepareSchema(ctx, cfg, db, log); err != nil || said.String() != "" {
		t.Error(err, said.String())
	}
	if err := db.Accounts.CreateAccount(ctx, &models.Account{Username: "alice", Name: "A", Demo: true}); err != nil {
		t.Fatal(err)
	}
	if err := prepareSchema(ctx, cfg, db, log); err == nil || !strings.Contains(err.Error(), "demo accounts") {
		t.Errorf("with demo accounts: %v", err)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true); DELETE FROM accounts"); err != nil {
		t.Fatal(err)
	}
	if err := prepareSchema(ctx, cfg, db, log); err != nil || !strings.Contains(said.String(), "a newer program was here") {
		t.Error(err, said.String())
	}
}

// A proxy is the same however its address is written.
func TestParseProxies(t *testing.T) {
	for list, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "::ffff:192.0.2.0/120": "192.0.2.9", "192.0.2.99/24": "192.0.2.9",
		"2001:db8::1, 10.0.0.0/8": "10.1.1.1", "::ffff:192.0.2.8": "::ffff:192.0.2.8",
	} {
		proxies, err := parseProxies(list)
		if err != nil || !trusted(proxies, want) || trusted(proxies, "198.51.100.1") {
			t.Errorf("%s: %v, %v", list, proxies, err)
		}
	}
	for _, wrong := range []string{"proxy", "192.0.2.7/33", "192.0.2"} {
		if _, err := parseProxies(wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestClientAddress(t *testing.T) {
	proxies, err := parseProxies("10.0.0.0/8, 127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"192.0.2.1", "198.51.100.7", "192.0.2.1"}, // not from a proxy: the header is anybody's
		{"127.0.0.1", "", "127.0.0.1"},
		{"127.0.0.1", "198.51.100.7", "198.51.100.7"},
		{"127.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"}, // the left ones may be forged
		{"127.0.0.1", "198.51.100.7, 10.1.2.3", "198.51.100.7"},
		{"127.0.0.1", "nonsense, 10.1.2.3", "10.1.2.3"},
		{"10.9.9.9", "2001:db8::1", "2001:db8::1"},
		// with ports, as some proxies write them
		{"127.0.0.1", "6.6.6.6:1, 198.51.100.7:5678", "198.51.100.7"},
		{"127.0.0.1", "[2001:db8::1]:443, [::1]", "::1"},
		{"127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"},
	} {
		if got := clientAddress(proxies, c[0], c[1]); got != c[2] {
			t.Errorf("%s behind %q: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// The table of docs/SETTINGS.md is the program's.
func TestSettingsTable_InDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/SETTINGS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), SettingsTable()) {
		t.Errorf("docs/SETTINGS.md does not have the program's settings; run scripts/settings.sh, or replace its table by the output of `foyer settings`:\n%s", SettingsTable())
	}
}

// A limit that would keep everybody out, or is no number, is refused at the start.
func TestConfig_Limits(t *testing.T) {
	for setting, values := range map[string][]string{
		"CONNECTIONS_PER_ADDRESS": {"0", "-4"}, "STREAMS_PER_ADDRESS": {"0", "-1"}, "STREAMS_PER_ACCOUNT": {"0", "-1"},
		"SIGNIN_FAILURES_PER_ADDRESS": {"0"}, "ROSTER_MAX": {"0"}, "ARCHIVE_RATE": {"0"}, "NEW_STREAMS_PER_ADDRESS": {"0", "-1", "NaN", "Inf"},
		"REFUSALS_PER_ADDRESS": {"0", "-1", "NaN", "Inf"},
	} {
		for _, value := range values {
			if _, err := LoadConfig(map[string]string{"APP_ENV": "development", setting: value}); err == nil || !strings.Contains(err.Error(), setting) {
				t.Errorf("%s=%s: %v", setting, value, err)
			}
		}
	}
}

// A small limit of new streams stays one: 0 at once would be the gateway's default of thousands.
func TestStreamBurst(t *testing.T) {
	for perSecond, want := range map[float64]int{0.001: 1, 0.03: 1, 0.5: 15, 20: 600, maxRate: 30 * maxRate} {
		if got := streamBurst(perSecond); got != want {
			t.Errorf("NEW_STREAMS_PER_ADDRESS=%v: %d at once, want %d", perSecond, got, want)
		}
	}
}

// what cannot be read is told by the setting's name.
func TestConfig_NamesTheSetting(t *testing.T) {
	_, err := LoadConfig(map[string]string{"APP_ENV": "development", "SIGNUP": "perhaps", "SIGNIN_FAILURES_PER_ADDRESS": "many", "REFUSALS_PER_ADDRESS": "few", "UPLOAD_QUOTA": "much", "ARCHIVE_RETENTION": "long"})
	for _, want := range []string{`SIGNUP="perhaps" must be true or false`, `SIGNIN_FAILURES_PER_ADDRESS="many" must be a whole number, at most 2147483647`, `REFUSALS_PER_ADDRESS="few" must be a number`, `UPLOAD_QUOTA: "much" is not a size`, `ARCHIVE_RETENTION: "long" is not a period`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err != nil && (strings.Contains(err.Error(), "Signup") || strings.Contains(err.Error(), "field")) {
		t.Errorf("names a Go field: %v", err)
	}
}

// A list of separators alone is refused by its name, whichever setting it is: what it would mean differs between them, from
// nothing to everybody. One separator too many is nothing.
func TestConfig_EmptyLists(t *testing.T) {
	site := map[string]string{"APP_ENV": "development", "OIDC_PROVIDERS": "name", "OIDC_NAME_ISSUER": "https://id.example", "OIDC_NAME_CLIENT_ID": "x", "OIDC_NAME_GROUPS_CLAIM": "g", "OIDC_NAME_ROLES_CLAIM": "r"}
	gateway := map[string]string{"APP_ENV": "development", "GATEWAY_UPSTREAMS": "example.org=xmpp://localhost:5222"}
	loadSite := func(environ map[string]string) error { _, err := LoadConfig(environ); return err }
	loadGateway := func(environ map[string]string) error { _, err := LoadGatewayConfig(environ); return err }
	lists := 0
	for _, kind := range []struct {
		fields reflect.Type
		prefix string
		good   map[string]string
		load   func(map[string]string) error
	}{
		{reflect.TypeFor[Config](), "", site, loadSite},
		{reflect.TypeFor[oidcSettings](), "OIDC_NAME_", site, loadSite},
		{reflect.TypeFor[GatewayConfig](), "", gateway, loadGateway},
	} {
		if err := kind.load(kind.good); err != nil {
			t.Fatal(err)
		}
		for _, f := range settingFields(kind.fields) {
			setting := kind.prefix + f.Tag.Get("env")
			if !strings.Contains(f.Tag.Get("desc"), "separated by") || setting == "HEADER_SIGNIN_GROUPS" { // which names a header
				continue
			}
			lists++
			for _, value := range []string{",", " , ;", " "} {
				environ := maps.Clone(kind.good)
				environ[setting] = value
				if err := kind.load(environ); err == nil || !strings.Contains(err.Error(), setting+"="+strconv.Quote(value)+" lists nothing; write ") {
					t.Errorf("%s=%q: %v", setting, value, err)
				}
			}
		}
	}
	if lists < 18 {
		t.Errorf("there are %d lists among the settings", lists)
	}
	cfg, err := LoadConfig(map[string]string{"APP_ENV": "development", "XMPP_AUTH_ACCEPT": "token, ,app-password,"})
	if err != nil || !slices.Equal(cfg.authAccept(), []string{"token", "app-password"}) {
		t.Errorf("%q, %v", cfg.authAccept(), err)
	}
}

// What would remove everything, or nothing, by a slip is refused: 6m is six minutes.
func TestLoadConfig_Retention(t *testing.T) {
	for value, ok := range map[string]bool{"": true, "90d": true, "1h": true, "12h30m": true, "6m": false, "59m59s": false, "0": false, "0d": false, "1s": false} {
		for _, setting := range []string{"ARCHIVE_RETENTION", "ROOM_ARCHIVE_RETENTION", "UPLOAD_RETENTION"} {
			_, err := LoadConfig(map[string]string{"APP_ENV": "development", setting: value})
			if (err == nil) != ok || (err != nil && !strings.Contains(err.Error(), setting+`="`+value+`" must be an hour or more`)) {
				t.Errorf("%s=%q: %v", setting, value, err)
			}
		}
	}
}

// A number whose unit was forgotten is one of bytes, with which nothing would work.
func TestLoadConfig_SizeWithoutUnit(t *testing.T) {
	for _, setting := range []string{"UPLOAD_MAX_SIZE", "ARCHIVE_RATE"} {
		for value, ok := range map[string]bool{"25": false, "999": false, "1000": true, "64KB": true, "64": false} {
			_, err := LoadConfig(map[string]string{"APP_ENV": "development", setting: value})
			if (err == nil) != ok || (err != nil && !strings.Contains(err.Error(), setting+" is "+value+" bytes, which")) {
				t.Errorf("%s=%s: %v", setting, value, err)
			}
		}
	}
}

// No error of the settings repeats a password that stands in a URL: it is written to logs.
func TestLoadConfig_PasswordInURL(t *testing.T) {
	const secret = "hunter2@x/y"
	for setting, value := range map[string]string{
		"BASE_URL": "https://u:" + secret + "@chat.example", "XMPP_SEE_OTHER": "https://u:" + secret + "@new.example", "UPLOAD_STORE": "s3://key:" + secret + "@bucket",
		"LDAP_URL": "ldap://u:" + secret + "@localhost", "CHAT_ORIGINS": "https://u:" + secret + "@app.example", "XMPP_UPSTREAM": "xmpp://u:" + secret + "@localhost:1",
		"HEADER_SIGNOUT_URL": "http://:" + secret + "@proxy.example", "GATEWAY_UPSTREAMS": "x.example=xmpp://u:" + secret + "@h:1", "GATEWAY_ORIGINS": "https://u:" + secret + "@x.example",
	} {
		environ := map[string]string{"APP_ENV": "development", setting: value, "HEADER_SIGNIN": "X-User", "TRUSTED_PROXIES": "127.0.0.1"}
		_, err := LoadConfig(environ)
		if strings.HasPrefix(setting, "GATEWAY_") {
			_, err = LoadGatewayConfig(environ)
		}
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "x/y") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
