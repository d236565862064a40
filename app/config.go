package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/app/auth"
	"foyer/app/uploads"
	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/models"
	"foyer/xmppgw/relay"

	"github.com/caarlos0/env/v11"
)

// Config is every setting, from the environment. `desc` is what docs/SETTINGS.md
// says of it; `list` is that it has several values.
type Config struct {
	Env            string             `env:"APP_ENV" envDefault:"production" desc:"production, or development (demo data, plain HTTP on loopback)"`
	Addr           string             `env:"ADDR" desc:"address to listen on; localhost:3000 in development, :3000 in production"`
	BaseURL        string             `env:"BASE_URL" desc:"the site's public URL, as people type it; follows ADDR in development"`
	DatabaseURL    string             `env:"DATABASE_URL" secret:"true" desc:"URL of the Postgres database; empty: a private Postgres (development only)"`
	DataDir        string             `env:"DATA_DIR" envDefault:"var" desc:"directory for uploaded files and the private Postgres"`
	SiteName       string             `env:"SITE_NAME" envDefault:"Foyer" desc:"name of the site"`
	Accent         string             `env:"ACCENT" desc:"colour of buttons and links, such as #0b5cad; it must be dark enough to be readable on white, and the dark theme's colour is derived from it; empty: the one in static/css/tokens.css"`
	Contact        string             `env:"CONTACT" desc:"whom people ask who cannot sign in: an e-mail address, such as help@example.org, or a URL, such as https://example.org/help; everybody can see it; empty: the sign-in page names the people who run the site"`
	Signup         *bool              `env:"SIGNUP" desc:"whether visitors can create accounts, true or false; empty: only where no other source of accounts is set (OIDC_PROVIDERS, LDAP_URL, HEADER_SIGNIN)"`
	SignInFailures int                `env:"SIGNIN_FAILURES_PER_ADDRESS" envDefault:"300" desc:"wrong passwords allowed from one address within 15 minutes; successful sign-ins do not count"`
	SignUps        int                `env:"SIGNUPS_PER_ADDRESS" envDefault:"600" desc:"new accounts that can be requested from one address within 15 minutes"`
	LocalAccounts  auth.LocalAccounts `env:"LOCAL_ACCOUNTS" envDefault:"all" desc:"who may sign in with a password of this site: all, or admins (only those the operator made administrators, while everybody else comes from another source)"`
	SignupSources  string             `env:"SIGNUP_SOURCES" envDefault:"all" list:"true" desc:"sources whose people get an account at their first sign-in, separated by commas: all, none, or names; people of other sources can sign in only to accounts already linked to them (docs/IDENTITY.md)"`
	Passkeys       bool               `env:"PASSKEYS" envDefault:"true" desc:"whether people who sign in with a password can also sign in with passkeys; they belong to the host of BASE_URL, which must be a name, and do not work with XMPP_LOGIN=typed (docs/IDENTITY.md)"`
	Recheck        Period             `env:"DIRECTORY_RECHECK" envDefault:"5m" desc:"how often a directory is asked whether the people signed in through it are still there"`

	OIDCProviders string         `env:"OIDC_PROVIDERS" list:"true" desc:"names of the OpenID Connect providers that people sign in with, separated by commas, such as keycloak,google; each has settings of its own, such as OIDC_KEYCLOAK_ISSUER (docs/IDENTITY.md)"`
	OIDC          []oidcSettings `env:"-"`

	LDAP Directory

	HeaderSignIn      string `env:"HEADER_SIGNIN" desc:"header in which a proxy in front says who is signed in there, such as X-Forwarded-User; trusted only from TRUSTED_PROXIES; empty: none (docs/IDENTITY.md describes the risks)"`
	HeaderName        string `env:"HEADER_SIGNIN_NAME" desc:"header with their display name"`
	HeaderGroups      string `env:"HEADER_SIGNIN_GROUPS" desc:"header with their groups, separated by commas"`
	HeaderAdminGroups string `env:"HEADER_SIGNIN_ADMIN_GROUPS" list:"true" desc:"groups in that header whose members administer the site, separated by commas; empty: the header does not decide that"`
	HeaderLabel       string `env:"HEADER_SIGNIN_LABEL" envDefault:"single sign-on" desc:"what pages call the proxy's sign-in"`
	HeaderSignOut     string `env:"HEADER_SIGNOUT_URL" desc:"where people are sent to sign out at the proxy, such as /oauth2/sign_out; empty: they stay signed in there"`

	ChatOrigins    Origins `env:"CHAT_ORIGINS" list:"true" desc:"origins of other pages that may use this chat, such as https://app.example.org, separated by commas; those on the same site sign in with the site's cookie, others with a token or a password"`
	TrustedProxies string  `env:"TRUSTED_PROXIES" list:"true" desc:"addresses or networks, separated by commas, whose X-Forwarded-* headers are trusted"`

	Domain     string            `env:"XMPP_DOMAIN" envDefault:"localhost" desc:"domain of people's chat addresses"`
	Login      Login             `env:"XMPP_LOGIN" envDefault:"session" desc:"how pages sign in to the chat: session, prebind, token, signed or password; or typed, for a chat server that accepts only its own passwords: the page is given the password that was typed to sign in to the site (docs/DELEGATED.md)"`
	Upstream   string            `env:"XMPP_UPSTREAM" envDefault:"embedded" desc:"the chat server: embedded, or the address of another one: xmpp://host:5222 (STARTTLS), xmpps://host:5223 (direct TLS), xmpp+srv://domain (from its SRV records)"`
	UpstreamCA string            `env:"XMPP_UPSTREAM_CA" desc:"PEM file with the CA certificate for that server; empty: the system's CAs"`
	Rooms      string            `env:"XMPP_ROOMS_DOMAIN" desc:"domain of that server's rooms; empty: conference.XMPP_DOMAIN"`
	Roster     models.RosterMode `env:"ROSTER" envDefault:"everyone" desc:"whom people see: everyone, groups (members of their groups), none (contacts by request)"`
	RosterMax  int               `env:"ROSTER_MAX" envDefault:"200" desc:"largest site (ROSTER=everyone) or group (ROSTER=groups), in members, that contact lists hold in full; of larger ones they hold only those one talks with or shares a smaller group with"`

	SeeOther        string `env:"XMPP_SEE_OTHER" desc:"URL of another site, such as https://new.example, to which new chat streams are redirected while this one moves (RFC 7395, XEP-0124); empty: none"`
	BOSHCompression bool   `env:"BOSH_COMPRESSION" envDefault:"false" desc:"compress BOSH responses for clients that ask for it; somebody who can see the sizes of responses, and can write to a person, may then guess what others write at the same moment"`

	UploadMaxSize    Size    `env:"UPLOAD_MAX_SIZE" envDefault:"25MB" desc:"largest file that people may send; 0: none"`
	UploadQuota      Size    `env:"UPLOAD_QUOTA" envDefault:"500MB" desc:"storage for the files of one account"`
	UploadStore      string  `env:"UPLOAD_STORE" envDefault:"disk" desc:"where files are kept: disk (DATA_DIR/uploads), s3://bucket or s3://bucket/prefix"`
	S3Endpoint       string  `env:"S3_ENDPOINT" desc:"URL of the S3-compatible service; empty: Amazon S3"`
	S3Region         string  `env:"S3_REGION" envDefault:"us-east-1" desc:"region of the S3 bucket"`
	S3AccessKey      string  `env:"S3_ACCESS_KEY" secret:"true" desc:"access key ID"`
	S3SecretKey      string  `env:"S3_SECRET_KEY" secret:"true" desc:"secret access key"`
	UploadOrigins    Origins `env:"UPLOAD_ORIGINS" list:"true" desc:"origins where another chat server keeps files, such as https://files.example.org, separated by commas: pages may send files there and show them"`
	LinkPreviews     bool    `env:"LINK_PREVIEWS" envDefault:"true" desc:"whether the site fetches linked pages and shows a preview below the message; only from public addresses, and never for encrypted messages"`
	PreviewOrigins   Origins `env:"LINK_PREVIEW_ORIGINS" list:"true" desc:"origins inside your network that may be fetched as well, such as https://wiki.example.org, separated by commas; all members can see previews of these pages"`
	ArchiveRetention Period  `env:"ARCHIVE_RETENTION" desc:"how long messages between people are kept, such as 365d; empty: for ever"`
	RoomRetention    Period  `env:"ROOM_ARCHIVE_RETENTION" desc:"how long messages in rooms are kept; empty: for ever"`
	UploadRetention  Period  `env:"UPLOAD_RETENTION" desc:"how long files are kept, such as 90d or 12h; empty: for ever"`

	C2SAddr    string `env:"XMPP_C2S_ADDR" desc:"address for native clients, with STARTTLS, such as :5222; empty: none"`
	C2STLSAddr string `env:"XMPP_C2S_TLS_ADDR" desc:"address for native clients, with direct TLS, such as :5223; empty: none"`
	C2SPlain   bool   `env:"XMPP_C2S_PLAIN" envDefault:"false" desc:"native clients connect to XMPP_C2S_ADDR without TLS; only on loopback, such as behind a proxy that terminates TLS"`
	TLSCert    string `env:"XMPP_TLS_CERT" desc:"PEM file with the certificate for XMPP_DOMAIN and its chain, for native clients; read again when it changes"`
	TLSKey     string `env:"XMPP_TLS_KEY" desc:"PEM file with its private key"`

	AuthDovecot string `env:"XMPP_AUTH_DOVECOT" desc:"where other chat servers ask whether a login is valid, by Dovecot's protocol (Prosody's mod_auth_dovecot): unix:/run/foyer/dovecot or localhost:12345; empty: nowhere"`
	AuthHTTP    string `env:"XMPP_AUTH_HTTP" desc:"where they ask over HTTP (ejabberd through foyer extauth, MongooseIM, Prosody's mod_auth_http): unix:/run/foyer/auth or localhost:5281; empty: nowhere"`
	AuthSecret  string `env:"XMPP_AUTH_SECRET" secret:"true" desc:"secret with which they authenticate at XMPP_AUTH_HTTP: the password of Basic authentication, or a bearer token; may be empty for a Unix socket"`
	AuthGroup   string `env:"XMPP_AUTH_GROUP" desc:"system group that may use these Unix sockets, such as prosody or ejabberd; empty: only root and the site's own user"`
	AuthAccept  string `env:"XMPP_AUTH_ACCEPT" list:"true" desc:"which credentials are accepted there, separated by commas: token, app-password, password (the accounts' own); empty: token and app-password, and with XMPP_LOGIN=password all three"`

	ConnectionsPerAddress int     `env:"CONNECTIONS_PER_ADDRESS" envDefault:"16000" desc:"network connections from one address, such as an office; at most three quarters of what the system allows"`
	StreamsPerAddress     int     `env:"STREAMS_PER_ADDRESS" envDefault:"10000" desc:"chat streams from one address"`
	StreamsPerAccount     int     `env:"STREAMS_PER_ACCOUNT" envDefault:"100" desc:"chat streams of one account"`
	ArchiveRate           Size    `env:"ARCHIVE_RATE" envDefault:"64KB" desc:"bytes a second that one account may add to the archive; bursts of up to 256 times as much"`
	NewStreamsPerAddress  float64 `env:"NEW_STREAMS_PER_ADDRESS" envDefault:"200" desc:"new chat streams a second from one address; bursts of up to 30 times as many"`
	RefusalsPerAddress    float64 `env:"REFUSALS_PER_ADDRESS" envDefault:"20" desc:"refused requests a second that are allowed from one address, such as stanzas that are too large and streams that nobody signs in to; bursts of up to 100 times as many, after which refusals are answered more slowly"`

	TokenKey     string `env:"TOKEN_KEY" secret:"true" desc:"key of signed tokens (32 bytes for EdDSA, at least 32 for HS256); empty: the site generates one and keeps it in the database"`
	TokenAlg     string `env:"TOKEN_ALG" envDefault:"EdDSA" desc:"how tokens are signed: EdDSA, or HS256 for servers that do not support it"`
	MetricsToken string `env:"METRICS_TOKEN" secret:"true" desc:"bearer token for /metrics; empty: no access (in development: open)"`
	MetricsAddr  string `env:"METRICS_ADDR" desc:"separate address for /metrics, without a token, such as localhost:9100; empty: none"`
	LogLevel     string `env:"LOG_LEVEL" envDefault:"info" desc:"debug, info, warn or error"`

	cheapHashes bool // for tests, as none is a setting: auth.Config.CheapHashes
}

