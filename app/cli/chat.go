package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"foyer/app"
	"foyer/app/move"
	"foyer/internal/stanza"
	"foyer/models"
)

type chatCmd struct {
	Export chatExportCmd `cmd:"" help:"Copy what the embedded chat server keeps into another server's tables, or into files (docs/MOVING.md)."`
	Domain chatDomainCmd `cmd:"" help:"Print the domain of people's chat addresses that the database remembers, or change it: under the new one people start without their messages, contacts and rooms."`
}

type chatDomainCmd struct {
	Domain string `arg:"" optional:"" help:"The other one, as XMPP_DOMAIN has it."`
}

// Run prints the domain, or keeps another one.
func (c chatDomainCmd) Run(e *env) error {
	return e.withAnyDomain(func(cfg app.Config, db *models.DB) error {
		kept, err := db.ChatDomain(e.ctx)
		if err != nil {
			return err
		}
		if c.Domain == "" {
			if kept == "" {
				kept = "None yet: it is remembered when the site starts for the first time."
			}
			fmt.Fprintln(e.out, kept)
			return nil
		}
		domain, err := stanza.PrepareDomain(c.Domain)
		if err != nil || domain != cfg.Domain {
			return fmt.Errorf("XMPP_DOMAIN is %s; write the same here as there", cfg.Domain)
		}
		if err := db.SetChatDomain(e.ctx, domain); err != nil {
			return err
		}
		e.say("The chat addresses are at %s when the site starts again.", domain)
		if kept != "" && kept != domain {
			e.say("What people had at %s stays in the database under that name, and nobody sees it; it expires, and is handed out and erased, with the rest. With XMPP_DOMAIN=%s and `foyer chat domain %s` it is there again.", kept, kept, kept)
		}
		return nil
	})
}

type chatExportCmd struct {
	To           string `enum:",prosody,ejabberd" default:"" help:"Into whose tables: prosody or ejabberd."`
	Database     string `placeholder:"URL" help:"That server's Postgres database. Leave the password out of it: PGPASSWORD or ~/.pgpass have it, or --database-file."`
	DatabaseFile string `placeholder:"FILE" help:"A file with the URL in it; - is standard input."`
	Out          string `placeholder:"DIR" help:"Write files as XEP-0227 has them, without archives, into this directory."`
	Each         bool   `help:"With --out: a file for each person as well."`
}

// Run copies everything from one snapshot of the database.
func (c chatExportCmd) Run(e *env) error {
	url, err := c.target(e)
	if err != nil {
		return err
	}
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		if cfg.External() {
			return errors.New("XMPP_UPSTREAM names another server, so that people chat there by now and not here; to copy what the site had before, run this with XMPP_UPSTREAM=embedded")
		}
		running, err := app.ChatServerRuns(e.ctx, db)
		if err != nil {
			return err
		}
		if running {
			fmt.Fprintln(e.errOut, "The site is running. What people write from now on is not in this copy: stop the site and run this again before you change over; what is there already is only compared then.")
		}
		src, err := db.Snapshot(e.ctx, cfg.Domain, cfg.Roster)
		if err != nil {
			return err
		}
		defer src.Close()
		return c.copy(e, cfg, db, src, url)
	})
}

// target is the URL of the other server's database.
func (c chatExportCmd) target(e *env) (string, error) {
	switch {
	case c.To == "" && (c.Database != "" || c.DatabaseFile != ""):
		return "", errors.New("say whose tables are in that database: --to prosody or --to ejabberd")
	case c.To == "" && c.Out == "":
		return "", errors.New("say where to: --to prosody or --to ejabberd with --database, or --out DIR")
	case c.Each && c.Out == "":
		return "", errors.New("--each goes with --out")
	case c.To != "" && (c.Database == "") == (c.DatabaseFile == ""):
		return "", errors.New("--to needs the other server's database: --database or --database-file")
	case c.DatabaseFile == "":
		return c.Database, nil
	}
	file, err := e.open(c.DatabaseFile)
	if err != nil {
		return "", err
	}
	defer file.Close()
	raw, err := io.ReadAll(file)
	return strings.TrimSpace(string(raw)), err
}

func (c chatExportCmd) copy(e *env, cfg app.Config, db *models.DB, src *models.Snapshot, url string) error {
	begin := time.Now()
	o := move.Options{Domain: cfg.Domain, Rooms: cfg.RoomsDomain(), Progress: func(line string) { fmt.Fprintln(e.errOut, line) }}
	if c.Out != "" {
		r, err := move.Files(e.ctx, src, c.Out, c.Each, o)
		if err != nil {
			return err
		}
		e.say("%s: %s and %s, without passwords and archives.", c.Out, count(int(r.People), "person", "people"), count(int(r.Rooms), "room", "rooms"))
		if _, err := r.WriteTo(e.out); err != nil || c.To == "" {
			return err
		}
	}
	r, err := move.Into(e.ctx, src, c.To, url, o)
	if r != nil { // where it was interrupted, too: who leaves, and a room that ends, before the next run has to be removed there
		ctx := context.WithoutCancel(e.ctx)
		err = errors.Join(err, db.External.PeopleCopied(ctx, r.PeopleNames()), db.External.RoomsCopied(ctx, r.RoomNames(), src.At))
	}
	if err != nil {
		return fmt.Errorf("%w\nwhat was copied before that is kept: run this again", err)
	}
	e.say("%s has %s, %s and %s: %d rows added, %d changed, %d removed, in %s.", c.To, count(int(r.People), "person", "people"), count(int(r.Rooms), "room", "rooms"),
		count(int(r.Messages), "message", "messages"), r.Added, r.Changed, r.Removed, time.Since(begin).Round(time.Second/10))
	_, err = r.WriteTo(e.out)
	return err
}
