// Package app is the website, and the place where everything is put together.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"foyer/app/auth"
	"foyer/app/pictures"
	"foyer/internal/budget"
	"foyer/internal/pgdev"
	"foyer/models"
)

// Version is the program's, as told in about boxes.
const Version = "0.1.0"

// How long each stage of stopping may take.
const stopTimeout = 10 * time.Second

// Run runs the site until ctx ends. What people should know goes to out, one
// line each; the log goes to log. An error is one line that says what to do.
func Run(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger) error {
	say := func(line string) { fmt.Fprintln(out, line) }
	db, closeDB, err := OpenDatabase(ctx, &cfg, say, log)
	if err != nil {
		return err
	}
	defer closeDB()
	if said := cfg.LocalDomain(); said != "" {
		log.Warn(said)
	}
	if err := prepareSchema(ctx, cfg, db, log); err != nil {
		return err
	}
	if err := checkChatDomain(ctx, cfg, db, log); err != nil {
		return err
	}
	var lost <-chan error
	if !cfg.External() {
		lock, err := takeLock(ctx, db, log)
		if err != nil {
			return err
		}
		defer lock.release()
		lost = lock.lost
	}

	s, err := New(ctx, cfg, db, log)
	if err != nil {
		return err
	}
	if cfg.Development() {
		if err := s.seed(ctx); err != nil {
			return err
		}
	}
	s.noteTemplateRooms(ctx)
	s.warnProxies()
	listener, err := s.listen()
	if err != nil {
		return err
	}
	if err := s.listenBesides(); err != nil {
		listener.Close()
		return err
	}
	if err := keepChatDomain(ctx, cfg, db); err != nil {
		listener.Close()
		s.closeBesides()
		return err
	}
	return s.serve(ctx, listener, lost, say)
}

// OpenDatabase opens the configured database, or a private Postgres in
// development, which it starts unless another program of the site runs it.
func OpenDatabase(ctx context.Context, cfg *Config, say func(string), log *slog.Logger) (*models.DB, func(), error) {
	stop := func() {}
	if cfg.DatabaseURL == "" {
		var err error
		if cfg.DatabaseURL, stop, err = privatePostgres(ctx, *cfg, say); err != nil {
			return nil, nil, fmt.Errorf("the private Postgres did not start: %w", err)
		}
	}
	db, err := models.Open(ctx, models.Options{URL: cfg.DatabaseURL, RosterMax: cfg.RosterMax, Logger: log})
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("the database cannot be reached; check DATABASE_URL and that Postgres runs: %w", err)
	}
	return db, func() { db.Close(); stop() }, nil
}

// PrivateDatabase is the name of the database in the private Postgres.
const PrivateDatabase = "foyer"

func privatePostgres(ctx context.Context, cfg Config, say func(string)) (url string, stop func(), err error) {
	dir := filepath.Join(cfg.DataDir, "postgres")
	pg, err := pgdev.Start(ctx, pgdev.Options{Dir: dir, Log: say})
	if err != nil {
		return "", nil, err
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		_ = pg.Stop(ctx)
	}
	if err := pg.CreateDatabase(ctx, PrivateDatabase, ""); err != nil {
		stop()
		return "", nil, err
	}
	return pg.URL(PrivateDatabase), stop, nil
}

// prepareSchema migrates in development. In production that is a step of its
// own, and a database with published passwords is refused.
func prepareSchema(ctx context.Context, cfg Config, db *models.DB, log *slog.Logger) error {
	if cfg.Development() {
		if err := db.Migrate(ctx); err != nil {
			return err
		}
	}
	if err := CheckSchema(ctx, db); err != nil {
		return err
	}
	if newer, err := NewerSchema(ctx, db); err != nil {
		return err
	} else if newer != "" {
		log.Warn(newer)
	}
	if cfg.Development() {
		return nil
	}
	demo, err := db.Accounts.HasDemoAccounts(ctx)
	if err == nil && demo {
		err = errors.New("this database holds demo accounts, whose password is published; production needs a database of its own, or delete them (`foyer user delete alice` …)")
	}
	return err
}

