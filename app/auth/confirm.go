package auth

import (
	"context"
	"errors"
	"time"

	"foyer/models"
)

// Somebody who is signed in proves again who they are, before something serious: by typing a
// password, the account's own or that of the directory; or where they have none to type, by a
// redirect to a source that asks them again.

// freshFor is how long such a redirect is proof.
const freshFor = 5 * time.Minute

// Confirmation is how somebody proves again who they are.
type Confirmation struct {
	Typed  bool   // by a password
	Source Source // else by a redirect there; nil: there is no way, as with a proxy in front
	Fresh  bool   // they have just made one
}

// HowToConfirm returns how the owner of a session proves again who they are.
func (s *Service) HowToConfirm(ctx context.Context, account models.Account, session models.Session) (Confirmation, error) {
	fresh := time.Since(session.ProvedAt) < freshFor
	if s.passwords.has(account) {
		return Confirmation{Typed: true}, nil
	}
	list, err := s.db.Identities.Of(ctx, account.ID)
	if err != nil {
		return Confirmation{}, err
	}
	how := Confirmation{Fresh: fresh}
	for _, i := range list {
		source, ok := s.Source(i.Source)
		switch {
		case ok && source.Method() == ByForm:
			return Confirmation{Typed: true}, nil
		case ok && source.Method() == ByRedirect && (how.Source == nil || (session.IdentityID != nil && *session.IdentityID == i.ID)):
			how.Source = source
		}
	}
	return how, nil
}

// Confirm checks what somebody who is signed in confirms something serious with, and returns
// the account as it was then. Errors: ErrInvalidCredentials, *ThrottledError, ErrBusy, ErrUnreachable, a
// Refusal.
func (s *Service) Confirm(ctx context.Context, account models.Account, session models.Session, password string, from Client) (models.Account, error) {
	how, err := s.HowToConfirm(ctx, account, session)
	switch {
	case err != nil:
		return account, err
	case !how.Typed && how.Fresh:
		return account, nil
	case !how.Typed:
		return account, ErrInvalidCredentials
	}
	p, err := s.confirmTyped(ctx, account, password, from)
	return p.account, err
}

// confirmTyped is Confirm by a password, and returns what that proves.
func (s *Service) confirmTyped(ctx context.Context, account models.Account, password string, from Client) (authenticated, error) {
	p, err := s.verifyTyped(ctx, "confirm", account.Username, password, from)
	if errors.Is(err, ErrBlocked) {
		err = ErrInvalidCredentials
	}
	return p, err
}

// Confirmed finishes a redirect to confirm: the source has proved again the owner of a session.
// Errors: those of Source.Finish; ErrInvalidCredentials, if it is somebody else; ErrGone.
func (s *Service) Confirmed(ctx context.Context, source Source, a Answer, account models.Account, session models.Session) error {
	p, err := s.authenticate(ctx, "confirm", source, a)
	if err != nil {
		return err
	}
	if p.account.ID != account.ID {
		return ErrInvalidCredentials
	}
	err = s.db.Sessions.Proved(ctx, session.ID)
	if errors.Is(err, models.ErrStale) {
		err = ErrGone
	}
	return err
}