// Login is how the site's pages sign in to the chat.
type Login string

// The ways.
const (
	LoginSession  Login = "session"  // SASL EXTERNAL by the site's cookie
	LoginPrebind  Login = "prebind"  // a BOSH session that is signed in already
	LoginToken    Login = "token"    // a temporary token, once
	LoginSigned   Login = "signed"   // a JWT, once
	LoginPassword Login = "password" // people type it
	LoginTyped    Login = "typed"    // what they typed to sign in to the site
)

// LoadConfig reads the settings. A secret may also stand in a file named by
// NAME_FILE. The error says what to mend.
func LoadConfig(environ map[string]string) (Config, error) {
	c, err := loadConfig(environ)
	return c, hidePasswords(err)
}

func loadConfig(environ map[string]string) (Config, error) {
	environ = maps.Clone(environ)
	var c Config
	if err := readSettings(&c, environ); err != nil {
		return c, err
	}
	var err error
	if c.OIDC, err = readOIDC(c.OIDCProviders, environ); err != nil {
		return c, err
	}
	c.Addr = ListenAddr(map[string]string{"ADDR": c.Addr, "APP_ENV": c.Env})
	for _, setting := range []*string{&c.Domain, &c.Rooms} {
		if domain, err := stanza.PrepareDomain(*setting); err == nil {
			*setting = domain
		}
	}
	for _, setting := range []*string{&c.BaseURL, &c.SeeOther} {
		if origin, err := normalOrigin(*setting); err == nil {
			*setting = origin
		}
	}
	return c, errors.Join(c.checkRetention(environ), c.checkDomain(environ), c.Validate())
}

