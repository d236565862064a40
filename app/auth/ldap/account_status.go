package ldap

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"foyer/app/auth"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// AccountStatus is whether a person of the directory may sign in.
type AccountStatus int

// The kinds. Disabled and Expired end what somebody is signed in with. Locked does not:
// who guesses at a person's password could put them out by it; nor do passwords that
// have to be changed.
const (
	Active     AccountStatus = iota
	Disabled                 // by the people who look after the directory
	Expired                  // the account's time is over
	Locked                   // for a while, after wrong passwords
	MustChange               // the password has to be changed first
)

// String says it in a word.
func (s AccountStatus) String() string {
	return [...]string{"active", "disabled", "expired", "locked", "must change the password"}[s]
}

// EndsSessions reports whether somebody is put out by it.
func (s AccountStatus) EndsSessions() bool { return s == Disabled || s == Expired }

// What somebody is told who knows the password. Before that all is auth.ErrInvalidCredentials, so
// that nobody finds out who is in the directory. Where a directory says such a thing whatever
// the password is, it is an auth.HiddenReasonError.
const (
	ErrDisabled        = auth.Refusal("Your account is disabled in your organisation's directory. Ask the people who look after it there.")
	ErrExpired         = auth.Refusal("Your account in your organisation's directory has expired. Ask the people who look after it there.")
	ErrLocked          = auth.Refusal("Your account is locked in your organisation's directory. Ask the people who look after it there.")
	ErrPasswordExpired = auth.Refusal("Your password has expired. Change it where your organisation lets you do that, then sign in here with the new one.")
	ErrMustChange      = auth.Refusal("Your password must be changed before you can sign in. Change it where your organisation lets you do that, then sign in here with the new one.")
	ErrNotNow          = auth.Refusal("Your organisation's directory does not let you sign in at this time of the day.")
	ErrNotFromHere     = auth.Refusal("Your organisation's directory does not let you sign in from this site. Ask the people who look after it there.")
)

// refusal is for somebody whose password was right.
func (s AccountStatus) refusal() error {
	switch s {
	case Disabled:
		return ErrDisabled
	case Expired:
		return ErrExpired
	case MustChange:
		return ErrMustChange
	}
	return nil // the directory has just let them in
}

// statusAttributes are what AccountStatus follows from.
func statusAttributes(k kind) []string {
	if k == activeDirectory {
		return []string{"userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires", "lockoutTime", "pwdLastSet"}
	}
	return []string{"pwdAccountLockedTime", "pwdReset", "nsAccountLock"}
}

func accountStatus(k kind, e *ldapv3.Entry, now time.Time) AccountStatus {
	if k == activeDirectory {
		return statusAD(e, now)
	}
	return statusStandard(e)
}

// Bits of userAccountControl and of its computed form ([MS-ADTS] §2.2.16, §3.1.1.4.5.17).
const (
	uacDisabled            = 0x2
	uacPasswordNeverEnds   = 0x10000
	uacLockedOut           = 0x10
	uacPasswordExpired     = 0x800000
	neverExpires           = 1<<63 - 1 // accountExpires; so is 0
	fileTimesPerSecond     = 10_000_000
	fileTimesBeforeTheUnix = 11_644_473_600 // seconds from 1601 to 1970
)

func statusAD(e *ldapv3.Entry, now time.Time) AccountStatus {
	number := func(attr string) int64 {
		n, _ := strconv.ParseInt(e.GetEqualFoldAttributeValue(attr), 10, 64)
		return n
	}
	control, computed := number("userAccountControl"), number("msDS-User-Account-Control-Computed")
	expires := number("accountExpires")
	switch {
	case control&uacDisabled != 0:
		return Disabled
	case expires > 0 && expires != neverExpires && now.Unix() >= expires/fileTimesPerSecond-fileTimesBeforeTheUnix:
		return Expired
	case computed&uacLockedOut != 0:
		return Locked
	case computed&uacPasswordExpired != 0,
		e.GetEqualFoldAttributeValue("pwdLastSet") == "0" && control&uacPasswordNeverEnds == 0:
		return MustChange
	}
	return Active
}

