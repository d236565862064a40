package stream

// Error is a stream error (RFC 6120 §4.9).
type Error struct {
	Condition Condition
	Text      string // for people; may be empty
	Extra     string // an application-specific condition as XML that stands alone; may be empty
	Whole     string // the error as another server sent it, each child standing alone; it is passed on as it is (B-51)
}

// Condition is a defined stream error condition (RFC 6120 §4.9.3).
type Condition string

// The conditions in use.
const (
	BadFormat              Condition = "bad-format"
	BadNamespacePrefix     Condition = "bad-namespace-prefix"
	Conflict               Condition = "conflict"
	ConnectionTimeout      Condition = "connection-timeout"
	HostGone               Condition = "host-gone"
	HostUnknown            Condition = "host-unknown"
	ImproperAddressing     Condition = "improper-addressing"
	InternalServerError    Condition = "internal-server-error"
	InvalidFrom            Condition = "invalid-from"
	InvalidNamespace       Condition = "invalid-namespace"
	InvalidXML             Condition = "invalid-xml"
	NotAuthorized          Condition = "not-authorized"
	NotWellFormed          Condition = "not-well-formed"
	PolicyViolation        Condition = "policy-violation"
	RemoteConnectionFailed Condition = "remote-connection-failed"
	Reset                  Condition = "reset"
	ResourceConstraint     Condition = "resource-constraint"
	RestrictedXML          Condition = "restricted-xml"
	SystemShutdown         Condition = "system-shutdown"
	UndefinedCondition     Condition = "undefined-condition"
	UnsupportedEncoding    Condition = "unsupported-encoding"
	UnsupportedStanzaType  Condition = "unsupported-stanza-type"
	UnsupportedVersion     Condition = "unsupported-version"
)

// Conditions are all of them. Not to be modified.
var Conditions = []Condition{
	BadFormat, BadNamespacePrefix, Conflict, ConnectionTimeout, HostGone, HostUnknown,
	ImproperAddressing, InternalServerError, InvalidFrom, InvalidNamespace, InvalidXML,
	NotAuthorized, NotWellFormed, PolicyViolation, RemoteConnectionFailed, Reset,
	ResourceConstraint, RestrictedXML, SystemShutdown, UndefinedCondition, UnsupportedEncoding,
	UnsupportedStanzaType, UnsupportedVersion,
}

// Error implements error.
func (e *Error) Error() string {
	if e.Text == "" {
		return "stream error: " + string(e.Condition)
	}
	return "stream error: " + string(e.Condition) + ": " + e.Text
}

// Append appends the error as an element that stands alone, each child with
// its own xmlns (Strophe loses the condition otherwise).
func (e *Error) Append(dst []byte) []byte {
	if e.Whole != "" {
		return append(dst, e.Whole...)
	}
	const ns = ` xmlns="` + NSStreams + `"`
	dst = append(dst, `<stream:error xmlns:stream="`+NSStream+`"><`...)
	dst = append(append(dst, e.Condition...), ns+`/>`...)
	if e.Text != "" {
		dst = append(dst, `<text`+ns+` xml:lang="en">`...)
		dst = append(AppendEscaped(dst, e.Text), `</text>`...)
	}
	dst = append(dst, e.Extra...)
	return append(dst, `</stream:error>`...)
}