// CheckSchema refuses a database whose schema lacks what this program needs.
func CheckSchema(ctx context.Context, db *models.DB) error {
	schema, err := db.SchemaStatus(ctx)
	if behind := schema.Behind(); err == nil && behind != "" {
		err = errors.New(behind + "; run `foyer migrate`")
	}
	return err
}

// NewerSchema says of a database whose schema is newer than this program that it is; empty: it is
// not. The program works with it as far as it knows it: while others are changed over, and no longer.
func NewerSchema(ctx context.Context, db *models.DB) (string, error) {
	schema, err := db.SchemaStatus(ctx)
	newer := schema.Newer()
	if err != nil || newer == "" {
		return "", err
	}
	return newer + ": a newer program was here, and this one may lose what that keeps; run the newer one", nil
}

// New puts the site together on an open database; it does not listen yet.
func New(ctx context.Context, cfg Config, db *models.DB, log *slog.Logger) (*Server, error) {
	s := &Server{pages: &pages{site: &site{cfg: cfg, log: log}}, db: db, accountChanges: newAccountChanges(), clock: newMachineClock()}
	s.baseURL.Store(cfg.BaseURL)
	s.limits = budget.NewLimitLog(log)
	s.refusals = newRefusals(cfg.RefusalsPerAddress, s.limits)
	s.renders = newRenders(nil)
	s.discussions = newDiscussions(s.limits)
	processor := budget.NewCPUSemaphore()
	s.pictures = pictures.New(s.limits, processor)
	var err error
	if s.proxies, err = parseProxies(cfg.TrustedProxies); err != nil {
		return nil, err
	}
	s.conns = newConnections(cfg.maxConnections(), cfg.ConnectionsPerAddress, s.proxies, log, s.limits)
	s.transfers = newTransfers(cfg.maxTransfers(), s.limits)
	signIn, err := cfg.Auth(db, log, s.tell)
	if err != nil {
		return nil, err
	}
	signIn.Recorder, signIn.CPU, signIn.Picture = s.limits, processor, s.wantPicture
	origins, err := cfg.pictureOrigins()
	if err != nil {
		return nil, err
	}
	s.fetcher, s.claimedPictures = pictures.NewFetcher(origins), make(chan claimedPicture, maxClaimedPictures)
	s.previews = s.newPreviews()
	if s.auth, err = auth.New(ctx, signIn); err != nil {
		return nil, err
	}
	if s.id, err = SiteID(ctx, db); err != nil {
		return nil, err
	}
	if s.assets, err = programAssets(); err != nil {
		return nil, err
	}
	if s.themeColors, err = newThemeColors(s.assets.files); err != nil {
		return nil, err
	}
	if s.assets.stale != nil {
		s.log.Warn("pages load their sources one by one", "err", errStaleBundles)
	}
	if s.accent, err = newAccent(cfg.Accent); err != nil {
		return nil, err
	}
	if s.contact, err = newContact(cfg.Contact); err != nil {
		return nil, err
	}
	if err := s.loadViews(); err != nil {
		return nil, err
	}
	if s.uploads, err = s.newUploads(); err != nil {
		return nil, err
	}
	if s.chat, err = s.newChat(ctx); err != nil {
		return nil, err
	}
	if s.gateway, err = s.newGateway(); err != nil {
		return nil, err
	}
	s.web = s.newWeb()
	s.newHandlers()
	s.routes()
	return s, nil
}

// newChat makes the chat server, or the link to it.
func (s *Server) newChat(ctx context.Context) (Chat, error) {
	if s.cfg.External() {
		return s.newRelayed(ctx)
	}
	return s.newEmbedded(ctx)
}

// Auth is what signing in needs of the settings.
func (c Config) Auth(db *models.DB, log *slog.Logger, tell func(context.Context, models.Event)) (auth.Config, error) {
	sources, err := c.Sources(log)
	return auth.Config{
		DB: db, Domain: c.Domain, SiteName: c.SiteName, Logger: log, FailuresPerAddress: c.SignInFailures, SignUpsPerAddress: c.SignUps,
		TokenKey: c.TokenKey, TokenAlg: c.TokenAlg,
		External: c.External(), SignedTokens: c.Login == LoginSigned, Passwords: c.Login == LoginPassword || c.Login == LoginTyped, Tell: tell, Servers: c.accepted(),
		Sources: sources, LocalAccounts: c.LocalAccounts, ProvisionSources: c.provisionSources(), SourcePasswords: c.LDAP.native(), CheapHashes: c.cheapHashes,
	}, err
}

