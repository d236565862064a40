package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"foyer/internal/names"
	"foyer/models"
)

// What sources say of people, and the accounts that people get by it. An account that
// somebody has already is linked to an identity only by its owner (link.go) or by the operator.

// Bounds of what sources say of somebody.
const (
	maxClaimedGroups = 1000
	maxClaimed       = 1000 // bytes of a subject, an issuer, a name there
)

// checkSources refuses sources that could not be told apart.
func checkSources(list []Source) error {
	forms := 0
	seen := map[string]bool{localName: true}
	for _, source := range list {
		name := source.Name()
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`).MatchString(name) {
			return fmt.Errorf("%q is no name for a source of people: it has lower-case letters, digits and hyphens, at most 32", name)
		}
		if seen[name] {
			return fmt.Errorf("two sources of people are called %q", name)
		}
		seen[name] = true
		if source.Method() == ByForm {
			forms++
		}
	}
	if forms > 1 {
		return errors.New("two sources besides the site's own take the sign-in form; one can")
	}
	return nil
}

// Sources returns where people come from other than the site's own accounts, in the order of the
// sign-in page.
func (s *Service) Sources() []Source { return slices.Clone(s.cfg.Sources) }

// Source returns the source of that name; the site's own is not among them.
func (s *Service) Source(name string) (Source, bool) {
	for _, source := range s.cfg.Sources {
		if source.Name() == name {
			return source, true
		}
	}
	return nil, false
}

// Refresh writes down what a source says of people who have an account, however many they
// are, and tells the chat what changed. Those without one are passed over.
func (s *Service) Refresh(ctx context.Context, source Source, people []Person) error {
	said := make([]models.ClaimedIdentity, len(people))
	var dropped []string
	for i, p := range people {
		groups, unkept := groupNames(p.Groups)
		dropped = append(dropped, unkept...)
		said[i] = models.ClaimedIdentity{
			Source: source.Name(), Issuer: p.Issuer, Subject: p.Subject, Login: keepable(p.Login), Name: names.Clean(p.Name),
			Picture: keepable(p.Picture), Groups: groups, Admin: p.Admin,
		}
	}
	s.logDropped(source, dropped)
	changed, err := s.db.Identities.RefreshIdentities(ctx, said)
	if err != nil {
		return err
	}
	for _, user := range changed.Changed {
		s.tell(ctx, models.EventChanged, user, "")
	}
	for _, user := range changed.Groups {
		s.tell(ctx, models.EventGroups, user, "")
	}
	for _, p := range changed.Pictures {
		if s.cfg.Picture != nil {
			s.cfg.Picture(p.Username, p.URL)
		}
	}
	return nil
}

// keepable is a text that the database keeps, or nothing.
func keepable(text string) string {
	if len(text) > maxClaimed || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return ""
	}
	return text
}

// maxGroupName is the maximum length of a group's name, in characters.
const maxGroupName = 64

// GroupName tidies a group's name; the error is a sentence for people.
func GroupName(typed string) (string, error) {
	name := strings.Join(strings.Fields(typed), " ")
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && !names.IsPart(r) }
	if name == "" || utf8.RuneCountInString(name) > maxGroupName || strings.ContainsFunc(name, hidden) || names.Line(name) != name {
		return "", Refusal("A group's name has 1 to 64 characters, all of them visible.")
	}
	return name, nil
}

// groupNames are the groups that can be kept, of those that a source says, and those that cannot;
// nil stays nil.
func groupNames(said []string) (kept, dropped []string) {
	if said == nil {
		return nil, nil
	}
	most := min(len(said), maxClaimedGroups)
	kept, dropped = make([]string, 0, most), slices.Clip(said[most:])
	for _, typed := range said[:most] {
		if name, err := GroupName(typed); err == nil {
			kept = append(kept, name)
		} else {
			dropped = append(dropped, typed)
		}
	}
	return kept, dropped
}

// maxLoggedGroups is how many groups that cannot be kept are told by the log at once.
const maxLoggedGroups = 20

// How often groups of a source that cannot be kept are told by the log: each sign-in may bring some.
const droppedEvery = time.Hour

// logDropped tells the operator of groups that a source says and that nobody is in here for it.
func (s *Service) logDropped(source Source, groups []string) {
	slices.Sort(groups)
	if groups = slices.Compact(groups); len(groups) > 0 {
		s.dropped.Warn(s.log, source.Name(), "groups are not kept: a name has 1 to 64 characters, all of them visible, and one person is in at most 1000",
			"source", source.Name(), "count", len(groups), "groups", groups[:min(len(groups), maxLoggedGroups)])
	}
}

// errNameNeeded: the person has to choose a user name.
var errNameNeeded = errors.New("auth: a user name is to be chosen")

// provision makes the account of somebody whom a source has proved, under the name that they
// chose (prepared), or else the one by which the source calls them. Errors: ErrNoAccount;
// errNameNeeded, if nothing was chosen; ErrUsernameTaken.
func (s *Service) provision(ctx context.Context, p authenticated, chosen string) (authenticated, error) {
	if s.cfg.ProvisionSources != nil && !slices.Contains(s.cfg.ProvisionSources, p.source.Name()) {
		return p, ErrNoAccount
	}
	username := chosen
	if chosen == "" {
		var err error
		if username, err = PrepareUsername(p.person.Login); err != nil || s.CheckAvailable(username) != nil {
			return p, errNameNeeded
		}
	}
	name, err := PrepareName(names.Clean(p.person.Name), username)
	if err != nil {
		name = username
	}
	account := models.Account{Username: username, Name: name}
	identity := p.identity()
	err = s.db.Identities.CreateAccountOf(ctx, &account, &identity)
	if errors.Is(err, models.ErrTaken) {
		return s.resolveTaken(ctx, p, chosen)
	}
	if err != nil {
		return p, err
	}
	p.account, p.id = account, identity.ID
	s.tell(ctx, models.EventChanged, username, "")
	return p, s.Refresh(ctx, p.source, []Person{p.person})
}

// resolveTaken tells a name that is taken from a person who got an account in another
// window just now.
func (s *Service) resolveTaken(ctx context.Context, p authenticated, chosen string) (authenticated, error) {
	p, err := s.resolve(ctx, p)
	switch {
	case err != nil || p.account.ID != 0:
		return p, err
	case chosen != "":
		return p, ErrUsernameTaken
	}
	return p, errNameNeeded
}
