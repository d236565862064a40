// Package sasl has the SASL mechanisms (RFC 4422) as state machines: a mechanism
// gets the client's messages, asks a Verifier, and says what to answer. It knows no
// connection and no store, so that any server can use it; base64 and the XML around
// the messages belong to the profile that carries them (RFC 6120 §6, XEP-0388).
package sasl

import (
	"context"
	"slices"

	"foyer/internal/stream"
)

// Verifier knows the accounts. Names of users are prepared localparts. Its errors
// are a Failure, for the client to see, or anything else when it could not be asked.
type Verifier interface {
	// Password verifies what PLAIN brought. Somebody unknown and a wrong password
	// are both NotAuthorized, in equal time.
	Password(ctx context.Context, user, password string) (stream.Identity, error)

	// SCRAM returns what is kept of the user's passwords. A user without any, or one
	// that does not exist, has no keys, and a salt that is always the same and tells
	// nothing (S-17).
	SCRAM(ctx context.Context, user string, hash SCRAMHash) (SCRAMCredentials, error)

	// CredentialUsed is told which of the passwords was proved, and may still refuse.
	CredentialUsed(ctx context.Context, id stream.Identity) error
}

// Options are what the mechanisms of one connection work with.
type Options struct {
	Verifier Verifier
	Domain   string          // of the accounts, prepared
	External stream.Identity // whom EXTERNAL proves; zero: it is not offered
	SCRAM    bool            // SCRAM is offered
	Plain    bool            // PLAIN is offered: the channel is private
	Binding  stream.Binding  // what SCRAM may be bound to
}

// Mechanism is one exchange. It is for one goroutine.
type Mechanism interface {
	// Next takes the client's next message; a client that should have begun, and did
	// not, counts as one that sent an empty message. An error ends the exchange.
	Next(ctx context.Context, message []byte) (Step, error)
}

// Step is what a mechanism makes of one message: more to ask, or who it is.
type Step struct {
	Reply    []byte // the challenge, or what goes along with the success; nil: nothing
	Done     bool
	Identity stream.Identity // when Done
}

// The mechanisms that are not a family.
const (
	external = "EXTERNAL"
	plain    = "PLAIN"
)

// Names returns what is offered, the best first: EXTERNAL where the caller is known,
// SCRAM before PLAIN. With nothing to offer the list is empty.
func Names(o Options) []string {
	var names []string
	if !o.External.IsZero() {
		names = append(names, external)
	}
	if o.SCRAM {
		names = append(names, scramNames(o.Binding)...)
	}
	if o.Plain {
		names = append(names, plain)
	}
	return names
}

// New begins an exchange. One that is not offered is InvalidMechanism, or
// MechanismTooWeak when it is known, but not good enough here (RFC 6120 §6.5.8).
func New(name string, o Options) (Mechanism, error) {
	switch {
	case slices.Contains(Names(o), name):
	case name == plain || isSCRAM(name):
		return nil, MechanismTooWeak
	default:
		return nil, InvalidMechanism
	}
	switch name {
	case external:
		return externalExchange{o}, nil
	case plain:
		return plainExchange{o}, nil
	}
	return newSCRAM(name, o), nil
}
