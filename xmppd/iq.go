package xmppd

import (
	"context"

	"foyer/internal/stream"
)

// target is whom an IQ is for.
type target int

const (
	toServer  target = iota // the domain
	toSelf                  // no to, or the sender's own bare JID (RFC 6120 §10.3)
	toAccount               // the bare JID of another account
)

// iqKey selects the handler of an IQ by whom it is for, its type (get or set)
// and its payload.
type iqKey struct {
	target  target
	typ     string
	payload stream.Name
}

// iqHandler answers one IQ. It returns the result's payload (nil: an empty
// result), or an error: a stanza.Error is sent as it is, everything else is
// logged and answered with internal-server-error of type wait, so that the
// sender may try again. A handler may deliver other stanzas first; the result
// goes out after them.
type iqHandler func(ctx context.Context, s *session, iq *stream.Element, payload stream.Child) ([]byte, error)
