package auth

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/budget"
	"foyer/models"
)

// One form for user names and passwords, whichever source they are of. A typed password is
// shown to one source only, which the name alone decides:
//
//   - an account here that has a password, and may use it: the site's own;
//   - any other name, and anything that cannot be a user name here, such as
//     alice@corp.example or CORP\alice: the source with the method ByForm.
//
// So a wrong password at the one is never a guess at the other, and nobody at a directory can
// get at an account whose password is kept here by having the same name there. Failures count
// by the name as it was typed, for all sources alike, before any of them is asked. The answer
// is the same whether or not there is somebody; how long it takes depends on the source.

// SignInByForm signs in who typed user name and password into the site's form. Errors as for
// SignIn.
func (s *Service) SignInByForm(ctx context.Context, a Answer, d Device) (SignedIn, error) {
	source, err := s.sourceOf(ctx, a.Form("username"))
	if err != nil {
		return SignedIn{}, err
	}
	return s.SignIn(ctx, source, a, d)
}

// sourceOf returns the source to which a typed name belongs.
func (s *Service) sourceOf(ctx context.Context, typed string) (Source, error) {
	other := s.formSource()
	if other == nil {
		return s.Local(), nil
	}
	name, err := PrepareUsername(typed)
	if err != nil {
		return other, nil
	}
	account, err := s.db.Accounts.AccountByName(ctx, name)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return nil, err
	}
	if s.passwords.has(account) {
		return s.Local(), nil
	}
	return other, nil
}

// formSource is the source apart from the site's own that takes the form; nil: there is none.
func (s *Service) formSource() Source {
	for _, source := range s.cfg.Sources {
		if source.Method() == ByForm {
			return source
		}
	}
	return nil
}

// MayHavePassword reports whether an account may sign in by a password of this site.
func (s *Service) MayHavePassword(a models.Account) bool { return s.passwords.mayHave(a) }

// Bounds of asking other sources about typed passwords.
const (
	maxConcurrentChecks = 10  // the others wait, and each address gets its turn
	maxTypedKey         = 320 // bytes of a typed name, which failures count for

	// How long a refusal takes at least, where a directory was asked: it answers sooner if it
	// knows no such name.
	refusalFloor = 500 * time.Millisecond
)

// finishForm is Finish of a source other than the site's own that takes the form, within the
// bounds of signing in. action and the name are what failures count for.
func (s *Service) finishForm(ctx context.Context, action string, source Source, a Answer) (Person, error) {
	_, locks := source.(LockoutPolicy)
	answer := time.NewTimer(refusalFloor)
	defer answer.Stop()
	person, err := s.finishThrottled(ctx, action, source, a)
	if locks && errors.Is(err, ErrInvalidCredentials) {
		select {
		case <-answer.C:
		case <-ctx.Done():
		}
	}
	return person, err
}

// finishThrottled asks the source when there is room for a question.
func (s *Service) finishThrottled(ctx context.Context, action string, source Source, a Answer) (Person, error) {
	name := typedKey(a.Form("username"))
	account, err := s.db.Accounts.AccountByName(ctx, name)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return Person{}, err
	}
	known, err := s.throttle.known(ctx, account, a.From)
	if err != nil {
		return Person{}, err
	}
	client := budget.Network(a.From.Address)
	if a.From.Server {
		client = name
	}
	release, err := s.questions.enter(ctx, client, known)
	if err != nil {
		return Person{}, err
	}
	defer release()
	limits := s.throttle.limits(action, name, known, a.From)
	counts, err := s.throttle.failures(ctx, limits) // only now, as for passwords of the site
	if err != nil {
		return Person{}, err
	}
	person, err := Person{}, ErrInvalidCredentials
	if name != "" && a.Form("password") != "" { // an empty one proves nothing, whatever a directory says of it (RFC 4513 §5.1.2)
		person, err = s.finishReserved(ctx, source, name, known, a)
	}
	var refused Refusal
	switch {
	case errors.Is(err, ErrInvalidCredentials), errors.As(err, &refused):
		return Person{}, errors.Join(visibleError(known, err), s.throttle.failed(ctx, limits))
	case err != nil:
		return Person{}, err
	}
	return person, s.throttle.succeeded(ctx, limits, counts)
}