// lockedForEver is the pwdAccountLockedTime that people who look after a directory write
// (draft-behera-ldap-password-policy-10 §5.3.3).
const lockedForEver = "000001010000Z"

func statusStandard(e *ldapv3.Entry) AccountStatus {
	isTrue := func(attr string) bool { return strings.EqualFold(e.GetEqualFoldAttributeValue(attr), "TRUE") }
	locked := e.GetEqualFoldAttributeValue("pwdAccountLockedTime")
	switch {
	case locked == lockedForEver, isTrue("nsAccountLock"): // 389 Directory Server, FreeIPA
		return Disabled
	case locked != "":
		return Locked
	case isTrue("pwdReset"):
		return MustChange
	}
	return Active
}

// hiddenReason is why somebody was refused, as far as their entry says it. err is the directory's
// word. An entry that says Locked may be wrong: it says so until somebody signs in, also when
// the time of that is over.
func (s AccountStatus) hiddenReason(err error) error {
	if s == Disabled && errors.Is(err, auth.ErrInvalidCredentials) {
		return &auth.HiddenReasonError{Reason: ErrDisabled}
	}
	return err
}

var dataCode = regexp.MustCompile(`\bdata ([0-9a-f]+)\b`)

// refusedAD tells the refusals of Active Directory apart, by the code in its words. These
// are said only to somebody who knows the password; 525, 52e and 775 (locked) are not.
func refusedAD(message string) error {
	found := dataCode.FindStringSubmatch(message)
	if found == nil {
		return auth.ErrInvalidCredentials
	}
	switch found[1] {
	case "530":
		return ErrNotNow
	case "531":
		return ErrNotFromHere
	case "532":
		return ErrPasswordExpired
	case "533":
		return ErrDisabled
	case "701":
		return ErrExpired
	case "773":
		return ErrMustChange
	case "775":
		return &auth.HiddenReasonError{Reason: ErrLocked}
	}
	return auth.ErrInvalidCredentials
}

// refusedByPolicy tells those of a password policy apart
// (draft-behera-ldap-password-policy-10 §6.2). Locked accounts are told whatever the
// password is. nil: the policy says nothing.
func refusedByPolicy(controls []ldapv3.Control) error {
	for _, c := range controls {
		policy, ok := c.(*ldapv3.ControlBeheraPasswordPolicy)
		if !ok {
			continue
		}
		switch policy.Error {
		case ldapv3.BeheraPasswordExpired:
			return ErrPasswordExpired
		case ldapv3.BeheraChangeAfterReset:
			return ErrMustChange
		case ldapv3.BeheraAccountLocked:
			return &auth.HiddenReasonError{Reason: ErrLocked}
		}
	}
	return nil
}

// bound is what comes of a sign-in to the directory: nil, auth.ErrInvalidCredentials, an
// auth.Refusal, or an error of another kind.
func bound(k kind, controls []ldapv3.Control, err error) error {
	switch {
	case err == nil:
		return refusedByPolicy(controls)
	case ldapv3.IsErrorWithCode(err, ldapv3.LDAPResultInvalidCredentials):
		if k == activeDirectory {
			return refusedAD(err.Error())
		}
		if policy := refusedByPolicy(controls); policy != nil {
			return policy
		}
		return auth.ErrInvalidCredentials
	case ldapv3.IsErrorAnyOf(err, ldapv3.LDAPResultNoSuchObject, ldapv3.LDAPResultInvalidDNSyntax, ldapv3.LDAPResultInappropriateAuthentication,
		ldapv3.LDAPResultConstraintViolation, ldapv3.LDAPResultUnwillingToPerform):
		return auth.ErrInvalidCredentials
	}
	return err
}
