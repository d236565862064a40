package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"foyer/app"
	"foyer/app/auth"
	"foyer/app/auth/passkey"
	"foyer/app/doctor"
	"foyer/internal/stanza"
	"foyer/models"
)

type doctorCmd struct {
	Quick  bool   `help:"Leave out what takes a minute: whether the proxy waits as long as chats do."`
	JSON   bool   `name:"json" help:"Write the findings as JSON."`
	Person string `name:"directory-person" help:"The user name of somebody to look for in the directory." placeholder:"NAME"`
	As     string `help:"The account to sign in to the chat with; without it, an administrator's." placeholder:"NAME"`
}

var errMend = errors.New("something needs mending")

// Run makes all checks, those from inside first, and goes on after a failure.
func (c doctorCmd) Run(e *env) error {
	report := doctor.NewReport(e.out, c.JSON)
	c.examine(e, report)
	failed, err := report.Close()
	if err == nil && failed > 0 {
		err = errMend
	}
	return err
}

func (c doctorCmd) examine(e *env, report *doctor.Report) {
	x := examination{env: e, Report: report}
	cfg, err := e.config()
	if x.failed("settings", err, "They are "+environment+".") {
		return
	}
	for _, said := range app.UnknownSettings(app.Environ()) {
		x.Tell(doctor.Finding{Check: "settings", State: doctor.Warn, Text: said, Mend: "Write its name as it is, or take it out of the environment: of foyer.service, or of docker-compose.yml."})
	}
	for _, said := range app.IdleSettings(app.Environ()) {
		x.Tell(doctor.Finding{Check: "settings", State: doctor.Warn, Text: said, Mend: "Set the one that it goes with, or take it out of the environment: of foyer.service, or of docker-compose.yml."})
	}
	if said := cfg.LocalDomain(); said != "" {
		x.Tell(doctor.Finding{Check: "settings", State: doctor.Warn, Text: said, Mend: "XMPP_DOMAIN, " + environment + "."})
	}
	db, closeDB, err := e.database(cfg)
	if x.failed("database", err, mendDatabase) {
		return
	}
	defer closeDB()
	if x.database(cfg, db) {
		x.files(cfg, db)
		x.limits(db)
		x.outside(c, cfg, db)
	}
	x.failed("native clients", app.CheckNative(cfg), "XMPP_TLS_CERT and XMPP_TLS_KEY.")
	x.failed("scripts and styles", app.CheckAssets(e.static), "Build the program with `make build`.")
}

// examination is a run of the checks from inside.
type examination struct {
	*env
	*doctor.Report
}

// failed tells how a check went.
func (x examination) failed(check string, err error, mend string) bool {
	if err != nil {
		mend = cmp.Or(models.HowToMend(err), mend)
		x.Tell(doctor.Finding{Check: check, State: doctor.Fail, Text: err.Error(), Mend: mend})
		return true
	}
	x.Tell(doctor.Finding{Check: check, State: doctor.OK, Text: "well"})
	return false
}

const mendDatabase = "Is Postgres running (systemctl status postgresql), and is DATABASE_URL right, its password included?"

// inDatabase tells how a check went that asks the database, which may be away meanwhile.
func (x examination) inDatabase(check string, err error, mend string) bool {
	if models.Unavailable(err) {
		mend = mendDatabase
	}
	return x.failed(check, err, mend)
}

// oldestPostgres is the first version that the site works with.
const oldestPostgres = 14

