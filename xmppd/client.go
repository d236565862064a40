package xmppd

import (
	"context"

	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Client is one bound resource as a Service sees it. It stays the same through
// resumptions (XEP-0198 §5) and may be kept until Gone. It is safe for
// concurrent use.
type Client interface {
	JID() string  // full
	Bare() string // the account's
	User() string // the account's localpart

	// Deliver queues one stanza and never blocks. The bytes must not be modified
	// afterwards, and may be shared between clients.
	Deliver(stanza []byte)

	// SendSentCarbons tells the account's other clients, as carbon copies, what this one
	// sent through a service to one person (XEP-0280 §6.1): m is from the client,
	// and id is its id in the account's archive, zero when it is in none.
	SendSentCarbons(m *stream.Element, id uuid.UUID)

	// Ready waits until the client's queue has room for a burst, for as long as
	// the client takes to read: the time that a stanza has does not count. It is
	// for the goroutine that serves the client. The error tells that the client's
	// stream is gone: what is sent to it is kept, if it can come back.
	Ready(ctx context.Context) error

	// ReadyWithin is Ready for other goroutines: they wait no longer than ctx.
	ReadyWithin(ctx context.Context) error

	// Request sends the client an IQ get in the server's name. answered is called, on
	// the goroutine that serves the client, with the result or the error; it is not
	// called if none comes in time. Of too many requests the oldest is forgotten.
	Request(payload []byte, answered func(ctx context.Context, iq *stream.Element))
}

var _ Client = (*session)(nil)

// JID implements Client.
func (s *session) JID() string { return s.full }

// Bare implements Client.
func (s *session) Bare() string { return s.bare }

// User implements Client.
func (s *session) User() string { return s.user }

// Deliver implements Client.
func (s *session) Deliver(stanza []byte) { s.deliver(stanza) }

// SendSentCarbons implements Client.
func (s *session) SendSentCarbons(m *stream.Element, id uuid.UUID) {
	if isCarbonEligible(m) {
		s.sendSentCarbons(m, id)
	}
}

// Ready implements Client. A client whose stream is lost is ready: what is sent
// to it is kept. Whatever ends the session, or moves it to another stream, closes
// the stream first, which ends the wait.
func (s *session) Ready(ctx context.Context) error { return s.ReadyWithin(context.WithoutCancel(ctx)) }

// ReadyWithin implements Client.
func (s *session) ReadyWithin(ctx context.Context) error {
	if st := s.currentStream(); st != nil {
		return st.Ready(ctx)
	}
	return nil
}