// checkDomain refuses a site for everybody whose domain nobody chose. One that ran without the setting has what people
// keep at localhost, and goes on with it where the setting says so.
func (c Config) checkDomain(environ map[string]string) error {
	if environ["XMPP_DOMAIN"] != "" || !c.localDomain() {
		return nil
	}
	return errors.New("XMPP_DOMAIN is not set: production needs the domain of people's chat addresses, such as example.org; choose it well, since another one later shows people nothing of what they had. " +
		"A site that ran without the setting until now has its addresses at localhost: to keep what people have, set XMPP_DOMAIN=localhost")
}

// localDomain reports whether people of a site for everybody have addresses that mean nothing elsewhere.
func (c Config) localDomain() bool {
	return !c.Development() && c.Domain == "localhost" && c.BaseURL != "" && !isLoopbackURL(c.BaseURL)
}

// LocalDomain says so; empty: it is not so.
func (c Config) LocalDomain() string {
	if !c.localDomain() {
		return ""
	}
	return "XMPP_DOMAIN is localhost, which no chat server or app elsewhere can know this site by: set the domain of people's chat addresses if nobody has written anything yet; under another one people see nothing of what they had"
}

// checkRetention refuses what is kept so shortly, or so long, that something else was meant: 6m is six
// minutes and not months, and 0 would be for ever, as nothing at all is.
func (c Config) checkRetention(environ map[string]string) error {
	var wrong []error
	for _, setting := range []struct {
		name string
		kept Period
	}{{"ARCHIVE_RETENTION", c.ArchiveRetention}, {"ROOM_ARCHIVE_RETENTION", c.RoomRetention}, {"UPLOAD_RETENTION", c.UploadRetention}} {
		if environ[setting.name] != "" && time.Duration(setting.kept) < time.Hour {
			wrong = append(wrong, fmt.Errorf("%s=%q must be an hour or more: write days as 90d, hours as 12h (m are minutes); without the setting everything is kept for ever", setting.name, environ[setting.name]))
		}
	}
	return errors.Join(wrong...)
}

