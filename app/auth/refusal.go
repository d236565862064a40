package auth

import (
	"errors"
	"fmt"
	"time"
)

// Refusal says to a person what is wrong with what they typed.
type Refusal string

// Error implements error; the text is a sentence and may be shown.
func (r Refusal) Error() string { return string(r) }

var (
	// ErrInvalidCredentials is the same for a wrong password, an account that does not
	// exist and one that is blocked.
	ErrInvalidCredentials = errors.New("auth: that proves nobody")

	// ErrBusy: too many passwords wait to be checked; nothing was.
	ErrBusy = errors.New("auth: too many sign-ins at once")

	// ErrNoAccount: the source knows the person, and this site makes no accounts for
	// people of that source.
	ErrNoAccount = errors.New("auth: that person has no account here")

	// ErrBlocked: the account of somebody whom another source has proved is blocked.
	ErrBlocked = errors.New("auth: the account is blocked")

	// ErrGone: somebody who was signed in may not be any more.
	ErrGone = errors.New("auth: no longer signed in")
)

// HiddenReasonError is an ErrInvalidCredentials of which the source says why, whatever the password is. Only
// somebody who has signed in before from where they are is told, since others would learn from
// it who is at the source.
type HiddenReasonError struct{ Reason Refusal }

func (e *HiddenReasonError) Error() string {
	return ErrInvalidCredentials.Error() + ": " + e.Reason.Error()
}

// Is makes it ErrInvalidCredentials.
func (e *HiddenReasonError) Is(target error) bool { return target == ErrInvalidCredentials }

// ThrottledError: there were too many failures, and nothing was checked.
type ThrottledError struct{ Wait time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("auth: too many failed attempts; wait %s", e.Wait.Round(time.Second))
}
