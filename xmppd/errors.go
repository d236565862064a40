package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

var (
	errStanzaTooLarge = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.PolicyViolation, Text: "The stanza is too large."}
	errBlockedByYou   = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.NotAcceptable, Extra: `<blocked xmlns="urn:xmpp:blocking:errors"/>`}
)

// asStanzaError is the funnel: errors that are not for the sender's eyes
// become internal-server-error of type wait, and are logged.
func (s *session) asStanzaError(el *stream.Element, err error) *stanza.Error {
	var se *stanza.Error
	if errors.As(err, &se) {
		return se
	}
	if !errors.Is(err, context.Canceled) {
		s.log().Error("stanza failed", "stanza", el.Name.Local, "payload", el.Child.Space, "err", err)
	}
	return stanza.ErrInternal
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
	s.deliver(stanza.ErrorReply(el, from, s.full, s.asStanzaError(el, err)))
}