// ListenAddr is where the site listens, as the settings say.
func ListenAddr(environ map[string]string) string {
	if environ["APP_ENV"] == "development" {
		return cmp.Or(environ["ADDR"], "localhost:3000")
	}
	return cmp.Or(environ["ADDR"], ":3000")
}

// CheckAddr refuses what is no address to listen on. The error goes on after the setting.
func CheckAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || port == "" { // without one, the system would choose
		return errors.New("must be host:port, such as localhost:3000 or :3000")
	}
	return nil
}

// Environ returns the process's environment for LoadConfig.
func Environ() map[string]string { return env.ToMap(os.Environ()) }

// readSettings reads settings into a struct, into which secrets that stand in files
// go as well.
func readSettings[T any](settings *T, environ map[string]string) error {
	return readPrefixed(settings, "", environ)
}

// readPrefixed is readSettings for settings whose names begin with a prefix.
func readPrefixed[T any](settings *T, prefix string, environ map[string]string) error {
	kind := reflect.TypeFor[T]()
	options := env.Options{Environment: environ, Prefix: prefix}
	if err := readSecretFiles(settings, kind, options); err != nil {
		return err
	}
	if err := checkLists(kind, options); err != nil {
		return err
	}
	if err := env.ParseWithOptions(settings, options); err != nil {
		return settingErrors(err, kind, options)
	}
	return nil
}

