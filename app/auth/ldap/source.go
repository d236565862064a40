package ldap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"foyer/app/auth"
)

// Source is the directory as a source of people.
type Source struct {
	*Directory
	label    string
	failures int
}

var (
	_ auth.Source         = (*Source)(nil)
	_ auth.BatchRechecker = (*Source)(nil)
	_ auth.LockoutPolicy  = (*Source)(nil)
	_ auth.Checker        = (*Source)(nil)
	_ auth.Lister         = (*Source)(nil)

	_ auth.SubjectNormalizer = (*Source)(nil)
)

// NewSource returns the directory as a source. label is what people call it; failures is
// Locker's.
func NewSource(d *Directory, label string, failures int) *Source { return &Source{d, label, failures} }

// Name implements auth.Source.
func (s *Source) Name() string { return "ldap" }

// Label implements auth.Source.
func (s *Source) Label() string { return s.label }

// Method implements auth.Source.
func (s *Source) Method() auth.SignInMethod { return auth.ByForm }

// Start implements auth.Source: there is no redirect.
func (s *Source) Start(context.Context, auth.RedirectRequest) (auth.Redirect, error) {
	return auth.Redirect{}, nil
}

// Finish implements auth.Source.
func (s *Source) Finish(ctx context.Context, a auth.Answer) (auth.Person, error) {
	p, err := s.SignIn(ctx, a.Form("username"), a.Form("password"))
	if err != nil {
		return auth.Person{}, err
	}
	said := p.said()
	if p.Photo != nil {
		said.Picture = pictureScheme + p.Subject + "#" + digest(p.Photo)
	}
	return said, nil
}

// said is what the source says of somebody.
func (p Person) said() auth.Person {
	return auth.Person{Subject: p.Subject, Login: p.Username, Name: p.Name, Groups: p.Groups, Admin: p.Admin}
}

// NormalizeSubject implements auth.SubjectNormalizer. Tools of Active Directory write the objectGUID in braces.
func (s *Source) NormalizeSubject(issuer, typed string) (string, string, error) {
	if issuer != "" {
		return "", "", auth.ErrNoIssuer
	}
	said, ok := subject(standard, []byte(strings.Trim(strings.TrimSpace(typed), "{}")))
	if !ok {
		return "", "", auth.Refusal(strconv.Quote(typed) + " is neither an entryUUID nor an objectGUID, such as 4b1c3a7e-2d10-4c1c-9f3b-0d6f5a1e7c22")
	}
	return "", said, nil
}

// lockoutWindow is how long a failure counts in most directories, at most (the default of
// Active Directory's "reset account lockout counter after" is 30 minutes).
const lockoutWindow = 30 * time.Minute

// LocksAfter implements auth.LockoutPolicy.
func (s *Source) LocksAfter(typed string) (account string, failures int, window time.Duration) {
	account, err := userName(typed)
	if err != nil {
		account = "" // it does not go there
	}
	return account, s.failures, lockoutWindow
}

// Inactive implements auth.Source.
func (s *Source) Inactive(ctx context.Context, list []auth.Identity) ([]auth.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	gone, _, err := s.recheckAll(ctx, list, withoutGroups)
	return gone, err
}

// RecheckAll implements auth.BatchRechecker.
func (s *Source) RecheckAll(ctx context.Context, list []auth.Identity) (gone []auth.Identity, now []auth.Person, err error) {
	return s.recheckAll(ctx, list, withGroups)
}

func (s *Source) recheckAll(ctx context.Context, list []auth.Identity, groups groupReading) (gone []auth.Identity, now []auth.Person, err error) {
	subjects, bySubject := make([]string, len(list)), map[string]auth.Identity{}
	for i, one := range list {
		subjects[i], bySubject[one.Subject] = one.Subject, one
	}
	report, err := s.recheck(ctx, subjects, groups)
	for _, subject := range report.Gone {
		gone = append(gone, bySubject[subject])
	}
	for _, p := range report.Present {
		now = append(now, p.said())
	}
	return gone, now, err
}

// List implements auth.Lister.
func (s *Source) List(ctx context.Context) ([]auth.Listed, error) {
	people, err := s.Everybody(ctx)
	list := make([]auth.Listed, len(people))
	for i, p := range people {
		list[i].Person = p.said()
		if p.Status.EndsSessions() {
			list[i].Out = p.Status.String()
		}
	}
	return list, err
}

// pictureScheme begins the address of a picture in the directory; the digest after # makes
// another address of another picture.
const pictureScheme = "ldap-photo:"

func digest(photo []byte) string {
	sum := sha256.Sum256(photo)
	return hex.EncodeToString(sum[:8])
}

// Picture returns the picture of an address that Finish gave; ok: it is one of those. nil:
// there is none any more.
func (s *Source) Picture(ctx context.Context, address string) (photo []byte, ok bool, err error) {
	subject, ok := strings.CutPrefix(address, pictureScheme)
	if !ok {
		return nil, false, nil
	}
	subject, _, _ = strings.Cut(subject, "#")
	err = s.pool.asService(ctx, func(c *conn) error {
		photo = nil
		found, err := s.readPeople(ctx, c, s.cfg.subjectsFilter(c.kind, []string{subject}), memberships{})
		if err == nil && len(found) > 0 {
			photo, err = s.photo(ctx, c, found[0].DN)
		}
		return err
	})
	if err != nil {
		return nil, true, fmt.Errorf("the picture of %s: %w", subject, asUnreachable(err))
	}
	return photo, true, nil
}
