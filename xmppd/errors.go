package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stream"
)

const nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"

// stanzaError is a stanza error (RFC 6120 §8.3) on its way to the sender.
type stanzaError struct {
	typ       errorType
	condition string
	text      string
	extra     string // an application-specific condition as XML; may be empty
}

type errorType string

const (
	errAuth   errorType = "auth"
	errCancel errorType = "cancel"
	errModify errorType = "modify"
	errWait   errorType = "wait"
)

func (e *stanzaError) Error() string { return "stanza error: " + e.condition }

// The errors in use (RFC 6120 §8.3.3).
var (
	errBadRequest         = &stanzaError{typ: errModify, condition: "bad-request"}
	errFeatureMissing     = &stanzaError{typ: errCancel, condition: "feature-not-implemented"}
	errForbidden          = &stanzaError{typ: errAuth, condition: "forbidden"}
	errItemNotFound       = &stanzaError{typ: errCancel, condition: "item-not-found"}
	errJIDMalformed       = &stanzaError{typ: errModify, condition: "jid-malformed"}
	errNotAcceptable      = &stanzaError{typ: errModify, condition: "not-acceptable"}
	errNotAllowed         = &stanzaError{typ: errCancel, condition: "not-allowed"}
	errRemoteNotFound     = &stanzaError{typ: errCancel, condition: "remote-server-not-found"}
	errResourceLimit      = &stanzaError{typ: errWait, condition: "resource-constraint"}
	errServiceUnavailable = &stanzaError{typ: errCancel, condition: "service-unavailable"}
	errInternal           = &stanzaError{typ: errWait, condition: "internal-server-error", text: "Please try again in a moment."}
	errBlockedByYou       = &stanzaError{typ: errCancel, condition: "not-acceptable", extra: `<blocked xmlns="urn:xmpp:blocking:errors"/>`}
)

// appendError appends the <error/> element.
func (e *stanzaError) appendTo(dst []byte) []byte {
	dst = append(append(append(dst, `<error type="`...), e.typ...), `"><`...)
	dst = append(append(dst, e.condition...), ` xmlns="`+nsStanzas+`"/>`...)
	if e.text != "" {
		dst = append(dst, `<text xmlns="`+nsStanzas+`" xml:lang="en">`...)
		dst = append(stream.AppendEscaped(dst, e.text), `</text>`...)
	}
	return append(append(dst, e.extra...), `</error>`...)
}

// asStanzaError is the funnel: errors that are not for the sender's eyes
// become internal-server-error of type wait, and are logged.
func (s *session) asStanzaError(el *stream.Element, err error) *stanzaError {
	var se *stanzaError
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
	s.deliver(errorReply(el, from, s.full, s.asStanzaError(el, err)))
}

// errorReply builds the error reply to el.
func errorReply(el *stream.Element, from, to string, e *stanzaError) []byte {
	dst := make([]byte, 0, 256)
	dst = append(append(append(dst, '<'), el.Name.Local...), ` xmlns="jabber:client" type="error"`...)
	dst = appendAttr(dst, "id", el.ID)
	dst = appendAttr(dst, "from", from)
	dst = append(appendAttr(dst, "to", to), '>')
	dst = e.appendTo(dst)
	return append(append(append(dst, "</"...), el.Name.Local...), '>')
}

// appendAttr appends an attribute unless its value is empty.
func appendAttr(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, ' '), name...), `="`...)
	return append(stream.AppendEscaped(dst, value), '"')
}