// visibleError is the error that a person may see. The reason of a *HiddenReasonError is shown
// only where they have signed in before: there they proved once that the account is theirs.
func visibleError(known bool, err error) error {
	hidden, ok := errors.AsType[*HiddenReasonError](err)
	switch {
	case !ok:
		return err
	case known:
		return hidden.Reason
	}
	return ErrInvalidCredentials
}

// finishReserved asks a source that locks its accounts only while it will not do so: each guess
// is counted before it is made, wherever it comes from, and taken back if it was none. The
// last one that is allowed is kept for devices from which the account has signed in before.
func (s *Service) finishReserved(ctx context.Context, source Source, name string, known bool, a Answer) (Person, error) {
	locker, ok := source.(LockoutPolicy)
	if !ok {
		return source.Finish(ctx, a)
	}
	account, most, window := locker.LocksAfter(name)
	if !known {
		most = max(most-1, 1)
	}
	key := "directory:" + source.Name() + ":" + account
	wait, err := s.db.Throttle.ReserveAttempt(ctx, key, most, window)
	if err != nil {
		return Person{}, err
	}
	if wait > 0 {
		return Person{}, &ThrottledError{Wait: wait}
	}
	person, err := source.Finish(ctx, a)
	switch {
	case err == nil:
		return person, s.db.Throttle.ResetAttempts(ctx, key)
	case errors.Is(err, ErrInvalidCredentials):
		return Person{}, err
	}
	// What it was is not known, or the password was right.
	return Person{}, errors.Join(err, s.db.Throttle.ReleaseAttempt(context.WithoutCancel(ctx), key))
}

// typedKey is a typed name as failures count for it; empty: it is nobody's.
func typedKey(typed string) string {
	if name, err := PrepareUsername(typed); err == nil {
		return name
	}
	typed = strings.ToLower(strings.TrimSpace(typed))
	if len(typed) > maxTypedKey || !utf8.ValidString(typed) || strings.ContainsRune(typed, 0) {
		return ""
	}
	return typed
}

// verifyTyped checks a password that came without the site's form, such as from a chat client,
// for the user name of an account here: that account is returned, with what proves it.
// Errors as for passwords.verify.
func (s *Service) verifyTyped(ctx context.Context, action, username, password string, from Client) (authenticated, error) {
	account, err := s.db.Accounts.AccountByName(ctx, username)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return authenticated{}, err
	}
	source := s.formSource()
	if source == nil || s.passwords.has(account) {
		account, err := s.passwords.verify(ctx, action, username, password, from)
		return authenticated{account: account}, err
	}
	login, err := s.sourceLogin(ctx, source, account, username)
	if err != nil {
		return authenticated{}, err
	}
	fields := map[string]string{"username": login, "password": password}
	p, err := s.authenticate(ctx, action, source, Answer{Form: func(name string) string { return fields[name] }, From: from})
	if err == nil && p.account.ID == 0 {
		p, err = s.provision(ctx, p, "")
	}
	if errors.Is(err, errNameNeeded) || errors.Is(err, ErrNoAccount) || (err == nil && p.account.Username != username) {
		err = ErrInvalidCredentials // the password is right, but it opens another account, or none yet
	}
	return p, err
}

// sourceLogin is what a source calls the person whose user name here is given.
func (s *Service) sourceLogin(ctx context.Context, source Source, account models.Account, username string) (string, error) {
	if account.ID == 0 {
		return username, nil
	}
	list, err := s.db.Identities.Of(ctx, account.ID)
	for _, i := range list {
		if i.Source == source.Name() && i.Login != "" {
			return i.Login, err
		}
	}
	return username, err
}
