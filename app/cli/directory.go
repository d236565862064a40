package cli

import (
	"errors"
	"strings"

	"foyer/app/auth"
	"foyer/models"
)

type directoryCmd struct {
	Sync directorySyncCmd `cmd:"" help:"Make the site follow the directory: its people get accounts, names and groups, and who is gone is put out."`
}

type directorySyncCmd struct {
	DryRun bool `name:"dry-run" help:"Only say what would change."`
}

// Run compares the directory with the site, says what differs, and makes the site follow.
func (c directorySyncCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, service *auth.Service) error {
		source := directoryOf(service)
		if source == nil {
			return errors.New("no directory is set; docs/IDENTITY.md says how (LDAP_URL)")
		}
		d, err := service.Compare(e.ctx, source)
		if err != nil {
			return err
		}
		e.printDifferences(d)
		if c.DryRun {
			e.say("Nothing was changed.")
			return nil
		}
		return service.Follow(e.ctx, d)
	})
}

// directoryOf is the source that can name all its people; nil: there is none.
func directoryOf(service *auth.Service) auth.Source {
	for _, source := range service.Sources() {
		if _, ok := source.(auth.Lister); ok {
			return source
		}
	}
	return nil
}

func (e *env) printDifferences(d auth.Differences) {
	line := func(sign string, one auth.Difference) {
		name := one.User
		switch {
		case name == "":
			name = one.Login
		case one.Login != name:
			name += " (" + one.Login + " there)"
		}
		e.say("%s %s: %s", sign, name, strings.Join(one.What, "; "))
	}
	for _, one := range d.Added {
		line("+", one)
	}
	for _, one := range d.NoName {
		line("?", one)
	}
	for _, one := range d.Changed {
		line("~", one)
	}
	for _, one := range d.Out {
		line("-", one)
	}
	e.say("%d to be added (+), %d who choose another user name when they sign in (?), %d to be changed (~), %d to be put out (-).", len(d.Added), len(d.NoName), len(d.Changed), len(d.Out))
}