// listen binds the address; with port 0 the system chooses one.
func (s *Server) listen() (net.Listener, error) {
	addr := s.cfg.Addr
	if addr == ":0" && s.cfg.Development() {
		addr = "localhost:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s; stop what uses it, or set ADDR to another address: %w", s.cfg.Addr, err)
	}
	if s.cfg.BaseURL == "" {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		s.baseURL.Store("http://localhost:" + port)
	}
	return s.conns.listen(l), nil
}

// listenBesides binds what is listened on besides the pages, or nothing.
func (s *Server) listenBesides() error {
	if err := s.listenNative(); err != nil {
		return err
	}
	if err := s.listenAuth(); err != nil {
		s.closeNative()
		return err
	}
	var err error
	if s.metrics, err = s.listenMetrics(); err != nil {
		s.closeNative()
		s.closeAuth()
	}
	return err
}

// closeBesides closes what listenBesides bound, where nothing is served yet.
func (s *Server) closeBesides() {
	s.closeNative()
	s.closeAuth()
	if s.metrics != nil {
		s.metrics.Close()
	}
}

// serve runs everything until ctx ends, another instance takes over or the web server
// fails, and then stops in stages: no new requests, streams told to come back,
// what they sent stored.
func (s *Server) serve(ctx context.Context, l net.Listener, lost <-chan error, say func(string)) error {
	work, stopWork := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { s.db.Listen(work, s.handleEvent) })
	background.Go(func() { s.tellChanges(work) })
	background.Go(func() { s.housekeeping(work) })
	background.Go(func() { s.uploads.Run(work) })
	background.Go(func() { s.tryFiles(work) })
	background.Go(func() { s.recheckSources(work) })
	for range claimedPictureWorkers {
		background.Go(func() { s.fetchPictures(work) })
	}
	background.Go(func() { s.retention(work) })
	background.Go(func() { s.tendMemory(work) })
	background.Go(func() { s.db.Index.Run(work) })
	background.Go(func() { _ = s.chat.Run(work) })
	background.Go(func() { s.push.Run(work) })

	if s.metrics != nil {
		background.Go(func() { s.serveMetrics(work, s.metrics, s.newMetrics()) })
	}
	for _, p := range s.native {
		background.Go(func() { s.serveNative(p) })
	}
	for _, d := range s.authListeners {
		background.Go(func() { s.serveAuth(work, d) })
	}

	failed := make(chan error, 1)
	background.Go(func() { failed <- s.web.Listener(l) })
	s.announce(say)

	var err error
	select {
	case <-ctx.Done():
		say("Stopping …")
	case err = <-failed:
	case err = <-lost:
	}
	limited, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	s.closeNative()
	s.chat.Shutdown(limited)
	if stopErr := s.gateway.Shutdown(limited); stopErr != nil {
		s.log.Warn("some streams did not end in time", "err", stopErr)
	}
	s.refusals.stop()
	s.ownData.stop()
	if stopErr := s.web.ShutdownWithContext(limited); stopErr != nil {
		s.log.Warn("some requests did not end in time", "err", stopErr)
	}
	_ = l.Close() // the web server does not know it yet if it was only just to begin
	stopWork()
	background.Wait()
	return err
}

// announce tells people where the site is.
func (s *Server) announce(say func(string)) {
	say(s.cfg.SiteName + " is at " + s.BaseURL())
	if s.cfg.Development() {
		var names []string
		for _, a := range demoAccounts() {
			names = append(names, a.Name)
		}
		say("Demo accounts: " + strings.Join(names, ", ") + "; password " + demoPassword)
		say("Ctrl-C stops everything; the data stays in " + s.cfg.DataDir + ".")
	}
}