// database checks the server, the schema and the accounts; it reports whether the
// site can work with them.
func (x examination) database(cfg app.Config, db *models.DB) bool {
	server, err := db.Postgres(x.ctx)
	if err == nil && server.Version/10_000 < oldestPostgres {
		err = fmt.Errorf("this is Postgres %d; the site needs %d or newer", server.Version/10_000, oldestPostgres)
	}
	if x.inDatabase("Postgres", err, "Move the database to a newer server (pg_upgrade).") {
		return false
	}
	if err := server.CheckEncoding(); err != nil {
		x.failed("encoding", err, "A new database, as that says.")
	}
	x.Tell(doctor.Skew("the database's clock", server.Now, time.Now()))
	schema, err := db.SchemaStatus(x.ctx)
	if behind := schema.Behind(); err == nil && behind != "" {
		err = errors.New(behind)
	}
	if x.inDatabase("schema", err, "Run `foyer migrate`.") {
		return false
	}
	if newer, err := app.NewerSchema(x.ctx, db); err == nil && newer != "" {
		x.Tell(doctor.Finding{Check: "schema", State: doctor.Warn, Text: newer, Mend: "Install the version of the program that ran `foyer migrate` last; to go back, restore the database from before that as well."})
	}
	kept, err := db.ChatDomain(x.ctx)
	if other := app.OtherChatDomain(cfg, kept); err == nil && other != "" {
		err = errors.New(other)
	}
	x.inDatabase("chat domain", err, "XMPP_DOMAIN, "+environment+".")
	if !cfg.Development() {
		demo, err := db.Accounts.HasDemoAccounts(x.ctx)
		if err == nil && demo {
			err = errors.New("demo accounts are in this database, whose password is published")
		}
		x.inDatabase("accounts", err, "Delete them: `foyer user delete alice`, and so on; `foyer user list` marks them.")
		x.signup(cfg)
	}
	return true
}

// signup tells whether strangers may become members. Where the settings say so it is what somebody wants.
func (x examination) signup(cfg app.Config) {
	means, decided := cfg.OpenToVisitors()
	f := doctor.Finding{Check: "new accounts", State: doctor.OK, Text: cmp.Or(means, "visitors cannot create accounts")}
	if means != "" && !decided {
		f.State, f.Mend = doctor.Warn, "Set SIGNUP=false, "+environment+", and make accounts by `foyer user add`; or SIGNUP=true, if the site is for everybody."
	}
	x.Tell(f)
}

// files checks that files can be kept, and that each has its record.
func (x examination) files(cfg app.Config, db *models.DB) {
	mind, err := app.CheckFiles(x.ctx, cfg)
	if mind != "" && err == nil {
		x.Tell(doctor.Finding{Check: "files", State: doctor.OK, Text: "they can be kept by who runs this; " + mind})
	} else if x.failed("files", err, "DATA_DIR, or UPLOAD_STORE and the S3 settings.") {
		return
	}
	n, err := app.OrphanFiles(x.ctx, cfg, db, false)
	if err == nil && n > 0 {
		err = fmt.Errorf("%s that no record knows of", count(n, "file", "files"))
	}
	x.inDatabase("files' records", err, "`foyer orphans --delete` removes them; not before you know why they are there: was the database restored from an older copy?")
}

// Limits that were met before that are no news.
const recentlyMet = 7 * 24 * time.Hour

// limits tells which were met lately. That is no failure: it may be what they are for.
func (x examination) limits(db *models.DB) {
	met, err := db.LimitsMet(x.ctx, time.Now().Add(-recentlyMet))
	if x.inDatabase("limits", err, "Run `foyer migrate`.") {
		return
	}
	for _, m := range met {
		f := doctor.Finding{Check: "limits", State: doctor.Warn}
		f.Text = fmt.Sprintf("met: %s, %d times, last by %s on %s", m.Limit.Name, m.Count, m.Last, m.At.Local().Format("2 January 15:04"))
		if m.Limit.Setting != "" {
			f.Mend = "If that was no attack, raise " + m.Limit.Setting + "."
		}
		x.Tell(f)
	}
}

// sources tries where people come from besides the site's own accounts.
func (x examination) sources(service *auth.Service, site, person string) {
	ctx, cancel := context.WithTimeout(x.ctx, time.Minute)
	defer cancel()
	for _, source := range service.Sources() {
		check := "sign-in by " + source.Name()
		switch checker := source.(type) {
		case auth.Checker:
			x.failed(check, checker.Check(ctx), mendDirectory)
		case auth.SiteChecker:
			advice, err := checker.CheckFor(ctx, site)
			x.failed(check, err, mendProvider(source.Name(), site))
			for _, a := range advice {
				x.Tell(doctor.Finding{Check: check, State: doctor.Warn, Text: a.Text, Mend: a.Mend})
			}
		}
		if about, ok := source.(describer); ok && person != "" {
			x.person(ctx, source.Name(), about, person)
		}
	}
}

