// Package cli is the command line.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"foyer/app"
	"foyer/internal/pgdev"
	"foyer/models"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// commands is every command, with its arguments.
type commands struct {
	Serve     serveCmd     `cmd:"" help:"Run the site."`
	Gateway   gatewayCmd   `cmd:"" help:"Run the gateway alone, without a site, for the XMPP servers of other domains (docs/GATEWAY.md)."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database's schema up to date."`
	User      userCmd      `cmd:"" help:"Manage accounts."`
	Group     groupCmd     `cmd:"" help:"Manage the groups of members, who know each other where ROSTER is groups."`
	Room      roomCmd      `cmd:"" help:"Make rooms of the chat that pages show, and list rooms."`
	Directory directoryCmd `cmd:"" help:"Compare the site with the directory whose people sign in here (docs/IDENTITY.md)."`
	Chat      chatCmd      `cmd:"" help:"Move the chat to another server."`
	Token     tokensCmd    `cmd:"" help:"Print one-use sign-in tokens; manage the keys of tokens."`
	Doctor    doctorCmd    `cmd:"" help:"Check the site, from inside and from outside, and say how to mend what is wrong."`
	Orphans   orphansCmd   `cmd:"" help:"Count the uploaded files that no record knows of."`
	Settings  settingsCmd  `cmd:"" help:"Print the table of settings."`

	Extauth     extauthCmd     `cmd:"" help:"Answer ejabberd, which starts this to ask the site who may sign in (extauth_program)."`
	Healthcheck healthcheckCmd `cmd:"" hidden:"" help:"Ask the site on this machine whether it is alive."`

	Version kong.VersionFlag `help:"Print the version."`
}

// env is what a command works with.
type env struct {
	ctx    context.Context
	in     *bufio.Reader
	asks   bool                   // somebody is at the terminal, who can be asked
	hidden func() ([]byte, error) // reads a line from the terminal without showing it
	out    io.Writer
	errOut io.Writer
	config func() (app.Config, error)
	static fs.FS // scripts and styles to look at; nil: those in this program
}

// Run parses the arguments and runs the command. An error is a sentence for the
// person at the terminal.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
	e := &env{ctx: ctx, in: bufio.NewReader(in), out: out, errOut: errOut, config: func() (app.Config, error) {
		cfg, err := app.LoadConfig(app.Environ())
		return cfg, withUnknown(err, app.UnknownSettings(app.Environ()))
	}}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		e.asks, e.hidden = true, func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) }
	}
	return e.run(args)
}

func (e *env) run(args []string) error {
	var c commands
	exited := false
	parser, err := kong.New(&c, kong.Name("foyer"), kong.Description("A website whose members chat in its pages."),
		kong.Vars{"version": "foyer " + app.Version}, kong.Writers(e.out, e.errOut), kong.Exit(func(int) { exited = true }))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited {
		return nil // help or the version was all that was asked for
	}
	if err != nil {
		return err
	}
	return withMending(parsed.Run(e))
}

// withMending adds to an error of the database what to do, where it says that of itself not at all.
func withMending(err error) error {
	if mend := models.HowToMend(err); mend != "" {
		return fmt.Errorf("%w\n%s", err, mend)
	}
	return err
}

// logger logs to the terminal, at the level that is set.
func (e *env) logger(cfg app.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // Validate has checked it
	return slog.New(slog.NewTextHandler(e.errOut, &slog.HandlerOptions{Level: level}))
}

// database opens the site's database for a short command: a running site's
// private Postgres is shared.
func (e *env) database(cfg app.Config) (*models.DB, func(), error) {
	if cfg.DatabaseURL == "" {
		if url, ok := pgdev.RunningURL(filepath.Join(cfg.DataDir, "postgres"), app.PrivateDatabase); ok {
			cfg.DatabaseURL = url
		}
	}
	return app.OpenDatabase(e.ctx, &cfg, func(line string) { fmt.Fprintln(e.errOut, line) }, e.logger(cfg))
}

type serveCmd struct{}

// Run runs the site until it is interrupted.
func (serveCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	log := e.logger(cfg)
	warn(log, app.UnknownSettings(app.Environ())...)
	warn(log, app.IdleSettings(app.Environ())...)
	return app.Run(e.ctx, cfg, e.out, log)
}

// withUnknown adds to an error of the settings what looks like one and is none: it may be the one
// that is missing.
func withUnknown(err error, unknown []string) error {
	if err == nil {
		return nil
	}
	for _, said := range unknown {
		err = errors.Join(err, errors.New(said))
	}
	return err
}

// warn says what is odd about the settings.
func warn(log *slog.Logger, said ...string) {
	for _, line := range said {
		log.Warn(line)
	}
}

type migrateCmd struct{}

// Run brings the schema up to date, and indexes the words of old messages.
func (migrateCmd) Run(e *env) error {
	return e.withAnySchema(func(_ app.Config, db *models.DB) error {
		if err := db.Migrate(e.ctx); err != nil {
			return err
		}
		schema, err := db.SchemaStatus(e.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "The database's schema is at version %d.\n", schema.Have)
		if newer, err := app.NewerSchema(e.ctx, db); err == nil && newer != "" {
			fmt.Fprintln(e.errOut, "Mind that "+newer+".")
		}
		// The program does this as well, but leaves the processor to others. The site works without: it is no reason
		// not to start, which the end of this command would be (foyer.service, docker-compose.yml).
		if err := db.Index.IndexArchives(e.ctx); err != nil && e.ctx.Err() == nil {
			fmt.Fprintf(e.errOut, "Searches in some archives are slow: %v. The site goes on with it while it runs.\n", err)
		}
		return e.ctx.Err()
	})
}

// withDatabase runs f on the site's database, if that is not older than this program and has people's addresses
// at the domain of the settings: under another f would hand out, or erase, nothing, and say that it is done.
func (e *env) withDatabase(f func(app.Config, *models.DB) error) error {
	return e.withAnyDomain(func(cfg app.Config, db *models.DB) error {
		kept, err := db.ChatDomain(e.ctx)
		if other := app.OtherChatDomain(cfg, kept); err == nil && other != "" {
			err = errors.New(other)
		}
		if err != nil {
			return err
		}
		return f(cfg, db)
	})
}

// withAnyDomain is withDatabase, whatever domain the settings have.
func (e *env) withAnyDomain(f func(app.Config, *models.DB) error) error {
	return e.withAnySchema(func(cfg app.Config, db *models.DB) error {
		if err := app.CheckSchema(e.ctx, db); err != nil {
			return err
		}
		return f(cfg, db)
	})
}

func (e *env) withAnySchema(f func(app.Config, *models.DB) error) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	db, closeDB, err := e.database(cfg)
	if err != nil {
		return err
	}
	defer closeDB()
	return f(cfg, db)
}

type settingsCmd struct {
	Gateway bool `help:"Those of foyer gateway."`
}

// Run prints the table that docs/SETTINGS.md has, or docs/GATEWAY.md.
func (c settingsCmd) Run(e *env) error {
	table := app.SettingsTable()
	if c.Gateway {
		table = app.GatewaySettingsTable()
	}
	_, err := fmt.Fprint(e.out, table)
	return err
}

type orphansCmd struct {
	Delete bool `help:"Remove them."`
}

// Run counts the files that no record knows of.
func (c orphansCmd) Run(e *env) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		n, err := app.OrphanFiles(e.ctx, cfg, db, c.Delete)
		if err != nil {
			return err
		}
		what := "found"
		if c.Delete {
			what = "removed"
		}
		e.say("%s without a record %s.", count(n, "file", "files"), what)
		return nil
	})
}