// checkLists refuses lists of nothing but separators: who wrote one meant something, and empty
// is another thing in each of them.
func checkLists(kind reflect.Type, options env.Options) error {
	var wrong []error
	for _, f := range settingFields(kind) {
		setting := options.Prefix + f.Tag.Get("env")
		value := options.Environment[setting]
		if f.Tag.Get("list") == "true" && value != "" && strings.Trim(value, ",; \t\r\n") == "" {
			wrong = append(wrong, fmt.Errorf("%s=%q lists nothing; write what is to stand there, separated by commas, or take the setting away", setting, value))
		}
	}
	return errors.Join(wrong...)
}

func readSecretFiles(settings any, kind reflect.Type, options env.Options) error {
	environ := options.Environment
	fields, err := env.GetFieldParamsWithOptions(settings, options)
	if err != nil {
		return err
	}
	for _, f := range fields {
		name := f.Key + "_FILE"
		path := environ[name]
		if path == "" || !isSecret(kind, strings.TrimPrefix(f.Key, options.Prefix)) {
			continue
		}
		if environ[f.Key] != "" {
			return fmt.Errorf("%s and %s are both set; set one of them", f.Key, name)
		}
		raw, err := readSecret(path)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		environ[f.Key] = strings.TrimRight(string(raw), "\r\n")
		if environ[f.Key] == "" {
			return fmt.Errorf("%s: the file %s is empty", name, path)
		}
	}
	return nil
}

// maxSecret is the maximum size of a file with a secret, in bytes.
const maxSecret = 64 << 10

// readSecret reads a file with a secret; one that has no end, such as a device, is none.
func readSecret(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err == nil && len(raw) > maxSecret {
		err = fmt.Errorf("the file %s is larger than any secret", path)
	}
	return raw, err
}

// External reports whether the chat server is another program.
func (c Config) External() bool { return c.Upstream != "" && c.Upstream != "embedded" }

// UpstreamName is the public name of an external chat server; empty: the setting names none,
// such as a socket, an address, or a name that only this machine or its network knows.
func (c Config) UpstreamName() string {
	upstream, err := relay.ParseUpstream(c.Upstream)
	if err != nil {
		return "" // Validate has refused it
	}
	return upstream.PublicName()
}

// RoomsDomain is where the rooms are.
func (c Config) RoomsDomain() string { return cmp.Or(c.Rooms, models.RoomsPrefix+c.Domain) }

// Domains are where accounts and rooms have their addresses.
func (c Config) Domains() models.Domains {
	return models.Domains{Accounts: c.Domain, Rooms: c.RoomsDomain()}
}

// Development reports whether conveniences that are no good in public are on.
func (c Config) Development() bool { return c.Env == "development" }

