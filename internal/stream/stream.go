// Package stream is what the gateway and the embedded server share: XMPP XML
// as complete, checked elements; the Stream that carries them; and the Peer
// and Identity at its far end.
//
// It knows no transport and no server. WebSocket, BOSH and TCP turn bytes into
// Streams; a Server (the embedded one, or a relay to another) serves them.
package stream

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Stream is the server's side of one XMPP stream, whatever carries it.
//
// Recv and Restart are called by one goroutine, the one that serves the
// stream. Send, Ready and Close are safe from any goroutine.
type Stream interface {
	// Recv returns the peer's next first-level element, complete and checked.
	// The element is the caller's to keep. Errors: io.EOF after the peer ended
	// the stream in order (RFC 6120 §4.4, RFC 7395 §3.6, XEP-0124 §13);
	// ErrDisconnected when the transport was lost without that; an *Error when
	// the peer broke a rule (the caller passes it to Close); the reason given
	// to Close, or ErrClosed, after Close; ctx.Err().
	Recv(ctx context.Context) (*Element, error)

	// Send queues one complete element and never blocks. The bytes must not be
	// modified afterwards, and may be shared between streams. When the queue's
	// bound is exceeded the stream closes with policy-violation and Send
	// returns ErrOverflow; after Close it returns ErrClosed.
	Send(element []byte) error

	// Ready waits until the queue has room for a burst (an archive page, a
	// room's occupants), so that a slow reader slows its own requests rather
	// than being cut off.
	Ready(ctx context.Context) error

	// Restart waits for the peer to open the stream again after SASL, and
	// answers with a new stream header (RFC 6120 §6.4.6, RFC 7395 §3.7,
	// XEP-0206 §5). Errors as for Recv.
	Restart(ctx context.Context) error

	// Close ends the stream, any number of times; the first reason counts.
	// nil closes in order; an *Error is sent to the peer first; ErrDisconnected
	// drops the transport without a closing element, which clients answer by
	// coming back. It does not wait for the peer.
	Close(reason error) error
}

// AuthDeadliner is a Stream that allows a bounded time to sign in.
// StopAuthDeadline lifts that bound where no Restart does (XEP-0388 §2.6).
type AuthDeadliner interface {
	Stream
	StopAuthDeadline()
}

// UndeliveredReporter is a Stream that reports what it could not deliver before its
// peer was lost: elements that nobody will see, in order, and a time before which
// none of them was sent. It is called once, after the stream has ended.
type UndeliveredReporter interface {
	Stream
	Undelivered() (elements [][]byte, since time.Time)
}

// PollGapReporter is a Stream whose peer may be away for a while without being lost, as over
// BOSH between two requests. NoPollSince returns since when it has been; zero: it is there.
type PollGapReporter interface {
	Stream
	NoPollSince() time.Time
}

// Corker is a Stream that can put off writing for a moment, so that several elements
// go out together, and without the help of another goroutine. The goroutine that calls
// Cork calls Uncork before it waits for anything but the stream; of a goroutine that calls
// Recv, Recv does so. Both are safe for concurrent use: any Uncork writes what all put off.
type Corker interface {
	Stream
	// Cork puts off the writing of what is sent from now on, by everybody, until
	// Uncork, Recv, Restart or Close.
	Cork()
	// Uncork writes what was put off. It never waits for the peer.
	Uncork()
}

// Cork corks a stream that is a Corker.
func Cork(s Stream) {
	if c, ok := s.(Corker); ok {
		c.Cork()
	}
}

// Uncork uncorks a stream that is a Corker.
func Uncork(s Stream) {
	if c, ok := s.(Corker); ok {
		c.Uncork()
	}
}

// Waiter is a Stream that tells before it waits for its peer, so that what comes together
// can be handled together.
type Waiter interface {
	Stream
	// BeforeWait lets Recv call f before it waits for anything; nil: nobody is told any
	// more. It is for the goroutine that calls Recv. f waits for nothing, and does not close
	// the stream.
	BeforeWait(f func())
}