const environment = "in the environment: of foyer.service, or of docker-compose.yml"

// mendDirectory has what the errors of auth.Checker are about; each says which of them.
const mendDirectory = "Here, " + environment + ": LDAP_URL (where it is), LDAP_CA_FILE (who signed its certificate), LDAP_BIND_DN and LDAP_BIND_PASSWORD (who searches), " +
	"LDAP_BASE_DN, LDAP_USER_FILTER and LDAP_USERNAME_ATTRIBUTE (whom that finds), LDAP_GROUPS, LDAP_GROUP_BASE_DN and LDAP_GROUP_FILTER. " +
	"In the directory: whether that account may sign in, search below these entries and read what is named above. docs/IDENTITY.md has both for each kind of directory."

// mendProvider is that of auth.SiteChecker.
func mendProvider(name, site string) string {
	settings := "OIDC_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	return "Here, " + environment + ": " + settings + "_ISSUER (to the letter what the provider calls itself), " + settings + "_CLIENT_ID, " + settings + "_CLIENT_SECRET, " + settings + "_SCOPES, " +
		"and " + settings + "_CA_FILE, if an authority of your own signed its certificate. At the provider, in the client of that id: the redirect address " +
		cmp.Or(site, "BASE_URL") + "/signin/with/" + name + "/back, and the authorization code flow. docs/IDENTITY.md has both for each provider."
}

// describer is a source that tells the operator about one of its people.
type describer interface {
	Describe(ctx context.Context, name string) (string, error)
}

func (x examination) person(ctx context.Context, source string, about describer, name string) {
	line, err := about.Describe(ctx, name)
	if err != nil {
		x.failed(source+": "+name, err, "LDAP_BASE_DN and LDAP_USER_FILTER here, or that entry in the directory.")
		return
	}
	x.Tell(doctor.Finding{Check: source + ": " + name, State: doctor.OK, Text: line})
}

// outside makes the checks that go by BASE_URL, and signs in to the external server.
func (x examination) outside(c doctorCmd, cfg app.Config, db *models.DB) {
	settings, err := cfg.Auth(db, x.logger(cfg), func(context.Context, models.Event) {})
	var service *auth.Service
	if err == nil {
		service, err = auth.New(x.ctx, settings)
	}
	if err != nil {
		x.failed("sign-in", err, "The setting at the beginning of that line, "+environment+"; or let the site's user read the file that it names (LDAP_CA_FILE, OIDC_…_CA_FILE: certificates in PEM).")
		return
	}
	x.sources(service, cfg.BaseURL, c.Person)
	x.passkeys(cfg, db)
	if cfg.External() {
		x.chatServer(cfg, service)
	}
	if cfg.BaseURL == "" {
		x.Tell(doctor.Finding{Check: "site", State: doctor.Warn, Text: "not looked at from outside: there is no BASE_URL, as in development", Mend: "Set BASE_URL to the address that people type, once there is one."})
		return
	}
	site, end, err := x.site(c, cfg, db, service)
	if err != nil {
		x.inDatabase("site", err, "--as takes the user name of an account; `foyer user list` shows them.")
		return
	}
	defer end()
	(&doctor.Doctor{Site: site, Quick: c.Quick}).Run(x.ctx, x.Tell)
}

// passkeys tells whether people can sign in by passkeys, and whether some have become useless.
func (x examination) passkeys(cfg app.Config, db *models.DB) {
	const check = "passkeys"
	if cfg.BaseURL == "" {
		return // as in development: nobody knows the host before the site listens
	}
	site, err := cfg.PasskeySite(cfg.BaseURL)
	switch {
	case errors.Is(err, passkey.ErrNoDomain):
		x.Tell(doctor.Finding{Check: check, State: doctor.Warn, Text: "nobody can sign in with one: " + err.Error(), Mend: "Set BASE_URL to a domain that leads here, " + environment + "; or PASSKEYS=false, if nobody is to have any."})
		return
	case err != nil:
		x.Tell(doctor.Finding{Check: check, State: doctor.OK, Text: "nobody can sign in with one: " + err.Error()})
		return
	}
	n, host, err := db.Passkeys.Elsewhere(x.ctx, site.ID)
	if err == nil && n > 0 {
		x.Tell(doctor.Finding{Check: check, State: doctor.Warn, Text: fmt.Sprintf("%s made for another host, %s, and useless at %s", count(n, "passkey was", "passkeys were"), host, site.ID),
			Mend: "Passkeys belong to the host of BASE_URL: people add new ones under Settings, Passkeys. If the host was changed by mistake, change it back."})
		return
	}
	x.inDatabase(check, err, "Run `foyer migrate`.")
}

