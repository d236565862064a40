package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"foyer/models"
)

// HeaderSettings are what a proxy in front tells in the headers of each request.
type HeaderSettings struct {
	Label string // what people call the proxy's sign-in
	User  string // name of the header with the one who is signed in there
	Name  string // with their name as people see it; empty: none

	Groups      string   // with their groups, separated by commas; empty: none
	AdminGroups []string // of which the members run this site; nil: the proxy says nothing of that

	SignOutURL string // where the browser goes to sign out there; empty: nowhere
}

// header is the Source of people whom a proxy in front of the site has proved. It believes
// Answer.Header, which the site fills for trusted proxies alone.
type header struct{ HeaderSettings }

var (
	_ Source            = header{}
	_ LogoutRedirector  = header{}
	_ SubjectNormalizer = header{}
)

// NewHeader returns the source of people whom a proxy in front has proved.
func NewHeader(h HeaderSettings) Source { return header{h} }

// Name implements Source.
func (header) Name() string { return "header" }

// Label implements Source.
func (h header) Label() string { return h.HeaderSettings.Label }

// Method implements Source.
func (header) Method() SignInMethod { return ByHeader }

// Start implements Source: there is no redirect.
func (header) Start(context.Context, RedirectRequest) (Redirect, error) { return Redirect{}, nil }

// errTwoPeople: the one header says two things, as when a proxy adds its own to that of a
// client instead of setting it.
const errTwoPeople = Refusal("The proxy in front of this site names more than one person at once. It has to set its header, and never to add to one that a browser sent.")

// Finish implements Source. The header's value is who it is, letter by letter.
func (h header) Finish(_ context.Context, a Answer) (Person, error) {
	if a.Header == nil {
		return Person{}, ErrInvalidCredentials
	}
	user := strings.TrimSpace(a.Header(h.User))
	switch {
	case user == "":
		return Person{}, ErrInvalidCredentials
	case strings.Contains(user, ","):
		return Person{}, errTwoPeople
	}
	p := Person{Subject: user, Login: user}
	if h.HeaderSettings.Name != "" {
		p.Name = a.Header(h.HeaderSettings.Name)
	}
	if h.Groups != "" {
		p.Groups = splitGroups(a.Header(h.Groups))
		if h.AdminGroups != nil {
			admin := slices.ContainsFunc(p.Groups, func(g string) bool { return slices.Contains(h.AdminGroups, g) })
			p.Admin = &admin
		}
	}
	return p, nil
}

func splitGroups(value string) []string {
	groups := []string{} // none is something that the proxy says
	for _, group := range strings.Split(value, ",") {
		if group = strings.TrimSpace(group); group != "" {
			groups = append(groups, group)
		}
	}
	return groups
}

// Inactive implements Source: the proxy is not asked, it tells with each request.
func (header) Inactive(context.Context, []Identity) ([]Identity, error) { return nil, nil }

// NormalizeSubject implements SubjectNormalizer.
func (header) NormalizeSubject(issuer, subject string) (string, string, error) {
	subject = strings.TrimSpace(subject)
	switch {
	case issuer != "":
		return "", "", ErrNoIssuer
	case strings.Contains(subject, ","):
		return "", "", Refusal("a header with a comma names more than one person")
	}
	return "", subject, nil
}

// SignOut implements LogoutRedirector.
func (h header) SignOut(context.Context, string, string) (string, error) { return h.SignOutURL, nil }

// HeaderSource returns the source with the method ByHeader; nil: there is none.
func (s *Service) HeaderSource() Source {
	for _, source := range s.cfg.Sources {
		if source.Method() == ByHeader {
			return source
		}
	}
	return nil
}

// Vouched checks a session against what a request's header says. ErrInvalidCredentials: it began by
// the header, and this request has none; it stands, but not for this request. ErrGone: the
// header names somebody else, and the session is ended. A Refusal: the header says what cannot
// be.
func (s *Service) Vouched(ctx context.Context, source Source, a Answer, session models.Session, account models.Account) error {
	person, err := source.Finish(ctx, a)
	if errors.Is(err, ErrInvalidCredentials) {
		return s.standsWithoutHeader(ctx, source, session)
	}
	if err != nil {
		return err
	}
	owner, err := s.db.Identities.IdentityOwner(ctx, source.Name(), person.Issuer, person.Subject)
	if err == nil && owner == account.ID {
		return nil
	}
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err := s.EndSession(ctx, account, session.ID); err != nil {
		return err
	}
	return fmt.Errorf("%w: the proxy names somebody else", ErrGone)
}

// standsWithoutHeader: a session of another source needs none.
func (s *Service) standsWithoutHeader(ctx context.Context, source Source, session models.Session) error {
	if session.IdentityID == nil {
		return nil
	}
	from, err := s.db.Identities.IdentitySource(ctx, *session.IdentityID)
	if err == nil && from == source.Name() {
		err = ErrInvalidCredentials
	}
	return err
}
