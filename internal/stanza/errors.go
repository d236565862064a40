package stanza

import "foyer/internal/stream"

// Error is a stanza error (RFC 6120 §8.3) on its way to the sender.
type Error struct {
	Type      ErrorType
	Condition Condition
	Text      string // for people; may be empty
	Extra     string // an application-specific condition as XML; may be empty
	Echo      string // what of the stanza is repeated, as XML; may be empty
}

// ErrorType says what the sender can do about an error (RFC 6120 §8.3.2).
type ErrorType string

// The error types.
const (
	ErrorAuth   ErrorType = "auth"
	ErrorCancel ErrorType = "cancel"
	ErrorModify ErrorType = "modify"
	ErrorWait   ErrorType = "wait"
)

// Condition is the defined condition of an error (RFC 6120 §8.3.3).
type Condition string

// The conditions in use.
const (
	BadRequest            Condition = "bad-request"
	Conflict              Condition = "conflict"
	FeatureNotImplemented Condition = "feature-not-implemented"
	Forbidden             Condition = "forbidden"
	InternalServerError   Condition = "internal-server-error"
	ItemNotFound          Condition = "item-not-found"
	JIDMalformed          Condition = "jid-malformed"
	NotAcceptable         Condition = "not-acceptable"
	NotAllowed            Condition = "not-allowed"
	NotAuthorized         Condition = "not-authorized"
	PolicyViolation       Condition = "policy-violation"
	RecipientUnavailable  Condition = "recipient-unavailable"
	RegistrationRequired  Condition = "registration-required"
	RemoteServerNotFound  Condition = "remote-server-not-found"
	ResourceConstraint    Condition = "resource-constraint"
	ServiceUnavailable    Condition = "service-unavailable"
)

// The errors that are sent as they are, each with the type that RFC 6120 §8.3.3
// gives its condition.
var (
	ErrBadRequest            = &Error{Type: ErrorModify, Condition: BadRequest}
	ErrConflict              = &Error{Type: ErrorCancel, Condition: Conflict}
	ErrFeatureNotImplemented = &Error{Type: ErrorCancel, Condition: FeatureNotImplemented}
	ErrForbidden             = &Error{Type: ErrorAuth, Condition: Forbidden}
	ErrInternal              = &Error{Type: ErrorWait, Condition: InternalServerError, Text: "Please try again in a moment."}
	ErrItemNotFound          = &Error{Type: ErrorCancel, Condition: ItemNotFound}
	ErrJIDMalformed          = &Error{Type: ErrorModify, Condition: JIDMalformed, Text: "This address, or the name in it, has characters that cannot be used there."}
	ErrNotAcceptable         = &Error{Type: ErrorModify, Condition: NotAcceptable}
	ErrNotAllowed            = &Error{Type: ErrorCancel, Condition: NotAllowed}
	ErrNotAuthorized         = &Error{Type: ErrorAuth, Condition: NotAuthorized}
	ErrRemoteServerNotFound  = &Error{Type: ErrorCancel, Condition: RemoteServerNotFound}
	ErrResourceConstraint    = &Error{Type: ErrorWait, Condition: ResourceConstraint}
	ErrServiceUnavailable    = &Error{Type: ErrorCancel, Condition: ServiceUnavailable}
)

func (e *Error) Error() string { return "stanza error: " + string(e.Condition) }

// appendTo appends the <error/> element.
func (e *Error) appendTo(dst []byte) []byte {
	dst = append(append(append(dst, `<error type="`...), e.Type...), `"><`...)
	dst = append(append(dst, e.Condition...), ` xmlns="`+NSStanzas+`"/>`...)
	if e.Text != "" {
		dst = append(dst, `<text xmlns="`+NSStanzas+`" xml:lang="en">`...)
		dst = append(stream.AppendEscaped(dst, e.Text), `</text>`...)
	}
	return append(append(dst, e.Extra...), `</error>`...)
}

// ErrorReply builds the error reply to el: of the same kind, with the same id
// (RFC 6120 §8.3.1). Addresses that are empty are left out.
func ErrorReply(el *stream.Element, from, to string, e *Error) []byte {
	dst := make([]byte, 0, 256)
	dst = append(append(append(dst, '<'), el.Name.Local...), ` xmlns="jabber:client" type="error"`...)
	dst = AppendAttr(dst, "id", el.ID)
	dst = AppendAttr(dst, "from", from)
	dst = append(AppendAttr(dst, "to", to), '>')
	dst = e.appendTo(append(dst, e.Echo...))
	return append(append(append(dst, "</"...), el.Name.Local...), '>')
}