// chatServer signs in to the external chat server, and compares its clock: it judges by it how
// old the site's tokens are.
func (x examination) chatServer(cfg app.Config, service *auth.Service) {
	ctx, cancel := context.WithTimeout(x.ctx, time.Minute)
	defer cancel()
	clock, err := app.CheckUpstream(ctx, cfg, service)
	mend := app.HowToMendUpstream(err, cfg.Domain)
	if errors.Is(err, app.ErrNoUpstreamPush) {
		x.Tell(doctor.Finding{Check: "chat server", State: doctor.Warn, Text: err.Error(), Mend: mend})
	} else {
		x.failed("chat server", err, mend)
	}
	switch {
	case clock == nil: // nobody was let in
	case clock.Err != nil:
		x.Tell(doctor.Finding{Check: "clock", State: doctor.Warn, Text: "the chat server's is not told: " + clock.Err.Error(), Mend: "Turn on time in modules_enabled of prosody.cfg.lua, mod_time in ejabberd.yml or mongooseim.toml (XEP-0202)."})
	default:
		x.Tell(doctor.Skew("the chat server's clock", clock.Theirs, clock.Ours))
	}
}

// site is what is checked from outside. end takes back what signing in left.
func (x examination) site(c doctorCmd, cfg app.Config, db *models.DB, service *auth.Service) (site doctor.Site, end func(), err error) {
	end = func() {}
	id, err := app.SiteID(x.ctx, db)
	if err != nil {
		return site, end, err
	}
	site = siteOf(cfg, id)
	account, err := x.somebody(c.As, db)
	if errors.Is(err, models.ErrNotFound) {
		return site, end, nil
	}
	if err != nil {
		return site, end, err
	}
	var session string
	site.SignIn = func(ctx context.Context) (jid, token string, err error) {
		token, session, err = service.OperatorSession(ctx, account, time.Minute)
		return service.Address(account.Username), token, err
	}
	return site, func() {
		if session == "" {
			return
		}
		// It is nobody's device, and would end by itself.
		_ = service.EndSession(x.ctx, account, session)
	}, nil
}

// siteOf is what the settings say of the site, except for who signs in.
func siteOf(cfg app.Config, id string) doctor.Site {
	site := doctor.Site{
		BaseURL: cfg.BaseURL, ID: id, Domain: stanza.ASCIIDomain(cfg.Domain), MaxUpload: int64(cfg.UploadMaxSize), Development: cfg.Development(),
		Trusted: cfg.TrustedProxy(), Header: cfg.HeaderSignIn, RealPasswords: cfg.Login == app.LoginTyped,
		External: cfg.External(), FileOrigins: cfg.UploadOrigins,
	}
	if app.OpenMetrics(cfg.MetricsAddr) {
		site.OpenMetrics = cfg.MetricsAddr
	}
	if site.External {
		site.ChatHost = cfg.UpstreamName()
		return site
	}
	site.STARTTLSPort, site.TLSPort = portOf(cfg.C2SAddr), portOf(cfg.C2STLSAddr)
	if cfg.C2SPlain {
		site.STARTTLSPort = "" // loopback, for something that ends TLS
	}
	return site
}

func (x examination) somebody(name string, db *models.DB) (models.Account, error) {
	if name != "" {
		return x.account(db, name)
	}
	return db.Accounts.SomeAccount(x.ctx)
}

// portOf is where a listener can be reached; empty: nowhere.
func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(cmp.Or(addr, ":"))
	return port
}