// Batcher is a Stream on which what is not urgent may wait for more of the kind, so that
// it is written together.
type Batcher interface {
	Stream
	// SendBatched is Send, but the element may be written up to a tenth of a second later. It
	// keeps its order: what Send is given after it is written after it.
	SendBatched(element []byte) error
}

// Server serves streams: the embedded XMPP server, or a relay to another one.
type Server interface {
	// Serve talks to the peer until the stream ends. The opening header was
	// exchanged; Serve sends the features first. It returns nil after an
	// orderly end, else the reason. It always leaves s closed. Nobody changes
	// peer from here on; Serve may keep it.
	Serve(ctx context.Context, s Stream, peer *Peer) error

	// End closes, with reason, every stream within scope that Serve has in
	// hand, those that wait for resumption included. Nothing that was ended
	// can be resumed.
	End(scope Scope, reason error)
}

// Transport names what carries a stream.
type Transport string

// The transports.
const (
	WebSocket Transport = "websocket" // RFC 7395
	BOSH      Transport = "bosh"      // XEP-0124, XEP-0206
	TCP       Transport = "tcp"       // RFC 6120
)

// Peer is what a transport knows about the far end of a stream.
type Peer struct {
	Conn      string    // an id for logs and metrics; not a secret
	Transport Transport //
	Addr      string    // the client's IP address, as the trusted proxies tell it
	Domain    string    // the domain the stream was opened to
	Lang      string    // xml:lang of the stream header, as Language has it, or empty
	From      string    // from of the stream header: the account of Domain that the client says it is, prepared and without a resource; proves nothing; empty: none
	Identity  Identity  // who the site says is calling; zero when it does not know
	External  bool      // the Identity may be used for SASL EXTERNAL
	Password  bool      // SASL PLAIN may be offered: the channel is private, and the mode wants passwords or tokens
	Native    bool      // no browser, which tells by its Origin
	SCRAM     bool      // SASL SCRAM may be offered too: the peer brings nothing that only PLAIN can carry, such as a token
	Binding   Binding   // ties a sign-in to the TLS connection; zero unless TLS ends in this process
	MaxBytes  int       // most bytes of one element that the transport takes; 0: not told

	Idle time.Duration // without a sign of life, after which the transport looks whether the peer is there; 0: not told
}

// Binding is the data of channel bindings (RFC 5056), nil where there is none.
type Binding struct {
	Endpoint []byte // tls-server-end-point (RFC 5929 §4)
	Exporter []byte // tls-exporter (RFC 9266), of TLS 1.3
}

// Identity is an account together with what proves it: a site session, a
// token, or an app password.
type Identity struct {
	User    string    // localpart, prepared (RFC 7622 §3.3); empty: nobody
	Session string    // public id of the session or app password that stands behind it; for a token, of the session that made it
	Expires time.Time // when the site session ends by itself; zero: never
}

// IsZero reports whether nobody is named.
func (i Identity) IsZero() bool { return i.User == "" }

// LogValue implements slog.LogValuer.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.User) }

// Scope selects streams to end. A stream matches when every field that is set
// is equal; the zero Scope matches nothing.
type Scope struct {
	User    string // the account's localpart
	Session string // Identity.Session
}

// Matches reports whether the streams of id are within the scope.
func (s Scope) Matches(id Identity) bool {
	if s == (Scope{}) {
		return false
	}
	return (s.User == "" || s.User == id.User) && (s.Session == "" || s.Session == id.Session)
}

// Ways a stream ends other than by an *Error.
var (
	ErrClosed       = errors.New("stream: closed")
	ErrDisconnected = errors.New("stream: peer disconnected")
	ErrOverflow     = errors.New("stream: the peer reads too slowly")
)

// IsEnd reports whether err is the way a healthy stream ends.
func IsEnd(err error) bool {
	return errors.Is(err, ErrDisconnected) || errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled)
}
