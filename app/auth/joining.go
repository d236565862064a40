package auth

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"foyer/models"
	"foyer/token"
)

// Somebody whom a source has proved, and whose name there is not to be had here, chooses a
// user name; or somebody who is signed in says yes to being joined to that (link.go). Meanwhile it is kept who they are, sealed under the secret in a cookie of that
// browser, for a while, and once.

// joiningLifetime is how long one may take to choose.
const joiningLifetime = 15 * time.Minute

// ChooseNameError: the person is proved, and has to choose a user name (Join).
type ChooseNameError struct {
	Secret  string // for a cookie
	Expires time.Time
}

func (*ChooseNameError) Error() string { return "auth: a user name is to be chosen" }

// joining is what is sealed.
type joining struct {
	Source string
	Person Person
	Began  time.Time
}

// askName keeps who somebody is, and returns a *ChooseNameError.
func (s *Service) askName(ctx context.Context, p proved) error {
	secret, expires, err := s.keepJoining(ctx, p, "")
	if err != nil {
		return err
	}
	return &ChooseNameError{Secret: secret, Expires: expires}
}

// keepJoining keeps whom a source has proved, for a session if there is one already.
func (s *Service) keepJoining(ctx context.Context, p proved, session string) (secret string, expires time.Time, err error) {
	secret, hash := token.New()
	text, err := json.Marshal(joining{p.source.Name(), p.person, p.began})
	if err != nil {
		return "", expires, err
	}
	sealed, err := sealFor(secret, sealJoining, text, []byte(session))
	if err != nil {
		return "", expires, err
	}
	expires = time.Now().Add(joiningLifetime)
	return secret, expires, s.db.Identities.KeepJoining(ctx, models.Joining{SecretHash: hash, Sealed: sealed, ExpiresAt: expires})
}

// pendingJoin returns who a cookie's secret stands for, in that session (empty: in none):
// ErrGone.
func (s *Service) pendingJoin(ctx context.Context, secret, session string) (proved, error) {
	sealed, err := s.db.Identities.SealedJoining(ctx, token.Hash(secret))
	if errors.Is(err, models.ErrNotFound) {
		return proved{}, ErrGone
	}
	if err != nil {
		return proved{}, err
	}
	text, err := openFor(secret, sealJoining, sealed, []byte(session))
	if err != nil {
		return proved{}, ErrGone
	}
	var j joining
	if err := json.Unmarshal(text, &j); err != nil {
		return proved{}, err
	}
	source, ok := s.Source(j.Source)
	if !ok {
		return proved{}, ErrGone // it was taken out of the settings
	}
	return proved{source: source, person: j.Person, began: j.Began}, nil
}

// Joiner is somebody who has to choose a user name.
type Joiner struct {
	Label     string // of the source
	Login     string // what they are called there
	Name      string // as people see it; may be empty
	Suggested string // a user name that can be one; whether it is free is not known
}

// Joining returns who a cookie's secret stands for: ErrGone.
func (s *Service) Joining(ctx context.Context, secret string) (Joiner, error) {
	p, err := s.pendingJoin(ctx, secret, "")
	if err != nil {
		return Joiner{}, err
	}
	j := Joiner{Label: p.source.Label(), Login: p.person.Login, Name: p.person.Name}
	local, _, _ := strings.Cut(p.person.Login, "@")
	if name, err := PrepareUsername(local); err == nil && s.CheckAvailable(name) == nil {
		j.Suggested = name
	}
	return j, nil
}

// Join makes the account of somebody who chose a user name, prepared, and signs them in.
// Errors: ErrGone; ErrUnavailable; ErrNoAccount; ErrBlocked; ErrNotProved, if the source ended
// meanwhile what it had proved.
func (s *Service) Join(ctx context.Context, secret, username string, d Device) (SignedIn, error) {
	p, err := s.pendingJoin(ctx, secret, "")
	if err != nil {
		return SignedIn{}, err
	}
	if p, err = s.resolve(ctx, p); err == nil && p.account.ID == 0 {
		p, err = s.provision(ctx, p, username)
	}
	if err != nil {
		return SignedIn{}, err
	}
	if err := s.db.Identities.DropJoining(ctx, token.Hash(secret)); err != nil {
		return SignedIn{}, err
	}
	return s.startSession(ctx, p, d)
}