// Validate checks every setting and reports all that is wrong at once.
func (c Config) Validate() error {
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	oneOf(check, "APP_ENV", c.Env, "development", "production")
	oneOf(check, "XMPP_LOGIN", string(c.Login), "session", "prebind", "token", "signed", "password", "typed")
	oneOf(check, "ROSTER", string(c.Roster), "everyone", "groups", "none")
	oneOf(check, "TOKEN_ALG", c.TokenAlg, "EdDSA", "HS256")
	oneOf(check, "LOG_LEVEL", c.LogLevel, "debug", "info", "warn", "error")
	c.checkUpstream(check)
	domain, err := stanza.PrepareDomain(c.Domain)
	check(err == nil && domain == c.Domain, "XMPP_DOMAIN=%q must be a domain, such as example.org", c.Domain)
	check(fitsDNS(c.Domain), "XMPP_DOMAIN is too long: %s", domainLengths)
	err = CheckAddr(c.Addr)
	check(err == nil, "ADDR=%q %v", c.Addr, err)
	_, err = parseProxies(c.TrustedProxies)
	check(err == nil, "TRUSTED_PROXIES: %v", err)
	if c.BaseURL != "" {
		origin, err := normalOrigin(c.BaseURL)
		if err == nil {
			err = checkBaseURL(origin)
		}
		check(err == nil, "BASE_URL=%q must be like https://chat.example.org: %v", c.BaseURL, err)
	}
	_, err = newAccent(c.Accent)
	check(err == nil, "ACCENT=%q: %v", c.Accent, err)
	_, err = newContact(c.Contact)
	check(err == nil, "CONTACT=%q: %v", c.Contact, err)
	_, err = uploads.NewStore(c.uploadStore())
	check(err == nil, "UPLOAD_STORE=%q: %v", c.UploadStore, err)
	check(c.UploadMaxSize == 0 || c.UploadMaxSize >= leastSize, "UPLOAD_MAX_SIZE is %v, which no file is: write a unit, such as 25MB", c.UploadMaxSize)
	check(c.UploadMaxSize <= c.UploadQuota, "UPLOAD_MAX_SIZE is more than UPLOAD_QUOTA allows for all files together")
	check(c.TokenKey == "" || c.TokenAlg != "EdDSA" || len(c.TokenKey) == 32, "TOKEN_KEY must be 32 bytes for EdDSA, not %d", len(c.TokenKey))
	check(c.TokenKey == "" || len(c.TokenKey) >= 32, "TOKEN_KEY must be at least 32 bytes, not %d", len(c.TokenKey))
	c.checkLabels(check)
	c.checkLimits(check)
	c.checkNative(check)
	c.checkAuthListeners(check)
	c.checkMetrics(check)
	c.checkSeeOther(check)
	c.checkSources(check)
	if c.Development() {
		check(c.loopback(), "ADDR=%q: development listens on loopback only, since its passwords are published; use localhost:PORT, or APP_ENV=production", c.Addr)
	} else {
		check(c.DatabaseURL != "", "DATABASE_URL is empty: production needs a Postgres, such as postgres://foyer@db/foyer (or set APP_ENV=development)")
		check(c.BaseURL != "", "BASE_URL is empty: production needs the site's public URL, such as https://chat.example.org")
	}
	return errors.Join(wrong...)
}

const domainLengths = "a domain has at most 63 characters between two dots, and 253 in all (RFC 1035 §2.3.4)"

// fitsDNS reports whether a domain is no longer than the DNS has them.
func fitsDNS(domain string) bool {
	ascii := stanza.ASCIIDomain(domain)
	return len(ascii) <= 253 && !slices.ContainsFunc(strings.Split(ascii, "."), func(label string) bool { return len(label) > 63 })
}

// checkUpstream checks the settings of an external chat server.
func (c Config) checkUpstream(check func(bool, string, ...any)) {
	if !c.External() {
		check(c.UpstreamCA == "", "XMPP_UPSTREAM_CA is for another chat server: set XMPP_UPSTREAM to its address, or leave both empty")
		check(c.Rooms == "", "XMPP_ROOMS_DOMAIN is for another chat server; the embedded one has its rooms at conference.%s", c.Domain)
		return
	}
	_, err := relay.ParseUpstream(c.Upstream)
	check(err == nil, "XMPP_UPSTREAM: %v", err)
	_, err = c.upstreamRoots()
	check(err == nil, "%v", err)
	if c.Rooms != "" {
		domain, err := stanza.PrepareDomain(c.Rooms)
		check(err == nil && domain == c.Rooms && domain != c.Domain, "XMPP_ROOMS_DOMAIN=%q must be the domain of the server's rooms, such as conference.%s", c.Rooms, c.Domain)
		check(fitsDNS(c.Rooms), "XMPP_ROOMS_DOMAIN is too long: %s", domainLengths)
	}
}

