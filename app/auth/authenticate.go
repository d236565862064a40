package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/names"
	"foyer/models"
)

// The heart of every sign-in: a source proves who somebody is, and their account is found: by
// source, issuer and subject together, and by nothing else, no name and no address of mail.
// What is done on the strength of it (a session, a link, a confirmation) is the caller's.

// authenticated is somebody whom a source has proved, and their account.
type authenticated struct {
	account models.Account // ID 0: they have none yet
	source  Source         // nil: the site's own
	person  Person
	began   time.Time // before the source was asked, by the database's clock
	id      string    // the identity's; empty: none
	passkey string    // the id of the passkey that proved them; empty: none did
}

// basis is what a session may begin on.
func (p authenticated) basis() models.SessionBasis {
	basis := models.SessionBasis{PasswordVersion: p.account.PasswordVersion, Passkey: p.passkey}
	if p.id != "" {
		basis.Identity = models.IdentityBasis{
			ID: p.id, Began: p.began, Session: p.person.Session, Source: p.source.Name(), Issuer: p.person.Issuer,
		}
	}
	return basis
}

// identity is the record of somebody who has none.
func (p authenticated) identity() models.Identity {
	return models.Identity{
		AccountID: p.account.ID, Source: p.source.Name(), Issuer: p.person.Issuer, Subject: p.person.Subject,
		Login: keepable(p.person.Login), Name: names.Clean(p.person.Name),
	}
}

// authenticate asks a source who it is, and finds their account. action is what failures count for,
// where a password is typed.
func (s *Service) authenticate(ctx context.Context, action string, source Source, a Answer) (authenticated, error) {
	if source.Name() == localName {
		account, err := s.finishLocal(ctx, action, a)
		if err != nil {
			return authenticated{}, err
		}
		return authenticated{account: account, person: personOf(account)}, nil
	}
	// What ends the identity from now on ends what is proved now (CreateSession).
	began, err := s.db.Now(ctx)
	if err != nil {
		return authenticated{}, err
	}
	finish := source.Finish
	if source.Method() == ByForm {
		finish = func(ctx context.Context, a Answer) (Person, error) { return s.finishForm(ctx, action, source, a) }
	}
	person, err := finish(ctx, a)
	if err != nil {
		return authenticated{}, err
	}
	p := authenticated{source: source, person: person, began: began}
	return s.resolve(ctx, p)
}

// resolve finds the account of somebody who was proved, and writes down what the source says
// of them now. It is no error that they have none.
func (s *Service) resolve(ctx context.Context, p authenticated) (authenticated, error) {
	if err := checkPerson(p.person); err != nil {
		return p, fmt.Errorf("%s: %w", p.source.Name(), err)
	}
	identity, account, err := s.db.Identities.IdentityBySubject(ctx, p.source.Name(), p.person.Issuer, p.person.Subject)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return p, nil
	case err != nil:
		return p, err
	case account.BlockedAt != nil:
		return p, ErrBlocked
	}
	p.account, p.id = account, identity.ID
	if err := s.db.Identities.UseIdentity(ctx, p.id); err != nil {
		return p, err
	}
	return p, s.Refresh(ctx, p.source, []Person{p.person})
}

// checkPerson refuses what could not be kept, or could be somebody else's.
func checkPerson(p Person) error {
	for _, text := range []string{p.Issuer, p.Subject} {
		if len(text) > maxClaimed || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return errors.New("auth: the source names somebody by what cannot be kept")
		}
	}
	if p.Subject == "" {
		return errors.New("auth: the source does not say who it is")
	}
	return nil
}
