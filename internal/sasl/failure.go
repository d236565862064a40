package sasl

// Failure is a SASL error condition (RFC 6120 §6.5). As an error it is meant for the
// client; every other error means that something could not be checked.
type Failure string

func (f Failure) Error() string { return "sasl: " + string(f) }

// The conditions in use.
const (
	Aborted            Failure = "aborted"
	AccountDisabled    Failure = "account-disabled"    // only after the account was proved
	CredentialsExpired Failure = "credentials-expired" // only after the account was proved
	IncorrectEncoding  Failure = "incorrect-encoding"
	InvalidAuthzid     Failure = "invalid-authzid"
	InvalidMechanism   Failure = "invalid-mechanism"
	MalformedRequest   Failure = "malformed-request"
	MechanismTooWeak   Failure = "mechanism-too-weak"
	NotAuthorized      Failure = "not-authorized"

	// TemporaryAuthFailure: nothing was checked, and the client may try again later;
	// because the database is away, or somebody tried too often (§6.5.12).
	TemporaryAuthFailure Failure = "temporary-auth-failure"
)

// IsGuess reports whether the failure may have been that of a guessed password or
// token, rather than of an exchange that never came to one.
func (f Failure) IsGuess() bool {
	switch f {
	case MalformedRequest, InvalidMechanism, MechanismTooWeak:
		return false
	}
	return true
}