// unused returns the settings that are set and mean nothing with an external server.
func (c Config) unused() []string {
	var names []string
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"ARCHIVE_RETENTION", c.ArchiveRetention != 0}, {"ROOM_ARCHIVE_RETENTION", c.RoomRetention != 0},
		{"XMPP_C2S_ADDR", c.C2SAddr != ""}, {"XMPP_C2S_TLS_ADDR", c.C2STLSAddr != ""},
	} {
		if s.set {
			names = append(names, s.name)
		}
	}
	return names
}

// warnUnused says once what the external server takes over.
func (s *Server) warnUnused() {
	if names := s.cfg.unused(); len(names) > 0 {
		s.log.Warn("these settings are for the embedded chat server; the one behind XMPP_UPSTREAM has its own", "settings", strings.Join(names, ", "))
	}
}

// maxLabel is the maximum length of what pages call the site, and the sources of people, in
// characters.
const maxLabel = 100

// isLabel reports whether a setting can stand in a page, and in a line of text: what the site
// is called stands in headers as well (RFC 9110 §5.5), where another line would begin another.
func isLabel(s string) bool {
	return utf8.ValidString(s) && !hasControls(s) && names.Line(s) != "" && utf8.RuneCountInString(s) <= maxLabel
}

// checkLabels checks what people read of the settings.
func (c Config) checkLabels(check func(bool, string, ...any)) {
	checkLabel := func(setting, value string) {
		check(isLabel(value), "%s=%q must be a name that people can read, on one line, of at most %d characters", setting, value, maxLabel)
	}
	checkLabel("SITE_NAME", c.SiteName)
	if c.LDAP.URL != "" {
		checkLabel("LDAP_LABEL", c.LDAP.Label)
	}
	if c.HeaderSignIn != "" {
		checkLabel("HEADER_SIGNIN_LABEL", c.HeaderLabel)
	}
	for _, o := range c.OIDC {
		if o.Label != "" {
			checkLabel(o.setting("LABEL"), o.Label)
		}
	}
}

// checkLimits refuses limits that would keep everybody out.
func (c Config) checkLimits(check func(bool, string, ...any)) {
	for setting, n := range map[string]int{
		"CONNECTIONS_PER_ADDRESS": c.ConnectionsPerAddress, "STREAMS_PER_ADDRESS": c.StreamsPerAddress,
		"STREAMS_PER_ACCOUNT": c.StreamsPerAccount, "SIGNIN_FAILURES_PER_ADDRESS": c.SignInFailures, "SIGNUPS_PER_ADDRESS": c.SignUps, "ROSTER_MAX": c.RosterMax,
	} {
		check(n >= 1, "%s=%d must be at least 1", setting, n)
	}
	check(c.RosterMax <= maxRoster, "ROSTER_MAX=%d is more than browsers show; at most %d", c.RosterMax, maxRoster)
	check(c.ArchiveRate >= leastSize, "ARCHIVE_RATE is %v, which is less than a message takes: write a unit, such as 64KB", c.ArchiveRate)
	checkRate(check, "NEW_STREAMS_PER_ADDRESS", c.NewStreamsPerAddress)
	checkRate(check, "REFUSALS_PER_ADDRESS", c.RefusalsPerAddress)
}

// maxRoster is how many a contact list may be made to hold: each sign-in reads them, and each page keeps them.
const maxRoster = 100_000

// leastSize is less than what anybody means: a number without its unit is one of bytes.
const leastSize Size = 1000

// maxRate is no limit any more.
const maxRate = 1_000_000

// checkRate refuses a number for each second that is none, or nothing.
func checkRate(check func(bool, string, ...any), setting string, perSecond float64) {
	check(perSecond > 0 && perSecond <= maxRate, "%s=%v must be a number above 0, at most %d", setting, perSecond, maxRate)
}

func oneOf(check func(bool, string, ...any), name, value string, allowed ...string) {
	check(slices.Contains(allowed, value), "%s=%q is not one of %s", name, value, strings.Join(allowed, ", "))
}

// loopback reports whether Addr cannot be reached from elsewhere.
func (c Config) loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return false
	}
	if host == "localhost" || (host == "" && c.Addr == ":0") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
