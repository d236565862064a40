package auth

import (
	"context"
	"errors"

	"foyer/models"
)

// NewAccount is an account to be made. Username and Name are prepared, and the
// password is checked (PrepareUsername, PrepareName, CheckPasswordStrength); empty: the account has
// none, and its owner comes in by another way.
type NewAccount struct {
	Username, Name, Password string
	Admin, Demo              bool
	From                     Client
}

// CreateAccount makes an account: ErrUsernameTaken when somebody has the name, or
// had it.
func (s *Service) CreateAccount(ctx context.Context, n NewAccount) (models.Account, error) {
	var hash string
	var err error
	if n.Password != "" {
		hash, err = s.passwords.hasher.hash(ctx, n.Password, n.From)
	}
	if err != nil {
		return models.Account{}, err
	}
	account := models.Account{Username: n.Username, Name: n.Name, PasswordHash: hash, Admin: n.Admin, Demo: n.Demo}
	err = s.db.Accounts.CreateAccount(ctx, &account)
	if errors.Is(err, models.ErrTaken) {
		err = ErrUsernameTaken
	}
	if err != nil {
		return account, err
	}
	s.tell(ctx, models.EventChanged, account.Username, "")
	return account, nil
}

// SignUp makes an account for somebody, and signs them in. Errors: ErrUsernameTaken;
// *ThrottledError; ErrBusy.
func (s *Service) SignUp(ctx context.Context, n NewAccount, d Device) (SignedIn, error) {
	if err := s.throttle.countSignUp(ctx, d.Client); err != nil {
		return SignedIn{}, err
	}
	n.From = d.Client
	account, err := s.CreateAccount(ctx, n)
	if err != nil {
		return SignedIn{}, err
	}
	return s.startSession(ctx, authenticated{account: account}, d)
}

// ChangePassword gives an account a new password and ends everything that the old
// one had opened, except one session. account is as Confirm returned it: if the
// password has changed since, or the session has ended, nothing changes and the
// error is ErrGone.
func (s *Service) ChangePassword(ctx context.Context, account models.Account, password, keep string, from Client) error {
	return s.changePassword(ctx, account, models.PasswordChange{AccountID: account.ID, Version: account.PasswordVersion, Keep: keep}, password, from)
}

// SetPassword gives an account a new password on the operator's word, and ends
// everything that the old one had opened.
func (s *Service) SetPassword(ctx context.Context, account models.Account, password string) error {
	return s.changePassword(ctx, account, models.PasswordChange{AccountID: account.ID, Version: models.AnyVersion}, password, Client{})
}

func (s *Service) changePassword(ctx context.Context, account models.Account, change models.PasswordChange, password string, from Client) error {
	var err error
	if change.Hash, err = s.passwords.hasher.hash(ctx, password, from); err != nil {
		return err
	}
	ids, err := s.db.Accounts.ChangePassword(ctx, change)
	if errors.Is(err, models.ErrStale) {
		return ErrGone
	}
	if err != nil {
		return err
	}
	s.ended(ctx, account.Username, ids)
	return nil
}

// DeleteAccount deletes an account with everything that is its own. account is as
// Confirm returned it: if the password has changed since, nothing is deleted and
// the error is ErrGone.
func (s *Service) DeleteAccount(ctx context.Context, account models.Account) error {
	return s.deleteAccount(ctx, account, account.PasswordVersion)
}

// RemoveAccount deletes an account on the operator's word.
func (s *Service) RemoveAccount(ctx context.Context, account models.Account) error {
	return s.deleteAccount(ctx, account, models.AnyVersion)
}

func (s *Service) deleteAccount(ctx context.Context, account models.Account, version int) error {
	err := s.db.Accounts.DeleteAccount(ctx, account.ID, version, s.cfg.Domain)
	if errors.Is(err, models.ErrStale) || errors.Is(err, models.ErrNotFound) {
		return ErrGone
	}
	if err != nil {
		return err
	}
	s.tell(ctx, models.EventRemoved, account.Username, "")
	return nil
}

// SetAdmin makes an account an administrator on the operator's word, or takes that back, and reports
// whether it is one afterwards. Errors: models.ErrLastAdmin, unless it is forced; ErrGone. Pages and
// rooms ask each time who is one; a running site is told, so that rooms show it.
func (s *Service) SetAdmin(ctx context.Context, account models.Account, admin, force bool) (bool, error) {
	still, err := s.db.Accounts.SetAdmin(ctx, account.ID, admin, force)
	if errors.Is(err, models.ErrNotFound) {
		return false, ErrGone
	}
	if err == nil {
		s.tell(ctx, models.EventChanged, account.Username, "")
	}
	return still, err
}

// SetBlocked blocks an account, which ends everything that it is signed in with,
// or unblocks it.
func (s *Service) SetBlocked(ctx context.Context, account models.Account, blocked bool) error {
	if err := s.db.Accounts.SetBlocked(ctx, account.ID, blocked); err != nil {
		return err
	}
	kind := models.EventChanged
	if blocked {
		kind = models.EventRemoved
	}
	s.tell(ctx, kind, account.Username, "")
	return nil
}
