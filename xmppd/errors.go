package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stream"
)

const nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"

// StanzaError is a stanza error (RFC 6120 §8.3) on its way to the sender.
type StanzaError struct {
	Type      ErrorType
	Condition string
	Text      string
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

func (e *StanzaError) Error() string { return "stanza error: " + e.Condition }

// The errors in use (RFC 6120 §8.3.3).
var (
	ErrBadRequest         = &StanzaError{Type: ErrorModify, Condition: "bad-request"}
	ErrFeatureMissing     = &StanzaError{Type: ErrorCancel, Condition: "feature-not-implemented"}
	ErrForbidden          = &StanzaError{Type: ErrorAuth, Condition: "forbidden"}
	ErrItemNotFound       = &StanzaError{Type: ErrorCancel, Condition: "item-not-found"}
	ErrJIDMalformed       = &StanzaError{Type: ErrorModify, Condition: "jid-malformed", Text: "This address, or the name in it, has characters that cannot be used there."}
	errNotAcceptable      = &StanzaError{Type: ErrorModify, Condition: "not-acceptable"}
	ErrNotAllowed         = &StanzaError{Type: ErrorCancel, Condition: "not-allowed"}
	errPolicyViolation    = &StanzaError{Type: ErrorModify, Condition: "policy-violation", Text: "The stanza is too large."}
	errRemoteNotFound     = &StanzaError{Type: ErrorCancel, Condition: "remote-server-not-found"}
	ErrResourceLimit      = &StanzaError{Type: ErrorWait, Condition: "resource-constraint"}
	ErrServiceUnavailable = &StanzaError{Type: ErrorCancel, Condition: "service-unavailable"}
	errInternal           = &StanzaError{Type: ErrorWait, Condition: "internal-server-error", Text: "Please try again in a moment."}
	errBlockedByYou       = &StanzaError{Type: ErrorCancel, Condition: "not-acceptable", Extra: `<blocked xmlns="urn:xmpp:blocking:errors"/>`}
)

// appendTo appends the <error/> element.
func (e *StanzaError) appendTo(dst []byte) []byte {
	dst = append(append(append(dst, `<error type="`...), e.Type...), `"><`...)
	dst = append(append(dst, e.Condition...), ` xmlns="`+nsStanzas+`"/>`...)
	if e.Text != "" {
		dst = append(dst, `<text xmlns="`+nsStanzas+`" xml:lang="en">`...)
		dst = append(stream.AppendEscaped(dst, e.Text), `</text>`...)
	}
	return append(append(dst, e.Extra...), `</error>`...)
}

// asStanzaError is the funnel: errors that are not for the sender's eyes
// become internal-server-error of type wait, and are logged.
func (s *session) asStanzaError(el *stream.Element, err error) *StanzaError {
	var se *StanzaError
	if errors.As(err, &se) {
		return se
	}
	if !errors.Is(err, context.Canceled) {
		s.log.Error("stanza failed", "stanza", el.Name.Local, "payload", el.Child.Space, "err", err)
	}
	return errInternal
}

// sendError answers a stanza with an error: same kind and id, addresses
// swapped, never in reply to an error or a result (RFC 6120 §8.3.1).
func (s *session) sendError(el *stream.Element, err error) {
	if el.Type == "error" || (el.Name.Local == "iq" && el.Type == "result") {
		return
	}
	from := el.To
	if from == "" {
		from = s.bare
	}
	s.deliver(ErrorReply(el, from, s.full, s.asStanzaError(el, err)))
}

// ErrorReply builds the error reply to el.
func ErrorReply(el *stream.Element, from, to string, e *StanzaError) []byte {
	dst := make([]byte, 0, 256)
	dst = append(append(append(dst, '<'), el.Name.Local...), ` xmlns="jabber:client" type="error"`...)
	dst = AppendAttr(dst, "id", el.ID)
	dst = AppendAttr(dst, "from", from)
	dst = append(AppendAttr(dst, "to", to), '>')
	dst = e.appendTo(append(dst, e.Echo...))
	return append(append(append(dst, "</"...), el.Name.Local...), '>')
}

// AppendAttr appends an attribute unless its value is empty.
func AppendAttr(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, ' '), name...), `="`...)
	return append(stream.AppendEscaped(dst, value), '"')
}
