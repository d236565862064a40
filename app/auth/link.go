package auth

import (
	"context"
	"errors"
	"time"

	"foyer/models"
	"foyer/token"
)

// An identity is linked to an account that somebody has already: by its owner, who is signed
// in, has just proved themselves here (Confirm) and at the source, and says yes to what they
// are shown; or by the operator. Never because a name or an address of mail is the same.

// ErrLinked: the identity is linked to another account.
var ErrLinked = errors.New("auth: somebody signs in by it to another account")

// ErrLastSignInMethod: without it nobody could sign in to the account.
var ErrLastSignInMethod = errors.New("auth: that is the last way to sign in")

// AuthenticateToLink asks a source who it is, for the owner of a session who wants to be linked to
// that. It returns the secret under which that is kept until they say yes (Link). Errors: those
// of Source.Finish; ErrLinked.
func (s *Service) AuthenticateToLink(ctx context.Context, source Source, a Answer, account models.Account, session models.Session) (secret string, expires time.Time, err error) {
	p, err := s.authenticate(ctx, "link", source, a)
	switch {
	case errors.Is(err, ErrBlocked), err == nil && p.account.ID != 0 && p.account.ID != account.ID:
		return "", expires, ErrLinked
	case err != nil:
		return "", expires, err
	}
	return s.keepPending(ctx, p, session.ID)
}

// PendingLink returns who the owner of a session is to be linked to: ErrGone.
func (s *Service) PendingLink(ctx context.Context, secret string, session models.Session) (PendingPerson, error) {
	p, err := s.openPending(ctx, secret, session.ID)
	if err != nil {
		return PendingPerson{}, err
	}
	return PendingPerson{Label: p.source.Label(), Login: p.person.Login, Name: p.person.Name}, nil
}

// Link links it. Errors: ErrGone; ErrLinked; models.ErrTooMany.
func (s *Service) Link(ctx context.Context, secret string, account models.Account, session models.Session) error {
	p, err := s.openPending(ctx, secret, session.ID)
	if err != nil {
		return err
	}
	err = s.link(ctx, account, session.ID, p.identity())
	if err != nil {
		return err
	}
	if err := s.db.Identities.DropPending(ctx, token.Hash(secret)); err != nil {
		return err
	}
	return s.Refresh(ctx, p.source, []Person{p.person})
}

// LinkFor links an identity to an account on the operator's word. The source need not be in
// the settings yet. Errors: ErrLinked; ErrGone: there is no such account; those of SubjectNormalizer.
func (s *Service) LinkFor(ctx context.Context, account models.Account, source, issuer, subject string) error {
	known, _ := s.Source(source)
	if writes, ok := known.(SubjectNormalizer); ok { // by another spelling nobody would be found
		var err error
		if issuer, subject, err = writes.NormalizeSubject(issuer, subject); err != nil {
			return err
		}
	}
	if err := checkPerson(Person{Issuer: issuer, Subject: subject}); err != nil {
		return err
	}
	return s.link(ctx, account, "", models.Identity{Source: source, Issuer: issuer, Subject: subject})
}

func (s *Service) link(ctx context.Context, account models.Account, session string, i models.Identity) error {
	i.AccountID = account.ID
	err := s.db.Identities.LinkIdentity(ctx, &i, session)
	switch {
	case errors.Is(err, models.ErrStale):
		return ErrGone
	case errors.Is(err, models.ErrTaken):
		owner, err := s.db.Identities.IdentityOwner(ctx, i.Source, i.Issuer, i.Subject)
		if err == nil && owner != account.ID {
			err = ErrLinked
		}
		return err
	}
	return err
}

// Unlink takes an identity from an account, on the word of the owner of a session, or of the
// operator (no session). What stands on it ends, except that session. Errors:
// models.ErrNotFound; ErrLastSignInMethod.
func (s *Service) Unlink(ctx context.Context, account models.Account, session, id string) error {
	ended, err := s.db.Identities.UnlinkIdentity(ctx, account.ID, id, session, models.SignInMethods{Password: s.MayHavePassword(account), Sources: s.sourceNames()})
	if errors.Is(err, models.ErrLastSignInMethod) {
		err = ErrLastSignInMethod
	}
	if err != nil {
		return err
	}
	s.ended(ctx, account.Username, ended)
	s.tell(ctx, models.EventGroups, account.Username, "")
	return nil
}

func (s *Service) sourceNames() []string {
	names := make([]string, len(s.cfg.Sources))
	for i, source := range s.cfg.Sources {
		names[i] = source.Name()
	}
	return names
}

// LinkedIdentity is an identity by which somebody signs in.
type LinkedIdentity struct {
	ID    string
	Label string // of the source
	Login string // what they are called there; may be empty
	Since time.Time
	Used  time.Time
	Last  bool // without it nobody could sign in
}

// LinkedIdentities returns an account's identities, the oldest first, and the sources that it could
// also be linked to.
func (s *Service) LinkedIdentities(ctx context.Context, account models.Account) ([]LinkedIdentity, []Source, error) {
	list, err := s.db.Identities.Of(ctx, account.ID)
	if err != nil {
		return nil, nil, err
	}
	open := 0 // by how many somebody comes in: not by those of a source that is no longer in the settings
	for _, i := range list {
		if _, ok := s.Source(i.Source); ok {
			open++
		}
	}
	identities := make([]LinkedIdentity, len(list))
	for n, i := range list {
		identities[n] = LinkedIdentity{ID: i.ID, Label: i.Source, Login: i.Login, Since: i.CreatedAt, Used: i.UsedAt}
		source, opens := s.Source(i.Source)
		if opens {
			identities[n].Label = source.Label()
		}
		identities[n].Last = !s.passwords.has(account) && (len(list) == 1 || opens && open == 1)
	}
	var others []Source
	for _, source := range s.cfg.Sources {
		if source.Method() != ByHeader {
			others = append(others, source)
		}
	}
	return identities, others, nil
}
