package auth

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"foyer/models"
	"foyer/token"
)

// Whom a source has proved while an answer of theirs is pending: somebody new chooses a user
// name (choose_username.go), somebody who is signed in says yes to a link (link.go). Until
// then it is kept who they are: sealed under the secret in a cookie of that browser, for a
// while, and for one answer.

// pendingLifetime is how long one may take to answer.
const pendingLifetime = 15 * time.Minute

// pendingIdentity is what is sealed.
type pendingIdentity struct {
	Source string
	Person Person
	Began  time.Time
}

// PendingPerson is somebody whose answer is pending.
type PendingPerson struct {
	Label     string // of the source
	Login     string // what they are called there
	Name      string // as people see it; may be empty
	Suggested string // a user name that can be one; whether it is free is not known; empty for a link
}

// keepPending keeps whom a source has proved, for a session if there is one already.
func (s *Service) keepPending(ctx context.Context, p authenticated, session string) (secret string, expires time.Time, err error) {
	secret, hash := token.New()
	text, err := json.Marshal(pendingIdentity{p.source.Name(), p.person, p.began})
	if err != nil {
		return "", expires, err
	}
	sealed, err := sealFor(secret, sealPending, text, []byte(session))
	if err != nil {
		return "", expires, err
	}
	expires = time.Now().Add(pendingLifetime)
	return secret, expires, s.db.Identities.StorePending(ctx, models.PendingIdentity{SecretHash: hash, Sealed: sealed, ExpiresAt: expires})
}

// openPending returns who a cookie's secret stands for, in that session (empty: in none):
// ErrGone.
func (s *Service) openPending(ctx context.Context, secret, session string) (authenticated, error) {
	sealed, err := s.db.Identities.SealedPending(ctx, token.Hash(secret))
	if errors.Is(err, models.ErrNotFound) {
		return authenticated{}, ErrGone
	}
	if err != nil {
		return authenticated{}, err
	}
	text, err := openFor(secret, sealPending, sealed, []byte(session))
	if err != nil {
		return authenticated{}, ErrGone
	}
	var pending pendingIdentity
	if err := json.Unmarshal(text, &pending); err != nil {
		return authenticated{}, err
	}
	source, ok := s.Source(pending.Source)
	if !ok {
		return authenticated{}, ErrGone // it was taken out of the settings
	}
	return authenticated{source: source, person: pending.Person, began: pending.Began}, nil
}
