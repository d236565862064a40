package auth

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/names"
	"foyer/models"
)

// What a directory and the site differ in: `foyer directory sync` shows it, and then makes the
// site follow. It goes by the operator's hand, so that it does what RecheckSources would not
// believe.

// Lister is a Source that can name all its people.
type Lister interface {
	// List returns everybody. ErrUnreachable: not everybody could be named.
	List(ctx context.Context) ([]Listed, error)
}

// Listed is somebody of a source.
type Listed struct {
	Person
	Out string // why they may not sign in, in a word; empty: they may
}

// Difference is what would change about somebody, for the operator.
type Difference struct {
	Login string   // what the source calls them
	User  string   // what the site does; empty: they have no account yet
	What  []string // in words
}

// Differences are what a source and the site differ in.
type Differences struct {
	Added   []Difference // accounts that would be made
	NoName  []Difference // people who choose a user name when they sign in, since theirs is not to be had
	Changed []Difference
	Out     []Difference // who is put out, of those who have an account

	source  Source
	added   []Person
	changed []Person
	gone    []Identity
}

// errNobody: a directory that names nobody is not to be followed.
var errNobody = errors.New("the directory names nobody who may sign in; foyer doctor says what may be wrong")

// Compare returns what a source and the site differ in. Errors: ErrUnreachable; another, if the
// source cannot name its people.
func (s *Service) Compare(ctx context.Context, source Source) (Differences, error) {
	d := Differences{source: source}
	lister, ok := source.(Lister)
	if !ok {
		return d, errors.New(source.Name() + " cannot name all its people")
	}
	list, err := lister.List(ctx)
	if err != nil {
		return d, err
	}
	if !slices.ContainsFunc(list, func(l Listed) bool { return l.Out == "" }) {
		return d, errNobody
	}
	kept, err := s.db.Identities.StoredIdentities(ctx, source.Name())
	if err != nil {
		return d, err
	}
	bySubject := map[string]Listed{}
	for _, l := range list {
		bySubject[l.Subject] = l
	}
	for _, k := range kept {
		d.compare(k, bySubject)
		delete(bySubject, k.Subject)
	}
	for _, l := range list {
		if _, isNew := bySubject[l.Subject]; isNew && l.Out == "" {
			if err := s.compareNew(ctx, &d, l.Person); err != nil {
				return d, err
			}
		}
	}
	return d, nil
}

// compare notes what is different about somebody who has an account.
func (d *Differences) compare(k models.StoredIdentity, bySubject map[string]Listed) {
	now, there := bySubject[k.Subject]
	if !there || now.Out != "" {
		why := now.Out
		if !there {
			why = "no longer there"
		}
		if k.InUse || len(k.Groups) > 0 || k.Admin {
			d.Out = append(d.Out, Difference{k.Login, k.Username, []string{why}})
			d.gone = append(d.gone, Identity{ID: k.ID, Issuer: k.Issuer, Subject: k.Subject, Login: k.Login})
		}
		return
	}
	var what []string
	if name := names.Clean(now.Name); name != "" && name != k.Name {
		what = append(what, "name: "+name)
	}
	if login := keepable(now.Login); login != k.Login {
		what = append(what, "called there: "+login)
	}
	if now.Groups != nil {
		groups, _ := groupNames(now.Groups)
		for _, g := range groups {
			if !slices.Contains(k.Groups, g) {
				what = append(what, "into the group "+g)
			}
		}
		for _, g := range k.Groups {
			if !slices.Contains(groups, g) {
				what = append(what, "out of the group "+g)
			}
		}
	}
	if now.Admin != nil && *now.Admin != k.Admin {
		what = append(what, map[bool]string{true: "runs the site", false: "no longer runs the site"}[*now.Admin])
	}
	if len(what) > 0 {
		d.Changed = append(d.Changed, Difference{k.Login, k.Username, what})
		d.changed = append(d.changed, now.Person)
	}
}

// compareNew notes somebody who has no account yet.
func (s *Service) compareNew(ctx context.Context, d *Differences, p Person) error {
	if s.cfg.ProvisionSources != nil && !slices.Contains(s.cfg.ProvisionSources, d.source.Name()) {
		return nil
	}
	username, err := PrepareUsername(p.Login)
	if err == nil {
		err = s.CheckAvailable(username)
	}
	if err == nil {
		var taken bool
		if taken, err = s.db.Accounts.NameTaken(ctx, username); err != nil {
			return err
		}
		if taken {
			err = ErrUsernameTaken
		}
	}
	if err != nil {
		d.NoName = append(d.NoName, Difference{Login: p.Login, What: []string{err.Error()}})
		return nil
	}
	d.Added = append(d.Added, Difference{Login: p.Login, User: username, What: []string{names.Clean(p.Name)}})
	d.added = append(d.added, p)
	return nil
}

// Follow makes the site follow what was compared.
func (s *Service) Follow(ctx context.Context, d Differences) error {
	for some := range slices.Chunk(d.gone, recheckBatch) {
		if err := s.endMissing(ctx, d.source, some); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(d.changed, recheckBatch) {
		if err := s.Refresh(ctx, d.source, some); err != nil {
			return err
		}
	}
	for _, p := range d.added {
		_, err := s.provision(ctx, authenticated{source: d.source, person: p}, "")
		if err != nil && !errors.Is(err, errNameNeeded) { // it was taken meanwhile
			return err
		}
	}
	return nil
}
